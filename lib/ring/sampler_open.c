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
#include "ring/sampler_live.h"

#define SIDE_KIB  128
#define SWAPS_MAX 16

void mh_sampler_close_task(struct mh_sampler *s, struct sampler_task *t)
{
	size_t i;

	for (i = 0; t->fds && i < SAMPLER_NR_SLOTS(s) * s->lanes.nr; i++) {
		if (t->fds[i] >= 0)
			close(t->fds[i]);
	}
	free(t->fds);
}

void mh_sampler_unmap(struct mh_sampler *s)
{
	size_t i;

	for (i = 0; i < s->lanes.nr; i++) {
		mh_aux_fini(&s->lanes.v[i].aux);
		mh_ring_fini(&s->lanes.v[i].samples);
		mh_ring_fini(&s->lanes.v[i].side);
		s->lanes.v[i].samples_fd = s->lanes.v[i].side_fd = -1;
	}
}

/* ---- one event ---- */

/* Raise the limit of open files as far as allowed; close() puts it back. */
static bool more_files(struct mh_sampler *s)
{
	struct rlimit more;

	if (s->nofile.rlim_max || getrlimit(RLIMIT_NOFILE, &more))
		return false;
	if (more.rlim_cur >= more.rlim_max)
		return false;
	s->nofile = more;
	more.rlim_cur = more.rlim_max;
	return !setrlimit(RLIMIT_NOFILE, &more);
}

/* Where a task's event of @slot on @lane is kept. */
static int *fd_of(const struct mh_sampler *s, struct sampler_task *t, size_t lane,
		  size_t slot)
{
	return &t->fds[SAMPLER_NR_SLOTS(s) * lane + slot];
}

static int open_one(struct mh_sampler *s, struct sampler_task *t, size_t lane,
		    size_t slot, int group_fd, struct perf_event_attr *attr,
		    struct mh_err *err)
{
	int *fd = fd_of(s, t, lane, slot);
	struct mh_perf_place place = { .pid = t->pid,
				       .cpu = s->lanes.v[lane].cpu,
				       .group_fd = group_fd,
				       .flags = s->flags };
	struct mh_err why = { 0 };
	int ret;

	ret = mh_perf_open(fd, attr, &place, &s->lacks, &why);
	if (ret && why.sys_errno == EMFILE && more_files(s))
		ret = mh_perf_open(fd, attr, &place, &s->lacks, &why);
	if (ret && why.sys_errno == EMFILE)
		ret = mh_fail(&why, MH_ESYS,
			      "too many open files for %zu CPUs and this many threads; "
			      "run: ulimit -n %zu",
			      s->lanes.nr,
			      SAMPLER_NR_SLOTS(s) * s->lanes.nr * (s->tasks.nr + 256));
	if (ret && err)
		*err = why;
	return ret;
}

/* What the first refusal of kernel mode settles is settled for all: a group must agree on
 * the modes it counts, and samples of a recording stand for one population. */
static void agree(struct mh_sampler *s)
{
	size_t i;

	if (!(s->lacks & MH_LACKS_KERNEL))
		return;
	for (i = 0; i < s->nr_events; i++)
		s->events[i].attr.exclude_kernel = s->events[i].lead.exclude_kernel = 1;
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
static int note_id(struct mh_sampler *s, int fd, size_t event, struct mh_err *err)
{
	struct sampler_id *id;
	uint64_t value;

	if (s->nr_events == 1)
		return MH_OK;
	if (ioctl(fd, PERF_EVENT_IOC_ID, &value))
		return mh_fail_errno(err, "cannot tell a perf event's id");
	id = mh_vec_push(&s->ids);
	if (!id)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*id = (struct sampler_id){ value, (unsigned)event };
	return MH_OK;
}

static int open_led(struct mh_sampler *s, struct sampler_task *t, size_t lane,
		    size_t event, struct mh_err *err)
{
	struct sampler_event *e = &s->events[event];
	int *lead = fd_of(s, t, lane, SAMPLER_LEAD(event));
	int ret = open_one(s, t, lane, SAMPLER_LEAD(event), -1, &e->lead, err);

	if (ret)
		return ret;
	agree(s);
	ret = open_one(s, t, lane, SAMPLER_SAMPLE(event), *lead, &e->attr, err);
	if (ret) {
		close(*lead);
		*lead = -1;
	}
	return ret;
}

/*
 * A task that forks may swap its events with the child's, which are the same. A leader
 * that went to a child is not of the task any more (EINVAL), or ended with it (ENODEV):
 * another one is needed.
 */
static int open_pair(struct mh_sampler *s, struct sampler_task *t, size_t lane,
		     size_t event, struct mh_err *err)
{
	bool may_fork = t->pid > 0 && !(s->flags & PERF_FLAG_PID_CGROUP);
	struct mh_err why = { 0 };
	unsigned i;
	int ret;

	for (i = 0; i < SWAPS_MAX; i++) {
		ret = open_led(s, t, lane, event, &why);
		if (!ret || !may_fork ||
		    (why.sys_errno != ENODEV && why.sys_errno != EINVAL))
			break;
	}
	if (ret && err)
		*err = why;
	return ret;
}

static int open_event(struct mh_sampler *s, struct sampler_task *t, size_t lane,
		      size_t event, struct mh_err *err)
{
	struct sampler_event *e = &s->events[event];
	int fd, ret;

	if (!e->on[lane])
		return MH_OK;
	ret = e->led_by ? open_pair(s, t, lane, event, err)
			: open_one(s, t, lane, SAMPLER_SAMPLE(event), -1, &e->attr, err);
	if (ret)
		return ret;
	agree(s);
	fd = *fd_of(s, t, lane, SAMPLER_SAMPLE(event));
	ret = note_id(s, fd, event, err);
	return ret ? ret : redirect(fd, s->lanes.v[lane].samples_fd, err);
}

static int open_events(struct mh_sampler *s, struct sampler_task *t, struct mh_err *err)
{
	size_t lane, i;
	int ret = MH_OK;

	for (lane = 0; !ret && lane < s->lanes.nr; lane++) {
		for (i = 0; !ret && i < s->nr_events; i++)
			ret = open_event(s, t, lane, i, err);
	}
	for (lane = 0; !ret && lane < s->lanes.nr; lane++) {
		ret = open_one(s, t, lane, SAMPLER_SIDE(s), -1, &s->side, err);
		if (!ret)
			ret = redirect(*fd_of(s, t, lane, SAMPLER_SIDE(s)),
				       s->lanes.v[lane].side_fd, err);
	}
	return ret;
}

/* ---- rings ---- */

static int map_lane(struct mh_sampler *s, struct sampler_task *t, size_t i, unsigned kib,
		    unsigned side_kib, struct mh_err *err)
{
	struct sampler_lane *lane = &s->lanes.v[i];
	size_t event;
	int ret = MH_OK;

	for (event = 0; !ret && event < s->nr_events; event++) {
		int fd = *fd_of(s, t, i, SAMPLER_SAMPLE(event));

		if (fd < 0)
			continue;
		if (lane->samples.page) {
			ret = redirect(fd, lane->samples_fd, err);
			continue;
		}
		ret = mh_ring_map(&lane->samples, fd, kib, err);
		lane->samples_fd = fd;
		if (!ret && s->events[event].aux_kib)
			ret = mh_aux_map(&lane->aux, &lane->samples, fd,
					 s->events[event].aux_kib, err);
	}
	lane->side_fd = *fd_of(s, t, i, SAMPLER_SIDE(s));
	return ret ? ret : mh_ring_map(&lane->side, lane->side_fd, side_kib, err);
}

static int map_at(struct mh_sampler *s, struct sampler_task *t, unsigned kib,
		  unsigned side_kib, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < s->lanes.nr; i++)
		ret = map_lane(s, t, i, kib, side_kib, err);
	if (ret)
		mh_sampler_unmap(s);
	return ret;
}

