/* SPDX-License-Identifier: MIT */
/*
 * Opening a task's events on every CPU, and the rings that they write to: the first event
 * of a CPU has it, all others are sent there.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/vec.h"
#include "ring/watch_live.h"

#define SIDE_KIB 128

void mh_watch_close_task(struct mh_watch *w, struct watch_task *t)
{
	size_t i;

	for (i = 0; t->fds && i < WATCH_NR_SLOTS(w) * w->lanes.nr; i++) {
		if (t->fds[i] >= 0)
			close(t->fds[i]);
	}
	free(t->fds);
}

void mh_watch_unmap(struct mh_watch *w)
{
	size_t i;

	for (i = 0; i < w->lanes.nr; i++) {
		mh_aux_fini(&w->lanes.v[i].aux);
		mh_ring_fini(&w->lanes.v[i].samples);
		mh_ring_fini(&w->lanes.v[i].side);
		w->lanes.v[i].samples_fd = w->lanes.v[i].side_fd = -1;
	}
}

/* ---- one event ---- */

/* Raise the limit of open files as far as allowed; close() puts it back. */
static bool more_files(struct mh_watch *w)
{
	struct rlimit more;

	if (w->nofile.rlim_max || getrlimit(RLIMIT_NOFILE, &more))
		return false;
	if (more.rlim_cur >= more.rlim_max)
		return false;
	w->nofile = more;
	more.rlim_cur = more.rlim_max;
	return !setrlimit(RLIMIT_NOFILE, &more);
}

/* Where a task's event of @slot on @lane is kept. */
static int *fd_of(const struct mh_watch *w, struct watch_task *t, size_t lane,
		  size_t slot)
{
	return &t->fds[WATCH_NR_SLOTS(w) * lane + slot];
}

static int open_one(struct mh_watch *w, struct watch_task *t, size_t lane, size_t slot,
		    int group_fd, struct perf_event_attr *attr, struct mh_err *err)
{
	int *fd = fd_of(w, t, lane, slot);
	struct mh_perf_place place = { .pid = t->pid,
				       .cpu = w->lanes.v[lane].cpu,
				       .group_fd = group_fd,
				       .flags = w->flags };
	struct mh_err why = { 0 };
	int ret;

	ret = mh_perf_open(fd, attr, &place, &w->lacks, &why);
	if (ret && why.sys_errno == EMFILE && more_files(w))
		ret = mh_perf_open(fd, attr, &place, &w->lacks, &why);
	if (ret && why.sys_errno == EMFILE)
		ret = mh_fail(&why, MH_ESYS,
			      "too many open files for %zu CPUs and this many threads; "
			      "run: ulimit -n %zu",
			      w->lanes.nr,
			      WATCH_NR_SLOTS(w) * w->lanes.nr * (w->tasks.nr + 256));
	if (ret && err)
		*err = why;
	return ret;
}

/* What the first refusal of kernel mode settles is settled for all: a group must agree on
 * the modes it counts, and samples of a recording stand for one population. */
static void agree(struct mh_watch *w)
{
	size_t i;

	if (!(w->lacks & MH_LACKS_KERNEL))
		return;
	for (i = 0; i < w->nr_events; i++)
		w->events[i].attr.exclude_kernel = w->events[i].lead.exclude_kernel = 1;
}

static int redirect(int fd, int to, struct mh_err *err)
{
	if (to < 0 || fd == to)
		return MH_OK;
	if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, to))
		return mh_fail_errno(err, "cannot share a ring among events");
	return MH_OK;
}

/* Ids only grow from one open to the next, so the table is in order. */
static int note_id(struct mh_watch *w, int fd, size_t event, struct mh_err *err)
{
	struct watch_id *id;
	uint64_t value;

	if (w->nr_events == 1)
		return MH_OK;
	if (ioctl(fd, PERF_EVENT_IOC_ID, &value))
		return mh_fail_errno(err, "cannot tell a perf event's id");
	id = mh_vec_push(&w->ids);
	if (!id)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*id = (struct watch_id){ value, (unsigned)event };
	return MH_OK;
}

static int open_event(struct mh_watch *w, struct watch_task *t, size_t lane, size_t event,
		      struct mh_err *err)
{
	struct watch_event *e = &w->events[event];
	int group_fd = -1, fd, ret = MH_OK;

	if (!e->on[lane])
		return MH_OK;
	if (e->led_by) {
		ret = open_one(w, t, lane, WATCH_LEAD(event), -1, &e->lead, err);
		group_fd = *fd_of(w, t, lane, WATCH_LEAD(event));
		agree(w);
	}
	if (!ret)
		ret = open_one(w, t, lane, WATCH_SAMPLE(event), group_fd, &e->attr, err);
	if (ret)
		return ret;
	agree(w);
	fd = *fd_of(w, t, lane, WATCH_SAMPLE(event));
	ret = note_id(w, fd, event, err);
	return ret ? ret : redirect(fd, w->lanes.v[lane].samples_fd, err);
}

