/* SPDX-License-Identifier: MIT */
#include "analyze/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

size_t mh_ranges_find(const struct mh_ranges *set, uint64_t addr)
{
	size_t lo = 0, hi = set->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (set->v[mid].r.end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert(struct mh_ranges *set, size_t at, struct mh_range r, double heat)
{
	if (!mh_vec_push(set))
		return -1;
	memmove(&set->v[at + 1], &set->v[at], (set->nr - 1 - at) * sizeof(*set->v));
	set->v[at] = (struct mh_heat_range){ r, heat };
	return 0;
}

int mh_ranges_add(struct mh_ranges *set, struct mh_range r, double heat)
{
	uint64_t below = r.start > set->join ? r.start - set->join : 0;
	uint64_t above = r.end < UINT64_MAX - set->join ? r.end + set->join : UINT64_MAX;
	struct mh_heat_range *hit;
	size_t i, end;

	if (set->last < set->nr) {
		hit = &set->v[set->last];
		if (hit->r.start <= r.start && r.end <= hit->r.end) {
			hit->heat += heat;
			return 0;
		}
	}
	/* The first range that ends at or above the joining distance. */
	i = below ? mh_ranges_find(set, below - 1) : 0;
	set->last = i;
	for (end = i; end < set->nr && set->v[end].r.start <= above; end++)
		;
	if (end == i)
		return insert(set, i, r, heat);
	hit = &set->v[i];
	if (r.start < hit->r.start)
		hit->r.start = r.start;
	if (set->v[end - 1].r.end > r.end)
		r.end = set->v[end - 1].r.end;
	hit->r.end = r.end;
	hit->heat += heat;
	for (size_t k = i + 1; k < end; k++)
		hit->heat += set->v[k].heat;
	memmove(&set->v[i + 1], &set->v[end], (set->nr - end) * sizeof(*set->v));
	set->nr -= end - i - 1;
	return 0;
}

int mh_ranges_merge(struct mh_ranges *set, const struct mh_ranges *from)
{
	size_t i;

	for (i = 0; i < from->nr; i++) {
		if (mh_ranges_add(set, from->v[i].r, from->v[i].heat))
			return -1;
	}
	return 0;
}

uint64_t mh_ranges_bytes(const struct mh_ranges *set)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < set->nr; i++)
		sum += mh_range_len(set->v[i].r);
	return sum;
}

void mh_ranges_fini(struct mh_ranges *set)
{
	free(set->v);
	memset(set, 0, sizeof(*set));
}
