/* SPDX-License-Identifier: MIT */
/*
 * Source `faults`: perf's page-fault event, one sample per fault with the exact byte that
 * was touched, the instruction, the thread and the CPU. It needs no PMU and works in any
 * virtual machine, and without privilege where perf_event_paranoid is at most 2.
 *
 * What it shows are first touches (after mmap, after the page was taken away, or of the
 * write kind after the read kind), never all accesses. With transparent huge pages one
 * fault covers 2 MiB. A second event of the same group only counts; samples + lost equal
 * its count at the end.
 *
 * Not handled: address ranges of the target are not filtered here, the kernel has no
 * filter for faults.
 */
#include "source/faults/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring/open.h"
#include "ring/watch.h"
#include "source/maps.h"
#include "source/tree.h"

/* A ring that fills slowly is emptied this often, so that a killed recorder loses less
 * than a second. */
#define DRAIN_NS 250000000u
#define STAT_NS  1000000000u
#define RING_KIB 1024u
#define SAMPLE_TYPE                                                                      \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR |        \
	 PERF_SAMPLE_CPU)

struct mh_source {
	const struct mh_source_ops *ops;
	uint16_t id;
	struct mh_watch *watch;
	struct mh_log log;
	uint64_t drain_ns, stat_ns; /* when next */
	uint64_t side_lost_told, malformed_told;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- probing ---- */

static bool is_wide(const struct mh_target *target)
{
	return target && target->type != MH_TARGET_PROCESSES;
}

/* Opens a stopped event on ourselves: sandboxes refuse what the numbers allow. */
static int try_self(struct mh_err *err)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_PAGE_FAULTS,
					.disabled = 1,
					.exclude_kernel = 1 };
	struct mh_perf_place self = { .pid = 0, .cpu = -1, .group_fd = -1 };
	int fd, ret = mh_perf_open(&fd, &attr, &self, NULL, err);

	if (!ret)
		close(fd);
	return ret;
}

static void probe_unsupported(struct mh_probe *out)
{
	out->usable = 0;
	snprintf(out->reason, sizeof(out->reason),
		 "no /proc/sys/kernel/perf_event_paranoid: the kernel lacks "
		 "CONFIG_PERF_EVENTS");
}

static void probe_paranoid(struct mh_probe *out, int paranoid, int most)
{
	out->usable = 0;
	snprintf(out->reason, sizeof(out->reason),
		 "perf_event_paranoid is %d, %d is needed%s", paranoid, most,
		 most ? "" : " for other users' processes");
	snprintf(out->fix, sizeof(out->fix), "sysctl kernel.perf_event_paranoid=%d",
		 most);
}

static int faults_probe(struct mh_probe *out, const struct mh_target *target,
			const struct mh_source_opts *opts, struct mh_err *err)
{
	const char *sysroot = opts && opts->sysroot ? opts->sysroot : "";
	int most = is_wide(target) ? 0 : 2;
	struct mh_perf_rights rights;
	struct mh_err why = { 0 };

	(void)err;
	*out = (struct mh_probe){ .usable = 1 };
	mh_perf_rights_read(&rights, sysroot);
	if (!rights.supported) {
		probe_unsupported(out);
	} else if (!rights.perfmon && rights.paranoid > most) {
		probe_paranoid(out, rights.paranoid, most);
	} else if (!*sysroot && try_self(&why)) {
		out->usable = 0;
		snprintf(out->reason, sizeof(out->reason), "%.255s", why.msg);
	} else if (!rights.perfmon && rights.paranoid > 1) {
		snprintf(out->reason, sizeof(out->reason),
			 "own processes only, and not the faults that the kernel takes "
			 "for "
			 "them (perf_event_paranoid is %d)",
			 rights.paranoid);
	}
	return MH_OK;
}

/* ---- opening ---- */

struct sink {
	mh_event_fn fn;
	void *arg;
};

static int tell_meta(const struct mh_source *src, const struct sink *to,
		     struct mh_err *err, const char *name, const char *fmt, ...)
	MH_PRINTF(5, 6);
