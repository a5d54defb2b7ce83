/* SPDX-License-Identifier: MIT */
/*
 * Events over tasks and CPUs: which CPUs, which tasks, begin and end.
 *
 * A thread that a watched thread starts inherits its events; one that an unwatched thread
 * starts does not. While a running process is added both kinds appear, and only those of
 * the second kind may be opened by us, or they would be counted twice. The FORK records
 * tell them apart: a task's side events are opened after its other events, so a thread
 * whose FORK was recorded has inherited all of them.
 *
 * CPUs that come online later are not watched.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/vec.h"
#include "ring/watch_live.h"

/* ---- life ---- */

/* The next range of a list as sysfs writes it; false: there is none. */
static bool next_cpus(const char **list, unsigned long *first, unsigned long *last)
{
	char *end;

	*first = *last = strtoul(*list, &end, 10);
	if (end == *list)
		return false;
	*list = end;
	if (*end == '-') {
		*last = strtoul(end + 1, &end, 10);
		*list = end;
	}
	if (**list == ',')
		++*list;
	return true;
}

static bool is_among(const char *list, int cpu)
{
	unsigned long first, last;

	if (!list)
		return true;
	while (next_cpus(&list, &first, &last)) {
		if ((unsigned long)cpu >= first && (unsigned long)cpu <= last)
			return true;
	}
	return false;
}

static int add_lane(struct mh_watch *w, unsigned long cpu, struct mh_err *err)
{
	struct watch_lane *lane = mh_vec_push(&w->lanes);

	if (!lane)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	lane->cpu = (int)cpu;
	lane->samples_fd = lane->side_fd = -1;
	return MH_OK;
}

/* A chroot may be without /sys: the lines cpu0, cpu1... are the CPUs that are online. */
static int read_lanes_of_stat(struct mh_watch *w, struct mh_err *err)
{
	FILE *f = fopen("/proc/stat", "re");
	unsigned long cpu;
	char line[4096];
	int status = MH_OK;

	while (f && !status && fgets(line, sizeof(line), f)) {
		/* Not the line "cpu  ...", the sum of all. */
		if (line[3] != ' ' && sscanf(line, "cpu%lu", &cpu) == 1)
			status = add_lane(w, cpu, err);
	}
	if (f)
		fclose(f);
	if (!status && !w->lanes.nr)
		return mh_fail(err, MH_ENOSUP,
			       "cannot tell which CPUs are online: neither "
			       "/sys/devices/system/cpu/online nor /proc/stat is there");
	return status;
}

static int read_lanes(struct mh_watch *w, struct mh_err *err)
{
	unsigned long first, last;
	char line[4096];
	const char *list = line;
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	int status = MH_OK;
	bool ok;

	ok = f && fgets(line, sizeof(line), f);
	if (f)
		fclose(f);
	if (!ok)
		return read_lanes_of_stat(w, err);
	while (!status && next_cpus(&list, &first, &last)) {
		for (; !status && first <= last; first++)
			status = add_lane(w, first, err);
	}
	return status;
}

static int place_event(struct mh_watch *w, size_t i, struct mh_err *err)
{
	struct watch_event *e = &w->events[i];
	bool any = false;
	size_t lane;

	e->on = calloc(w->lanes.nr + 1, sizeof(*e->on));
	if (!e->on)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (lane = 0; lane < w->lanes.nr; lane++) {
		int cpu = w->lanes.v[lane].cpu;

		e->on[lane] = is_among(w->spec.events[i].cpus, cpu) &&
			      is_among(w->spec.cpus, cpu);
		w->lanes.v[lane].sampled |= e->on[lane];
		any |= e->on[lane];
	}
	if (!any && w->spec.cpus)
		return mh_fail(err, MH_EINPUT,
			       "none of the CPUs %s is online and has the event",
			       w->spec.cpus);
	return MH_OK;
}

static void describe_event(struct mh_watch *w, size_t i)
{
	const struct mh_watch_event *from = &w->spec.events[i];
	struct watch_event *e = &w->events[i];

	e->attr = from->attr;
	e->led_by = from->led_by;
	e->aux_kib = from->aux_kib;
	e->attr.read_format |= PERF_FORMAT_LOST;
	e->attr.sample_id_all = 1;
	e->attr.watermark = 1; /* without a mark of its own: half of the ring */
	/* Samples of several events in one ring are told apart by it. */
	if (w->nr_events > 1)
		e->attr.sample_type |= PERF_SAMPLE_IDENTIFIER;
	if (e->led_by == MH_LEAD_OTHER)
		e->lead = from->lead;
	else
		e->lead = (struct perf_event_attr){
			.type = e->attr.type,
			.config = e->attr.config,
			.config1 = e->attr.config1,
			.config2 = e->attr.config2,
			.bp_type = e->attr.bp_type,
			.exclude_kernel = e->attr.exclude_kernel,
			.exclude_user = e->attr.exclude_user,
			.exclude_hv = e->attr.exclude_hv,
		};
	e->lead.use_clockid = e->attr.use_clockid; /* one group, one clock */
	e->lead.clockid = e->attr.clockid;
	/* The leader alone is stopped: its group runs when it does. */
	(e->led_by ? &e->lead : &e->attr)->disabled = 1;
	(e->led_by ? &e->lead : &e->attr)->enable_on_exec = w->spec.on_exec;
}

static void describe(struct mh_watch *w)
{
	size_t i;

	for (i = 0; i < w->nr_events; i++)
		describe_event(w, i);
	w->side = (struct perf_event_attr){
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
		.use_clockid = w->events[0].attr.use_clockid,
		.clockid = w->events[0].attr.clockid,
	};
}

