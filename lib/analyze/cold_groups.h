/* SPDX-License-Identifier: MIT */
/* Cold bytes by the page's type, its NUMA node and its mapping. */
#ifndef MEMHEAT_ANALYZE_COLD_GROUPS_H
#define MEMHEAT_ANALYZE_COLD_GROUPS_H

#include <memheat/view.h>

#include "analyze/page_kinds.h"
#include "analyze/places.h"

struct mh_cold_groups {
	size_t nr_buckets;
	struct mh_page_kinds kinds;
	struct mh_places places;
	struct {
		struct mh_cold_group *v;
		size_t nr, cap;
	} groups;
	uint32_t *of_place; /* index into groups + 1; 0: none yet */
	uint32_t of_type[MH_NR_PAGE_TYPES], of_node[MH_NR_PAGE_NODES + 1], unmapped;
	uint32_t only_node; /* its number + 1: there are no others; 0: see kinds */
};

/* @g: zeroed; mh_cold_groups_fini() whatever is returned. */
int mh_cold_groups_init(struct mh_cold_groups *g, struct mh_session *s,
			const struct mh_session_source *src, struct mh_err *err);

/* @bytes of a space's @addr are in bucket @bucket: all of them, or it is not known which.
 * @weight: what a byte stands for. Negative: out of memory. */
int mh_cold_groups_count(struct mh_cold_groups *g, uint64_t key, struct mh_range addr,
			 uint64_t bytes, uint32_t weight, size_t bucket);

/* Hand the groups over, in order. */
void mh_cold_groups_take(struct mh_cold_groups *g, struct mh_cold *out);

void mh_cold_groups_fini(struct mh_cold_groups *g);

#endif
