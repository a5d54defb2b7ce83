/* SPDX-License-Identifier: MIT */
/*
 * Events over tasks and CPUs, and the rounds in which their rings are emptied.
 *
 * A thread that a watched thread starts inherits its events; one that an unwatched thread
 * starts does not. While a running process is added both kinds appear, and only those of
 * the second kind may be opened by us, or they would be counted twice. The FORK records
 * tell them apart: a task's side events are opened after its other events, so a thread
 * whose FORK was recorded has inherited all of them.
 *
 * CPUs that come online later are not watched.
 */
#include "ring/watch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "ring/open.h"
#include "ring/parse.h"
#include "ring/ring.h"

#define SIDE_KIB 128

/* Records of maps and tasks that are younger may still be overtaken on another CPU. */
#define HOLD_BACK_NS 20000000u

enum role {
	COUNT,
	SAMPLE,
	SIDE,
	NR_ROLES
};

struct task {
	pid_t pid; /* -1: all tasks; with PERF_FLAG_PID_CGROUP a descriptor */
	int *fds;  /* NR_ROLES per CPU; -1: none */
};

struct lane {
	int cpu;
	struct mh_ring samples, side;
	size_t poll_task; /* whose event is waited on; nr of tasks: all have gone */
	uint64_t last_ns; /* time of the last record */
	uint64_t nr_samples, lost;
	uint64_t kernel_lost; /* by the kernel's own counter, at the end */
};

struct held {
	uint64_t time_ns;
	size_t offset, len; /* in bytes */
};

struct mh_watch {
	struct mh_watch_spec spec;
	struct perf_event_attr attr[NR_ROLES];
	struct mh_ring_layout layout, side_layout;
	struct {
		struct lane *v;
		size_t nr, cap;
	} lanes;
	struct {
		struct task *v;
		size_t nr, cap;
	} tasks;
	struct {
		pid_t *v;
		size_t nr, cap;
	} inherited; /* threads whose FORK was seen while a process was added */
	struct {
		struct held *v;
		size_t nr, cap;
	} held;
	struct {
		uint8_t *v;
		size_t nr, cap;
	} bytes; /* of the held records */
	unsigned ring_kib, lacks;
	unsigned long flags;
	bool learn; /* note the threads of FORK records */
	bool mapped;
	uint64_t side_lost, malformed;
	int epfd;
	struct rlimit nofile; /* as it was; rlim_max 0: not changed */
};

/* ---- life ---- */

static int read_cpus(struct mh_watch *w, struct mh_err *err)
{
	int first, last, cpu, ret = MH_OK;
	char sep;
	FILE *f;

	f = fopen("/sys/devices/system/cpu/online", "re");
	if (!f)
		return mh_fail_errno(err, "cannot read /sys/devices/system/cpu/online");
	while (!ret && fscanf(f, "%d", &first) == 1) {
		last = first;
		sep = (char)fgetc(f);
		if (sep == '-') {
			if (fscanf(f, "%d", &last) != 1)
				last = first;
			sep = (char)fgetc(f);
		}
		for (cpu = first; !ret && cpu <= last; cpu++) {
			struct lane *lane = mh_vec_push(&w->lanes);

			if (lane)
				lane->cpu = cpu;
			else
				ret = mh_fail(err, MH_ENOMEM, "out of memory");
		}
		if (sep != ',')
			break;
	}
	fclose(f);
	return ret;
}

static void describe(struct mh_watch *w)
{
	struct perf_event_attr *sample = &w->attr[SAMPLE], *count = &w->attr[COUNT];
	struct perf_event_attr *side = &w->attr[SIDE];

	*sample = w->spec.sample;
	sample->read_format |= PERF_FORMAT_LOST;
	sample->sample_id_all = 1;
	sample->watermark = 1; /* without a mark of its own: half of the ring */
	*count = (struct perf_event_attr){
		.type = sample->type,
		.config = sample->config,
		.config1 = sample->config1,
		.config2 = sample->config2,
		.exclude_kernel = sample->exclude_kernel,
		.exclude_user = sample->exclude_user,
		.exclude_hv = sample->exclude_hv,
		.use_clockid = sample->use_clockid, /* one group, one clock */
		.clockid = sample->clockid,
	};
	*side = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
		.sample_id_all = 1,
		.watermark = 1,
		.exclude_kernel = 1,
		.mmap = 1,
		.mmap2 = 1,
		.mmap_data = 1,
		.build_id = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.use_clockid = sample->use_clockid,
		.clockid = sample->clockid,
	};
	/* The leader alone is stopped: its group runs when it does. */
	(w->spec.count ? count : sample)->disabled = 1;
	(w->spec.count ? count : sample)->enable_on_exec = w->spec.on_exec;
}