int mh_watch_open(struct mh_watch **out, const struct mh_watch_spec *spec,
		  struct mh_err *err)
{
	struct mh_watch *w = calloc(1, sizeof(*w));
	size_t i;
	int ret;

	mh_assert(spec->nr_events && spec->nr_events <= MH_WATCH_EVENTS_MAX);
	if (!w)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	w->spec = *spec;
	w->nr_events = spec->nr_events;
	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epfd < 0) {
		ret = mh_fail_errno(err, "cannot wait on rings");
		goto out;
	}
	describe(w);
	ret = read_lanes(w, err);
	for (i = 0; !ret && i < w->nr_events; i++)
		ret = place_event(w, i, err);
	w->spec.events = NULL; /* the caller's; all of it has been copied */
	w->spec.cpus = NULL;
out:
	if (ret) {
		mh_watch_close(w);
		w = NULL;
	}
	*out = w;
	return ret;
}

void mh_watch_close(struct mh_watch *w)
{
	size_t i;

	if (!w)
		return;
	mh_watch_unmap(w);
	for (i = 0; i < w->tasks.nr; i++)
		mh_watch_close_task(w, &w->tasks.v[i]);
	for (i = 0; i < w->nr_events; i++)
		free(w->events[i].on);
	if (w->epfd >= 0)
		close(w->epfd);
	if (w->nofile.rlim_max)
		setrlimit(RLIMIT_NOFILE, &w->nofile);
	free(w->lanes.v);
	free(w->tasks.v);
	free(w->ids.v);
	free(w->inherited.v);
	free(w->held.v);
	free(w->bytes.v);
	free(w);
}

/* ---- what is watched ---- */

static void inherit(const struct mh_watch *w, struct perf_event_attr *attr, bool on)
{
	attr->inherit = on;
	attr->inherit_thread = on && !w->spec.children && !(w->lacks & MH_LACKS_THREADS);
}

static void set_inherit(struct mh_watch *w, bool on)
{
	size_t i;

	for (i = 0; i < w->nr_events; i++) {
		inherit(w, &w->events[i].attr, on);
		inherit(w, &w->events[i].lead, on);
	}
	inherit(w, &w->side, on);
}

int mh_watch_add_task(struct mh_watch *w, pid_t tid, struct mh_err *err)
{
	set_inherit(w, true);
	return mh_watch_add_any(w, tid, err);
}

int mh_watch_add_system(struct mh_watch *w, struct mh_err *err)
{
	set_inherit(w, false);
	return mh_watch_add_any(w, -1, err);
}

int mh_watch_add_cgroup(struct mh_watch *w, int cgroup_fd, struct mh_err *err)
{
	set_inherit(w, false);
	w->flags |= PERF_FLAG_PID_CGROUP;
	return mh_watch_add_any(w, cgroup_fd, err);
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
		ret = mh_watch_hold(w, err);
		if (ret)
			break;
		if (is_watched(w, tid))
			continue;
		ret = mh_watch_add_any(w, tid, err);
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

/* ---- begin, end, and while it runs ---- */

/* @argument: of the request; @lead: ask the leaders of groups, not the samplers */
static int each_fd(struct mh_watch *w, size_t event, bool lead, unsigned long request,
		   void *argument)
{
	size_t slot =
		lead && w->events[event].led_by ? WATCH_LEAD(event) : WATCH_SAMPLE(event);
	size_t i, lane;

	for (i = 0; i < w->tasks.nr; i++) {
		for (lane = 0; lane < w->lanes.nr; lane++) {
			if (!w->events[event].on[lane])
				continue;
			if (ioctl(watch_fd(w, i, lane, slot), request, argument))
				return -1;
		}
	}
	return 0;
}

int mh_watch_enable(struct mh_watch *w, struct mh_err *err)
{
	size_t i;

	for (i = 0; i < w->nr_events; i++) {
		if (each_fd(w, i, true, PERF_EVENT_IOC_ENABLE, NULL))
			return mh_fail_errno(err, "cannot start perf events");
	}
	return MH_OK;
}

void mh_watch_disable(struct mh_watch *w)
{
	size_t i;

	for (i = 0; i < w->nr_events; i++)
		each_fd(w, i, true, PERF_EVENT_IOC_DISABLE, NULL);
}

void mh_watch_set_clock(struct mh_watch *w, int64_t offset_ns)
{
	w->clock_offset_ns = offset_ns;
}

int mh_watch_set_period(struct mh_watch *w, size_t event, uint64_t period,
			struct mh_err *err)
{
	if (each_fd(w, event, false, PERF_EVENT_IOC_PERIOD, &period))
		return mh_fail_errno(err, "cannot change the period of a perf event");
	w->events[event].attr.sample_period = period;
	return MH_OK;
}

int mh_watch_fd(const struct mh_watch *w)
{
	return w->epfd;
}

unsigned mh_watch_ring_kib(const struct mh_watch *w)
{
	return w->ring_kib;
}

unsigned mh_watch_nr_rings(const struct mh_watch *w)
{
	unsigned nr = 0;
	size_t i;

	for (i = 0; i < w->lanes.nr; i++)
		nr += w->lanes.v[i].sampled;
	return nr;
}

unsigned mh_watch_lacks(const struct mh_watch *w)
{
	return w->lacks;
}

const struct perf_event_attr *mh_watch_attr(const struct mh_watch *w, size_t event)
{
	return &w->events[event].attr;
}