static int tell_meta(const struct mh_source *src, const struct sink *to,
		     struct mh_err *err, const char *name, const char *fmt, ...)
{
	char key[64], value[256];
	struct mh_event ev;
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	snprintf(key, sizeof(key), "source.%u.%s", src->id, name);
	mh_event_init(&ev, MH_EV_META);
	ev.time_ns = now_ns();
	ev.meta.key = key;
	ev.meta.value = value;
	return to->fn(to->arg, &ev, err);
}

static bool kernel_counts_lost(const struct mh_source *src)
{
	return !(mh_watch_lacks(src->watch) & MH_LACKS_LOST);
}

static int tell_params(const struct mh_source *src, uint64_t period,
		       const struct sink *to, struct mh_err *err)
{
	unsigned lacks = mh_watch_lacks(src->watch);
	struct mh_perf_rights rights;
	int ret;

	mh_perf_rights_read(&rights, NULL);
	ret = tell_meta(src, to, err, "name", "faults");
	if (!ret)
		ret = tell_meta(src, to, err, "unit", "first touches (page faults)");
	if (!ret)
		ret = tell_meta(src, to, err, "period", "%" PRIu64, period);
	if (!ret)
		ret = tell_meta(src, to, err, "clock", "monotonic");
	if (!ret)
		ret = tell_meta(src, to, err, "event.0", "page-faults");
	if (!ret)
		ret = tell_meta(src, to, err, "paranoid", "%d", rights.paranoid);
	if (!ret)
		ret = tell_meta(src, to, err, "user_only", "%d",
				!!(lacks & MH_LACKS_KERNEL));
	if (!ret)
		ret = tell_meta(src, to, err, "ring_kib", "%u",
				mh_watch_ring_kib(src->watch));
	if (!ret)
		ret = tell_meta(src, to, err, "nr_rings", "%u",
				mh_watch_nr_rings(src->watch));
	if (!ret)
		ret = tell_meta(src, to, err, "lost_from", "%s",
				kernel_counts_lost(src) ? "the kernel's counter"
							: "the counting event");
	return ret;
}

static int tell_found(const struct mh_source *src, const struct proc_stat *stat,
		      const struct sink *to, struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_TASK);
	ev.source = src->id;
	ev.time_ns = now_ns();
	ev.task.op = MH_TASK_FOUND;
	ev.task.pid = ev.task.tid = (uint32_t)stat->pid;
	ev.task.ppid = (uint32_t)stat->ppid;
	ev.task.comm = stat->comm;
	return to->fn(to->arg, &ev, err);
}

/* The events of a process tell of its maps from now on; this tells of those before. */
static int tell_past(const struct mh_source *src, const struct proc_stat *stat,
		     const char *sysroot, const struct sink *to, struct mh_err *err)
{
	struct mh_err why = { 0 };
	int ret = tell_found(src, stat, to, err);

	if (ret)
		return ret;
	ret = mh_maps_tell(stat->pid, sysroot, src->id, now_ns(), to->fn, to->arg, &why);
	if (ret == MH_ENOTARGET)
		return MH_OK;
	if (ret == MH_EPERM) {
		mh_log_say(&src->log, MH_WARNING, "faults: %s", why.msg);
		return MH_OK;
	}
	if (ret && err)
		*err = why;
	return ret;
}

static int attach_cgroup(struct mh_source *src, const char *path, struct mh_err *err)
{
	struct mh_err why = { 0 };
	int fd, ret;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mh_fail_errno(err, "cannot open the cgroup '%s'", path);
	ret = mh_watch_add_cgroup(src->watch, fd, &why);
	close(fd);
	if (ret && (why.sys_errno == EBADF || why.sys_errno == ENOENT))
		return mh_fail(err, MH_ENOSUP,
			       "'%s' is not in a hierarchy with perf events; name one "
			       "below the cgroup2 mount",
			       path);
	if (ret && err)
		*err = why;
	return ret;
}

