/* SPDX-License-Identifier: MIT */
/* The one function behind mh_vec_push(). */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mh_vec_grow(void *v, size_t *nr, size_t *cap, size_t size)
{
	char *array, *element;

	/* The array pointer is copied out and in: its real type is T *, not void *. */
	memcpy(&array, v, sizeof(array));

	if (*nr == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		char *p;

		if (more > SIZE_MAX / size)
			return NULL;
		p = realloc(array, more * size);
		if (!p)
			return NULL;
		array = p;
		memcpy(v, &array, sizeof(array));
		*cap = more;
	}
	element = array + *nr * size;
	memset(element, 0, size);
	++*nr;
	return element;
}
