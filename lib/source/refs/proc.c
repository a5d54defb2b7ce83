/* SPDX-License-Identifier: MIT */
/*
 * One process, one scan: read what was referenced since the bits were cleared, then clear
 * them. Each read() and the clearing hold the target's mmap lock while the kernel walks
 * page tables; the longest of them is the stall that a target may have felt.
 *
 * The kernel counts Referenced per mapping, so a REGION is a whole mapping with the bytes
 * that were touched in it. It keeps no accessed bits for hugetlb: such a mapping gets a
 * footprint but no region, which readers show as not observed.
 */
#include "source/refs/proc.h"

#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t mh_refs_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void mh_refs_proc_fini(struct refs_proc *p)
{
	free(p->vmas.v);
}

static void note_stall(struct refs_scan *scan, uint64_t since_ns)
{
	uint64_t took = mh_refs_now_ns() - since_ns;

	if (took > scan->stall_max_ns)
		scan->stall_max_ns = took;
}

/* A descriptor of smaps whose reads are timed. */
struct timed_fd {
	int fd;
	struct refs_scan *scan;
};

static ssize_t timed_read(void *arg, void *buf, size_t size)
{
	struct timed_fd *t = arg;
	uint64_t since = mh_refs_now_ns();
	ssize_t n = read(t->fd, buf, size);

	note_stall(t->scan, since);
	return n;
}

/* An error of opening, reading or writing a file of the process, told apart. */
static int proc_failed(struct mh_err *err, pid_t pid, const char *file)
{
	if (errno == ENOENT || errno == ESRCH)
		return mh_fail(err, MH_ENOTARGET, "process %d ended", (int)pid);
	if (errno == EACCES || errno == EPERM)
		return mh_fail(
			err, MH_EPERM,
			"cannot use /proc/%d/%s: it is another user's process or has "
			"privileges; run as root",
			(int)pid, file);
	return mh_fail_errno(err, "cannot use /proc/%d/%s", (int)pid, file);
}

static int open_proc(int *fd, const struct refs_scan *scan, pid_t pid, const char *file,
		     int flags, struct mh_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/proc/%d/%s", scan->sysroot, (int)pid, file);
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? proc_failed(err, pid, file) : MH_OK;
}

static struct mh_event new_event(const struct refs_scan *scan, enum mh_event_kind kind)
{
	struct mh_event ev;

	mh_event_init(&ev, kind);
	ev.source = scan->source;
	ev.time_ns = scan->time_ns;
	return ev;
}

static int send(const struct refs_scan *scan, const struct mh_event *ev,
		struct mh_err *err)
{
	return scan->fn(scan->arg, ev, err);
}

/* ---- mappings: told when they change ---- */

