/* SPDX-License-Identifier: MIT */
/*
 * Source `refs`: clear_refs and smaps, the working set that any kernel tells to any user
 * about their own processes. Sizes are page-exact, places are whole mappings.
 *
 * A scan reads every process of the target, then clears its accessed bits; the time
 * between two scans is the interval. Scans cost the target the time that its mmap lock is
 * held and us a walk of its page tables, so the interval grows with the scan: it is never
 * shorter than the CPU time of a scan / overhead. A target that touches all of its memory
 * loses about as much again, as each of its pages has to be marked anew: hence a default
 * that keeps both below 2 %. Below 100 ms pages in the TLB would read as untouched.
 *
 * Not handled: processes that begin and end between two scans (they are never seen),
 * pages of hugetlb mappings, accesses of a KVM guest (clear_refs does not reach its
 * tables).
 */
#include "source/refs/refs.h"

#include "base/vec.h"
#include "source/refs/proc.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_DEFAULT_NS 1000000000u
#define INTERVAL_FLOOR_NS   100000000u
#define OVERHEAD_DEFAULT    0.015

struct mh_source {
	const struct mh_source_ops *ops;
	uint16_t id;
	struct mh_target target;
	struct mh_log log;
	char sysroot[PATH_MAX / 2];
	uint64_t interval_ns;
	double overhead;
	uint64_t opened_ns;
	uint64_t last_scan_ns;    /* 0: none yet */
	uint64_t last_scan_ticks; /* the same in ticks since boot */
	uint64_t deadline_ns;
	uint64_t told_interval_ns; /* the lengthened interval that was said last */
	bool met_any;
	struct {
		struct refs_proc *v;
		size_t nr, cap;
	} procs;
	struct proc_list found;
	struct refs_scan scan;
};

/* ---- probing ---- */

static int probe(struct mh_probe *out, const struct mh_target *target,
		 const struct mh_source_opts *opts, struct mh_err *err)
{
	const char *root = opts && opts->sysroot ? opts->sysroot : "";
	char path[PATH_MAX];

	(void)err;
	*out = (struct mh_probe){ .usable = 1 };
	snprintf(path, sizeof(path), "%s/proc/self/clear_refs", root);
	if (access(path, W_OK)) {
		out->usable = 0;
		snprintf(out->reason, sizeof(out->reason),
			 "no /proc/PID/clear_refs: the kernel lacks "
			 "CONFIG_PROC_PAGE_MONITOR, "
			 "or /proc is read-only");
	} else if (target && target->type == MH_TARGET_SYSTEM) {
		out->usable = 0;
		snprintf(out->reason, sizeof(out->reason), "refs watches processes");
		snprintf(out->fix, sizeof(out->fix),
			 "use -p PID, --cgroup PATH or -- CMD");
	} else if (geteuid()) {
		snprintf(out->reason, sizeof(out->reason),
			 "own processes only (not root)");
	}
	return MH_OK;
}

/* ---- opening ---- */

static int tell_meta(const struct mh_source *src, const char *name, const char *value,
		     mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_event ev;
	char key[64];

	mh_event_init(&ev, MH_EV_META);
	ev.time_ns = mh_refs_now_ns();
	snprintf(key, sizeof(key), "source.%u.%s", src->id, name);
	ev.meta.key = key;
	ev.meta.value = value;
	return fn(arg, &ev, err);
}

static int tell_params(const struct mh_source *src, mh_event_fn fn, void *arg,
		       struct mh_err *err)
{
	char interval[32], overhead[32];
	int status;

	snprintf(interval, sizeof(interval), "%" PRIu64, src->interval_ns);
	snprintf(overhead, sizeof(overhead), "%g", src->overhead);
	status = tell_meta(src, "name", "refs", fn, arg, err);
	if (!status)
		status =
			tell_meta(src, "unit", "touched bytes per mapping", fn, arg, err);
	if (!status)
		status = tell_meta(src, "interval_ns", interval, fn, arg, err);
	if (!status)
		status = tell_meta(src, "overhead", overhead, fn, arg, err);
	return status;
}