static int map_rings(struct mh_sampler *s, struct sampler_task *t, struct mh_err *err)
{
	unsigned page_kib = (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
	unsigned kib = page_kib, side_kib = page_kib, asked;
	size_t i;
	int ret;

	while (side_kib < SIDE_KIB)
		side_kib *= 2;
	while (kib * 2 <= s->spec.ring_kib)
		kib *= 2;
	asked = kib;
	while ((ret = map_at(s, t, kib, side_kib, err)) == MH_EPERM && kib > page_kib)
		kib /= 2;
	if (ret)
		return ret;
	if (kib < asked)
		mh_log_say(s->spec.log, MH_NOTICE,
			   "rings are %u KiB per CPU, not %u: locked memory is limited; "
			   "run: sysctl kernel.perf_event_mlock_kb=%u",
			   kib, asked, asked + side_kib + 2 * page_kib);
	s->ring_kib = kib;
	s->mapped = true;
	for (i = 0; i < s->lanes.nr; i++) {
		if (mh_sampler_poll(s, i, 0))
			return mh_fail_errno(err, "cannot wait on a ring");
	}
	return MH_OK;
}

/* ---- a task ---- */

/* Of page faults the kernel does not say so, sample by sample, as of precise events. */
static bool is_fault(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE &&
	       (attr->config == PERF_COUNT_SW_PAGE_FAULTS ||
		attr->config == PERF_COUNT_SW_PAGE_FAULTS_MIN ||
		attr->config == PERF_COUNT_SW_PAGE_FAULTS_MAJ);
}

/* As the kernel took the attributes: something may have been given up. */
static void lay_out(struct mh_sampler *s)
{
	size_t i;

	for (i = 0; i < s->nr_events; i++) {
		const struct perf_event_attr *attr = &s->events[i].attr;

		s->events[i].layout = (struct mh_ring_layout){
			.sample_type = attr->sample_type,
			.read_format = attr->read_format,
			.sample_id_all = true,
			.exact_ip = is_fault(attr),
			.regs_user = attr->sample_regs_user,
			.period = attr->freq ? 1 : attr->sample_period,
			.event = (uint16_t)i,
		};
	}
	s->side_layout = (struct mh_ring_layout){
		.sample_type = s->side.sample_type,
		.sample_id_all = true,
	};
}

int mh_sampler_add_any(struct mh_sampler *s, pid_t pid, struct mh_err *err)
{
	size_t i, nr_ids = s->ids.nr, nr = SAMPLER_NR_SLOTS(s) * s->lanes.nr;
	struct sampler_task *t = mh_vec_push(&s->tasks);
	int ret;

	if (!t)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	t->pid = pid;
	t->fds = malloc(nr * sizeof(*t->fds));
	if (!t->fds) {
		s->tasks.nr--;
		return mh_fail(err, MH_ENOMEM, "out of memory");
	}
	for (i = 0; i < nr; i++)
		t->fds[i] = -1;
	ret = open_events(s, t, err);
	if (!ret && !s->mapped)
		ret = map_rings(s, t, err);
	if (ret) {
		mh_sampler_close_task(s, t);
		s->tasks.nr--;
		s->ids.nr = nr_ids;
		return ret;
	}
	lay_out(s);
	return MH_OK;
}
