/* SPDX-License-Identifier: MIT */
/* The one function behind mh_vec_push(). */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mh_vec_grow(void **v, size_t *nr, size_t *cap, size_t size)
{
	char *element;

	if (*nr == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		void *p;

		if (more > SIZE_MAX / size)
			return NULL;
		p = realloc(*v, more * size);
		if (!p)
			return NULL;
		*v = p;
		*cap = more;
	}
	element = (char *)*v + *nr * size;
	memset(element, 0, size);
	++*nr;
	return element;
}