static int check_opts(const struct mh_target *target, const struct mh_source_opts *opts,
		      struct mh_err *err)
{
	if (target->type == MH_TARGET_SYSTEM)
		return mh_fail(
			err, MH_ENOSUP,
			"refs watches processes: use -p PID, --cgroup PATH or -- CMD");
	if (opts->interval_ns && opts->interval_ns < INTERVAL_FLOOR_NS)
		return mh_fail(
			err, MH_EINPUT,
			"refs: an interval below 100 ms would miss pages that stay in "
			"the TLB; use --interval 100ms or more");
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

static void refs_close(struct mh_source *src)
{
	size_t i;

	if (!src)
		return;
	for (i = 0; i < src->procs.nr; i++)
		mh_refs_proc_fini(&src->procs.v[i]);
	free(src->procs.v);
	free(src->found.v);
	free(src->scan.vmas.v);
	free(src);
}

static int refs_open(struct mh_source **out, uint16_t id, const struct mh_target *target,
		     const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	int status = check_opts(target, opts, err);
	struct mh_source *src;

	if (status)
		return status;
	src = calloc(1, sizeof(*src));
	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_refs;
	src->id = id;
	src->target = *target;
	if (opts->log)
		src->log = *opts->log;
	snprintf(src->sysroot, sizeof(src->sysroot), "%s",
		 opts->sysroot ? opts->sysroot : "");
	src->interval_ns = opts->interval_ns ? opts->interval_ns : INTERVAL_DEFAULT_NS;
	src->overhead = opts->overhead > 0 ? opts->overhead : OVERHEAD_DEFAULT;
	src->scan.sysroot = src->sysroot;
	src->scan.source = id;
	src->opened_ns = src->deadline_ns = mh_refs_now_ns();
	if (target->spawned) {
		/* It has not run yet: everything from now on is since its start. */
		src->last_scan_ns = src->deadline_ns;
		src->last_scan_ticks = boot_ticks();
		src->deadline_ns += src->interval_ns;
	}
	status = tell_params(src, fn, arg, err);
	if (status) {
		refs_close(src);
		return status;
	}
	*out = src;
	return MH_OK;
}

static size_t refs_wait(const struct mh_source *src, int *fds, size_t max,
			uint64_t *deadline_ns)
{
	(void)fds;
	(void)max;
	*deadline_ns = src->deadline_ns;
	return 0;
}

/* ---- the processes of the target ---- */

static int tell_task(const struct mh_source *src, const struct proc_stat *stat,
		     enum mh_task_op op, uint64_t time_ns, struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_TASK);
	ev.source = src->id;
	ev.time_ns = time_ns;
	ev.task.op = (uint8_t)op;
	ev.task.pid = ev.task.tid = (uint32_t)stat->pid;
	ev.task.ppid = (uint32_t)stat->ppid;
	ev.task.comm = stat->comm;
	return src->scan.fn(src->scan.arg, &ev, err);
}

/* The command that we spawned, before and after its exec. */
static bool is_command(const struct mh_source *src, const struct proc_stat *stat)
{
	return src->target.spawned && stat->pid == src->target.pids[0];
}

/* A process that began after the last scan was never old: what it has touched since then,
 * it touched in this interval, without having been armed. */
static bool born_in_interval(const struct mh_source *src, const struct proc_stat *stat)
{
	return is_command(src, stat) ||
	       (src->last_scan_ns && stat->start_ticks >= src->last_scan_ticks);
}

static int add_proc(struct mh_source *src, const struct proc_stat *stat,
		    struct mh_err *err)
{
	struct refs_proc *p = mh_vec_push(&src->procs);
	bool born = born_in_interval(src, stat);
	enum mh_task_op op = is_command(src, stat) ? MH_TASK_EXEC
			     : born                ? MH_TASK_FORK
						   : MH_TASK_FOUND;

	if (!p)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	p->stat = *stat;
	p->alive = true;
	src->met_any = true;
	if (born)
		p->armed_ns = src->last_scan_ns;
	return tell_task(src, stat, op, born ? src->last_scan_ns : src->scan.time_ns,
			 err);
}