static int attach_found(struct mh_source *src, const struct proc_list *found,
			struct mh_err *err)
{
	size_t i;
	int ret;

	for (i = 0; i < found->nr; i++) {
		ret = mh_watch_add_process(src->watch, found->v[i].pid, err);
		if (ret && ret != MH_ENOTARGET) /* it may end meanwhile */
			return ret;
	}
	return MH_OK;
}

/*
 * Processes appear while they are added. Each look adds those that the one before did not
 * see; what a watched one has forked meanwhile is known by its FORK record.
 */
static int attach_processes(struct mh_source *src, const struct mh_target *target,
			    const char *sysroot, struct proc_list *found,
			    struct mh_err *err)
{
	size_t before;
	int ret;

	do {
		before = mh_watch_nr_tasks(src->watch);
		ret = mh_tree_list(found, target, sysroot, err);
		if (!ret)
			ret = attach_found(src, found, err);
	} while (!ret && mh_watch_nr_tasks(src->watch) > before);
	if (!ret && !mh_watch_nr_tasks(src->watch))
		ret = mh_fail(err, MH_ENOTARGET, "no process has pid %d",
			      (int)target->pids[0]);
	return ret;
}

static int attach(struct mh_source *src, const struct mh_target *target,
		  const char *sysroot, const struct sink *to, struct mh_err *err)
{
	struct proc_list found = { 0 };
	size_t i;
	int ret;

	switch (target->type) {
	case MH_TARGET_SYSTEM:
		return mh_watch_add_system(src->watch, err);
	case MH_TARGET_CGROUP:
		ret = attach_cgroup(src, target->cgroup, err);
		if (!ret)
			ret = mh_tree_list(&found, target, sysroot, err);
		break;
	case MH_TARGET_PROCESSES:
	default:
		if (target->spawned)
			return mh_watch_add_task(src->watch, target->pids[0], err);
		ret = attach_processes(src, target, sysroot, &found, err);
		break;
	}
	for (i = 0; !ret && i < found.nr; i++)
		ret = tell_past(src, &found.v[i], sysroot, to, err);
	free(found.v);
	return ret;
}

static int refine(int status, const struct mh_err *why, struct mh_err *err)
{
	return mh_fail(err, status, "faults: %s", why->msg);
}

static void faults_close(struct mh_source *src)
{
	if (!src)
		return;
	mh_watch_close(src->watch);
	free(src);
}

static struct mh_watch_spec spec_of(const struct mh_source *src,
				    const struct mh_target *target,
				    const struct mh_source_opts *opts)
{
	struct mh_watch_spec spec = {
		.count = true,
		.children = target->children || target->spawned,
		.on_exec = target->spawned,
		.ring_kib = opts->ring_kib ? opts->ring_kib : RING_KIB,
		.source = src->id,
		.log = &src->log,
	};

	spec.sample = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = opts->period ? opts->period : 1,
		.sample_type = SAMPLE_TYPE,
		.exclude_kernel = opts->user_only ? 1 : 0,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	return spec;
}

static int faults_open(struct mh_source **out, uint16_t id,
		       const struct mh_target *target, const struct mh_source_opts *opts,
		       mh_event_fn fn, void *arg, struct mh_err *err)
{
	const char *sysroot = opts->sysroot ? opts->sysroot : "";
	struct mh_source *src = calloc(1, sizeof(*src));
	struct sink to = { .fn = fn, .arg = arg };
	struct mh_watch_spec spec;
	struct mh_err why = { 0 };
	int ret;

	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_faults;
	src->id = id;
	if (opts->log)
		src->log = *opts->log;
	spec = spec_of(src, target, opts);
	ret = mh_watch_open(&src->watch, &spec, &why);
	if (!ret)
		ret = attach(src, target, sysroot, &to, &why);
	if (!ret)
		ret = tell_params(src, spec.sample.sample_period, &to, &why);
	if (!ret && !target->spawned)
		ret = mh_watch_enable(src->watch, &why);
	if (ret) {
		faults_close(src);
		return refine(ret, &why, err);
	}
	if (mh_watch_lacks(src->watch) & MH_LACKS_KERNEL && !opts->user_only)
		mh_log_say(opts->log, MH_NOTICE,
			   "faults: user mode only; first touches by the kernel, as by "
			   "read(2) into a fresh buffer, are not seen; run: sysctl "
			   "kernel.perf_event_paranoid=1");
	src->drain_ns = now_ns() + DRAIN_NS;
	src->stat_ns = now_ns() + STAT_NS;
	*out = src;
	return MH_OK;
}

