/* SPDX-License-Identifier: MIT */
/*
 * Source `idle`: the page_idle bitmap, the only interface that tells page by page and
 * without sampling what was touched.
 *
 * A scan looks up the page frames of every process of the target, then reads and arms
 * them in one pass over physical memory, then tells by address what was accessed.
 *
 * With -a the frames themselves are told, under pid 0. With --writes the pages that were
 * written are a second layer, from soft-dirty bits: the kernel write-protects the pages
 * for it, so the target takes a fault for each page's first write in an interval.
 *
 * Not handled: processes that begin and end between two scans (they are never seen),
 * hugetlb and other pages without an idle bit (counted as untracked), page cache that no
 * process maps (seen with -a, and of a control group with --page-cache, only).
 */
#include "source/idle/idle.h"

#include "source/idle/charged.h"
#include "source/idle/conflicts.h"
#include "source/idle/physical.h"
#include "source/idle/space.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BITMAP            "/sys/kernel/mm/page_idle/bitmap"
#define CAP_SYS_ADMIN_BIT 21

struct mh_source {
	const struct mh_source_ops *ops;
	struct watch watch;
	struct idle_physical ram; /* -a */
	bool page_cache;
	struct idle_charged charged; /* --page-cache */
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

/* ---- scanning ---- */

static int look_at_space(struct mh_source *src, struct idle_space *p, struct mh_err *err)
{
	struct mh_err why = { 0 };
	int status = mh_idle_space_look(p, &src->scan, &why);

	if (!status && src->scan.writes)
		status = mh_idle_space_arm_writes(p, &src->scan, &why);
	return mh_watch_failed(&src->watch, &p->proc, status, &why, err);
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
	struct watch *w = &src->watch;
	int status = MH_OK;
	size_t i;

	for (i = 0; !status && i < w->procs.nr; i++) {
		struct idle_space *p = (struct idle_space *)w->procs.v[i];

		p->looked = false;
		if (p->proc.alive)
			status = look_at_space(src, p, err);
	}
	if (!status)
		status = check_frames(src, err);
	if (!status && src->page_cache)
		status = mh_idle_charged_want(&src->charged, &src->scan, err);
	if (!status)
		status = mh_idle_blocks_scan(&src->scan.blocks, &src->io, err);
	for (i = 0; !status && i < w->procs.nr; i++) {
		struct idle_space *p = (struct idle_space *)w->procs.v[i];

		if (p->looked)
			status = mh_idle_space_tell(p, &src->scan, err);
	}
	if (!status && src->page_cache)
		status = mh_idle_charged_tell(&src->charged, &src->scan, w->last_ns, err);
	return status;
}

static int scan_ram(struct mh_source *src, struct mh_err *err)
{
	int status = mh_idle_physical_want(&src->ram, &src->scan, err);

	if (!status)
		status = mh_idle_blocks_scan(&src->scan.blocks, &src->io, err);
	if (!status)
		status = mh_idle_physical_tell(&src->ram, &src->scan, src->watch.last_ns,
					       err);
	return status;
}

static int scan(void *arg, struct mh_err *err)
{
	struct mh_source *src = arg;

	src->scan.sums = (struct idle_sums){ 0 };
	mh_idle_blocks_begin(&src->scan.blocks);
	mh_idle_nodes_begin(&src->scan.nodes);
	return src->watch.target.type == MH_TARGET_SYSTEM ? scan_ram(src, err)
							  : scan_processes(src, err);
}

static int tell_cost(void *arg, uint64_t took_ns, struct mh_err *err)
{
	struct mh_source *src = arg;
	const struct idle_sums *sums = &src->scan.sums;
	struct idle_blocks *blocks = &src->scan.blocks;
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
		{ "idle.anon.observed_bytes", sums->anon },
		{ "idle.anon.accessed_bytes", sums->anon_accessed },
		{ "idle.file.observed_bytes", sums->file },
		{ "idle.file.accessed_bytes", sums->file_accessed },
		{ "idle.exclusive_bytes", sums->exclusive },
		{ "idle.shared_bytes", sums->shared },
		{ "idle.unarmed_bytes", sums->unarmed },
		{ "idle.untracked_bytes", blocks->nr_other * src->scan.unit },
		{ "idle.hugetlb_bytes", blocks->nr_hugetlb * src->scan.unit },
		{ "idle.swapped_bytes", sums->swapped },
		{ "idle.moved", sums->nr_moved },
	};
	int status = MH_OK;
	size_t i;

	for (i = 0; !status && i < sizeof(stats) / sizeof(stats[0]); i++)
		status = mh_round_stat(&src->watch.round, 0, stats[i].name,
				       stats[i].value, err);
	return status ? status
		      : mh_idle_nodes_tell(&src->scan.nodes, &src->watch.round, err);
}

static uint64_t scanned(const void *arg)
{
	const struct mh_source *src = arg;

	return src->scan.sums.nr_present << src->scan.page_shift;
}

static const struct watch_ops watch_ops = {
	.name = "idle",
	.overhead = 0.05,
	.size = sizeof(struct idle_space),
	.forget = mh_idle_space_forget,
	.fini = mh_idle_space_fini,
	.scan = scan,
	.tell_cost = tell_cost,
	.scanned = scanned,
};

