/* SPDX-License-Identifier: MIT */
/* Strings kept once: paths of mappings repeat for every process that maps a library. */
#include <stdlib.h>
#include <string.h>

#include "symbol/maps.h"

static size_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static char **slot(const struct mh_maps_strings *s, const char *str)
{
	size_t i = hash(str) & (s->cap - 1);

	while (s->v[i] && strcmp(s->v[i], str))
		i = (i + 1) & (s->cap - 1);
	return &s->v[i];
}

static int grow(struct mh_maps_strings *s)
{
	struct mh_maps_strings more = { .nr = s->nr, .cap = s->cap ? s->cap * 2 : 64 };
	size_t i;

	more.v = calloc(more.cap, sizeof(*more.v));
	if (!more.v)
		return -1;
	for (i = 0; i < s->cap; i++) {
		if (s->v[i])
			*slot(&more, s->v[i]) = s->v[i];
	}
	free(s->v);
	*s = more;
	return 0;
}

const char *mh_maps_strings_keep(struct mh_maps_strings *s, const char *str)
{
	char **p;

	if (2 * (s->nr + 1) > s->cap && grow(s))
		return NULL;
	p = slot(s, str);
	if (!*p) {
		*p = strdup(str);
		s->nr += *p != NULL;
	}
	return *p;
}

void mh_maps_strings_fini(struct mh_maps_strings *s)
{
	size_t i;

	for (i = 0; i < s->cap; i++)
		free(s->v[i]);
	free(s->v);
	memset(s, 0, sizeof(*s));
}