static int open_events(struct mh_watch *w, struct watch_task *t, struct mh_err *err)
{
	size_t lane, i;
	int ret = MH_OK;

	for (lane = 0; !ret && lane < w->lanes.nr; lane++) {
		for (i = 0; !ret && i < w->nr_events; i++)
			ret = open_event(w, t, lane, i, err);
	}
	for (lane = 0; !ret && lane < w->lanes.nr; lane++) {
		ret = open_one(w, t, lane, WATCH_SIDE(w), -1, &w->side, err);
		if (!ret)
			ret = redirect(*fd_of(w, t, lane, WATCH_SIDE(w)),
				       w->lanes.v[lane].side_fd, err);
	}
	return ret;
}

/* ---- rings ---- */

static int map_lane(struct mh_watch *w, struct watch_task *t, size_t i, unsigned kib,
		    unsigned side_kib, struct mh_err *err)
{
	struct watch_lane *lane = &w->lanes.v[i];
	size_t event;
	int ret = MH_OK;

	for (event = 0; !ret && event < w->nr_events; event++) {
		int fd = *fd_of(w, t, i, WATCH_SAMPLE(event));

		if (fd < 0)
			continue;
		if (lane->samples.page) {
			ret = redirect(fd, lane->samples_fd, err);
			continue;
		}
		ret = mh_ring_map(&lane->samples, fd, kib, err);
		lane->samples_fd = fd;
		if (!ret && w->events[event].aux_kib)
			ret = mh_aux_map(&lane->aux, &lane->samples, fd,
					 w->events[event].aux_kib, err);
	}
	lane->side_fd = *fd_of(w, t, i, WATCH_SIDE(w));
	return ret ? ret : mh_ring_map(&lane->side, lane->side_fd, side_kib, err);
}

static int map_at(struct mh_watch *w, struct watch_task *t, unsigned kib,
		  unsigned side_kib, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < w->lanes.nr; i++)
		ret = map_lane(w, t, i, kib, side_kib, err);
	if (ret)
		mh_watch_unmap(w);
	return ret;
}

static int map_rings(struct mh_watch *w, struct watch_task *t, struct mh_err *err)
{
	unsigned page_kib = (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
	unsigned kib = page_kib, side_kib = page_kib, asked;
	size_t i;
	int ret;

	while (side_kib < SIDE_KIB)
		side_kib *= 2;
	while (kib * 2 <= w->spec.ring_kib)
		kib *= 2;
	asked = kib;
	while ((ret = map_at(w, t, kib, side_kib, err)) == MH_EPERM && kib > page_kib)
		kib /= 2;
	if (ret)
		return ret;
	if (kib < asked)
		mh_log_say(w->spec.log, MH_NOTICE,
			   "rings are %u KiB per CPU, not %u: locked memory is limited; "
			   "run: sysctl kernel.perf_event_mlock_kb=%u",
			   kib, asked, asked + side_kib + 2 * page_kib);
	w->ring_kib = kib;
	w->mapped = true;
	for (i = 0; i < w->lanes.nr; i++) {
		if (mh_watch_poll(w, i, 0))
			return mh_fail_errno(err, "cannot wait on a ring");
	}
	return MH_OK;
}

/* ---- a task ---- */

/* As the kernel took the attributes: something may have been given up. */
static void lay_out(struct mh_watch *w)
{
	size_t i;

	for (i = 0; i < w->nr_events; i++) {
		const struct perf_event_attr *attr = &w->events[i].attr;

		w->events[i].layout = (struct mh_ring_layout){
			.sample_type = attr->sample_type,
			.read_format = attr->read_format,
			.sample_id_all = true,
			.regs_user = attr->sample_regs_user,
			.period = attr->freq ? 1 : attr->sample_period,
			.event = (uint16_t)i,
		};
	}
	w->side_layout = (struct mh_ring_layout){
		.sample_type = w->side.sample_type,
		.sample_id_all = true,
	};
}

int mh_watch_add_any(struct mh_watch *w, pid_t pid, struct mh_err *err)
{
	size_t i, nr_ids = w->ids.nr, nr = WATCH_NR_SLOTS(w) * w->lanes.nr;
	struct watch_task *t = mh_vec_push(&w->tasks);
	int ret;

	if (!t)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	t->pid = pid;
	t->fds = malloc(nr * sizeof(*t->fds));
	if (!t->fds) {
		w->tasks.nr--;
		return mh_fail(err, MH_ENOMEM, "out of memory");
	}
	for (i = 0; i < nr; i++)
		t->fds[i] = -1;
	ret = open_events(w, t, err);
	if (!ret && !w->mapped)
		ret = map_rings(w, t, err);
	if (ret) {
		mh_watch_close_task(w, t);
		w->tasks.nr--;
		w->ids.nr = nr_ids;
		return ret;
	}
	lay_out(w);
	return MH_OK;
}
