/* SPDX-License-Identifier: MIT */
/* What is hot and what is cold, derived from a view of heat. */
#ifndef MEMHEAT_EXPORT_THRESHOLDS_H
#define MEMHEAT_EXPORT_THRESHOLDS_H

#include "export/about.h"

struct mh_thresholds {
	/* Of bytes that were idle for so long, not one in a hundred was accessed within
	 * as long again. 0: the trace shows no such time. */
	uint64_t idle_ns;
	uint64_t cold;   /* bytes idle for so long, median over time */
	double promoted; /* of those, bytes per second that came back */
	/* Half of the accesses go to memory with at least this rate. NAN: there were
	 * none.
	 */
	double hot_rate;
};

int mh_thresholds_make(struct mh_thresholds *out, const struct mh_heat *h,
		       struct mh_err *err) MH_MUST_CHECK;

/* The head of exports that are made from heat. */
void mh_thresholds_about(struct mh_about *a, const char *name,
			 const struct mh_export_input *in);

#endif
