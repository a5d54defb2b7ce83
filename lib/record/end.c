/* SPDX-License-Identifier: MIT */
/* A recording's end: the last word of each source, what was missed, and letting go. */
#include "record/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "record/cost.h"
#include "record/file.h"
#include "record/host.h"

static int tell_gap(struct mh_recording *rec, size_t i, struct mh_err *err)
{
	struct mh_event ev;

	if (!rec->runs[i].failed_ns)
		return MH_OK;
	mh_event_init(&ev, MH_EV_GAP);
	ev.source = (uint16_t)(i + 1);
	ev.time_ns = mh_now_ns();
	ev.gap.start_ns = rec->runs[i].failed_ns;
	ev.gap.cause = MH_GAP_STOPPED;
	return mh_recording_sink(rec, &ev, err);
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static int tell_command_end(struct mh_recording *rec, struct mh_err *err)
{
	const struct rusage *use = &rec->child.use;
	uint32_t pid = (uint32_t)rec->command_pid;
	int ret;

	if (rec->child.status < 0)
		return MH_OK;
	ret = mh_recording_tell_command(rec, MH_TASK_EXIT, err);
	if (!ret)
		ret = mh_stat_tell(mh_recording_sink, rec, pid, "target.cpu_total_ns",
				   timeval_ns(use->ru_utime) + timeval_ns(use->ru_stime),
				   err);
	if (!ret)
		ret = mh_stat_tell(mh_recording_sink, rec, pid, "target.rss_max",
				   (uint64_t)use->ru_maxrss * 1024, err);
	if (!ret)
		ret = mh_meta_tell(mh_recording_sink, rec, err, "target.wait_status",
				   "%d", rec->child.status);
	return ret;
}

static int tell_end(struct mh_recording *rec, struct mh_err *err)
{
	int ret = MH_OK;
	size_t i;

	for (i = 0; !ret && i < rec->nr_runs; i++)
		ret = tell_gap(rec, i, err);
	if (!ret)
		ret = tell_command_end(rec, err);
	if (!ret)
		ret = mh_recording_tick(rec, err);
	if (!ret && rec->stall_known)
		ret = mh_stat_tell(mh_recording_sink, rec, 0, "observer.stall_max_ns",
				   rec->stall_max_ns, err);
	if (!ret)
		ret = mh_meta_tell(mh_recording_sink, rec, err, "trace.end_ns",
				   "%" PRIu64, mh_now_ns());
	return ret;
}

static void say_left_running(struct mh_recording *rec)
{
	size_t i, nr = 0;

	if (rec->child.status < 0)
		return;
	for (i = 0; i < rec->seen.processes.nr; i++)
		nr += !rec->seen.processes.v[i].ended &&
		      rec->seen.processes.v[i].pid != (uint32_t)rec->command_pid;
	if (nr)
		mh_log_say(rec->opts.log, MH_NOTICE,
			   "the command has left %zu running; from now on that is not "
			   "recorded",
			   nr);
}

static void say_without_heap(const struct mh_recording *rec)
{
	char names[128] = "";
	size_t i, len = 0, nr = 0;

	for (i = 0; i < rec->programs.nr; i++) {
		const struct program *p = &rec->programs.v[i];

		if (mh_heap_log_has(rec->heap, p->pid) ||
		    (p->pid == (uint32_t)rec->command_pid && rec->heap_checked))
			continue;
		if (nr++ < 4)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len ? ", " : "", p->comm);
	}
	if (nr)
		mh_log_say(
			rec->opts.log, MH_WARNING,
			"%zu program%s ran without the heap log (static, setuid, or of "
			"another user): %s%s",
			nr, nr > 1 ? "s" : "", names, nr > 4 ? ", ..." : "");
}

/* Everything that is still to be told, into a trace that still takes it. */
static int finish(struct mh_recording *rec, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			ret = mh_recording_step_source(rec, &rec->runs[i], 1);
	}
	if (!ret && rec->heap)
		ret = mh_recording_take_heap(rec, 1, err);
	if (!ret)
		ret = tell_end(rec, err);
	if (!ret)
		say_left_running(rec);
	if (!ret && rec->heap)
		say_without_heap(rec);
	return ret;
}

static void release(struct mh_recording *rec)
{
	size_t i;

	for (i = 0; i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			rec->runs[i].ops->close(rec->runs[i].src);
	}
	for (i = 0; i < rec->roots.nr; i++) {
		if (rec->roots.v[i].pidfd >= 0)
			close(rec->roots.v[i].pidfd);
	}
	if (rec->child.pid)
		prctl(PR_SET_CHILD_SUBREAPER, 0);
	mh_child_fini(&rec->child);
	mh_heap_log_close(rec->heap);
	free(rec->programs.v);
	mh_early_fini(&rec->early);
	mh_seen_fini(&rec->seen);
	mh_build_ids_fini(&rec->build_ids);
	free(rec->roots.v);
	free(rec);
}

int mh_recording_close(struct mh_recording *rec, struct mh_err *err)
{
	struct mh_err closing = { 0 };
	bool opened;
	int ret = MH_OK, status;

	if (!rec)
		return MH_OK;
	opened = rec->writer != NULL;
	if (rec->started && !rec->failed)
		ret = finish(rec, err);
	if (rec->failed) {
		ret = rec->failed;
		if (err)
			*err = rec->why;
	}
	status = mh_writer_close(rec->writer, &closing);
	if (status && !ret) {
		ret = status;
		if (err)
			*err = closing;
	}
	if (opened && !rec->started)
		mh_trace_bring_back(rec->opts.path, rec->moved_old);
	release(rec);
	return ret;
}
