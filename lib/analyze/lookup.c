/* SPDX-License-Identifier: MIT */
#include "analyze/lookup.h"

#include <stdlib.h>
#include <string.h>

int mh_lookup_init(struct mh_lookup *l, size_t nr)
{
	memset(l, 0, sizeof(*l));
	l->nr = nr;
	l->v = calloc(nr + 1, sizeof(*l->v));
	return l->v ? 0 : -1;
}

void mh_lookup_fini(struct mh_lookup *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

uint32_t mh_lookup_miss(struct mh_lookup *l, uint64_t key, uint64_t addr, uint32_t slot)
{
	size_t lo = 0, hi = l->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mh_stretch *s = &l->v[mid];

		if (s->key < key || (s->key == key && s->start + (s->len - 1) < addr))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == l->nr || l->v[lo].key != key || l->v[lo].start > addr)
		return MH_LOOKUP_NONE;
	l->guess[slot] = (uint32_t)lo;
	return (uint32_t)lo;
}
