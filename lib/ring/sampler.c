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
#include "ring/sampler_live.h"

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

static int add_lane(struct mh_sampler *s, unsigned long cpu, struct mh_err *err)
{
	struct sampler_lane *lane = mh_vec_push(&s->lanes);

	if (!lane)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	lane->cpu = (int)cpu;
	lane->samples_fd = lane->side_fd = -1;
	return MH_OK;
}

/* A chroot may be without /sys: the lines cpu0, cpu1... are the CPUs that are online. */
static int read_lanes_of_stat(struct mh_sampler *s, struct mh_err *err)
{
	FILE *f = fopen("/proc/stat", "re");
	unsigned long cpu;
	char line[4096];
	int status = MH_OK;

	while (f && !status && fgets(line, sizeof(line), f)) {
		/* Not the line "cpu  ...", the sum of all. */
		if (line[3] != ' ' && sscanf(line, "cpu%lu", &cpu) == 1)
			status = add_lane(s, cpu, err);
	}
	if (f)
		fclose(f);
	if (!status && !s->lanes.nr)
		return mh_fail(err, MH_ENOSUP,
			       "cannot tell which CPUs are online: neither "
			       "/sys/devices/system/cpu/online nor /proc/stat is there");
	return status;
}

static int read_lanes(struct mh_sampler *s, struct mh_err *err)
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
		return read_lanes_of_stat(s, err);
	while (!status && next_cpus(&list, &first, &last)) {
		for (; !status && first <= last; first++)
			status = add_lane(s, first, err);
	}
	return status;
}

static int place_event(struct mh_sampler *s, size_t i, struct mh_err *err)
{
	struct sampler_event *e = &s->events[i];
	bool any = false;
	size_t lane;

	e->on = calloc(s->lanes.nr + 1, sizeof(*e->on));
	if (!e->on)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (lane = 0; lane < s->lanes.nr; lane++) {
		int cpu = s->lanes.v[lane].cpu;

		e->on[lane] = is_among(s->spec.events[i].cpus, cpu) &&
			      is_among(s->spec.cpus, cpu);
		s->lanes.v[lane].sampled |= e->on[lane];
		any |= e->on[lane];
	}
	if (!any && s->spec.cpus)
		return mh_fail(err, MH_EINPUT,
			       "none of the CPUs %s is online and has the event",
			       s->spec.cpus);
	return MH_OK;
}

static void describe_event(struct mh_sampler *s, size_t i)
{
	const struct mh_sampler_event *from = &s->spec.events[i];
	struct sampler_event *e = &s->events[i];

	e->attr = from->attr;
	e->led_by = from->led_by;
	e->aux_kib = from->aux_kib;
	e->attr.read_format |= PERF_FORMAT_LOST;
	e->attr.sample_id_all = 1;
	e->attr.watermark = 1; /* without a mark of its own: half of the ring */
	/* Samples of several events in one ring are told apart by it. */
	if (s->nr_events > 1)
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
	(e->led_by ? &e->lead : &e->attr)->enable_on_exec = s->spec.on_exec;
}

static void describe(struct mh_sampler *s)
{
	size_t i;

	for (i = 0; i < s->nr_events; i++)
		describe_event(s, i);
	s->side = (struct perf_event_attr){
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
		.use_clockid = s->events[0].attr.use_clockid,
		.clockid = s->events[0].attr.clockid,
	};
}

int mh_sampler_open(struct mh_sampler **out, const struct mh_sampler_spec *spec,
		    struct mh_err *err)
{
	struct mh_sampler *s = calloc(1, sizeof(*s));
	size_t i;
	int ret;

	mh_assert(spec->nr_events && spec->nr_events <= MH_SAMPLER_EVENTS_MAX);
	if (!s)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	s->spec = *spec;
	s->nr_events = spec->nr_events;
	s->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epfd < 0) {
		ret = mh_fail_errno(err, "cannot wait on rings");
		goto out;
	}
	describe(s);
	ret = read_lanes(s, err);
	for (i = 0; !ret && i < s->nr_events; i++)
		ret = place_event(s, i, err);
	s->spec.events = NULL; /* the caller's; all of it has been copied */
	s->spec.cpus = NULL;
out:
	if (ret) {
		mh_sampler_close(s);
		s = NULL;
	}
	*out = s;
	return ret;
}

void mh_sampler_close(struct mh_sampler *s)
{
	size_t i;

	if (!s)
		return;
	mh_sampler_unmap(s);
	for (i = 0; i < s->tasks.nr; i++)
		mh_sampler_close_task(s, &s->tasks.v[i]);
	for (i = 0; i < s->nr_events; i++)
		free(s->events[i].on);
	if (s->epfd >= 0)
		close(s->epfd);
	if (s->nofile.rlim_max)
		setrlimit(RLIMIT_NOFILE, &s->nofile);
	free(s->lanes.v);
	free(s->tasks.v);
	free(s->ids.v);
	free(s->inherited.v);
	free(s->held.v);
	free(s->bytes.v);
	free(s);
}

