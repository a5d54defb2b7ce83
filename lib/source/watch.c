/* SPDX-License-Identifier: MIT */
/*
 * The time between two scans is the interval; it is lengthened when scans cost more CPU
 * time than allowed. Below 100 ms pages in the TLB would read as untouched.
 *
 * Not handled: processes that begin and end between two scans (they are never seen).
 */
#include "source/watch.h"

#include "base/vec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_DEFAULT_NS 1000000000u
#define INTERVAL_FLOOR_NS   100000000u

/* ---- opening ---- */

static int check_opts(const struct mh_source_opts *opts, const char *name,
		      struct mh_err *err)
{
	if (opts->interval_ns && opts->interval_ns < INTERVAL_FLOOR_NS)
		return mh_fail(
			err, MH_EINPUT,
			"%s: an interval below 100 ms would miss pages that stay in "
			"the TLB; use --interval 100ms or more",
			name);
	if (opts->overhead < 0 || opts->overhead > 1)
		return mh_fail(err, MH_EINPUT, "--overhead is a share: 1%% to 100%%");
	return MH_OK;
}

static uint64_t boot_ticks(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * (uint64_t)sysconf(_SC_CLK_TCK) +
	       (uint64_t)ts.tv_nsec * (uint64_t)sysconf(_SC_CLK_TCK) / 1000000000u;
}

int mh_watch_init(struct watch *w, const struct watch_ops *ops, void *src, uint16_t id,
		  const struct mh_target *target, const struct mh_source_opts *opts,
		  struct mh_err *err)
{
	int status = check_opts(opts, ops->name, err);

	*w = (struct watch){ .ops = ops, .src = src, .target = *target };
	if (status)
		return status;
	w->sysroot = strdup(opts->sysroot ? opts->sysroot : "");
	if (!w->sysroot)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (opts->log)
		w->log = *opts->log;
	w->interval_ns = opts->interval_ns ? opts->interval_ns : INTERVAL_DEFAULT_NS;
	w->overhead = opts->overhead > 0 ? opts->overhead : ops->overhead;
	w->round.sysroot = w->sysroot;
	w->round.source = id;
	w->opened_ns = w->deadline_ns = mh_round_now_ns();
	if (target->spawned) {
		/* It has not run yet: everything from now on is since its start. */
		w->last_ns = w->deadline_ns;
		w->last_ticks = boot_ticks();
		w->deadline_ns += w->interval_ns;
	}
	return MH_OK;
}

static void free_watched(struct watch *w, struct watched *p)
{
	w->ops->fini(p);
	free(p);
}

void mh_watch_fini(struct watch *w)
{
	size_t i;

	for (i = 0; i < w->procs.nr; i++)
		free_watched(w, w->procs.v[i]);
	free(w->procs.v);
	free(w->found.v);
	free(w->sysroot);
}

int mh_watch_tell_params(const struct watch *w, struct mh_err *err)
{
	char interval[32], overhead[32];
	int status;

	snprintf(interval, sizeof(interval), "%" PRIu64, w->interval_ns);
	snprintf(overhead, sizeof(overhead), "%g", w->overhead);
	status = mh_round_meta(&w->round, "interval_ns", interval, err);
	return status ? status : mh_round_meta(&w->round, "overhead", overhead, err);
}

/* ---- the processes of the target ---- */

static int tell_task(const struct watch *w, const struct proc_stat *stat,
		     enum mh_task_op op, uint64_t time_ns, struct mh_err *err)
{
	struct mh_event ev = mh_round_event(&w->round, MH_EV_TASK);

	ev.time_ns = time_ns;
	ev.task.op = (uint8_t)op;
	ev.task.pid = ev.task.tid = (uint32_t)stat->pid;
	ev.task.ppid = (uint32_t)stat->ppid;
	ev.task.comm = stat->comm;
	return mh_round_send(&w->round, &ev, err);
}

/* The command that we spawned, before and after its exec. */
static bool is_command(const struct watch *w, const struct proc_stat *stat)
{
	return w->target.spawned && stat->pid == w->target.pids[0];
}

/* A process that began after the last scan was never idle: what it has touched since
 * then, it touched in this interval, without having been armed. */
static bool born_in_interval(const struct watch *w, const struct proc_stat *stat)
{
	return is_command(w, stat) || (w->last_ns && stat->start_ticks >= w->last_ticks);
}

