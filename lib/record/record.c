/* SPDX-License-Identifier: MIT */
/*
 * One recording. Nothing of the user's is touched before everything that may fail has
 * been tried: the command is forked and held, the sources are opened, then the previous
 * trace is moved aside and the new one begun, then the command goes.
 *
 * From then on the command comes first. A source that fails is closed and said, the
 * others go on; when the trace cannot be written any more recording stops, the command
 * runs on, and the failure is given at the end.
 *
 * A recording of a command ends when the command does. What it left running is said, and
 * left running.
 */
#include "record/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/vec.h"
#include "record/cgroup.h"
#include "record/cost.h"
#include "record/host.h"

#define TICK_NS 1000000000u
/* Without pidfds the end of a process is looked for this often. */
#define NO_PIDFD_NS    50000000u
#define FDS_PER_SOURCE 8

/* ---- events into the trace ---- */

static void note(struct mh_recording *rec, const struct mh_event *ev)
{
	rec->nr_events[ev->kind]++;
	if (ev->kind == MH_EV_LOST && ev->lost.cause != MH_LOST_THROTTLE &&
	    ev->lost.cause != MH_LOST_HEAP)
		rec->lost += ev->lost.count;
	if (ev->kind == MH_EV_STAT && !strcmp(ev->stat.name, "stall_ns")) {
		rec->stall_known = true;
		if (ev->stat.value > rec->stall_max_ns)
			rec->stall_max_ns = ev->stat.value;
	}
}

int mh_recording_write(struct mh_recording *rec, const struct mh_event *ev,
		       struct mh_err *err)
{
	int ret = mh_writer_add(rec->writer, ev, &rec->why);

	if (!ret) {
		note(rec, ev);
		return MH_OK;
	}
	rec->failed = ret;
	if (err)
		*err = rec->why;
	return ret;
}

/* A program that was started, to be asked at the end whether the log was in it. */
static int note_program(struct mh_recording *rec, const struct mh_ev_task *task)
{
	struct program *p;
	size_t i;

	for (i = 0; i < rec->programs.nr && rec->programs.v[i].pid != task->pid; i++)
		;
	p = i < rec->programs.nr ? &rec->programs.v[i] : mh_vec_push(&rec->programs);
	if (!p)
		return -1;
	p->pid = task->pid;
	snprintf(p->comm, sizeof(p->comm), "%s", task->comm);
	return 0;
}

int mh_recording_sink(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct mh_recording *rec = arg;
	struct mh_event dated;
	int ret;

	if (mh_seen_time(&rec->seen, ev) != ev->time_ns) {
		dated = *ev;
		dated.time_ns = mh_seen_time(&rec->seen, ev);
		ev = &dated;
	}
	ret = mh_seen_event(&rec->seen, ev, err);
	if (ret)
		return ret > 0 ? MH_OK : ret;
	if (ev->kind == MH_EV_MAP) {
		if (ev != &dated)
			dated = *ev;
		ev = &dated;
		mh_build_ids_fill(&rec->build_ids, &dated.map, rec->sysroot);
	}
	if (rec->heap && ev->kind == MH_EV_TASK && ev->task.op == MH_TASK_EXEC &&
	    note_program(rec, &ev->task))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (rec->failed) {
		if (err)
			*err = rec->why;
		return rec->failed;
	}
	return rec->writer ? mh_recording_write(rec, ev, err)
			   : mh_early_keep(&rec->early, ev, err);
}

/* ---- going ---- */

int mh_recording_tell_command(struct mh_recording *rec, enum mh_task_op op,
			      struct mh_err *err)
{
	const char *name = strrchr(rec->opts.command[0], '/');
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_TASK);
	ev.time_ns = mh_now_ns();
	ev.task.op = (uint8_t)op;
	ev.task.pid = ev.task.tid = (uint32_t)rec->command_pid;
	ev.task.ppid = (uint32_t)getpid();
	ev.task.comm = name ? name + 1 : rec->opts.command[0];
	return mh_recording_sink(rec, &ev, err);
}