/* ---- what is watched ---- */

static void inherit(const struct mh_sampler *s, struct perf_event_attr *attr, bool on)
{
	attr->inherit = on;
	attr->inherit_thread = on && !s->spec.children && !(s->lacks & MH_LACKS_THREADS);
}

static void set_inherit(struct mh_sampler *s, bool on)
{
	size_t i;

	for (i = 0; i < s->nr_events; i++) {
		inherit(s, &s->events[i].attr, on);
		inherit(s, &s->events[i].lead, on);
	}
	inherit(s, &s->side, on);
}

int mh_sampler_add_task(struct mh_sampler *s, pid_t tid, struct mh_err *err)
{
	set_inherit(s, true);
	return mh_sampler_add_any(s, tid, err);
}

int mh_sampler_add_system(struct mh_sampler *s, struct mh_err *err)
{
	set_inherit(s, false);
	return mh_sampler_add_any(s, -1, err);
}

int mh_sampler_add_cgroup(struct mh_sampler *s, int cgroup_fd, struct mh_err *err)
{
	set_inherit(s, false);
	s->flags |= PERF_FLAG_PID_CGROUP;
	return mh_sampler_add_any(s, cgroup_fd, err);
}

/* ---- threads of a process that runs ---- */

static bool is_watched(const struct mh_sampler *s, pid_t tid)
{
	size_t i;

	for (i = 0; i < s->tasks.nr; i++) {
		if (s->tasks.v[i].pid == tid)
			return true;
	}
	for (i = 0; i < s->inherited.nr; i++) {
		if (s->inherited.v[i] == tid)
			return true;
	}
	return false;
}

/* One look at the threads; *nr_new receives how many were added. */
static int add_new_threads(struct mh_sampler *s, pid_t pid, size_t *nr_new,
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
		ret = mh_sampler_hold(s, err);
		if (ret)
			break;
		if (is_watched(s, tid))
			continue;
		ret = mh_sampler_add_any(s, tid, err);
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

int mh_sampler_add_process(struct mh_sampler *s, pid_t pid, struct mh_err *err)
{
	size_t nr_new;
	int ret;

	set_inherit(s, true);
	s->learn = true;
	do {
		ret = add_new_threads(s, pid, &nr_new, err);
	} while (!ret && nr_new);
	s->learn = false;
	return ret;
}

size_t mh_sampler_nr_tasks(const struct mh_sampler *s)
{
	return s->tasks.nr;
}

/* ---- begin, end, and while it runs ---- */

/* @argument: of the request; @lead: ask the leaders of groups, not the samplers */
static int each_fd(struct mh_sampler *s, size_t event, bool lead, unsigned long request,
		   void *argument)
{
	size_t slot = lead && s->events[event].led_by ? SAMPLER_LEAD(event)
						      : SAMPLER_SAMPLE(event);
	size_t i, lane;

	for (i = 0; i < s->tasks.nr; i++) {
		for (lane = 0; lane < s->lanes.nr; lane++) {
			if (!s->events[event].on[lane])
				continue;
			if (ioctl(sampler_fd(s, i, lane, slot), request, argument))
				return -1;
		}
	}
	return 0;
}

int mh_sampler_enable(struct mh_sampler *s, struct mh_err *err)
{
	size_t i;

	for (i = 0; i < s->nr_events; i++) {
		if (each_fd(s, i, true, PERF_EVENT_IOC_ENABLE, NULL))
			return mh_fail_errno(err, "cannot start perf events");
	}
	return MH_OK;
}

void mh_sampler_disable(struct mh_sampler *s)
{
	size_t i;

	for (i = 0; i < s->nr_events; i++)
		each_fd(s, i, true, PERF_EVENT_IOC_DISABLE, NULL);
}

void mh_sampler_set_clock(struct mh_sampler *s, int64_t offset_ns)
{
	s->clock_offset_ns = offset_ns;
}

int mh_sampler_set_period(struct mh_sampler *s, size_t event, uint64_t period,
			  struct mh_err *err)
{
	if (each_fd(s, event, false, PERF_EVENT_IOC_PERIOD, &period))
		return mh_fail_errno(err, "cannot change the period of a perf event");
	s->events[event].attr.sample_period = period;
	return MH_OK;
}

int mh_sampler_fd(const struct mh_sampler *s)
{
	return s->epfd;
}

unsigned mh_sampler_ring_kib(const struct mh_sampler *s)
{
	return s->ring_kib;
}

unsigned mh_sampler_nr_rings(const struct mh_sampler *s)
{
	unsigned nr = 0;
	size_t i;

	for (i = 0; i < s->lanes.nr; i++)
		nr += s->lanes.v[i].sampled;
	return nr;
}

unsigned mh_sampler_lacks(const struct mh_sampler *s)
{
	return s->lacks;
}

const struct perf_event_attr *mh_sampler_attr(const struct mh_sampler *s, size_t event)
{
	return &s->events[event].attr;
}