/* ---- opening ---- */

static int tell_params(const struct mh_source *src, unsigned conflicts,
		       struct mh_err *err)
{
	char words[128], one_in[16];
	const char *const params[][2] = {
		{ "name", "idle" },
		{ "unit", "touched pages" },
		{ "writes", src->scan.writes ? "soft-dirty" : "no" },
		{ "shared_pages", "told once, in the first process that maps them" },
		{ "conflicts", words },
		{ "one_page_in", one_in },
	};
	int status = MH_OK;
	size_t i;

	snprintf(one_in, sizeof(one_in), "%" PRIu32, src->scan.one_in);
	mh_idle_conflicts_words(conflicts, words, sizeof(words));
	for (i = 0; !status && i < sizeof(params) / sizeof(params[0]); i++)
		status =
			mh_round_meta(&src->watch.round, params[i][0], params[i][1], err);
	if (!status)
		status = mh_idle_nodes_tell_ids(&src->scan.nodes, &src->watch.round, err);
	return status ? status : mh_watch_tell_params(&src->watch, err);
}

static void idle_close(struct mh_source *src)
{
	if (!src)
		return;
	mh_watch_fini(&src->watch);
	mh_idle_physical_fini(&src->ram);
	if (src->page_cache)
		mh_idle_charged_fini(&src->charged);
	mh_idle_blocks_fini(&src->scan.blocks);
	mh_idle_nodes_fini(&src->scan.nodes);
	if (src->fds.bitmap >= 0)
		close(src->fds.bitmap);
	if (src->fds.flags >= 0)
		close(src->fds.flags);
	free(src);
}

/* A page that was just written reads as soft-dirty, where the kernel has such bits. */
static int check_writes(const struct mh_source *src, struct mh_err *err)
{
	volatile char written = 1;
	uint64_t entry = 0, address = (uint64_t)(uintptr_t)&written;
	struct pagemap pm;

	if (!src->scan.writes)
		return MH_OK;
	if (src->watch.target.type == MH_TARGET_SYSTEM)
		return mh_fail(err, MH_ENOSUP,
			       "idle: --writes is about processes: use -p PID, --cgroup "
			       "PATH or -- CMD");
	/* A tree that is not this machine's has no such process. */
	if (mh_pagemap_open(&pm, &src->watch.round, getpid(), NULL))
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

static int open_all(struct mh_source *src, struct mh_err *err)
{
	const struct mh_target *target = &src->watch.target;
	const char *root = src->watch.sysroot;
	struct mh_source_opts opts = { .sysroot = root };
	struct mh_probe probed;
	unsigned conflicts;
	int status;

	probe(&probed, target, &opts, err);
	if (!probed.usable)
		return mh_fail(err, MH_ENOSUP, "idle: %s", probed.reason);
	status = open_file(&src->fds.bitmap, root, BITMAP, O_RDWR, err);
	if (!status)
		status = open_file(&src->fds.flags, root, "/proc/kpageflags", O_RDONLY,
				   err);
	if (!status && target->type == MH_TARGET_SYSTEM)
		status = mh_idle_physical_init(&src->ram, root, target,
					       src->scan.page_shift, err);
	if (!status && src->page_cache)
		status = mh_idle_charged_init(&src->charged, root, target->cgroup,
					      src->scan.page_shift, err);
	if (!status)
		status = mh_idle_nodes_init(&src->scan.nodes, root, err);
	if (!status)
		status = check_writes(src, err);
	if (status)
		return status;
	conflicts = mh_idle_conflicts(root);
	mh_idle_conflicts_say(conflicts, &src->watch.log);
	return tell_params(src, conflicts, err);
}

static int idle_open(struct mh_source **out, uint16_t id, const struct mh_target *target,
		     const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_source *src = calloc(1, sizeof(*src));
	int status;

	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_idle;
	src->fds.bitmap = src->fds.flags = -1;
	src->io = (struct idle_io){ src, bitmap_read, bitmap_write, flags_read };
	src->scan.round = &src->watch.round;
	src->scan.writes = opts->writes;
	src->charged.fd = -1;
	src->page_cache = opts->page_cache && target->type == MH_TARGET_CGROUP;
	src->scan.page_shift =
		(unsigned)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	src->scan.one_in = opts->one_page_in ? opts->one_page_in : 1;
	src->scan.unit = (uint64_t)src->scan.one_in << src->scan.page_shift;
	status = mh_watch_init(&src->watch, &watch_ops, src, id, target, opts, err);
	src->watch.round.fn = fn;
	src->watch.round.arg = arg;
	if (!status)
		status = open_all(src, err);
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
	*deadline_ns = src->watch.deadline_ns;
	return 0;
}

static int idle_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	return mh_watch_step(&src->watch, last, fn, arg, err);
}

const struct mh_source_ops mh_source_idle = {
	.name = "idle",
	.summary = "touched pages per interval (page_idle bitmap); root, "
		   "CONFIG_IDLE_PAGE_TRACKING",
	.uses_accessed_bits = 1,
	.probe = probe,
	.open = idle_open,
	.wait = idle_wait,
	.step = idle_step,
	.close = idle_close,
};