int mh_watch_open(struct mh_watch **out, const struct mh_watch_spec *spec,
		  struct mh_err *err)
{
	struct mh_watch *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	w->spec = *spec;
	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epfd < 0) {
		ret = mh_fail_errno(err, "cannot wait on rings");
		goto out;
	}
	describe(w);
	ret = read_cpus(w, err);
out:
	if (ret) {
		mh_watch_close(w);
		w = NULL;
	}
	*out = w;
	return ret;
}

static void close_task(struct mh_watch *w, struct task *t)
{
	size_t i;

	for (i = 0; t->fds && i < NR_ROLES * w->lanes.nr; i++) {
		if (t->fds[i] >= 0)
			close(t->fds[i]);
	}
	free(t->fds);
}

static void unmap(struct mh_watch *w)
{
	size_t i;

	for (i = 0; i < w->lanes.nr; i++) {
		mh_ring_fini(&w->lanes.v[i].samples);
		mh_ring_fini(&w->lanes.v[i].side);
	}
}

void mh_watch_close(struct mh_watch *w)
{
	size_t i;

	if (!w)
		return;
	unmap(w);
	for (i = 0; i < w->tasks.nr; i++)
		close_task(w, &w->tasks.v[i]);
	if (w->epfd >= 0)
		close(w->epfd);
	if (w->nofile.rlim_max)
		setrlimit(RLIMIT_NOFILE, &w->nofile);
	free(w->lanes.v);
	free(w->tasks.v);
	free(w->inherited.v);
	free(w->held.v);
	free(w->bytes.v);
	free(w);
}

/* ---- opening events ---- */

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

static int open_one(struct mh_watch *w, struct task *t, size_t lane, enum role role,
		    struct mh_err *err)
{
	int *fd = &t->fds[NR_ROLES * lane + role];
	struct mh_perf_place place = { .pid = t->pid,
				       .cpu = w->lanes.v[lane].cpu,
				       .group_fd = -1,
				       .flags = w->flags };
	struct mh_err why = { 0 };
	int ret;

	if (role == SAMPLE)
		place.group_fd = t->fds[NR_ROLES * lane + COUNT];
	ret = mh_perf_open(fd, &w->attr[role], &place, &w->lacks, &why);
	if (ret && why.sys_errno == EMFILE && more_files(w))
		ret = mh_perf_open(fd, &w->attr[role], &place, &w->lacks, &why);
	if (ret && why.sys_errno == EMFILE)
		ret = mh_fail(&why, MH_ESYS,
			      "too many open files for %zu CPUs and this many threads; "
			      "run: ulimit -n %zu",
			      w->lanes.nr, NR_ROLES * w->lanes.nr * (w->tasks.nr + 256));
	if (ret && err)
		*err = why;
	return ret;
}

/* A group must agree on the modes it counts, so the first refusal settles it for both. */
static void agree(struct mh_watch *w)
{
	if (w->lacks & MH_LACKS_KERNEL)
		w->attr[COUNT].exclude_kernel = w->attr[SAMPLE].exclude_kernel = 1;
}

static int redirect(struct mh_watch *w, struct task *t, size_t lane, enum role role,
		    struct mh_err *err)
{
	size_t i = NR_ROLES * lane + role;

	if (!w->mapped)
		return MH_OK;
	if (ioctl(t->fds[i], PERF_EVENT_IOC_SET_OUTPUT, w->tasks.v[0].fds[i]))
		return mh_fail_errno(err, "cannot share a ring among threads");
	return MH_OK;
}

static int open_on_cpu(struct mh_watch *w, struct task *t, size_t lane,
		       struct mh_err *err)
{
	int ret;

	if (w->spec.count) {
		ret = open_one(w, t, lane, COUNT, err);
		if (ret)
			return ret;
		agree(w);
	}
	ret = open_one(w, t, lane, SAMPLE, err);
	if (ret)
		return ret;
	agree(w);
	return redirect(w, t, lane, SAMPLE, err);
}

