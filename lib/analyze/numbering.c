/* SPDX-License-Identifier: MIT */
#include "analyze/numbering.h"

#include <stdlib.h>
#include <string.h>

static struct mh_numbering_slot *slot(const struct mh_numbering *ix, uint64_t key)
{
	size_t i = (key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (ix->cap - 1);

	while (ix->v[i].value != MH_NUMBER_NONE && ix->v[i].key != key)
		i = (i + 1) & (ix->cap - 1);
	return &ix->v[i];
}

uint32_t mh_numbering_get(const struct mh_numbering *ix, uint64_t key)
{
	return ix->cap ? slot(ix, key)->value : MH_NUMBER_NONE;
}

static int grow(struct mh_numbering *ix)
{
	struct mh_numbering more = { .nr = ix->nr, .cap = ix->cap ? ix->cap * 2 : 64 };
	size_t i;

	more.v = malloc(more.cap * sizeof(*more.v));
	if (!more.v)
		return -1;
	memset(more.v, 0xff, more.cap * sizeof(*more.v));
	for (i = 0; i < ix->cap; i++) {
		if (ix->v[i].value != MH_NUMBER_NONE)
			*slot(&more, ix->v[i].key) = ix->v[i];
	}
	free(ix->v);
	*ix = more;
	return 0;
}

int mh_numbering_set(struct mh_numbering *ix, uint64_t key, uint32_t value)
{
	struct mh_numbering_slot *s;

	if (2 * (ix->nr + 1) > ix->cap && grow(ix))
		return -1;
	s = slot(ix, key);
	ix->nr += s->value == MH_NUMBER_NONE;
	s->key = key;
	s->value = value;
	return 0;
}

void mh_numbering_fini(struct mh_numbering *ix)
{
	free(ix->v);
	memset(ix, 0, sizeof(*ix));
}
