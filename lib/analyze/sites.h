/* SPDX-License-Identifier: MIT */
/* Code addresses that samples name, each with what fell on it. */
#ifndef MEMHEAT_ANALYZE_SITES_H
#define MEMHEAT_ANALYZE_SITES_H

#include "analyze/numbering.h"
#include "analyze/pass.h"

struct mh_site {
	uint64_t key; /* of the space */
	uint64_t ip;
	uint64_t time_ns; /* of one of its samples */
	uint64_t samples, periods, weight;
};

struct mh_sites {
	const struct mh_session *session;
	struct mh_keys keys;
	struct mh_numbering index;
	struct {
		struct mh_site *v;
		size_t nr, cap;
	} sites;
	const struct mh_places *at; /* NULL: no --at */
};

/* What all threads share. */
struct mh_sites_frame {
	const struct mh_session *session;
	const struct mh_places *at;
};

/* .part is a struct mh_sites. */
void mh_sites_analysis(struct mh_analysis *out, const struct mh_sites_frame *f);

#endif