static int open_events(struct mh_watch *w, struct task *t, struct mh_err *err)
{
	size_t lane;
	int ret = MH_OK;

	for (lane = 0; !ret && lane < w->lanes.nr; lane++)
		ret = open_on_cpu(w, t, lane, err);
	for (lane = 0; !ret && lane < w->lanes.nr; lane++) {
		ret = open_one(w, t, lane, SIDE, err);
		if (!ret)
			ret = redirect(w, t, lane, SIDE, err);
	}
	return ret;
}

static int map_at(struct mh_watch *w, unsigned kib, unsigned side_kib, struct mh_err *err)
{
	const int *fds = w->tasks.v[0].fds;
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < w->lanes.nr; i++, fds += NR_ROLES) {
		ret = mh_ring_map(&w->lanes.v[i].samples, fds[SAMPLE], kib, err);
		if (!ret)
			ret = mh_ring_map(&w->lanes.v[i].side, fds[SIDE], side_kib, err);
	}
	if (ret)
		unmap(w);
	return ret;
}

/* Wait on both rings of a lane through the events of one task. */
static int poll_task(struct mh_watch *w, size_t lane, size_t task)
{
	const int *fds = w->tasks.v[task].fds + NR_ROLES * lane;
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = lane };

	if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, fds[SAMPLE], &ev))
		return -1;
	return epoll_ctl(w->epfd, EPOLL_CTL_ADD, fds[SIDE], &ev);
}

static void poll_task_not(struct mh_watch *w, size_t lane, size_t task)
{
	const int *fds = w->tasks.v[task].fds + NR_ROLES * lane;

	epoll_ctl(w->epfd, EPOLL_CTL_DEL, fds[SAMPLE], NULL);
	epoll_ctl(w->epfd, EPOLL_CTL_DEL, fds[SIDE], NULL);
}

static int map_rings(struct mh_watch *w, struct mh_err *err)
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
	while ((ret = map_at(w, kib, side_kib, err)) == MH_EPERM && kib > page_kib)
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
		if (poll_task(w, i, 0))
			return mh_fail_errno(err, "cannot wait on a ring");
	}
	return MH_OK;
}

static void set_inherit(struct mh_watch *w, bool inherit)
{
	enum role role;

	for (role = COUNT; role < NR_ROLES; role++) {
		w->attr[role].inherit = inherit;
		w->attr[role].inherit_thread =
			inherit && !w->spec.children && !(w->lacks & MH_LACKS_THREADS);
	}
}

static int add(struct mh_watch *w, pid_t pid, struct mh_err *err)
{
	struct task *t = mh_vec_push(&w->tasks);
	size_t i;
	int ret;

	if (!t)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	t->pid = pid;
	t->fds = malloc(NR_ROLES * w->lanes.nr * sizeof(*t->fds));
	if (!t->fds) {
		w->tasks.nr--;
		return mh_fail(err, MH_ENOMEM, "out of memory");
	}
	for (i = 0; i < NR_ROLES * w->lanes.nr; i++)
		t->fds[i] = -1;
	ret = open_events(w, t, err);
	if (!ret && !w->mapped)
		ret = map_rings(w, err);
	if (ret) {
		close_task(w, t);
		w->tasks.nr--;
		return ret;
	}
	w->layout = (struct mh_ring_layout){
		.sample_type = w->attr[SAMPLE].sample_type,
		.read_format = w->attr[SAMPLE].read_format,
		.sample_id_all = true,
		.period = w->attr[SAMPLE].freq ? 1 : w->attr[SAMPLE].sample_period,
	};
	w->side_layout = (struct mh_ring_layout){
		.sample_type = w->attr[SIDE].sample_type,
		.sample_id_all = true,
	};
	return MH_OK;
}

int mh_watch_add_task(struct mh_watch *w, pid_t tid, struct mh_err *err)
{
	set_inherit(w, true);
	return add(w, tid, err);
}

int mh_watch_add_system(struct mh_watch *w, struct mh_err *err)
{
	set_inherit(w, false);
	return add(w, -1, err);
}

int mh_watch_add_cgroup(struct mh_watch *w, int cgroup_fd, struct mh_err *err)
{
	set_inherit(w, false);
	w->flags |= PERF_FLAG_PID_CGROUP;
	return add(w, cgroup_fd, err);
}

/* ---- threads of a process that runs ---- */

