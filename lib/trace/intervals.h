/* SPDX-License-Identifier: MIT */
/* The table behind mh_intervals_read(), for those who see the events anyway. */
#ifndef MEMHEAT_TRACE_INTERVALS_H
#define MEMHEAT_TRACE_INTERVALS_H

#include <memheat/trace.h>

struct mh_intervals {
	const struct mh_reader *reader;
	struct {
		struct mh_tuned *v;
		size_t nr, cap;
	} tuned; /* by source and time, once they are sorted */
};

/* An event of kind STAT; most are none of ours. */
int mh_intervals_take(struct mh_intervals *t, const struct mh_event *ev,
		      struct mh_err *err) MH_MUST_CHECK;
void mh_intervals_sort(struct mh_intervals *t);
void mh_intervals_fini(struct mh_intervals *t);

#endif
