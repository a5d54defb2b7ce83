/* SPDX-License-Identifier: MIT */
#include "analyze/lookup.h"

#include <stdlib.h>
#include <string.h>

int mh_lookup_init(struct mh_lookup *l, size_t nr)
{
	memset(l, 0, sizeof(*l));
	l->nr = nr;
	l->v = aligned_alloc(sizeof(*l->v), (nr + 1) * sizeof(*l->v));
	if (!l->v)
		return -1;
	memset(l->v, 0, (nr + 1) * sizeof(*l->v));
	return 0;
}

void mh_lookup_start(struct mh_lookup *l)
{
	uint64_t chunks, limit = (1u << MH_LOOKUP_BITS) / 8;
	size_t i;

	for (l->shift = 12; l->shift < 40; l->shift++) {
		for (i = 0, chunks = 0; i < l->nr && chunks <= limit; i++)
			chunks += (l->v[i].len >> l->shift) + 1;
		if (chunks <= limit)
			break;
	}
	/* More stretches than that: a chunk of 2 MiB keeps neighbours apart. */
	if (l->nr > limit)
		l->shift = 21;
}

void mh_lookup_fini(struct mh_lookup *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

const struct mh_stretch *mh_lookup_miss(struct mh_lookup *l, uint64_t key, uint64_t addr,
					uint32_t slot)
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
		return NULL;
	l->guess[slot] = (uint32_t)lo;
	return &l->v[lo];
}
