/* SPDX-License-Identifier: MIT */
/*
 * What the hardware told of a sample, decoded once per run of equal values, and whether
 * the filters on it let it pass.
 */
#ifndef MEMHEAT_ANALYZE_ACCESS_H
#define MEMHEAT_ANALYZE_ACCESS_H

#include "analyze/session.h"

/* Zero it, set session. One per thread. */
struct mh_accesses {
	const struct mh_session *session;
	uint64_t data_src;
	bool known, passes;
	struct mh_mem_access access;
};

void mh_accesses_decode(struct mh_accesses *a, uint64_t data_src);

/* NULL: the sample does not pass. */
static inline const struct mh_mem_access *mh_accesses_of(struct mh_accesses *a,
							 uint64_t data_src)
{
	if (!a->known || a->data_src != data_src)
		mh_accesses_decode(a, data_src);
	return a->passes ? &a->access : NULL;
}

/* Served farther away than the caches of the core's own node. */
static inline bool mh_access_is_far(const struct mh_mem_access *a)
{
	return a->level >= MH_LEVEL_REMOTE_CACHE;
}

static inline bool mh_access_missed_tlb(const struct mh_mem_access *a)
{
	return a->tlb == MH_TLB_WALK || a->tlb == MH_TLB_MISS || a->tlb == MH_TLB_FAULT;
}

/* Whether any filter on what the hardware told is set. */
bool mh_accesses_filtered(const struct mh_session *s);

#endif