int mh_recording_start(struct mh_recording *rec, struct mh_err *err)
{
	int ret;

	mh_assert(!rec->started);
	if (rec->opts.command)
		rec->start_ns = mh_now_ns();
	ret = mh_meta_tell(mh_recording_sink, rec, err, "trace.start_ns", "%" PRIu64,
			   rec->start_ns);
	if (!ret && rec->opts.command) {
		ret = mh_recording_tell_command(rec, MH_TASK_FORK, err);
		if (!ret)
			ret = mh_child_go(&rec->child, rec->opts.command[0], err);
	}
	if (ret)
		return ret;
	rec->started = true;
	rec->tick_ns = mh_now_ns() + TICK_NS;
	return MH_OK;
}

/* ---- the heap log ---- */

int mh_recording_take_heap(struct mh_recording *rec, int last, struct mh_err *err)
{
	int ret = mh_heap_log_take(rec->heap, last, mh_recording_sink, rec, err);

	rec->heap_ns = mh_heap_log_next_ns(rec->heap);
	return ret;
}

/* ---- once a second ---- */

static int tell_process(struct mh_recording *rec, uint32_t pid, bool *gone,
			struct mh_err *err)
{
	uint64_t now = mh_now_ns(), cpu_ns;
	struct mh_event ev;
	int ret = MH_OK;

	mh_event_init(&ev, MH_EV_FOOTPRINT);
	ev.time_ns = now;
	*gone = mh_cost_footprint(&ev.footprint, rec->sysroot, (pid_t)pid) != MH_OK;
	if (*gone)
		return MH_OK;
	if (!rec->gives_footprint) {
		mh_rollups_read(&rec->rollups, &ev.footprint, rec->sysroot);
		ret = mh_recording_sink(rec, &ev, err);
	}
	if (!ret && mh_cost_cpu_ns((pid_t)pid, &cpu_ns))
		ret = mh_stat_tell(mh_recording_sink, rec, pid, "target.cpu_ns", cpu_ns,
				   err);
	return ret;
}

/* Also forgets the processes that are gone: exits are not told by every source. */
static int tell_processes(struct mh_recording *rec, struct mh_err *err)
{
	size_t i = 0;
	bool gone;
	int ret;

	if (rec->target.type == MH_TARGET_SYSTEM)
		return MH_OK;
	mh_rollups_begin(&rec->rollups, mh_now_ns());
	while (i < rec->seen.processes.nr) {
		ret = tell_process(rec, rec->seen.processes.v[i].pid, &gone, err);
		if (ret)
			return ret;
		if (gone)
			mh_seen_drop(&rec->seen, i);
		else
			i++;
	}
	if (mh_rollups_end(&rec->rollups, mh_now_ns()))
		return mh_stat_tell(mh_recording_sink, rec, 0, "stall_ns",
				    rec->rollups.longest_ns, err);
	return MH_OK;
}

int mh_recording_tick(struct mh_recording *rec, struct mh_err *err)
{
	int ret;

	if (rec->child.pid)
		mh_child_reap_orphans(&rec->child);
	ret = tell_processes(rec, err);
	if (!ret && rec->target.type == MH_TARGET_CGROUP)
		ret = mh_cgroup_tell(rec->target.cgroup, mh_recording_sink, rec, err);
	if (!ret)
		ret = mh_stat_tell(mh_recording_sink, rec, 0, "observer.cpu_ns",
				   mh_cost_own_cpu_ns(), err);
	return ret;
}

/* ---- the loop ---- */

/*
 * A source ended or failed, or the trace did. Only what stops the whole recording is
 * passed on.
 */
static int judge(struct mh_recording *rec, struct run *run, int status,
		 const struct mh_err *why)
{
	if (!status || rec->failed)
		return rec->failed;
	if (status > 0) {
		run->ops->close(run->src);
		run->src = NULL;
		return MH_OK;
	}
	mh_log_say(rec->opts.log, MH_WARNING, "%s stopped: %s; the rest goes on",
		   run->ops->name, why->msg);
	run->ops->close(run->src);
	run->src = NULL;
	run->failed_ns = mh_now_ns();
	rec->seen.exact_tasks &= ~(1ull << (run - rec->runs + 1));
	return MH_OK;
}