/* The same process under the same or another program. */
static int update_proc(struct mh_source *src, struct refs_proc *p,
		       const struct proc_stat *stat, struct mh_err *err)
{
	bool exec = p->stat.start_code != stat->start_code ||
		    p->stat.start_stack != stat->start_stack;
	bool renamed = strcmp(p->stat.comm, stat->comm) != 0;

	p->alive = true;
	p->stat = *stat;
	if (exec) {
		p->vmas.nr = 0;
		p->armed_ns = src->last_scan_ns;
		return tell_task(src, stat, MH_TASK_EXEC, src->last_scan_ns, err);
	}
	return renamed ? tell_task(src, stat, MH_TASK_COMM, src->scan.time_ns, err)
		       : MH_OK;
}

static struct refs_proc *find_proc(struct mh_source *src, const struct proc_stat *stat)
{
	size_t i;

	for (i = 0; i < src->procs.nr; i++)
		if (src->procs.v[i].stat.pid == stat->pid &&
		    src->procs.v[i].stat.start_ticks == stat->start_ticks)
			return &src->procs.v[i];
	return NULL;
}

/* It ended some time in the interval: what it touched in it cannot be known. */
static int tell_exit(struct mh_source *src, const struct refs_proc *p, struct mh_err *err)
{
	struct mh_event ev;
	int status = MH_OK;

	if (p->armed_ns) {
		mh_event_init(&ev, MH_EV_GAP);
		ev.source = src->id;
		ev.time_ns = src->scan.time_ns;
		ev.gap.start_ns = p->armed_ns;
		ev.gap.pid = (uint32_t)p->stat.pid;
		ev.gap.cause = MH_GAP_EXITED;
		status = src->scan.fn(src->scan.arg, &ev, err);
	}
	return status ? status
		      : tell_task(src, &p->stat, MH_TASK_EXIT, src->scan.time_ns, err);
}

static int drop_ended(struct mh_source *src, struct mh_err *err)
{
	size_t i = 0;
	int status;

	while (i < src->procs.nr) {
		struct refs_proc *p = &src->procs.v[i];

		if (p->alive) {
			i++;
			continue;
		}
		status = tell_exit(src, p, err);
		if (status)
			return status;
		mh_refs_proc_fini(p);
		*p = src->procs.v[--src->procs.nr];
	}
	return MH_OK;
}

static int meet_processes(struct mh_source *src, struct mh_err *err)
{
	int status = mh_tree_list(&src->found, &src->target, src->sysroot, err);
	size_t i;

	for (i = 0; i < src->procs.nr; i++)
		src->procs.v[i].alive = false;
	for (i = 0; !status && i < src->found.nr; i++) {
		const struct proc_stat *stat = &src->found.v[i];
		struct refs_proc *p = find_proc(src, stat);

		status = p ? update_proc(src, p, stat, err) : add_proc(src, stat, err);
	}
	return status;
}

/* ---- scanning ---- */

static int tell_unreadable(struct mh_source *src, struct refs_proc *p,
			   const struct mh_err *why, struct mh_err *err)
{
	struct mh_event ev;

	if (!p->unreadable)
		mh_log_say(&src->log, MH_WARNING, "refs: %s", why->msg);
	p->unreadable = true;
	mh_event_init(&ev, MH_EV_GAP);
	ev.source = src->id;
	ev.time_ns = src->scan.time_ns;
	ev.gap.start_ns = src->last_scan_ns ? src->last_scan_ns : src->scan.time_ns;
	ev.gap.pid = (uint32_t)p->stat.pid;
	ev.gap.cause = MH_GAP_UNREADABLE;
	return src->scan.fn(src->scan.arg, &ev, err);
}

static int scan_proc(struct mh_source *src, struct refs_proc *p, struct mh_err *err)
{
	struct mh_err why = { 0 };
	int status = mh_refs_read(p, &src->scan, &why);

	if (!status)
		status = mh_refs_arm(p, &src->scan, &why);
	switch (status) {
	case MH_ENOTARGET:
		p->alive = false;
		return MH_OK;
	case MH_EPERM:
	case MH_EFORMAT:
		p->armed_ns = 0;
		return tell_unreadable(src, p, &why, err);
	default:
		if (status && err)
			*err = why;
		return status;
	}
}

