/* SPDX-License-Identifier: MIT */
/*
 * Source `idle`: the page_idle bitmap, the only interface that tells page by page and
 * without sampling what was touched.
 *
 * A scan looks up the page frames of every process of the target, then reads and arms
 * them in one pass over physical memory, then tells by address what was accessed. The
 * time between two scans is the interval; it is lengthened when scans cost more CPU time
 * than allowed. Below 100 ms pages in the TLB would read as untouched.
 *
 * With -a the frames themselves are told, under pid 0. With --writes the pages that were
 * written are a second layer, from soft-dirty bits: the kernel write-protects the pages
 * for it, so the target takes a fault for each page's first write in an interval.
 *
 * Not handled: processes that begin and end between two scans (they are never seen),
 * hugetlb and other pages without an idle bit (counted as untracked), page cache that no
 * process maps (seen with -a only).
 */
#include "source/idle/idle.h"

#include "base/vec.h"
#include "source/idle/conflicts.h"
#include "source/idle/physical.h"
#include "source/idle/space.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_DEFAULT_NS 1000000000u
#define INTERVAL_FLOOR_NS   100000000u
#define OVERHEAD_DEFAULT    0.05
#define BITMAP              "/sys/kernel/mm/page_idle/bitmap"
#define CAP_SYS_ADMIN_BIT   21

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
		struct idle_space *v;
		size_t nr, cap;
	} spaces;
	struct proc_list found;
	struct idle_physical ram; /* -a */
	struct idle_scan scan;
	struct idle_io io;
	struct {
		int bitmap, flags;
	} fds; /* what io's argument points to */
};

/* ---- the kernel's files ---- */

static ssize_t bitmap_read(void *arg, void *buf, size_t size, uint64_t offset)
{
	return pread(((struct mh_source *)arg)->fds.bitmap, buf, size, (off_t)offset);
}

static ssize_t bitmap_write(void *arg, const void *buf, size_t size, uint64_t offset)
{
	return pwrite(((struct mh_source *)arg)->fds.bitmap, buf, size, (off_t)offset);
}

static ssize_t flags_read(void *arg, void *buf, size_t size, uint64_t offset)
{
	return pread(((struct mh_source *)arg)->fds.flags, buf, size, (off_t)offset);
}

void mh_idle_use(struct mh_source *src, const struct idle_io *io)
{
	src->io = *io;
}

static int open_file(int *fd, const char *sysroot, const char *file, int flags,
		     struct mh_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", sysroot, file);
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? mh_fail_errno(err, "cannot open %s", file) : MH_OK;
}

/* ---- probing ---- */

/* Without it, page frame numbers read as 0. True where /proc does not tell. */
static bool has_sys_admin(const char *sysroot)
{
	char path[PATH_MAX], line[256];
	bool has = true;
	uint64_t caps;
	FILE *in;

	snprintf(path, sizeof(path), "%s/proc/self/status", sysroot);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			has = caps >> CAP_SYS_ADMIN_BIT & 1;
	if (in)
		fclose(in);
	return has;
}

static void __attribute__((format(printf, 2, 3)))
refuse(struct mh_probe *out, const char *fmt, ...)
{
	va_list args;

	out->usable = 0;
	va_start(args, fmt);
	vsnprintf(out->reason, sizeof(out->reason), fmt, args);
	va_end(args);
}

static int probe(struct mh_probe *out, const struct mh_target *target,
		 const struct mh_source_opts *opts, struct mh_err *err)
{
	const char *root = opts && opts->sysroot ? opts->sysroot : "";
	char path[PATH_MAX], flags[PATH_MAX];

	(void)target;
	(void)err;
	*out = (struct mh_probe){ .usable = 1 };
	snprintf(path, sizeof(path), "%s" BITMAP, root);
	snprintf(flags, sizeof(flags), "%s/proc/kpageflags", root);
	if (access(path, F_OK) && errno == ENOENT)
		refuse(out, "no " BITMAP
			    ": the kernel is built without CONFIG_IDLE_PAGE_TRACKING");
	else if (access(flags, F_OK) && errno == ENOENT)
		refuse(out, "no /proc/kpageflags: the kernel is built without "
			    "CONFIG_PROC_PAGE_MONITOR");
	else if (!has_sys_admin(root) || access(path, R_OK | W_OK) || access(flags, R_OK))
		refuse(out, "needs root (CAP_SYS_ADMIN): without it page frame numbers "
			    "read as 0");
	if (!out->usable)
		return MH_OK;
	if (mh_idle_conflicts(root) & (IDLE_KDAMOND | IDLE_LRU_GEN | IDLE_NUMA_BALANCING))
		snprintf(out->reason, sizeof(out->reason),
			 "disturbed by DAMON, multi-gen LRU or NUMA balancing here; "
			 "record says by which");
	return MH_OK;
}

