/* SPDX-License-Identifier: MIT */
/* A growing set of disjoint address ranges, each with the heat that fell into it. */
#ifndef MEMHEAT_ANALYZE_RANGES_H
#define MEMHEAT_ANALYZE_RANGES_H

#include <memheat/base.h>

struct mh_heat_range {
	struct mh_range r;
	double heat;
};

/* Zeroed: empty. v is sorted; neighbours are further apart than the set's join. */
struct mh_ranges {
	struct mh_heat_range *v;
	size_t nr, cap;
	uint64_t join; /* ranges with at most this gap between them become one */
	size_t last;   /* where the last addition went: the next is often near */
};

/* Add a range, or heat to one that is there. Negative: out of memory. */
int mh_ranges_add(struct mh_ranges *set, struct mh_range r, double heat);
int mh_ranges_merge(struct mh_ranges *set, const struct mh_ranges *from);
/* Index of the first range that ends above @addr. */
size_t mh_ranges_find(const struct mh_ranges *set, uint64_t addr);
uint64_t mh_ranges_bytes(const struct mh_ranges *set);
void mh_ranges_fini(struct mh_ranges *set);

#endif