static bool is_watched(const struct mh_watch *w, pid_t tid)
{
	size_t i;

	for (i = 0; i < w->tasks.nr; i++) {
		if (w->tasks.v[i].pid == tid)
			return true;
	}
	for (i = 0; i < w->inherited.nr; i++) {
		if (w->inherited.v[i] == tid)
			return true;
	}
	return false;
}

static int hold_side_records(struct mh_watch *w, struct mh_err *err);

/* One look at the threads; *nr_new receives how many were added. */
static int add_new_threads(struct mh_watch *w, pid_t pid, size_t *nr_new,
			   struct mh_err *err)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;
	int ret = MH_OK;

	*nr_new = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return mh_fail(err, MH_ENOTARGET, "no process has pid %d", (int)pid);
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (tid <= 0)
			continue;
		ret = hold_side_records(w, err);
		if (ret)
			break;
		if (is_watched(w, tid))
			continue;
		ret = add(w, tid, err);
		if (ret == MH_ENOTARGET)
			ret = MH_OK; /* it ended meanwhile */
		else if (ret)
			break;
		else
			++*nr_new;
	}
	closedir(dir);
	return ret;
}

int mh_watch_add_process(struct mh_watch *w, pid_t pid, struct mh_err *err)
{
	size_t nr_new;
	int ret;

	set_inherit(w, true);
	w->learn = true;
	do {
		ret = add_new_threads(w, pid, &nr_new, err);
	} while (!ret && nr_new);
	w->learn = false;
	return ret;
}

size_t mh_watch_nr_tasks(const struct mh_watch *w)
{
	return w->tasks.nr;
}

static int each_leader(struct mh_watch *w, unsigned long request)
{
	enum role leader = w->spec.count ? COUNT : SAMPLE;
	size_t i, lane;

	for (i = 0; i < w->tasks.nr; i++) {
		for (lane = 0; lane < w->lanes.nr; lane++) {
			if (ioctl(w->tasks.v[i].fds[NR_ROLES * lane + leader], request,
				  0))
				return -1;
		}
	}
	return 0;
}

int mh_watch_enable(struct mh_watch *w, struct mh_err *err)
{
	if (each_leader(w, PERF_EVENT_IOC_ENABLE))
		return mh_fail_errno(err, "cannot start perf events");
	return MH_OK;
}

void mh_watch_disable(struct mh_watch *w)
{
	each_leader(w, PERF_EVENT_IOC_DISABLE);
}

int mh_watch_fd(const struct mh_watch *w)
{
	return w->epfd;
}

/* ---- rounds ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int hold(struct mh_watch *w, uint64_t time_ns, const uint8_t *record, size_t len,
		struct mh_err *err)
{
	struct held *held = mh_vec_push(&w->held);
	uint8_t *more;

	if (!held)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (w->bytes.cap - w->bytes.nr < len) {
		more = realloc(w->bytes.v, w->bytes.cap * 2 + len);
		if (!more) {
			w->held.nr--;
			return mh_fail(err, MH_ENOMEM, "out of memory");
		}
		w->bytes.v = more;
		w->bytes.cap = w->bytes.cap * 2 + len;
	}
	memcpy(w->bytes.v + w->bytes.nr, record, len);
	*held = (struct held){ .time_ns = time_ns, .offset = w->bytes.nr, .len = len };
	w->bytes.nr += len;
	return MH_OK;
}

static int learn(struct mh_watch *w, const struct mh_event *ev, struct mh_err *err)
{
	pid_t *tid;

	if (!w->learn || ev->kind != MH_EV_TASK || ev->task.op != MH_TASK_FORK)
		return MH_OK;
	tid = mh_vec_push(&w->inherited);
	if (!tid)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*tid = (pid_t)ev->task.tid;
	return MH_OK;
}

static int hold_side_record(struct mh_watch *w, const uint8_t *record, size_t len,
			    struct mh_err *err)
{
	struct mh_event ev;
	int ret = mh_ring_parse(&ev, &w->side_layout, record, len, NULL);

	if (ret == MH_EFORMAT)
		w->malformed++;
	if (ret)
		return MH_OK;
	if (ev.kind == MH_EV_LOST) {
		w->side_lost += ev.lost.count;
		return MH_OK;
	}
	ret = learn(w, &ev, err);
	return ret ? ret : hold(w, ev.time_ns, record, len, err);
}

static int hold_side_records(struct mh_watch *w, struct mh_err *err)
{
	const uint8_t *record;
	size_t i, len;
	int ret;

	for (i = 0; i < w->lanes.nr; i++) {
		struct mh_ring *ring = &w->lanes.v[i].side;

		mh_ring_begin(ring);
		while ((ret = mh_ring_next(ring, &record, &len)) == MH_OK) {
			ret = hold_side_record(w, record, len, err);
			if (ret)
				return ret;
		}
		if (ret == MH_EFORMAT)
			w->malformed++;
	}
	return MH_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Moves the records from @first on to the front. */