/* ---- opening ---- */

static int tell_meta(const struct mh_source *src, const char *name, const char *value,
		     mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_event ev;
	char key[64];

	mh_event_init(&ev, MH_EV_META);
	ev.time_ns = mh_idle_now_ns();
	snprintf(key, sizeof(key), "source.%u.%s", src->id, name);
	ev.meta.key = key;
	ev.meta.value = value;
	return fn(arg, &ev, err);
}

static int tell_params(const struct mh_source *src, unsigned conflicts, mh_event_fn fn,
		       void *arg, struct mh_err *err)
{
	char interval[32], overhead[32], words[128];
	const char *const params[][2] = {
		{ "name", "idle" },
		{ "unit", "touched pages" },
		{ "interval_ns", interval },
		{ "overhead", overhead },
		{ "writes", src->scan.writes ? "soft-dirty" : "no" },
		{ "shared_pages", "told once, in the first process that maps them" },
		{ "conflicts", words },
	};
	int status = MH_OK;
	size_t i;

	snprintf(interval, sizeof(interval), "%" PRIu64, src->interval_ns);
	snprintf(overhead, sizeof(overhead), "%g", src->overhead);
	mh_idle_conflicts_words(conflicts, words, sizeof(words));
	for (i = 0; !status && i < sizeof(params) / sizeof(params[0]); i++)
		status = tell_meta(src, params[i][0], params[i][1], fn, arg, err);
	return status;
}

