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
#include <stdlib.h>
#include <unistd.h>

void mh_refs_proc_forget(struct watched *p)
{
	((struct refs_proc *)p)->vmas.nr = 0;
}

void mh_refs_proc_fini(struct watched *p)
{
	free(((struct refs_proc *)p)->vmas.v);
	free(((struct refs_proc *)p)->sizes.v);
}

static void note_stall(struct refs_scan *scan, uint64_t since_ns)
{
	uint64_t took = mh_round_now_ns() - since_ns;

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
	uint64_t since = mh_round_now_ns();
	ssize_t n = read(t->fd, buf, size);

	note_stall(t->scan, since);
	return n;
}

static int tell_footprint(const struct refs_proc *p, const struct refs_scan *scan,
			  const struct refs_size *size, uint64_t start, uint64_t end,
			  struct mh_err *err)
{
	struct mh_event ev = mh_round_event(scan->round, MH_EV_FOOTPRINT);

	ev.footprint.pid = (uint32_t)p->proc.stat.pid;
	ev.footprint.start = start;
	ev.footprint.end = end;
	ev.footprint.rss = size->rss;
	ev.footprint.pss = size->pss;
	ev.footprint.swap = size->swap;
	ev.footprint.huge = size->huge;
	return mh_round_send(scan->round, &ev, err);
}

/* A mapping's footprint holds until told anew, so only changes are told. */
static int update_footprint(const struct refs_proc *p, const struct refs_scan *scan,
			    const struct refs_size *before, const struct refs_size *now,
			    struct mh_err *err)
{
	if (before->rss == now->rss && before->pss == now->pss &&
	    before->swap == now->swap && before->huge == now->huge)
		return MH_OK;
	return tell_footprint(p, scan, now, scan->entry.start, scan->entry.end, err);
}

/* ---- one scan ---- */

static int tell_region(const struct refs_proc *p, struct refs_scan *scan,
		       struct mh_err *err)
{
	const struct smaps_entry *e = &scan->entry;
	struct mh_event ev = mh_round_event(scan->round, MH_EV_REGION);

	if (e->hugetlb)
		return MH_OK;
	scan->referenced += e->referenced;
	ev.region.start_ns = p->proc.armed_ns;
	ev.region.pid = (uint32_t)p->proc.stat.pid;
	ev.region.start = e->start;
	ev.region.end = e->end;
	ev.region.touched = e->referenced;
	return mh_round_send(scan->round, &ev, err);
}

static int read_mapping(struct refs_proc *p, struct refs_scan *scan, size_t *old,
			struct refs_size *total, bool has_data, struct mh_err *err)
{
	static const struct refs_size none = { 0 };
	const struct smaps_entry *e = &scan->entry;
	const struct mh_ev_map map = { .start = e->start,
				       .end = e->end,
				       .pgoff = e->pgoff,
				       .prot = e->prot,
				       .shared = e->shared,
				       .maj = e->maj,
				       .min = e->min,
				       .ino = e->ino,
				       .path = e->path };
	struct vma *vma = mh_vec_push(&scan->vmas);
	struct refs_size *size = mh_vec_push(&scan->sizes);
	size_t same;
	int status;

	if (!vma || !size)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*vma = mh_vma_of(&map);
	*size = (struct refs_size){ e->rss, e->pss, e->swap, e->huge };
	status = mh_vmas_meet(&p->vmas, old, &same, &map, &p->proc, scan->round, err);
	if (!status)
		status = update_footprint(
			p, scan, same == VMA_NEW ? &none : &p->sizes.v[same], size, err);
	if (!status && has_data)
		status = tell_region(p, scan, err);
	total->rss += e->rss;
	total->pss += e->pss;
	total->swap += e->swap;
	total->huge += e->huge;
	return status;
}

/* What was the scratch holds the mappings now, and the other way round. */
static void keep_mappings(struct refs_proc *p, struct refs_scan *scan)
{
	struct vmas vmas = p->vmas;
	struct refs_sizes sizes = p->sizes;

	p->vmas = scan->vmas;
	p->sizes = scan->sizes;
	scan->vmas = vmas;
	scan->sizes = sizes;
}

static int read_mappings(struct refs_proc *p, struct refs_scan *scan, struct timed_fd *fd,
			 bool has_data, struct mh_err *err)
{
	struct refs_size total = { 0 };
	size_t old = 0;
	int status;

	scan->vmas.nr = scan->sizes.nr = 0;
	mh_smaps_init(&scan->smaps, timed_read, fd);
	while ((status = mh_smaps_next(&scan->smaps, &scan->entry, err)) == MH_OK) {
		status = read_mapping(p, scan, &old, &total, has_data, err);
		if (status)
			return status;
	}
	if (status < 0)
		return scan->smaps.sys_errno == ESRCH ? MH_ENOTARGET : status;
	if (!scan->vmas.nr) /* its address space is gone: it is ending */
		return mh_fail(err, MH_ENOTARGET, "process %d ended",
			       (int)p->proc.stat.pid);
	status = mh_vmas_end(&p->vmas, old, &p->proc, scan->round, err);
	if (status)
		return status;
	keep_mappings(p, scan);
	scan->rss += total.rss;
	return tell_footprint(p, scan, &total, 0, 0, err);
}

int mh_refs_read(struct refs_proc *p, struct refs_scan *scan, struct mh_err *err)
{
	struct watched *w = &p->proc;
	bool armed = w->armed_ns && w->armed_ns < scan->round->time_ns;
	struct timed_fd fd = { .scan = scan };
	bool ran;
	int status = mh_watch_ran(w, scan->round, &ran, err);

	if (status)
		return status;
	status = mh_round_open(&fd.fd, scan->round, w->stat.pid, "smaps", O_RDONLY, err);
	if (status)
		return status;
	status = read_mappings(p, scan, &fd, armed && ran, err);
	close(fd.fd);
	if (!status && armed && !ran)
		status = mh_round_gap(scan->round, w->armed_ns, w->stat.pid,
				      MH_GAP_NOT_RUN, err);
	return status;
}

int mh_refs_arm(struct refs_proc *p, struct refs_scan *scan, struct mh_err *err)
{
	struct watched *w = &p->proc;
	uint64_t since;
	int fd, status;

	status =
		mh_round_open(&fd, scan->round, w->stat.pid, "clear_refs", O_WRONLY, err);
	if (status)
		return status;
	mh_watch_note_run(w, scan->round);
	since = mh_round_now_ns();
	if (write(fd, "1", 1) != 1)
		status = mh_round_failed(err, w->stat.pid, "clear_refs");
	note_stall(scan, since);
	close(fd);
	if (!status)
		w->armed_ns = scan->round->time_ns;
	return status;
}
