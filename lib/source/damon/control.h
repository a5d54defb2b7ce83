/* SPDX-License-Identifier: MIT */
/* A kdamond of our own: set up, switched on, given other targets, removed. */
#ifndef MEMHEAT_SOURCE_DAMON_CONTROL_H
#define MEMHEAT_SOURCE_DAMON_CONTROL_H

#include <stdbool.h>

#include <memheat/source.h>

#include "source/damon/fs.h"
#include "source/damon/lease.h"

/* What is to be monitored, and how. Arrays are borrowed for the calls. */
struct damon_params {
	const char *operations; /* "vaddr", "fvaddr", "paddr" */
	uint64_t sample_us, aggr_us, update_us;
	uint64_t nr_regions_min, nr_regions_max;
	struct {
		bool on;
		uint64_t access_bp, aggrs, sample_min_us, sample_max_us;
	} goal;            /* the kernel tunes the intervals */
	bool polled;       /* a scheme that does nothing, to ask for regions */
	const pid_t *pids; /* one target each; paddr: none, one target */
	size_t nr_pids;
	const struct mh_range *ranges; /* of every target; fvaddr and paddr */
	size_t nr_ranges;
	const struct mh_page_filter *filters; /* of the scheme; polled only */
	size_t nr_filters;
};

struct damon_control {
	struct damon_fs *fs;
	struct damon_lease lease;
	bool made;  /* the directories of kdamond 0 are ours */
	bool goals; /* the kernel has intervals_goal */
};

/*
 * Make the kdamond's directories and write everything but `on`. Only when there are no
 * kdamonds at all; what a killed memheat left is removed first.
 *
 * Returns MH_OK; MH_ENOSUP when DAMON is taken or the kernel lacks something; MH_EPERM;
 * MH_ESYS. Nothing is left behind when it fails.
 */
int mh_damon_setup(struct damon_control *c, struct damon_fs *fs,
		   const struct damon_params *p, struct mh_err *err) MH_MUST_CHECK;

/* Start it; *kdamond receives its thread id. */
int mh_damon_on(struct damon_control *c, const struct damon_params *p, pid_t *kdamond,
		struct mh_err *err) MH_MUST_CHECK;

/* Give it the targets of @p while it runs. MH_ENOTARGET when a process has ended. */
int mh_damon_retarget(struct damon_control *c, const struct damon_params *p,
		      struct mh_err *err) MH_MUST_CHECK;

/* Write the targets of @p, for the next `on`. */
int mh_damon_set_targets(struct damon_control *c, const struct damon_params *p,
			 struct mh_err *err) MH_MUST_CHECK;

/* Whether it runs; a target's end stops it. */
bool mh_damon_is_on(struct damon_control *c);

/*
 * Stop it and remove what was made, unless it has become another's. NULL is allowed.
 *
 * Returns MH_OK; a failure says what stays behind.
 */
int mh_damon_teardown(struct damon_control *c, struct mh_err *err);

#endif