static int check_opts(const struct mh_source_opts *opts, struct mh_err *err)
{
	if (opts->interval_ns && opts->interval_ns < INTERVAL_FLOOR_NS)
		return mh_fail(
			err, MH_EINPUT,
			"idle: an interval below 100 ms would miss pages that stay in "
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

static void idle_close(struct mh_source *src)
{
	size_t i;

	if (!src)
		return;
	for (i = 0; i < src->spaces.nr; i++)
		mh_idle_space_fini(&src->spaces.v[i]);
	free(src->spaces.v);
	free(src->found.v);
	mh_idle_physical_fini(&src->ram);
	mh_idle_blocks_fini(&src->scan.blocks);
	if (src->fds.bitmap >= 0)
		close(src->fds.bitmap);
	if (src->fds.flags >= 0)
		close(src->fds.flags);
	free(src);
}

static struct mh_source *new_source(uint16_t id, const struct mh_target *target,
				    const struct mh_source_opts *opts)
{
	struct mh_source *src = calloc(1, sizeof(*src));

	if (!src)
		return NULL;
	src->ops = &mh_source_idle;
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
	src->scan.writes = opts->writes;
	src->scan.page_shift =
		(unsigned)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	src->fds.bitmap = src->fds.flags = -1;
	src->io = (struct idle_io){ src, bitmap_read, bitmap_write, flags_read };
	src->opened_ns = src->deadline_ns = mh_idle_now_ns();
	if (target->spawned) {
		/* It has not run yet: everything from now on is since its start. */
		src->last_scan_ns = src->deadline_ns;
		src->last_scan_ticks = boot_ticks();
		src->deadline_ns += src->interval_ns;
	}
	return src;
}

/* A page that was just written reads as soft-dirty, where the kernel has such bits. */
static int check_writes(const struct mh_source *src, struct mh_err *err)
{
	volatile char written = 1;
	uint64_t entry = 0, address = (uint64_t)(uintptr_t)&written;
	struct pagemap pm;

	if (!src->scan.writes)
		return MH_OK;
	if (src->target.type == MH_TARGET_SYSTEM)
		return mh_fail(err, MH_ENOSUP,
			       "idle: --writes is about processes: use -p PID, --cgroup "
			       "PATH or -- CMD");
	/* A tree that is not this machine's has no such process. */
	if (mh_pagemap_open(&pm, src->sysroot, getpid(), NULL))
		return MH_OK;
	address &= ~((1ull << pm.page_shift) - 1);
	if (!mh_pagemap_read(&pm, &entry, address, 1, NULL) &&
	    !(entry & PAGEMAP_SOFT_DIRTY))
		address = 0;
	mh_pagemap_close(&pm);
	return address ? MH_OK
		       : mh_fail(err, MH_ENOSUP,
				 "idle: --writes needs a kernel with "
				 "CONFIG_MEM_SOFT_DIRTY");
}

static int open_all(struct mh_source *src, mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_source_opts opts = { .sysroot = src->sysroot };
	struct mh_probe probed;
	unsigned conflicts;
	int status;

	probe(&probed, &src->target, &opts, err);
	if (!probed.usable)
		return mh_fail(err, MH_ENOSUP, "idle: %s", probed.reason);
	status = open_file(&src->fds.bitmap, src->sysroot, BITMAP, O_RDWR, err);
	if (!status)
		status = open_file(&src->fds.flags, src->sysroot, "/proc/kpageflags",
				   O_RDONLY, err);
	if (!status && src->target.type == MH_TARGET_SYSTEM)
		status = mh_idle_physical_init(&src->ram, src->sysroot, &src->target,
					       src->scan.page_shift, err);
	if (!status)
		status = check_writes(src, err);
	if (status)
		return status;
	conflicts = mh_idle_conflicts(src->sysroot);
	mh_idle_conflicts_say(conflicts, &src->log);
	return tell_params(src, conflicts, fn, arg, err);
}

static int idle_open(struct mh_source **out, uint16_t id, const struct mh_target *target,
		     const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	int status = check_opts(opts, err);
	struct mh_source *src;

	if (status)
		return status;
	src = new_source(id, target, opts);
	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	status = open_all(src, fn, arg, err);
	if (status) {
		idle_close(src);
		return status;
	}
	*out = src;
	return MH_OK;
}

static size_t idle_wait(const struct mh_source *src, int *fds, size_t max,
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

static int tell_gap(const struct mh_source *src, uint64_t start_ns, uint32_t pid,
		    enum mh_gap_cause cause, struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_GAP);
	ev.source = src->id;
	ev.time_ns = src->scan.time_ns;
	ev.gap.start_ns = start_ns;
	ev.gap.pid = pid;
	ev.gap.cause = (uint8_t)cause;
	return src->scan.fn(src->scan.arg, &ev, err);
}

/* The command that we spawned, before and after its exec. */
static bool is_command(const struct mh_source *src, const struct proc_stat *stat)
{
	return src->target.spawned && stat->pid == src->target.pids[0];
}

/* A process that began after the last scan was never idle: what it has mapped since then,
 * it touched in this interval, without having been armed. */
static bool born_in_interval(const struct mh_source *src, const struct proc_stat *stat)
{
	return is_command(src, stat) ||
	       (src->last_scan_ns && stat->start_ticks >= src->last_scan_ticks);
}

static int add_space(struct mh_source *src, const struct proc_stat *stat,
		     struct mh_err *err)
{
	struct idle_space *p = mh_vec_push(&src->spaces);
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
static int update_space(struct mh_source *src, struct idle_space *p,
			const struct proc_stat *stat, struct mh_err *err)
{
	bool exec = p->stat.start_code != stat->start_code ||
		    p->stat.start_stack != stat->start_stack;
	bool renamed = strcmp(p->stat.comm, stat->comm) != 0;

	p->alive = true;
	p->stat = *stat;
	if (exec) {
		mh_idle_space_forget(p);
		p->armed_ns = src->last_scan_ns;
		return tell_task(src, stat, MH_TASK_EXEC, src->last_scan_ns, err);
	}
	return renamed ? tell_task(src, stat, MH_TASK_COMM, src->scan.time_ns, err)
		       : MH_OK;
}

static struct idle_space *find_space(struct mh_source *src, const struct proc_stat *stat)
{
	size_t i;

	for (i = 0; i < src->spaces.nr; i++)
		if (src->spaces.v[i].stat.pid == stat->pid &&
		    src->spaces.v[i].stat.start_ticks == stat->start_ticks)
			return &src->spaces.v[i];
	return NULL;
}

/* It ended some time in the interval: what it touched in it cannot be known. */
static int tell_exit(struct mh_source *src, const struct idle_space *p,
		     struct mh_err *err)
{
	int status = MH_OK;

	if (p->armed_ns)
		status = tell_gap(src, p->armed_ns, (uint32_t)p->stat.pid, MH_GAP_EXITED,
				  err);
	return status ? status
		      : tell_task(src, &p->stat, MH_TASK_EXIT, src->scan.time_ns, err);
}

/* In order: the first process that maps a page tells of it, in every scan the same. */
static int drop_ended(struct mh_source *src, struct mh_err *err)
{
	size_t i, kept = 0;
	int status = MH_OK;

	for (i = 0; i < src->spaces.nr; i++) {
		struct idle_space *p = &src->spaces.v[i];

		if (!p->alive && !status) {
			status = tell_exit(src, p, err);
			mh_idle_space_fini(p);
		} else {
			src->spaces.v[kept++] = *p;
		}
	}
	src->spaces.nr = kept;
	return status;
}

static int meet_processes(struct mh_source *src, struct mh_err *err)
{
	int status = mh_tree_list(&src->found, &src->target, src->sysroot, err);
	size_t i;

	for (i = 0; i < src->spaces.nr; i++)
		src->spaces.v[i].alive = src->spaces.v[i].looked = false;
	for (i = 0; !status && i < src->found.nr; i++) {
		const struct proc_stat *stat = &src->found.v[i];
		struct idle_space *p = find_space(src, stat);

		status = p ? update_space(src, p, stat, err) : add_space(src, stat, err);
	}
	return status;
}

/* ---- scanning ---- */

static int tell_unreadable(struct mh_source *src, struct idle_space *p,
			   const struct mh_err *why, struct mh_err *err)
{
	if (!p->unreadable)
		mh_log_say(&src->log, MH_WARNING, "idle: %s", why->msg);
	p->unreadable = true;
	p->armed_ns = 0;
	return tell_gap(src, src->last_scan_ns ? src->last_scan_ns : src->scan.time_ns,
			(uint32_t)p->stat.pid, MH_GAP_UNREADABLE, err);
}

static int look_at_space(struct mh_source *src, struct idle_space *p, struct mh_err *err)
{
	struct mh_err why = { 0 };
	int status = mh_idle_space_look(p, &src->scan, &why);

	if (!status && src->scan.writes)
		status = mh_idle_space_arm_writes(p, &src->scan, &why);
	switch (status) {
	case MH_ENOTARGET:
		p->alive = false;
		return MH_OK;
	case MH_EPERM:
	case MH_EFORMAT:
		return tell_unreadable(src, p, &why, err);
	default:
		if (status && err)
			*err = why;
		return status;
	}
}

/* Frames are hidden from all or from none. */
static int check_frames(const struct mh_source *src, struct mh_err *err)
{
	const struct idle_sums *sums = &src->scan.sums;

	if (!sums->nr_present || sums->nr_hidden < sums->nr_present)
		return MH_OK;
	return mh_fail(err, MH_EPERM,
		       "idle: page frame numbers read as 0: CAP_SYS_ADMIN is missing "
		       "(also root of a user namespace lacks it); run as root of the "
		       "machine");
}

static int scan_processes(struct mh_source *src, struct mh_err *err)
{
	int status = meet_processes(src, err);
	size_t i;

	for (i = 0; !status && i < src->spaces.nr; i++)
		if (src->spaces.v[i].alive)
			status = look_at_space(src, &src->spaces.v[i], err);
	if (!status)
		status = check_frames(src, err);
	if (!status)
		status = mh_idle_blocks_scan(&src->scan.blocks, &src->io, err);
	for (i = 0; !status && i < src->spaces.nr; i++)
		if (src->spaces.v[i].looked)
			status = mh_idle_space_tell(&src->spaces.v[i], &src->scan, err);
	return status ? status : drop_ended(src, err);
}

static int scan_ram(struct mh_source *src, struct mh_err *err)
{
	int status = mh_idle_physical_want(&src->ram, &src->scan, err);

	if (!status)
		status = mh_idle_blocks_scan(&src->scan.blocks, &src->io, err);
	if (!status)
		status = mh_idle_physical_tell(&src->ram, &src->scan, src->last_scan_ns,
					       err);
	return status;
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

static int tell_stats(struct mh_source *src, uint64_t took_ns, struct mh_err *err)
{
	const struct idle_sums *sums = &src->scan.sums;
	struct idle_blocks *blocks = &src->scan.blocks;
	unsigned shift = src->scan.page_shift;
	const struct {
		const char *name;
		uint64_t value;
	} stats[] = {
		{ "scan_ns", took_ns },
		{ "stall_ns", sums->stall_max_ns },
		{ "idle.window_p50_ns", mh_idle_blocks_window_ns(blocks, 0.5) },
		{ "idle.window_p99_ns", mh_idle_blocks_window_ns(blocks, 0.99) },
		{ "idle.observed_bytes", sums->observed },
		{ "idle.accessed_bytes", sums->accessed },
		{ "idle.exclusive_bytes", sums->exclusive },
		{ "idle.shared_bytes", sums->shared },
		{ "idle.unarmed_bytes", sums->unarmed },
		{ "idle.untracked_bytes", blocks->nr_other << shift },
		{ "idle.hugetlb_bytes", blocks->nr_hugetlb << shift },
		{ "idle.swapped_bytes", sums->swapped },
		{ "idle.moved", sums->nr_moved },
	};
	int status = MH_OK;
	size_t i;

	for (i = 0; !status && i < sizeof(stats) / sizeof(stats[0]); i++)
		status = tell_stat(src, stats[i].name, stats[i].value, err);
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
		   "idle: interval lengthened from %.3g s to %.3g s: a scan of %.0f MiB "
		   "takes %.0f ms of CPU time (--overhead %.3g%%)",
		   (double)src->interval_ns / 1e9, (double)next_ns / 1e9,
		   (double)(src->scan.sums.nr_present << src->scan.page_shift) / 1048576,
		   (double)took_ns / 1e6, src->overhead * 100);
}

static int scan_all(struct mh_source *src, struct mh_err *err)
{
	uint64_t began_ns = cpu_ns(), ticks = boot_ticks();
	int status;

	src->scan.time_ns = mh_idle_now_ns();
	src->scan.sums = (struct idle_sums){ 0 };
	mh_idle_blocks_begin(&src->scan.blocks);
	status = src->target.type == MH_TARGET_SYSTEM ? scan_ram(src, err)
						      : scan_processes(src, err);
	if (!status)
		status = tell_stats(src, cpu_ns() - began_ns, err);
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
	uint64_t now = mh_idle_now_ns();

	return src->last_scan_ns && now - src->last_scan_ns >= src->interval_ns / 10 * 9;
}

/* A command that began and ended between scans: what it touched is not known. */
static int tell_never_seen(struct mh_source *src, struct mh_err *err)
{
	struct idle_space p = { .armed_ns = src->opened_ns };

	p.stat.pid = src->target.pids[0];
	return tell_exit(src, &p, err);
}

/* The end without a scan: only who has ended is said. */
static int tell_ended(struct mh_source *src, struct mh_err *err)
{
	int status;

	src->scan.time_ns = mh_idle_now_ns();
	if (src->target.type == MH_TARGET_SYSTEM)
		return MH_OK;
	status = meet_processes(src, err);
	return status ? status : drop_ended(src, err);
}

static int idle_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	int status;

	if (!last && mh_idle_now_ns() < src->deadline_ns)
		return MH_OK;
	src->scan.fn = fn;
	src->scan.arg = arg;
	status = last && !worth_a_last_scan(src) ? tell_ended(src, err)
						 : scan_all(src, err);
	if (!status && last && src->target.spawned && !src->met_any)
		status = tell_never_seen(src, err);
	if (status)
		return status;
	return src->met_any && !src->spaces.nr ? MH_END : MH_OK;
}

const struct mh_source_ops mh_source_idle = {
	.name = "idle",
	.summary = "touched pages per interval (page_idle bitmap); root, "
		   "CONFIG_IDLE_PAGE_TRACKING",
	.uses_accessed_bits = 1,
	.only_named = 1, /* until it has been tried on a kernel with the bitmap */
	.probe = probe,
	.open = idle_open,
	.wait = idle_wait,
	.step = idle_step,
	.close = idle_close,
};