static void keep_held(struct mh_watch *w, size_t first)
{
	size_t i, used = 0;

	/* In order of their bytes, so that none is overwritten before it has moved. */
	for (i = first; i < w->held.nr; i++)
		w->held.v[i - first] = w->held.v[i];
	w->held.nr -= first;
	if (!w->held.nr) {
		w->bytes.nr = 0;
		return;
	}
	for (i = 0; i < w->held.nr; i++)
		used += w->held.v[i].len;
	if (used * 2 < w->bytes.nr) {
		uint8_t *fresh = malloc(w->bytes.cap);
		size_t at = 0;

		if (!fresh)
			return; /* only the room is not won back yet */
		for (i = 0; i < w->held.nr; i++) {
			memcpy(fresh + at, w->bytes.v + w->held.v[i].offset,
			       w->held.v[i].len);
			w->held.v[i].offset = at;
			at += w->held.v[i].len;
		}
		free(w->bytes.v);
		w->bytes.v = fresh;
		w->bytes.nr = at;
	}
}

static int emit_held(struct mh_watch *w, uint64_t until_ns, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_event ev;
	size_t i;
	int ret = MH_OK;

	if (!w->held.nr)
		return MH_OK;
	qsort(w->held.v, w->held.nr, sizeof(*w->held.v), by_time);
	for (i = 0; i < w->held.nr && w->held.v[i].time_ns <= until_ns && !ret; i++) {
		const struct held *h = &w->held.v[i];

		if (mh_ring_parse(&ev, &w->side_layout, w->bytes.v + h->offset, h->len,
				  NULL))
			continue;
		ev.source = w->spec.source;
		ret = fn(arg, &ev, err);
	}
	keep_held(w, i);
	return ret;
}

static int emit_record(struct mh_watch *w, struct lane *lane, const uint8_t *record,
		       size_t len, mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_ring_extra extra;
	struct mh_event ev;
	int ret = mh_ring_parse(&ev, &w->layout, record, len, &extra);

	if (ret == MH_EFORMAT)
		w->malformed++;
	if (ret)
		return MH_OK;
	ev.source = w->spec.source;
	if (ev.kind == MH_EV_LOST && ev.lost.cause == MH_LOST_RING) {
		ev.lost.start_ns = lane->last_ns ? lane->last_ns : ev.time_ns;
		ev.lost.cpu = (uint32_t)lane->cpu;
		lane->lost += ev.lost.count;
	} else if (ev.kind == MH_EV_SAMPLE) {
		lane->nr_samples++;
	}
	lane->last_ns = ev.time_ns;
	return fn(arg, &ev, err);
}

static int emit_lane(struct mh_watch *w, struct lane *lane, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	const uint8_t *record;
	size_t len;
	int ret, status;

	mh_ring_begin(&lane->samples);
	while ((ret = mh_ring_next(&lane->samples, &record, &len)) == MH_OK) {
		status = emit_record(w, lane, record, len, fn, arg, err);
		if (status)
			return status;
	}
	if (ret == MH_EFORMAT)
		w->malformed++;
	return MH_OK;
}

/* ---- what was lost, and who has gone ---- */

static void read_lane(const struct mh_watch *w, size_t lane, uint64_t *count,
		      uint64_t *lost)
{
	uint64_t values[2];
	size_t i;

	*count = *lost = 0;
	for (i = 0; i < w->tasks.nr; i++) {
		const int *fds = w->tasks.v[i].fds + NR_ROLES * lane;

		if (fds[COUNT] >= 0 && read(fds[COUNT], values, 8) == 8)
			*count += values[0];
		if (w->attr[SAMPLE].read_format & PERF_FORMAT_LOST &&
		    read(fds[SAMPLE], values, 16) == 16)
			*lost += values[1];
	}
}

/*
 * The kernel tells of a loss when there is room again, so what was lost at the very end
 * is only in its counter (Linux 6.0). Beyond that, some events of a machine-wide watch are
 * counted and give neither sample nor loss; they are lost to us all the same.
 */