static uint32_t hash_path(const char *s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

static bool same_mapping(const struct refs_vma *a, const struct refs_vma *b)
{
	return a->start == b->start && a->end == b->end && a->prot == b->prot &&
	       a->pgoff == b->pgoff && a->path_hash == b->path_hash;
}

/* Mappings changed some time since the last scan: they are dated at its time, so that
 * the interval's regions find them. */
static uint64_t change_time(const struct refs_proc *p, const struct refs_scan *scan)
{
	return p->armed_ns ? p->armed_ns : scan->time_ns;
}

static int tell_removed(const struct refs_proc *p, const struct refs_scan *scan,
			const struct refs_vma *vma, struct mh_err *err)
{
	struct mh_event ev = new_event(scan, MH_EV_MAP);

	ev.time_ns = change_time(p, scan);
	ev.map.op = MH_MAP_REMOVE;
	ev.map.pid = (uint32_t)p->stat.pid;
	ev.map.start = vma->start;
	ev.map.end = vma->end;
	return send(scan, &ev, err);
}

static int tell_added(const struct refs_proc *p, const struct refs_scan *scan,
		      struct mh_err *err)
{
	const struct smaps_entry *e = &scan->entry;
	struct mh_event ev = new_event(scan, MH_EV_MAP);

	ev.time_ns = change_time(p, scan);
	ev.map.op = MH_MAP_ADD;
	ev.map.pid = (uint32_t)p->stat.pid;
	ev.map.start = e->start;
	ev.map.end = e->end;
	ev.map.pgoff = e->pgoff;
	ev.map.prot = e->prot;
	ev.map.shared = e->shared;
	ev.map.maj = e->maj;
	ev.map.min = e->min;
	ev.map.ino = e->ino;
	ev.map.path = e->path;
	return send(scan, &ev, err);
}

/*
 * The old mappings up to where @vma ends that are not @vma itself are gone; both lists
 * are in address order, *old is the position in the old one.
 */
static int tell_change(struct refs_proc *p, struct refs_scan *scan, size_t *old,
		       struct refs_vma *vma, struct mh_err *err)
{
	const struct refs_vma *before = NULL;
	int status = MH_OK;

	while (!status && *old < p->vmas.nr && p->vmas.v[*old].start < vma->end) {
		before = &p->vmas.v[(*old)++];
		if (same_mapping(before, vma)) {
			vma->rss = before->rss;
			vma->pss = before->pss;
			vma->swap = before->swap;
			vma->huge = before->huge;
			return MH_OK;
		}
		status = tell_removed(p, scan, before, err);
	}
	return status ? status : tell_added(p, scan, err);
}

static int tell_footprint(const struct refs_proc *p, const struct refs_scan *scan,
			  const struct refs_vma *vma, uint64_t start, uint64_t end,
			  struct mh_err *err)
{
	struct mh_event ev = new_event(scan, MH_EV_FOOTPRINT);

	ev.footprint.pid = (uint32_t)p->stat.pid;
	ev.footprint.start = start;
	ev.footprint.end = end;
	ev.footprint.rss = vma->rss;
	ev.footprint.pss = vma->pss;
	ev.footprint.swap = vma->swap;
	ev.footprint.huge = vma->huge;
	return send(scan, &ev, err);
}

/* A mapping's footprint holds until told anew, so only changes are told. */
static int update_footprint(const struct refs_proc *p, const struct refs_scan *scan,
			    struct refs_vma *vma, struct mh_err *err)
{
	const struct smaps_entry *e = &scan->entry;

	if (vma->rss == e->rss && vma->pss == e->pss && vma->swap == e->swap &&
	    vma->huge == e->huge)
		return MH_OK;
	vma->rss = e->rss;
	vma->pss = e->pss;
	vma->swap = e->swap;
	vma->huge = e->huge;
	return tell_footprint(p, scan, vma, vma->start, vma->end, err);
}

/* ---- one scan ---- */

static int tell_region(const struct refs_proc *p, struct refs_scan *scan,
		       struct mh_err *err)
{
	const struct smaps_entry *e = &scan->entry;
	struct mh_event ev = new_event(scan, MH_EV_REGION);

	if (e->hugetlb)
		return MH_OK;
	scan->referenced += e->referenced;
	ev.region.start_ns = p->armed_ns;
	ev.region.pid = (uint32_t)p->stat.pid;
	ev.region.start = e->start;
	ev.region.end = e->end;
	ev.region.touched = e->referenced;
	return send(scan, &ev, err);
}

static int read_mapping(struct refs_proc *p, struct refs_scan *scan, size_t *old,
			struct refs_vma *total, bool has_data, struct mh_err *err)
{
	const struct smaps_entry *e = &scan->entry;
	struct refs_vma *vma = mh_vec_push(&scan->vmas);
	int status;

	if (!vma)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*vma = (struct refs_vma){ .start = e->start,
				  .end = e->end,
				  .pgoff = e->pgoff,
				  .prot = e->prot,
				  .path_hash = hash_path(e->path) };
	status = tell_change(p, scan, old, vma, err);
	if (!status)
		status = update_footprint(p, scan, vma, err);
	if (!status && has_data)
		status = tell_region(p, scan, err);
	total->rss += e->rss;
	total->pss += e->pss;
	total->swap += e->swap;
	total->huge += e->huge;
	return status;
}

static int read_mappings(struct refs_proc *p, struct refs_scan *scan, struct timed_fd *fd,
			 bool has_data, struct mh_err *err)
{
	struct refs_vma total = { 0 };
	struct refs_vmas swap;
	size_t old = 0;
	int status;

	scan->vmas.nr = 0;
	mh_smaps_init(&scan->smaps, timed_read, fd);
	while ((status = mh_smaps_next(&scan->smaps, &scan->entry, err)) == MH_OK) {
		status = read_mapping(p, scan, &old, &total, has_data, err);
		if (status)
			return status;
	}
	if (status < 0)
		return scan->smaps.sys_errno == ESRCH ? MH_ENOTARGET : status;
	if (!scan->vmas.nr) /* its address space is gone: it is ending */
		return mh_fail(err, MH_ENOTARGET, "process %d ended", (int)p->stat.pid);
	for (status = MH_OK; !status && old < p->vmas.nr; old++)
		status = tell_removed(p, scan, &p->vmas.v[old], err);
	if (status)
		return status;
	swap = p->vmas;
	p->vmas = scan->vmas;
	scan->vmas = swap;
	scan->rss += total.rss;
	return tell_footprint(p, scan, &total, 0, 0, err);
}

static int tell_not_run(const struct refs_proc *p, const struct refs_scan *scan,
			struct mh_err *err)
{
	struct mh_event ev = new_event(scan, MH_EV_GAP);

	ev.gap.start_ns = p->armed_ns;
	ev.gap.pid = (uint32_t)p->stat.pid;
	ev.gap.cause = MH_GAP_NOT_RUN;
	return send(scan, &ev, err);
}

int mh_refs_read(struct refs_proc *p, struct refs_scan *scan, struct mh_err *err)
{
	bool armed = p->armed_ns && p->armed_ns < scan->time_ns;
	bool ran = mh_proc_run_ns(scan->sysroot, p->stat.pid) != p->run_ns;
	struct timed_fd fd = { .scan = scan };
	int status;

	status = open_proc(&fd.fd, scan, p->stat.pid, "smaps", O_RDONLY, err);
	if (status)
		return status;
	status = read_mappings(p, scan, &fd, armed && ran, err);
	close(fd.fd);
	if (!status && armed && !ran)
		status = tell_not_run(p, scan, err);
	return status;
}

int mh_refs_arm(struct refs_proc *p, struct refs_scan *scan, struct mh_err *err)
{
	uint64_t since;
	int fd, status;
	ssize_t n;

	status = open_proc(&fd, scan, p->stat.pid, "clear_refs", O_WRONLY, err);
	if (status)
		return status;
	p->run_ns = mh_proc_run_ns(scan->sysroot, p->stat.pid);
	since = mh_refs_now_ns();
	n = write(fd, "1", 1);
	if (n != 1)
		status = proc_failed(err, p->stat.pid, "clear_refs");
	note_stall(scan, since);
	close(fd);
	if (!status)
		p->armed_ns = scan->time_ns;
	return status;
}
