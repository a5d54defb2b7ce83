/* SPDX-License-Identifier: MIT */
/*
 * Places: the address axis of every space over the whole trace. Where mappings of
 * different times overlap, the one that was there longest gives its name: a loader maps a
 * library whole for a moment before it puts the segments in. Together they are the union.
 */
#ifndef MEMHEAT_ANALYZE_PLACES_H
#define MEMHEAT_ANALYZE_PLACES_H

#include "analyze/session.h"

struct mh_place {
	uint64_t key; /* of the space */
	struct mh_range addr;
	const struct mh_mapping *mapping; /* NULL: only data tell that it exists */
	double heat;                      /* of the survey */
};

struct mh_places {
	struct mh_place *v; /* by key, then address; disjoint */
	size_t nr, cap;
};

/* All mappings that the session's filters (--pid, --addr, --at) let through. */
int mh_places_of_maps(struct mh_places *out, const struct mh_session *s,
		      struct mh_err *err);
/* Restore the order after places were added at the end. */
void mh_places_sort(struct mh_places *p);
void mh_places_fini(struct mh_places *p);

/* Index of the first place at or after (@key, @addr): key greater, or end above. */
size_t mh_places_find(const struct mh_places *p, uint64_t key, uint64_t addr);

/* Two places that a person sees as one: a library's segments, pieces of one heap. */
int mh_places_same_object(const struct mh_place *a, const struct mh_place *b);

#endif