static int emit_untold(struct mh_watch *w, size_t i, mh_event_fn fn, void *arg,
		       struct mh_err *err)
{
	struct lane *lane = &w->lanes.v[i];
	struct mh_event ev = { .kind = MH_EV_LOST, .source = w->spec.source };
	uint64_t count, lost;

	read_lane(w, i, &count, &lost);
	lane->kernel_lost = lost;
	if (w->layout.period == 1 && w->spec.count && count > lane->nr_samples + lost)
		lost = count - lane->nr_samples;
	if (lost <= lane->lost)
		return MH_OK;
	ev.time_ns = now_ns();
	ev.lost = (struct mh_ev_lost){ .start_ns =
					       lane->last_ns ? lane->last_ns : ev.time_ns,
				       .count = lost - lane->lost,
				       .cpu = (uint32_t)lane->cpu,
				       .cause = MH_LOST_RING };
	lane->lost = lost;
	return fn(arg, &ev, err);
}

/* Wait on the events of another task when the one waited on has gone. */
static void follow(struct mh_watch *w, size_t lane)
{
	size_t *task = &w->lanes.v[lane].poll_task;

	if (*task >= w->tasks.nr)
		return;
	poll_task_not(w, lane, *task);
	while (++*task < w->tasks.nr) {
		if (!poll_task(w, lane, *task))
			return;
		poll_task_not(w, lane, *task);
	}
}

static bool has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

/* One look at who has hung up; false when nobody new has. */
static bool move_on(struct mh_watch *w)
{
	struct epoll_event ev[64];
	bool moved = false;
	int k, nr = epoll_wait(w->epfd, ev, 64, 0);

	for (k = 0; k < nr; k++) {
		size_t lane = (size_t)ev[k].data.u64;
		int fd;

		/* Both events of a task hang up together: the second finds the next
		 * task, which is asked itself. */
		if (!(ev[k].events & EPOLLHUP) || w->lanes.v[lane].poll_task >= w->tasks.nr)
			continue;
		fd = w->tasks.v[w->lanes.v[lane].poll_task].fds[NR_ROLES * lane + SAMPLE];
		if (!has_hung_up(fd))
			continue;
		follow(w, lane);
		moved = true;
	}
	return moved;
}

static bool all_gone(struct mh_watch *w)
{
	size_t i;

	while (move_on(w))
		;
	for (i = 0; i < w->lanes.nr; i++) {
		if (w->lanes.v[i].poll_task < w->tasks.nr)
			return false;
	}
	return true;
}

int mh_watch_drain(struct mh_watch *w, int last, mh_event_fn fn, void *arg,
		   struct mh_err *err)
{
	uint64_t begin = now_ns();
	bool gone;
	size_t i;
	int ret;

	if (!w->mapped)
		return MH_END;
	/* Asked before the rings are read: what the last task wrote is in them then. */
	gone = all_gone(w);
	ret = hold_side_records(w, err);
	if (!ret)
		ret = emit_held(w, last || gone ? UINT64_MAX : begin - HOLD_BACK_NS, fn,
				arg, err);
	for (i = 0; !ret && i < w->lanes.nr; i++)
		ret = emit_lane(w, &w->lanes.v[i], fn, arg, err);
	for (i = 0; last && !ret && i < w->lanes.nr; i++)
		ret = emit_untold(w, i, fn, arg, err);
	if (ret)
		return ret;
	return gone ? MH_END : MH_OK;
}

void mh_watch_totals(const struct mh_watch *w, struct mh_watch_totals *out)
{
	uint64_t count, lost;
	size_t i;

	*out = (struct mh_watch_totals){ .side_lost = w->side_lost,
					 .malformed = w->malformed };
	for (i = 0; i < w->lanes.nr; i++) {
		read_lane(w, i, &count, &lost);
		out->count += count;
		out->samples += w->lanes.v[i].nr_samples;
		out->lost += w->lanes.v[i].lost;
		out->kernel_lost += w->lanes.v[i].kernel_lost;
	}
}

unsigned mh_watch_ring_kib(const struct mh_watch *w)
{
	return w->ring_kib;
}

unsigned mh_watch_nr_rings(const struct mh_watch *w)
{
	return (unsigned)w->lanes.nr;
}

unsigned mh_watch_lacks(const struct mh_watch *w)
{
	return w->lacks;
}
