/* SPDX-License-Identifier: MIT */
/*
 * Which of many disjoint stretches of address a sample falls into, a few ns each.
 *
 * A small table indexed by a hash of space and chunk guesses the stretch; the guess is
 * checked against the stretch itself. A miss searches and corrects the table. Chunks are
 * as small as lets all stretches fit into a part of the table.
 */
#ifndef MEMHEAT_ANALYZE_LOOKUP_H
#define MEMHEAT_ANALYZE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MH_LOOKUP_BITS 12

/* A cache line, so that its number is its place; the second half is its user's. */
struct mh_stretch {
	uint64_t key, start, len;
	uint64_t mul; /* of a struct mh_axis, as pre and post */
	uint32_t row, band;
	uint8_t pre, post;
	bool rows;
} __attribute__((aligned(64)));

struct mh_lookup {
	struct mh_stretch
		*v; /* by key, then address; the one past the last never matches */
	size_t nr;
	unsigned shift; /* of a chunk */
	uint32_t guess[1u << MH_LOOKUP_BITS];
};

/* @nr stretches, to be filled in by the caller in order. Negative: out of memory. */
int mh_lookup_init(struct mh_lookup *l, size_t nr);
/* Call once when they are filled in. */
void mh_lookup_start(struct mh_lookup *l);
void mh_lookup_fini(struct mh_lookup *l);

const struct mh_stretch *mh_lookup_miss(struct mh_lookup *l, uint64_t key, uint64_t addr,
					uint32_t slot);

static inline bool mh_stretch_has(const struct mh_stretch *s, uint64_t key, uint64_t addr)
{
	return s->key == key && addr - s->start < s->len;
}

/* NULL: in none. Its index is its distance from l->v. */
static inline const struct mh_stretch *mh_lookup_find(struct mh_lookup *l, uint64_t key,
						      uint64_t addr)
{
	/* Keys are small numbers: far away from the bits of an address's chunk. */
	uint64_t h = (addr >> l->shift) ^ key << 40;
	uint32_t slot =
		(uint32_t)(h * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MH_LOOKUP_BITS));
	const struct mh_stretch *s = &l->v[l->guess[slot]];

	if (mh_stretch_has(s, key, addr))
		return s;
	return mh_lookup_miss(l, key, addr, slot);
}

#endif