int mh_recording_step_source(struct mh_recording *rec, struct run *run, int last)
{
	struct mh_err why = { 0 };
	int status = run->ops->step(run->src, last, mh_recording_sink, rec, &why);

	if (last && status > 0)
		return MH_OK;
	return judge(rec, run, status, &why);
}

struct waiting {
	struct pollfd fds[MH_SOURCES_MAX * FDS_PER_SOURCE + 2];
	size_t nr, nr_own;
	size_t first[MH_SOURCES_MAX], count[MH_SOURCES_MAX];
	uint64_t source_ns[MH_SOURCES_MAX], deadline_ns;
};

static void earlier(uint64_t *deadline_ns, uint64_t ns)
{
	if (ns < *deadline_ns)
		*deadline_ns = ns;
}

static void add_fd(struct waiting *w, int fd)
{
	w->fds[w->nr++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void collect_sources(const struct mh_recording *rec, struct waiting *w)
{
	int fds[FDS_PER_SOURCE];
	size_t i, k;

	for (i = 0; i < rec->nr_runs; i++) {
		const struct run *run = &rec->runs[i];

		w->first[i] = w->nr;
		w->count[i] = 0;
		w->source_ns[i] = UINT64_MAX;
		if (!run->src || rec->failed)
			continue;
		w->count[i] =
			run->ops->wait(run->src, fds, FDS_PER_SOURCE, &w->source_ns[i]);
		for (k = 0; k < w->count[i]; k++)
			add_fd(w, fds[k]);
		earlier(&w->deadline_ns, w->source_ns[i]);
	}
}

/* One root stands for all: the others are looked at when it has gone. */
static int end_fd(const struct mh_recording *rec)
{
	size_t i;

	if (rec->child.pid)
		return rec->child.pidfd;
	for (i = 0; i < rec->roots.nr; i++) {
		if (!rec->roots.v[i].gone && rec->roots.v[i].pidfd >= 0)
			return rec->roots.v[i].pidfd;
	}
	return -1;
}

static int wait_until(struct waiting *w)
{
	uint64_t now = mh_now_ns();
	struct timespec left = { 0 };
	int n;

	if (w->deadline_ns > now) {
		uint64_t ns = w->deadline_ns - now;

		left.tv_sec = (time_t)(ns / 1000000000u);
		left.tv_nsec = (long)(ns % 1000000000u);
	}
	n = ppoll(w->fds, w->nr, w->deadline_ns == UINT64_MAX ? NULL : &left, NULL);
	if (n < 0) {
		size_t i;

		for (i = 0; i < w->nr; i++)
			w->fds[i].revents = 0;
	}
	return n;
}

static bool is_due(const struct waiting *w, size_t source, uint64_t now)
{
	size_t k;

	if (now >= w->source_ns[source])
		return true;
	for (k = 0; k < w->count[source]; k++) {
		if (w->fds[w->first[source] + k].revents)
			return true;
	}
	return false;
}

static int step_sources(struct mh_recording *rec, const struct waiting *w)
{
	uint64_t now = mh_now_ns();
	bool any = false;
	size_t i;
	int ret;

	for (i = 0; i < rec->nr_runs; i++)
		any |= rec->runs[i].src && is_due(w, i, now);
	for (i = 0; any && i < rec->nr_runs; i++) {
		struct run *run = &rec->runs[i];

		/* Exact sources are asked whenever any is, so that a source that only
		 * looks does not tell of a mapping before the one that saw it made. */
		if (!run->src || !(is_due(w, i, now) || run->ops->gives_tasks))
			continue;
		ret = mh_recording_step_source(rec, run, 0);
		if (ret)
			return ret;
	}
	return MH_OK;
}

static bool roots_gone(struct mh_recording *rec)
{
	bool all = true;
	size_t i;

	for (i = 0; i < rec->roots.nr; i++) {
		struct root *root = &rec->roots.v[i];
		struct pollfd fd = { .fd = root->pidfd, .events = POLLIN };
		uint64_t ns;

		if (!root->gone)
			root->gone = root->pidfd >= 0 ? poll(&fd, 1, 0) > 0
						      : !mh_cost_cpu_ns(root->pid, &ns);
		all = all && root->gone;
	}
	return all;
}

static bool any_source(const struct mh_recording *rec)
{
	size_t i;

	for (i = 0; i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			return true;
	}
	return false;
}

/* MH_END when there is nothing left to record. */
static int look_for_end(struct mh_recording *rec, struct mh_err *err)
{
	if (rec->child.pid)
		return mh_child_reap(&rec->child) ? MH_END : MH_OK;
	if (!any_source(rec)) {
		size_t i;

		for (i = 0; i < rec->nr_runs; i++) {
			if (!rec->runs[i].failed_ns)
				return MH_END;
		}
		return mh_fail(err, MH_ESYS, "no source records any more");
	}
	if (rec->roots.nr && roots_gone(rec) && !mh_seen_nr_live(&rec->seen))
		return MH_END;
	return MH_OK;
}

/* The trace cannot grow. A command that is under way is let run to its end. */
static int writer_failed(struct mh_recording *rec, struct mh_err *err)
{
	size_t i;

	for (i = 0; i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			rec->runs[i].ops->close(rec->runs[i].src);
		rec->runs[i].src = NULL;
	}
	if (err)
		*err = rec->why;
	if (!rec->child.pid)
		return rec->failed;
	mh_log_say(rec->opts.log, MH_WARNING,
		   "%s; recording stopped, the command goes on", rec->why.msg);
	return MH_OK;
}

int mh_recording_step(struct mh_recording *rec, int extra_fd, uint64_t until_ns,
		      struct mh_err *err)
{
	struct waiting w = { .deadline_ns = until_ns };
	bool had_failed = rec->failed != 0;
	uint64_t now = mh_now_ns();
	int fd = end_fd(rec), ret;

	mh_assert(rec->started);
	if (extra_fd >= 0)
		add_fd(&w, extra_fd);
	if (fd >= 0)
		add_fd(&w, fd);
	else if (rec->child.pid || rec->roots.nr)
		earlier(&w.deadline_ns, now + NO_PIDFD_NS);
	collect_sources(rec, &w);
	earlier(&w.deadline_ns, rec->tick_ns);
	if (rec->heap && !rec->failed)
		earlier(&w.deadline_ns, rec->heap_ns);
	if (wait_until(&w) < 0 && errno != EINTR)
		return mh_fail_errno(err, "cannot wait for events");
	ret = rec->failed ? MH_OK : step_sources(rec, &w);
	now = mh_now_ns();
	if (!ret && !rec->failed && rec->heap && now >= rec->heap_ns)
		ret = mh_recording_take_heap(rec, 0, err);
	if (!ret && !rec->failed && now >= rec->tick_ns)
		ret = mh_recording_tick(rec, err);
	if (now >= rec->tick_ns)
		rec->tick_ns = now + TICK_NS;
	if (rec->failed && !had_failed)
		ret = writer_failed(rec, err);
	return ret ? ret : look_for_end(rec, err);
}

void mh_recording_status(const struct mh_recording *rec, struct mh_record_status *out)
{
	*out = (struct mh_record_status){
		.elapsed_ns = mh_now_ns() - rec->start_ns,
		.lost = rec->lost,
		.bytes = rec->writer ? mh_writer_bytes(rec->writer) : 0,
		.referenced = mh_seen_touched(&rec->seen),
		.observer_cpu_ns = mh_cost_own_cpu_ns(),
		.stall_max_ns = rec->stall_max_ns,
		.nr_targets = mh_seen_nr_live(&rec->seen),
	};
	memcpy(out->nr_events, rec->nr_events, sizeof(out->nr_events));
}

int mh_recording_wait_status(const struct mh_recording *rec)
{
	return rec->child.status;
}

pid_t mh_recording_command_pid(const struct mh_recording *rec)
{
	return rec->command_pid;
}