/* ---- running ---- */

static size_t faults_wait(const struct mh_source *src, int *fds, size_t max,
			  uint64_t *deadline_ns)
{
	*deadline_ns = src->drain_ns;
	if (!max)
		return 0;
	fds[0] = mh_watch_fd(src->watch);
	return 1;
}

static int tell_stat(const struct mh_source *src, const char *name, uint64_t value,
		     const struct sink *to, struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STAT);
	ev.source = src->id;
	ev.time_ns = now_ns();
	ev.stat.name = name;
	ev.stat.value = value;
	return to->fn(to->arg, &ev, err);
}

static void warn(struct mh_source *src, const struct mh_watch_totals *totals)
{
	if (totals->side_lost > src->side_lost_told)
		mh_log_say(&src->log, MH_WARNING,
			   "faults: %" PRIu64 " records of mappings and tasks were lost; "
			   "some addresses will have no mapping",
			   totals->side_lost - src->side_lost_told);
	if (totals->malformed > src->malformed_told)
		mh_log_say(&src->log, MH_WARNING,
			   "faults: %" PRIu64
			   " records of the kernel were not understood",
			   totals->malformed - src->malformed_told);
	src->side_lost_told = totals->side_lost;
	src->malformed_told = totals->malformed;
}

static int tell_totals(struct mh_source *src, int last, const struct sink *to,
		       struct mh_err *err)
{
	struct mh_watch_totals totals;
	int ret;

	mh_watch_totals(src->watch, &totals);
	warn(src, &totals);
	ret = tell_stat(src, "faults.count", totals.count, to, err);
	if (!ret)
		ret = tell_stat(src, "faults.samples", totals.samples, to, err);
	if (!ret)
		ret = tell_stat(src, "faults.lost", totals.lost, to, err);
	if (!ret && last && kernel_counts_lost(src))
		ret = tell_stat(src, "faults.kernel_lost", totals.kernel_lost, to, err);
	if (!ret && totals.side_lost)
		ret = tell_stat(src, "faults.side_lost", totals.side_lost, to, err);
	if (!ret && totals.malformed)
		ret = tell_stat(src, "faults.malformed", totals.malformed, to, err);
	return ret;
}

static int faults_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		       struct mh_err *err)
{
	struct sink to = { .fn = fn, .arg = arg };
	uint64_t now = now_ns();
	int ret, gone;

	if (last)
		mh_watch_disable(src->watch);
	src->drain_ns = now + DRAIN_NS;
	gone = mh_watch_drain(src->watch, last, fn, arg, err);
	if (gone == MH_END && !last) {
		/* Nobody is left to write: what no record told can be told now. */
		gone = mh_watch_drain(src->watch, 1, fn, arg, err);
		last = 1;
	}
	if (gone < 0)
		return gone;
	if (!last && now < src->stat_ns)
		return gone;
	src->stat_ns = now + STAT_NS;
	ret = tell_totals(src, last, &to, err);
	return ret ? ret : gone;
}

const struct mh_source_ops mh_source_faults = {
	.name = "faults",
	.summary =
		"first touches at their exact byte, with the code that made them (perf "
		"page faults); any machine, no PMU",
	.gives_tasks = 1,
	.probe = faults_probe,
	.open = faults_open,
	.wait = faults_wait,
	.step = faults_step,
	.close = faults_close,
};
