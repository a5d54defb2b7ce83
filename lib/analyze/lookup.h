/* SPDX-License-Identifier: MIT */
/*
 * Which of many disjoint stretches of address a sample falls into, a few ns each.
 *
 * A small table indexed by a hash of space and 2 MiB chunk guesses the stretch; the guess
 * is checked against the stretch itself. A miss searches and corrects the table.
 */
#ifndef MEMHEAT_ANALYZE_LOOKUP_H
#define MEMHEAT_ANALYZE_LOOKUP_H

#include <memheat/trace.h>

#define MH_LOOKUP_BITS 11
#define MH_LOOKUP_NONE UINT32_MAX

struct mh_stretch {
	uint64_t key, start, len;
};

struct mh_lookup {
	struct mh_stretch *v; /* by key, then address; one more than nr, never matching */
	size_t nr;
	uint32_t guess[1u << MH_LOOKUP_BITS];
};

/* @nr stretches, to be filled in by the caller in order. Negative: out of memory. */
int mh_lookup_init(struct mh_lookup *l, size_t nr);
void mh_lookup_fini(struct mh_lookup *l);

uint32_t mh_lookup_miss(struct mh_lookup *l, uint64_t key, uint64_t addr, uint32_t slot);

static inline uint32_t mh_lookup_find(struct mh_lookup *l, uint64_t key, uint64_t addr)
{
	uint64_t h = (addr >> MH_OCCUPANCY_SHIFT) + key * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t slot = (uint32_t)(h * UINT64_C(0x9e3779b97f4a7c15) >>
				   (64 - MH_LOOKUP_BITS));
	const struct mh_stretch *s = &l->v[l->guess[slot]];

	if (s->key == key && addr - s->start < s->len)
		return l->guess[slot];
	return mh_lookup_miss(l, key, addr, slot);
}

#endif