static int add(struct watch *w, const struct proc_stat *stat, struct mh_err *err)
{
	struct watched **slot = mh_vec_push(&w->procs);
	bool born = born_in_interval(w, stat);
	enum mh_task_op op = is_command(w, stat) ? MH_TASK_EXEC
			     : born              ? MH_TASK_FORK
						 : MH_TASK_FOUND;

	if (slot)
		*slot = calloc(1, w->ops->size);
	if (!slot || !*slot) {
		w->procs.nr -= slot != NULL;
		return mh_fail(err, MH_ENOMEM, "out of memory");
	}
	(*slot)->stat = *stat;
	(*slot)->alive = true;
	w->met_any = true;
	if (born)
		(*slot)->armed_ns = w->last_ns;
	return tell_task(w, stat, op, born ? w->last_ns : w->round.time_ns, err);
}

/* The same process under the same or another program. */
static int update(struct watch *w, struct watched *p, const struct proc_stat *stat,
		  struct mh_err *err)
{
	bool exec = p->stat.start_code != stat->start_code ||
		    p->stat.start_stack != stat->start_stack;
	bool renamed = strcmp(p->stat.comm, stat->comm) != 0;

	p->alive = true;
	p->stat = *stat;
	if (exec) {
		w->ops->forget(p);
		p->armed_ns = w->last_ns;
		return tell_task(w, stat, MH_TASK_EXEC, w->last_ns, err);
	}
	return renamed ? tell_task(w, stat, MH_TASK_COMM, w->round.time_ns, err) : MH_OK;
}

static struct watched *find(struct watch *w, const struct proc_stat *stat)
{
	size_t i;

	for (i = 0; i < w->procs.nr; i++)
		if (w->procs.v[i]->stat.pid == stat->pid &&
		    w->procs.v[i]->stat.start_ticks == stat->start_ticks)
			return w->procs.v[i];
	return NULL;
}

static int meet(struct watch *w, struct mh_err *err)
{
	int status = mh_tree_list(&w->found, &w->target, w->sysroot, err);
	size_t i;

	if (status == MH_ENOTARGET && w->met_any) /* a control group that was removed */
		status = MH_OK;
	for (i = 0; i < w->procs.nr; i++)
		w->procs.v[i]->alive = false;
	for (i = 0; !status && i < w->found.nr; i++) {
		const struct proc_stat *stat = &w->found.v[i];
		struct watched *p = find(w, stat);

		status = p ? update(w, p, stat, err) : add(w, stat, err);
	}
	return status;
}

/* It ended some time in the interval: what it touched in it cannot be known. */
static int tell_exit(struct watch *w, const struct watched *p, struct mh_err *err)
{
	int status = MH_OK;

	if (p->armed_ns)
		status = mh_round_gap(&w->round, p->armed_ns, p->stat.pid, MH_GAP_EXITED,
				      err);
	return status ? status
		      : tell_task(w, &p->stat, MH_TASK_EXIT, w->round.time_ns, err);
}

/* In order: where a page is told once, the first process that maps it tells of it, in
 * every scan the same. */
static int drop_ended(struct watch *w, struct mh_err *err)
{
	size_t i, kept = 0;
	int status = MH_OK;

	for (i = 0; i < w->procs.nr; i++) {
		struct watched *p = w->procs.v[i];

		if (!p->alive && !status) {
			status = tell_exit(w, p, err);
			free_watched(w, p);
		} else {
			w->procs.v[kept++] = p;
		}
	}
	w->procs.nr = kept;
	return status;
}

int mh_watch_failed(struct watch *w, struct watched *p, int status,
		    const struct mh_err *why, struct mh_err *err)
{
	switch (status) {
	case MH_ENOTARGET:
		p->alive = false;
		return MH_OK;
	case MH_EPERM:
	case MH_EFORMAT:
		if (!p->unreadable)
			mh_log_say(&w->log, MH_WARNING, "%s: %s", w->ops->name, why->msg);
		p->unreadable = true;
		p->armed_ns = 0;
		return mh_round_gap(&w->round, w->last_ns ? w->last_ns : w->round.time_ns,
				    p->stat.pid, MH_GAP_UNREADABLE, err);
	default:
		if (status && err)
			*err = *why;
		return status;
	}
}

/* ---- how much of the interval it ran ---- */

int mh_watch_ran(const struct watched *p, const struct round *r, bool *ran,
		 struct mh_err *err)
{
	pid_t pid = p->stat.pid;
	struct proc_sched now;
	bool known = mh_proc_sched_read(&now, r->sysroot, pid);
	int status;

