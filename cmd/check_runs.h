/* SPDX-License-Identifier: MIT */
/* Where `check` and `baseline` get runs from: traces, or a command recorded N times. */
#ifndef MEMHEAT_CMD_CHECK_RUNS_H
#define MEMHEAT_CMD_CHECK_RUNS_H

#include <memheat/analyze.h>

#include "cmd.h"
#include "options.h"

struct mh_run_source {
	const char *sources, *label, *name, *keep;
	uint64_t repeat, interval_ns, skip_ns;
	double overhead;
	int no_heap;
	struct mh_strings metrics;
};

/* For a MH_OPT_GROUP, and what it holds before parsing. */
extern const struct mh_option mh_run_source_options[];
#define MH_RUN_SOURCE_DEFAULTS                                                           \
	{                                                                                \
		.label = "", .repeat = 5, .interval_ns = 1000000000,                     \
		.skip_ns = 2000000000, .overhead = 0.5                                   \
	}

/* Is what follows the options a command (it stands after "--") or a list of traces? */
int mh_is_command(int argc, char *const *argv);

struct mh_runs_result {
	struct mh_runs runs;
	int wait_status; /* of a workload that failed; -1: none did */
};

/*
 * Take the runs. What went wrong has been said.
 *
 * @wanted: metrics that every run must give
 * Returns MH_EXIT_OK; MH_EXIT_WORKLOAD with wait_status (-1: it could not be started);
 * another exit status. Release out->runs in every case.
 */
int mh_runs_take(struct mh_runs_result *out, const struct mh_run_source *src,
		 const struct mh_strings *wanted, int command, int argc, char **argv);

#endif
