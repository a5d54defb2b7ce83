/* SPDX-License-Identifier: MIT */
/*
 * Snapshots out of the tracepoint damon:damon_aggregated, which tells one region at a
 * time with the number of regions of its snapshot. The tracepoint does not say how long
 * an interval is: a snapshot's begins where the one before of the same target ended, the
 * first one's is taken to be as long as the second's. Nor does it say how many checks an
 * interval had: DAMON's default, 20 (100 ms of 5 ms), is taken and said.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_PERF_DAMON_H
#define MEMHEAT_SOURCE_IMPORT_PERF_DAMON_H

#include <stdbool.h>
#include <stddef.h>

#include <memheat/event.h>

#define MH_DAMON_CHECKS      20
#define MH_DAMON_TARGETS_MAX 256
#define MH_DAMON_ROWS_MAX    (1u << 17)

struct perf_damon_target {
	uint64_t id;
	uint64_t end_ns; /* of the last snapshot; 0: none yet */
	uint32_t want;   /* regions of the snapshot under way */
	uint64_t time_ns;
	bool waits; /* the rows are the first snapshot's, whose length is not known yet */
	struct mh_ev_region *v, *first;
	size_t nr, cap, nr_first, cap_first;
	uint64_t first_ns;
};

struct perf_damon {
	struct perf_damon_target *v;
	size_t nr, cap;
	uint64_t nr_missing; /* regions that a snapshot should have had */
	uint64_t nr_refused; /* targets or regions beyond the limits above */
	bool raised;         /* some region had more accesses than checks were taken */
};

struct perf_damon_row {
	uint64_t target, start, end, time_ns;
	uint32_t nr_regions, nr_accesses, age;
};

/* Take one region; whole snapshots go to @fn as REGION. @source: of the events */
int mh_perf_damon_add(struct perf_damon *d, const struct perf_damon_row *row,
		      uint16_t source, mh_event_fn fn, void *arg,
		      struct mh_err *err) MH_MUST_CHECK;
/* What is unfinished. */
int mh_perf_damon_flush(struct perf_damon *d, uint16_t source, mh_event_fn fn, void *arg,
			struct mh_err *err) MH_MUST_CHECK;
void mh_perf_damon_fini(struct perf_damon *d);

#endif
