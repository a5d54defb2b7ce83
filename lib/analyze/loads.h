/* SPDX-License-Identifier: MIT */
/* What each load does: where it is served from, how long it takes, how far it steps. */
#ifndef MEMHEAT_ANALYZE_LOADS_H
#define MEMHEAT_ANALYZE_LOADS_H

#include <memheat/view.h>

#include "analyze/numbering.h"
#include "analyze/pass.h"

#define MH_LOAD_BUCKETS 64 /* of latency: four to each doubling */
#define MH_LOAD_STEPS   48

struct mh_load {
	uint64_t key, ip;
	uint64_t samples, leveled, missed;
	uint32_t latency[MH_LOAD_BUCKETS], nr_latency;
	int64_t steps[MH_LOAD_STEPS]; /* from one sample to the next of one thread */
	uint32_t nr_steps, tid;
	uint64_t last;
};

struct mh_loads {
	const struct mh_session *session;
	struct mh_keys keys;
	struct mh_numbering index;
	struct {
		struct mh_load *v;
		size_t nr, cap;
	} loads;
};

/* @session is .arg; .part is a struct mh_loads. One thread, as steps need the order. */
void mh_loads_analysis(struct mh_analysis *out, const struct mh_session *session);

/* NULL: no load was sampled there. */
const struct mh_load *mh_loads_find(const struct mh_loads *loads, uint64_t key,
				    uint64_t ip);

void mh_load_describe(struct mh_profile_load *out, const struct mh_load *load);

#endif