static int tell_stat(const struct mh_source *src, const char *name, uint64_t value,
		     struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STAT);
	ev.source = src->id;
	ev.time_ns = src->scan.time_ns;
	ev.stat.name = name;
	ev.stat.value = value;
	return src->scan.fn(src->scan.arg, &ev, err);
}

static int tell_cost(struct mh_source *src, uint64_t took_ns, struct mh_err *err)
{
	int status = tell_stat(src, "scan_ns", took_ns, err);

	if (!status)
		status = tell_stat(src, "stall_ns", src->scan.stall_max_ns, err);
	return status;
}

/* CPU time, not elapsed time: on a busy machine a scan waits, which costs nobody. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The next scan: an interval from this one, or later when scans cost too much. */
static void schedule(struct mh_source *src, uint64_t took_ns)
{
	uint64_t least_ns = (uint64_t)((double)took_ns / src->overhead);
	uint64_t next_ns = src->interval_ns > least_ns ? src->interval_ns : least_ns;
	uint64_t told_ns =
		src->told_interval_ns ? src->told_interval_ns : src->interval_ns;

	src->deadline_ns = src->scan.time_ns + next_ns;
	if (next_ns < told_ns + told_ns / 4)
		return;
	src->told_interval_ns = next_ns;
	mh_log_say(&src->log, MH_NOTICE,
		   "refs: interval lengthened from %.3g s to %.3g s: a scan of %.0f MiB "
		   "takes %.0f ms of CPU time (--overhead %.3g%%)",
		   (double)src->interval_ns / 1e9, (double)next_ns / 1e9,
		   (double)src->scan.rss / 1048576, (double)took_ns / 1e6,
		   src->overhead * 100);
}

static int scan_all(struct mh_source *src, struct mh_err *err)
{
	uint64_t began_ns = cpu_ns(), ticks = boot_ticks();
	int status;
	size_t i;

	src->scan.time_ns = mh_refs_now_ns();
	src->scan.stall_max_ns = src->scan.referenced = src->scan.rss = 0;
	status = meet_processes(src, err);
	for (i = 0; !status && i < src->procs.nr; i++)
		if (src->procs.v[i].alive)
			status = scan_proc(src, &src->procs.v[i], err);
	if (!status)
		status = drop_ended(src, err);
	if (!status)
		status = tell_cost(src, cpu_ns() - began_ns, err);
	if (!status)
		schedule(src, cpu_ns() - began_ns);
	src->last_scan_ns = src->scan.time_ns;
	src->last_scan_ticks = ticks;
	return status;
}

/* The interval under way counts when it is nearly whole; a shorter one would pass for a
 * smaller working set. */
static bool worth_a_last_scan(const struct mh_source *src)
{
	uint64_t now = mh_refs_now_ns();

	return src->last_scan_ns && now - src->last_scan_ns >= src->interval_ns / 10 * 9;
}

/* A command that began and ended between scans: what it touched is not known. */
static int tell_never_seen(struct mh_source *src, struct mh_err *err)
{
	struct refs_proc p = { .armed_ns = src->opened_ns };

	p.stat.pid = src->target.pids[0];
	return tell_exit(src, &p, err);
}

/* The end without a scan: only who has ended is said. */
static int tell_ended(struct mh_source *src, struct mh_err *err)
{
	int status;

	src->scan.time_ns = mh_refs_now_ns();
	status = meet_processes(src, err);
	return status ? status : drop_ended(src, err);
}

static int refs_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	int status;

	if (!last && mh_refs_now_ns() < src->deadline_ns)
		return MH_OK;
	src->scan.fn = fn;
	src->scan.arg = arg;
	status = last && !worth_a_last_scan(src) ? tell_ended(src, err)
						 : scan_all(src, err);
	if (!status && last && src->target.spawned && !src->met_any)
		status = tell_never_seen(src, err);
	if (status)
		return status;
	return src->met_any && !src->procs.nr ? MH_END : MH_OK;
}

const struct mh_source_ops mh_source_refs = {
	.name = "refs",
	.summary =
		"touched bytes per mapping and interval (clear_refs, smaps); any kernel, "
		"own processes without root",
	.uses_accessed_bits = 1,
	.gives_footprint = 1,
	.probe = probe,
	.open = refs_open,
	.wait = refs_wait,
	.step = refs_step,
	.close = refs_close,
};
