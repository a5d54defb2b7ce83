/* SPDX-License-Identifier: MIT */
/* A recording from the inside: what its opening, its loop and its end share. */
#ifndef MEMHEAT_RECORD_RECORDING_H
#define MEMHEAT_RECORD_RECORDING_H

#include <memheat/record.h>

#include <limits.h>
#include <stdbool.h>

#include "record/buildid.h"
#include "record/choose.h"
#include "record/cost.h"
#include "record/early.h"
#include "record/heap.h"
#include "record/seen.h"
#include "record/spawn.h"

struct run {
	const struct mh_source_ops *ops;
	struct mh_source *src; /* NULL: it ended or failed */
	uint64_t failed_ns;    /* 0: it did not */
};

struct root {
	pid_t pid;
	int pidfd; /* -1: gone, or none */
	bool gone;
};

struct mh_recording {
	struct mh_record_opts opts; /* strings and arrays are the caller's */
	struct mh_target target;
	char cgroup[PATH_MAX]; /* its folder, where one is the target */
	const char *sysroot;
	pid_t command_pid;
	struct mh_child child;
	struct mh_heap_log *heap; /* NULL: none */
	uint64_t heap_ns;         /* when to look into it */
	bool heap_checked;        /* why the command has none was said */
	struct run runs[MH_SOURCES_MAX];
	size_t nr_runs;
	struct {
		struct root *v;
		size_t nr, cap;
	} roots;
	struct mh_early early;
	struct mh_writer *writer; /* NULL: not open yet; events are kept early */
	bool moved_old, started;
	int failed; /* status of the writer's failure */
	struct mh_err why;
	struct mh_seen seen;
	struct mh_build_ids build_ids;
	uint64_t start_ns, tick_ns;
	uint64_t nr_events[MH_NR_EVENT_KINDS], lost, stall_max_ns;
	bool stall_known, gives_footprint;
	struct mh_rollups rollups;
	struct {
		struct program {
			uint32_t pid;
			char comm[16];
		} * v;
		size_t nr, cap;
	} programs; /* that were started, where there is a heap log */
};

/* ---- record.c ---- */

/* An event of a source, dated and named, into the trace or what is kept for it. The first
 * failure of the trace is given again ever after. @arg: the recording */
int mh_recording_sink(void *arg, const struct mh_event *ev, struct mh_err *err);
/* Straight into the trace, which is open. */
int mh_recording_write(struct mh_recording *rec, const struct mh_event *ev,
		       struct mh_err *err);
/* The command as a process: its FORK and EXIT. */
int mh_recording_tell_command(struct mh_recording *rec, enum mh_task_op op,
			      struct mh_err *err);
int mh_recording_take_heap(struct mh_recording *rec, int last, struct mh_err *err);
/* What is told once a second: footprints, what recording costs. */
int mh_recording_tick(struct mh_recording *rec, struct mh_err *err);
/* A source that fails is closed and said; only what stops all is passed on. */
int mh_recording_step_source(struct mh_recording *rec, struct run *run, int last);

#endif
