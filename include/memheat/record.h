/* SPDX-License-Identifier: MIT */
/*
 * One recording: a target that is spawned or attached to, sources that watch it on one
 * clock, and the writer that keeps what they say.
 */
#ifndef MEMHEAT_RECORD_H
#define MEMHEAT_RECORD_H

#include <memheat/base.h>
#include <memheat/source.h>
#include <memheat/trace.h>

struct mh_recording;

struct mh_record_opts {
	const char *sources;  /* "refs,faults"; NULL or "auto": chosen by probing */
	int force;            /* allow sources that disturb each other */
	char *const *command; /* argv to spawn, NULL-terminated; NULL: attach to target */
	struct mh_target target; /* ignored (but ranges) when a command is spawned */
	struct mh_source_opts source;
	const char *path; /* the trace; "-": standard output */
	struct mh_writer_opts writer;
	int argc; /* of memheat itself, for META */
	char *const *argv;
	const struct mh_log *log;
	/* Log the allocations of a spawned command of so many bytes or more, by
	 * preloading
	 * @heap_shim into it; 0: do not. */
	uint64_t heap_bytes;
	const char *heap_shim;
};

/* What a running recording can say of itself, for a status line and the last words. */
struct mh_record_status {
	uint64_t elapsed_ns;
	uint64_t nr_events[MH_NR_EVENT_KINDS];
	uint64_t lost;
	uint64_t bytes;      /* written */
	uint64_t referenced; /* bytes of the last finished interval; MH_NO_BYTES: none */
	uint64_t observer_cpu_ns; /* CPU time of this process so far */
	uint64_t stall_max_ns;    /* longest time that a target may have been stalled */
	size_t nr_targets;        /* live processes */
};

/*
 * Open the trace and the sources; spawn the command, stopped before its exec. Nothing of
 * the target has run or changed when this fails.
 */
int mh_recording_open(struct mh_recording **out, const struct mh_record_opts *opts,
		      struct mh_err *err) MH_MUST_CHECK;

/*
 * Let the command go, or begin at once when attached. A command that cannot be executed
 * gives MH_ENOTARGET with sys_errno ENOENT or another error of execve(2).
 */
int mh_recording_start(struct mh_recording *rec, struct mh_err *err) MH_MUST_CHECK;

/*
 * Wait for events and deadlines, and take what is ready.
 *
 * @extra_fd: also woken by this descriptor (signals of the caller); -1: none
 * @until_ns: return by then at the latest (CLOCK_MONOTONIC); UINT64_MAX: no limit
 * Returns MH_OK; MH_END when every target has ended (the command was reaped).
 */
int mh_recording_step(struct mh_recording *rec, int extra_fd, uint64_t until_ns,
		      struct mh_err *err) MH_MUST_CHECK;

void mh_recording_status(const struct mh_recording *rec, struct mh_record_status *out);

/* wait(2)'s status of the spawned command once it has ended; -1 before. */
int mh_recording_wait_status(const struct mh_recording *rec);
/* Its pid; 0: nothing was spawned. */
pid_t mh_recording_command_pid(const struct mh_recording *rec);

/*
 * Take the rest from the sources, restore the kernel's state, write observer costs, close
 * the trace, free @rec whatever is returned. A command that still runs is left running.
 */
int mh_recording_close(struct mh_recording *rec, struct mh_err *err) MH_MUST_CHECK;

#endif