	*ran = (known ? now.run_ns : mh_proc_run_ns(r->sysroot, pid)) != p->run_ns;
	/* A thread that ended took its part of the sums along. */
	if (!known || !p->armed_ns || p->armed_ns >= r->time_ns || !p->sched.run_ns ||
	    now.run_ns < p->sched.run_ns || now.wait_ns < p->sched.wait_ns)
		return MH_OK;
	status =
		mh_round_stat(r, pid, "window.run_ns", now.run_ns - p->sched.run_ns, err);
	return status ? status
		      : mh_round_stat(r, pid, "window.wait_ns",
				      now.wait_ns - p->sched.wait_ns, err);
}

void mh_watch_note_run(struct watched *p, const struct round *r)
{
	bool known = mh_proc_sched_read(&p->sched, r->sysroot, p->stat.pid);

	p->run_ns = known ? p->sched.run_ns : mh_proc_run_ns(r->sysroot, p->stat.pid);
}

/* ---- scanning ---- */

/* CPU time, not elapsed time: on a busy machine a scan waits, which costs nobody. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The next scan: an interval from this one, or later when scans cost too much. */
static void schedule(struct watch *w, uint64_t took_ns)
{
	uint64_t least_ns = (uint64_t)((double)took_ns / w->overhead);
	uint64_t next_ns = w->interval_ns > least_ns ? w->interval_ns : least_ns;
	uint64_t told_ns = w->told_interval_ns ? w->told_interval_ns : w->interval_ns;

	w->least_ns = least_ns;
	w->deadline_ns = w->round.time_ns + next_ns;
	if (next_ns < told_ns + told_ns / 4)
		return;
	w->told_interval_ns = next_ns;
	mh_log_say(&w->log, MH_NOTICE,
		   "%s: interval lengthened from %.3g s to %.3g s: a scan of %.0f MiB "
		   "takes %.0f ms of CPU time (--overhead %.3g%%)",
		   w->ops->name, (double)w->interval_ns / 1e9, (double)next_ns / 1e9,
		   (double)w->ops->scanned(w->src) / 1048576, (double)took_ns / 1e6,
		   w->overhead * 100);
}

static int scan(struct watch *w, struct mh_err *err)
{
	bool has_processes = w->target.type != MH_TARGET_SYSTEM;
	uint64_t began_ns = cpu_ns(), ticks = boot_ticks();
	int status = MH_OK;

	w->round.time_ns = mh_round_now_ns();
	if (has_processes)
		status = meet(w, err);
	if (!status)
		status = w->ops->scan(w->src, err);
	if (!status && has_processes)
		status = drop_ended(w, err);
	if (!status)
		status = w->ops->tell_cost(w->src, cpu_ns() - began_ns, err);
	if (!status)
		schedule(w, cpu_ns() - began_ns);
	w->last_ns = w->round.time_ns;
	w->last_ticks = ticks;
	return status;
}

/* The interval under way counts when it is nearly whole; a shorter one would pass for a
 * smaller working set. */
static bool worth_a_last_scan(const struct watch *w)
{
	uint64_t elapsed_ns = mh_round_now_ns() - w->last_ns;

	return w->last_ns && elapsed_ns >= w->interval_ns / 10 * 9 &&
	       elapsed_ns >= w->least_ns;
}

/* The end without a scan: only who has ended is said. */
static int tell_ended(struct watch *w, struct mh_err *err)
{
	int status;

	w->round.time_ns = mh_round_now_ns();
	if (w->target.type == MH_TARGET_SYSTEM)
		return MH_OK;
	status = meet(w, err);
	return status ? status : drop_ended(w, err);
}

/* A command that began and ended between scans: what it touched is not known. */
static int tell_never_seen(struct watch *w, struct mh_err *err)
{
	struct watched p = { .armed_ns = w->opened_ns };

	p.stat.pid = w->target.pids[0];
	return tell_exit(w, &p, err);
}

int mh_watch_step(struct watch *w, int last, mh_event_fn fn, void *arg,
		  struct mh_err *err)
{
	int status;

	if (!last && mh_round_now_ns() < w->deadline_ns)
		return MH_OK;
	w->round.fn = fn;
	w->round.arg = arg;
	status = last && !worth_a_last_scan(w) ? tell_ended(w, err) : scan(w, err);
	if (!status && last && w->target.spawned && !w->met_any)
		status = tell_never_seen(w, err);
	if (status)
		return status;
	return w->met_any && !w->procs.nr ? MH_END : MH_OK;
}
