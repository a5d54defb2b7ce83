/* SPDX-License-Identifier: MIT */
/*
 * One recording. Nothing of the user's is touched before everything that may fail has
 * been tried: the command is forked and held, the sources are opened, then the previous
 * trace is moved aside and the new one begun, then the command goes.
 *
 * From then on the command comes first. A source that fails is closed and said, the
 * others go on; when the trace cannot be written any more recording stops, the command
 * runs on, and the failure is given at the end.
 *
 * A recording of a command ends when the command does. What it left running is said, and
 * left running.
 */
#include <memheat/record.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/vec.h"
#include "record/buildid.h"
#include "record/cgroup.h"
#include "record/choose.h"
#include "record/cost.h"
#include "record/early.h"
#include "record/file.h"
#include "record/heap.h"
#include "record/host.h"
#include "record/seen.h"
#include "record/spawn.h"

#define TICK_NS 1000000000u
/* Without pidfds the end of a process is looked for this often. */
#define NO_PIDFD_NS    50000000u
#define FDS_PER_SOURCE 8

struct run {
	const struct mh_source_ops *ops;
	struct mh_source *src; /* NULL: it ended or failed */
	uint64_t failed_ns;    /* 0: it did not */
};

struct root {
	pid_t pid;
	int pidfd; /* -1: gone, or none */
	bool gone;
};

struct mh_recording {
	struct mh_record_opts opts; /* strings and arrays are the caller's */
	struct mh_target target;
	char cgroup[PATH_MAX]; /* its folder, where one is the target */
	const char *sysroot;
	pid_t command_pid;
	struct mh_child child;
	struct mh_heap_log *heap; /* NULL: none */
	uint64_t heap_ns;         /* when to look into it */
	bool heap_checked;        /* why the command has none was said */
	struct run runs[MH_SOURCES_MAX];
	size_t nr_runs;
	struct {
		struct root *v;
		size_t nr, cap;
	} roots;
	struct mh_early early;
	struct mh_writer *writer; /* NULL: not open yet; events are kept early */
	bool moved_old, started;
	int failed; /* status of the writer's failure */
	struct mh_err why;
	struct mh_seen seen;
	struct mh_build_ids build_ids;
	uint64_t start_ns, tick_ns;
	uint64_t nr_events[MH_NR_EVENT_KINDS], lost, stall_max_ns;
	bool stall_known, gives_footprint;
	struct {
		struct program {
			uint32_t pid;
			char comm[16];
		} * v;
		size_t nr, cap;
	} programs; /* that were started, where there is a heap log */
};

/* ---- events into the trace ---- */

static void note(struct mh_recording *rec, const struct mh_event *ev)
{
	rec->nr_events[ev->kind]++;
	if (ev->kind == MH_EV_LOST && ev->lost.cause != MH_LOST_THROTTLE &&
	    ev->lost.cause != MH_LOST_HEAP)
		rec->lost += ev->lost.count;
	if (ev->kind == MH_EV_STAT && !strcmp(ev->stat.name, "stall_ns")) {
		rec->stall_known = true;
		if (ev->stat.value > rec->stall_max_ns)
			rec->stall_max_ns = ev->stat.value;
	}
}

static int write_event(struct mh_recording *rec, const struct mh_event *ev,
		       struct mh_err *err)
{
	int ret = mh_writer_add(rec->writer, ev, &rec->why);

	if (!ret) {
		note(rec, ev);
		return MH_OK;
	}
	rec->failed = ret;
	if (err)
		*err = rec->why;
	return ret;
}

/* A program that was started, to be asked at the end whether the log was in it. */
static int note_program(struct mh_recording *rec, const struct mh_ev_task *task)
{
	struct program *p;
	size_t i;

	for (i = 0; i < rec->programs.nr && rec->programs.v[i].pid != task->pid; i++)
		;
	p = i < rec->programs.nr ? &rec->programs.v[i] : mh_vec_push(&rec->programs);
	if (!p)
		return -1;
	p->pid = task->pid;
	snprintf(p->comm, sizeof(p->comm), "%s", task->comm);
	return 0;
}

static int sink(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct mh_recording *rec = arg;
	struct mh_event dated;
	int ret;

	if (mh_seen_time(&rec->seen, ev) != ev->time_ns) {
		dated = *ev;
		dated.time_ns = mh_seen_time(&rec->seen, ev);
		ev = &dated;
	}
	ret = mh_seen_event(&rec->seen, ev, err);
	if (ret)
		return ret > 0 ? MH_OK : ret;
	if (ev->kind == MH_EV_MAP) {
		if (ev != &dated)
			dated = *ev;
		ev = &dated;
		mh_build_ids_fill(&rec->build_ids, &dated.map, rec->sysroot);
	}
	if (rec->heap && ev->kind == MH_EV_TASK && ev->task.op == MH_TASK_EXEC &&
	    note_program(rec, &ev->task))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (rec->failed) {
		if (err)
			*err = rec->why;
		return rec->failed;
	}
	return rec->writer ? write_event(rec, ev, err)
			   : mh_early_keep(&rec->early, ev, err);
}

static int sink_early(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	return write_event(arg, ev, err);
}

/* ---- opening ---- */

/* Every source needs what this file needs; better one refusal than one from each. */
static int check_access(pid_t pid, struct mh_err *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return MH_OK;
	}
	if (errno == ENOENT || errno == ESRCH)
		return mh_fail(err, MH_ENOTARGET, "no process has pid %d", (int)pid);
	return mh_fail(
		err, MH_EPERM,
		"pid %d is another user's process, or has privileges that we lack; "
		"run as root",
		(int)pid);
}

static int watch_root(struct mh_recording *rec, pid_t pid, struct mh_err *err)
{
	int ret = check_access(pid, err);
	struct root *root;

	if (ret)
		return ret;
	root = mh_vec_push(&rec->roots);
	if (!root)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	root->pid = pid;
	root->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (root->pidfd >= 0 || errno == ENOSYS)
		return MH_OK;
	return mh_fail(err, MH_ENOTARGET, "no process has pid %d", (int)pid);
}

/*
 * The folder of a control group: as named, or below the mount of the unified hierarchy,
 * or below that of perf events where hierarchies are apart.
 */
static int find_cgroup(struct mh_recording *rec, struct mh_err *err)
{
	static const char *const mounts[] = { "", "/sys/fs/cgroup/",
					      "/sys/fs/cgroup/unified/",
					      "/sys/fs/cgroup/perf_event/" };
	const char *name = rec->opts.target.cgroup;
	char procs[PATH_MAX + 16];
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		snprintf(rec->cgroup, sizeof(rec->cgroup), "%s%s", mounts[i], name);
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", rec->cgroup);
		if (!access(procs, F_OK)) {
			rec->target.cgroup = rec->cgroup;
			return MH_OK;
		}
	}
	return mh_fail(err, MH_ENOTARGET, "no control group '%s' below /sys/fs/cgroup",
		       name);
}

/* The heap log of a command; without it where the command would not bear it. */
static int open_heap(struct mh_recording *rec, const char *path, struct mh_err *err)
{
	const char *name = rec->opts.command[0];
	char why[256];
	int ret;

	if (!rec->opts.heap_bytes)
		return MH_OK;
	ret = mh_heap_preload_check(path, why, sizeof(why));
	if (*why)
		mh_log_say(rec->opts.log, MH_WARNING,
			   "no heap log of '%s': %s, so nothing can be preloaded; its "
			   "blocks have no names",
			   name, why);
	rec->heap_checked = *why != 0;
	if (ret == MH_ENOSUP)
		return MH_OK;
	return mh_heap_log_open(&rec->heap, rec->opts.heap_shim, rec->opts.heap_bytes,
				err);
}

static int prepare_target(struct mh_recording *rec, struct mh_err *err)
{
	char path[PATH_MAX];
	size_t i;
	int ret;

	if (!rec->opts.command) {
		rec->target = rec->opts.target;
		if (rec->target.type == MH_TARGET_CGROUP) {
			ret = find_cgroup(rec, err);
			if (ret)
				return ret;
		}
		for (i = 0; i < rec->target.nr_pids; i++) {
			ret = watch_root(rec, rec->target.pids[i], err);
			if (ret)
				return ret;
		}
		return MH_OK;
	}
	ret = mh_child_look(path, rec->opts.command[0], err);
	if (!ret)
		ret = open_heap(rec, path, err);
	if (!ret)
		ret = mh_child_spawn(&rec->child, rec->opts.command,
				     rec->heap ? mh_heap_log_env(rec->heap) : NULL,
				     !strcmp(rec->opts.path, "-"), err);
	if (ret)
		return ret;
	rec->command_pid = rec->child.pid;
	/* Orphans of the command come to us, so that they are still found. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	rec->target = (struct mh_target){ .type = MH_TARGET_PROCESSES,
					  .pids = &rec->command_pid,
					  .nr_pids = 1,
					  .children = 1,
					  .spawned = 1,
					  .ranges = rec->opts.target.ranges,
					  .nr_ranges = rec->opts.target.nr_ranges };
	return MH_OK;
}

static int open_source(struct mh_recording *rec, const struct mh_source_ops *ops,
		       struct mh_err *err)
{
	struct run *run = &rec->runs[rec->nr_runs];
	uint16_t id = (uint16_t)(rec->nr_runs + 1);
	int ret;

	ret = ops->open(&run->src, id, &rec->target, &rec->opts.source, sink, rec, err);
	if (ret) {
		run->src = NULL;
		return ret;
	}
	run->ops = ops;
	rec->nr_runs++;
	rec->gives_footprint |= ops->gives_footprint;
	if (ops->gives_tasks)
		rec->seen.exact_tasks |= 1ull << id;
	return MH_OK;
}

static int open_sources(struct mh_recording *rec, struct mh_err *err)
{
	struct mh_err why = { 0 };
	struct mh_choice choice;
	size_t i;
	int ret;

	ret = mh_choose_sources(&choice, rec->opts.sources, rec->opts.force, &rec->target,
				&rec->opts.source, err);
	if (ret)
		return ret;
	rec->seen.several = choice.nr > 1;
	for (i = 0; i < choice.nr; i++) {
		ret = open_source(rec, choice.ops[i], &why);
		if (ret && choice.automatic && ret != MH_ENOTARGET && choice.nr > 1)
			mh_log_say(rec->opts.log, MH_NOTICE, "left out: %s", why.msg);
		else if (ret)
			break;
	}
	if (!ret || (choice.automatic && rec->nr_runs && ret != MH_ENOTARGET))
		return MH_OK;
	if (err)
		*err = why;
	return ret;
}

static int tell_target(struct mh_recording *rec, struct mh_err *err)
{
	const struct mh_target *t = &rec->target;
	struct mh_wbuf pids = { 0 };
	char one[16];
	size_t i;
	int ret;

	if (rec->opts.command)
		return mh_meta_tell_words(sink, rec, err, "target.command",
					  rec->opts.command);
	if (t->type == MH_TARGET_SYSTEM)
		return mh_meta_tell(sink, rec, err, "target.title", "the whole machine");
	if (t->type == MH_TARGET_CGROUP)
		return mh_meta_tell(sink, rec, err, "target.cgroup", "%s", t->cgroup);
	for (i = 0; i < t->nr_pids; i++) {
		snprintf(one, sizeof(one), "%s%d", i ? "," : "", (int)t->pids[i]);
		mh_wbuf_bytes(&pids, one, strlen(one));
	}
	mh_wbuf_u8(&pids, 0);
	ret = pids.bad ? mh_fail(err, MH_ENOMEM, "out of memory")
		       : mh_meta_tell(sink, rec, err, "target.pids", "%s",
				      (const char *)pids.p);
	mh_wbuf_fini(&pids);
	return ret;
}

static int tell_name(struct mh_recording *rec, struct mh_err *err)
{
	char path[64], comm[64] = "";
	FILE *f;

	if (rec->opts.command || rec->target.type != MH_TARGET_PROCESSES)
		return MH_OK;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)rec->target.pids[0]);
	f = fopen(path, "re");
	if (!f)
		return MH_OK;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	return mh_meta_tell(sink, rec, err, "target.title", "%s (pid %d)", comm,
			    (int)rec->target.pids[0]);
}

static int tell_provenance(struct mh_recording *rec, struct mh_err *err)
{
	int ret = mh_host_tell(rec->sysroot, sink, rec, err);

	if (!ret && rec->opts.argv)
		ret = mh_meta_tell_words(sink, rec, err, "tool.argv", rec->opts.argv);
	if (!ret)
		ret = tell_target(rec, err);
	return ret ? ret : tell_name(rec, err);
}

static int open_trace(struct mh_recording *rec, struct mh_err *err)
{
	struct mh_writer *writer = NULL;
	int ret;

	ret = mh_trace_keep_old(rec->opts.path, &rec->moved_old, err);
	if (ret)
		return ret;
	ret = mh_writer_open(&writer, rec->opts.path, &rec->opts.writer, err);
	if (ret) {
		mh_trace_bring_back(rec->opts.path, rec->moved_old);
		return ret;
	}
	rec->writer = writer;
	return mh_early_replay(&rec->early, sink_early, rec, err);
}

int mh_recording_open(struct mh_recording **out, const struct mh_record_opts *opts,
		      struct mh_err *err)
{
	struct mh_recording *rec = calloc(1, sizeof(*rec));
	int ret;

	*out = NULL;
	if (!rec)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	rec->opts = *opts;
	rec->sysroot = opts->source.sysroot ? opts->source.sysroot : "";
	rec->child = (struct mh_child){ .pidfd = -1, .go_fd = -1, .errno_fd = -1 };
	rec->child.status = -1;
	if (!rec->opts.source.log)
		rec->opts.source.log = opts->log;
	if (!rec->opts.writer.log)
		rec->opts.writer.log = opts->log;
	rec->start_ns = mh_now_ns();
	ret = prepare_target(rec, err);
	if (!ret)
		ret = tell_provenance(rec, err);
	if (!ret)
		ret = open_sources(rec, err);
	if (!ret)
		ret = open_trace(rec, err);
	if (!ret)
		*out = rec;
	else if (mh_recording_close(rec, NULL))
		return ret; /* the first failure is the one to tell */
	return ret;
}

/* ---- going ---- */

static int tell_command(struct mh_recording *rec, enum mh_task_op op, struct mh_err *err)
{
	const char *name = strrchr(rec->opts.command[0], '/');
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_TASK);
	ev.time_ns = mh_now_ns();
	ev.task.op = (uint8_t)op;
	ev.task.pid = ev.task.tid = (uint32_t)rec->command_pid;
	ev.task.ppid = (uint32_t)getpid();
	ev.task.comm = name ? name + 1 : rec->opts.command[0];
	return sink(rec, &ev, err);
}

int mh_recording_start(struct mh_recording *rec, struct mh_err *err)
{
	int ret;

	mh_assert(!rec->started);
	if (rec->opts.command)
		rec->start_ns = mh_now_ns();
	ret = mh_meta_tell(sink, rec, err, "trace.start_ns", "%" PRIu64, rec->start_ns);
	if (!ret && rec->opts.command) {
		ret = tell_command(rec, MH_TASK_FORK, err);
		if (!ret)
			ret = mh_child_go(&rec->child, rec->opts.command[0], err);
	}
	if (ret)
		return ret;
	rec->started = true;
	rec->tick_ns = mh_now_ns() + TICK_NS;
	return MH_OK;
}

/* ---- the heap log ---- */

static int take_heap(struct mh_recording *rec, int last, struct mh_err *err)
{
	int ret = mh_heap_log_take(rec->heap, last, sink, rec, err);

	rec->heap_ns = mh_heap_log_next_ns(rec->heap);
	return ret;
}

static void say_without_heap(const struct mh_recording *rec)
{
	char names[128] = "";
	size_t i, len = 0, nr = 0;

	for (i = 0; i < rec->programs.nr; i++) {
		const struct program *p = &rec->programs.v[i];

		if (mh_heap_log_has(rec->heap, p->pid) ||
		    (p->pid == (uint32_t)rec->command_pid && rec->heap_checked))
			continue;
		if (nr++ < 4)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len ? ", " : "", p->comm);
	}
	if (nr)
		mh_log_say(
			rec->opts.log, MH_WARNING,
			"%zu program%s ran without the heap log (static, setuid, or of "
			"another user): %s%s",
			nr, nr > 1 ? "s" : "", names, nr > 4 ? ", ..." : "");
}

/* ---- once a second ---- */

static int tell_process(struct mh_recording *rec, uint32_t pid, bool *gone,
			struct mh_err *err)
{
	uint64_t now = mh_now_ns(), cpu_ns;
	struct mh_event ev;
	int ret = MH_OK;

	mh_event_init(&ev, MH_EV_FOOTPRINT);
	ev.time_ns = now;
	*gone = mh_cost_footprint(&ev.footprint, rec->sysroot, (pid_t)pid) != MH_OK;
	if (*gone)
		return MH_OK;
	if (!rec->gives_footprint)
		ret = sink(rec, &ev, err);
	if (!ret && mh_cost_cpu_ns((pid_t)pid, &cpu_ns))
		ret = mh_stat_tell(sink, rec, pid, "target.cpu_ns", cpu_ns, err);
	return ret;
}

/* Also forgets the processes that are gone: exits are not told by every source. */
static int tell_processes(struct mh_recording *rec, struct mh_err *err)
{
	size_t i = 0;
	bool gone;
	int ret;

	if (rec->target.type == MH_TARGET_SYSTEM)
		return MH_OK;
	while (i < rec->seen.processes.nr) {
		ret = tell_process(rec, rec->seen.processes.v[i].pid, &gone, err);
		if (ret)
			return ret;
		if (gone)
			mh_seen_drop(&rec->seen, i);
		else
			i++;
	}
	return MH_OK;
}

static int tick(struct mh_recording *rec, struct mh_err *err)
{
	int ret;

	if (rec->child.pid)
		mh_child_reap_orphans(&rec->child);
	ret = tell_processes(rec, err);
	if (!ret && rec->target.type == MH_TARGET_CGROUP)
		ret = mh_cgroup_tell(rec->target.cgroup, sink, rec, err);
	if (!ret)
		ret = mh_stat_tell(sink, rec, 0, "observer.cpu_ns", mh_cost_own_cpu_ns(),
				   err);
	return ret;
}

/* ---- the loop ---- */

/*
 * A source ended or failed, or the trace did. Only what stops the whole recording is
 * passed on.
 */
static int judge(struct mh_recording *rec, struct run *run, int status,
		 const struct mh_err *why)
{
	if (!status || rec->failed)
		return rec->failed;
	if (status > 0) {
		run->ops->close(run->src);
		run->src = NULL;
		return MH_OK;
	}
	mh_log_say(rec->opts.log, MH_WARNING, "%s stopped: %s; the rest goes on",
		   run->ops->name, why->msg);
	run->ops->close(run->src);
	run->src = NULL;
	run->failed_ns = mh_now_ns();
	rec->seen.exact_tasks &= ~(1ull << (run - rec->runs + 1));
	return MH_OK;
}

static int step_source(struct mh_recording *rec, struct run *run, int last)
{
	struct mh_err why = { 0 };
	int status = run->ops->step(run->src, last, sink, rec, &why);

	if (last && status > 0)
		return MH_OK;
	return judge(rec, run, status, &why);
}

struct waiting {
	struct pollfd fds[MH_SOURCES_MAX * FDS_PER_SOURCE + 2];
	size_t nr, nr_own;
	size_t first[MH_SOURCES_MAX], count[MH_SOURCES_MAX];
	uint64_t source_ns[MH_SOURCES_MAX], deadline_ns;
};

static void earlier(uint64_t *deadline_ns, uint64_t ns)
{
	if (ns < *deadline_ns)
		*deadline_ns = ns;
}

static void add_fd(struct waiting *w, int fd)
{
	w->fds[w->nr++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void collect_sources(const struct mh_recording *rec, struct waiting *w)
{
	int fds[FDS_PER_SOURCE];
	size_t i, k;

	for (i = 0; i < rec->nr_runs; i++) {
		const struct run *run = &rec->runs[i];

		w->first[i] = w->nr;
		w->count[i] = 0;
		w->source_ns[i] = UINT64_MAX;
		if (!run->src || rec->failed)
			continue;
		w->count[i] =
			run->ops->wait(run->src, fds, FDS_PER_SOURCE, &w->source_ns[i]);
		for (k = 0; k < w->count[i]; k++)
			add_fd(w, fds[k]);
		earlier(&w->deadline_ns, w->source_ns[i]);
	}
}

/* One root stands for all: the others are looked at when it has gone. */
static int end_fd(const struct mh_recording *rec)
{
	size_t i;

	if (rec->child.pid)
		return rec->child.pidfd;
	for (i = 0; i < rec->roots.nr; i++) {
		if (!rec->roots.v[i].gone && rec->roots.v[i].pidfd >= 0)
			return rec->roots.v[i].pidfd;
	}
	return -1;
}

static int wait_until(struct waiting *w)
{
	uint64_t now = mh_now_ns();
	struct timespec left = { 0 };
	int n;

	if (w->deadline_ns > now) {
		uint64_t ns = w->deadline_ns - now;

		left.tv_sec = (time_t)(ns / 1000000000u);
		left.tv_nsec = (long)(ns % 1000000000u);
	}
	n = ppoll(w->fds, w->nr, w->deadline_ns == UINT64_MAX ? NULL : &left, NULL);
	if (n < 0) {
		size_t i;

		for (i = 0; i < w->nr; i++)
			w->fds[i].revents = 0;
	}
	return n;
}

static bool is_due(const struct waiting *w, size_t source, uint64_t now)
{
	size_t k;

	if (now >= w->source_ns[source])
		return true;
	for (k = 0; k < w->count[source]; k++) {
		if (w->fds[w->first[source] + k].revents)
			return true;
	}
	return false;
}

static int step_sources(struct mh_recording *rec, const struct waiting *w)
{
	uint64_t now = mh_now_ns();
	bool any = false;
	size_t i;
	int ret;

	for (i = 0; i < rec->nr_runs; i++)
		any |= rec->runs[i].src && is_due(w, i, now);
	for (i = 0; any && i < rec->nr_runs; i++) {
		struct run *run = &rec->runs[i];

		/* Exact sources are asked whenever any is, so that a source that only
		 * looks does not tell of a mapping before the one that saw it made. */
		if (!run->src || !(is_due(w, i, now) || run->ops->gives_tasks))
			continue;
		ret = step_source(rec, run, 0);
		if (ret)
			return ret;
	}
	return MH_OK;
}

static bool roots_gone(struct mh_recording *rec)
{
	bool all = true;
	size_t i;

	for (i = 0; i < rec->roots.nr; i++) {
		struct root *root = &rec->roots.v[i];
		struct pollfd fd = { .fd = root->pidfd, .events = POLLIN };
		uint64_t ns;

		if (!root->gone)
			root->gone = root->pidfd >= 0 ? poll(&fd, 1, 0) > 0
						      : !mh_cost_cpu_ns(root->pid, &ns);
		all = all && root->gone;
	}
	return all;
}

static bool any_source(const struct mh_recording *rec)
{
	size_t i;

	for (i = 0; i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			return true;
	}
	return false;
}

/* MH_END when there is nothing left to record. */
static int look_for_end(struct mh_recording *rec, struct mh_err *err)
{
	if (rec->child.pid)
		return mh_child_reap(&rec->child) ? MH_END : MH_OK;
	if (!any_source(rec)) {
		size_t i;

		for (i = 0; i < rec->nr_runs; i++) {
			if (!rec->runs[i].failed_ns)
				return MH_END;
		}
		return mh_fail(err, MH_ESYS, "no source records any more");
	}
	if (rec->roots.nr && roots_gone(rec) && !mh_seen_nr_live(&rec->seen))
		return MH_END;
	return MH_OK;
}

/* The trace cannot grow. A command that is under way is let run to its end. */
static int writer_failed(struct mh_recording *rec, struct mh_err *err)
{
	size_t i;

	for (i = 0; i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			rec->runs[i].ops->close(rec->runs[i].src);
		rec->runs[i].src = NULL;
	}
	if (err)
		*err = rec->why;
	if (!rec->child.pid)
		return rec->failed;
	mh_log_say(rec->opts.log, MH_WARNING,
		   "%s; recording stopped, the command goes on", rec->why.msg);
	return MH_OK;
}

int mh_recording_step(struct mh_recording *rec, int extra_fd, uint64_t until_ns,
		      struct mh_err *err)
{
	struct waiting w = { .deadline_ns = until_ns };
	bool had_failed = rec->failed != 0;
	uint64_t now = mh_now_ns();
	int fd = end_fd(rec), ret;

	mh_assert(rec->started);
	if (extra_fd >= 0)
		add_fd(&w, extra_fd);
	if (fd >= 0)
		add_fd(&w, fd);
	else if (rec->child.pid || rec->roots.nr)
		earlier(&w.deadline_ns, now + NO_PIDFD_NS);
	collect_sources(rec, &w);
	earlier(&w.deadline_ns, rec->tick_ns);
	if (rec->heap && !rec->failed)
		earlier(&w.deadline_ns, rec->heap_ns);
	if (wait_until(&w) < 0 && errno != EINTR)
		return mh_fail_errno(err, "cannot wait for events");
	ret = rec->failed ? MH_OK : step_sources(rec, &w);
	now = mh_now_ns();
	if (!ret && !rec->failed && rec->heap && now >= rec->heap_ns)
		ret = take_heap(rec, 0, err);
	if (!ret && !rec->failed && now >= rec->tick_ns)
		ret = tick(rec, err);
	if (now >= rec->tick_ns)
		rec->tick_ns = now + TICK_NS;
	if (rec->failed && !had_failed)
		ret = writer_failed(rec, err);
	return ret ? ret : look_for_end(rec, err);
}

void mh_recording_status(const struct mh_recording *rec, struct mh_record_status *out)
{
	*out = (struct mh_record_status){
		.elapsed_ns = mh_now_ns() - rec->start_ns,
		.lost = rec->lost,
		.bytes = rec->writer ? mh_writer_bytes(rec->writer) : 0,
		.referenced = mh_seen_touched(&rec->seen),
		.observer_cpu_ns = mh_cost_own_cpu_ns(),
		.stall_max_ns = rec->stall_max_ns,
		.nr_targets = mh_seen_nr_live(&rec->seen),
	};
	memcpy(out->nr_events, rec->nr_events, sizeof(out->nr_events));
}

int mh_recording_wait_status(const struct mh_recording *rec)
{
	return rec->child.status;
}

pid_t mh_recording_command_pid(const struct mh_recording *rec)
{
	return rec->command_pid;
}

/* ---- the end ---- */

static int tell_gap(struct mh_recording *rec, size_t i, struct mh_err *err)
{
	struct mh_event ev;

	if (!rec->runs[i].failed_ns)
		return MH_OK;
	mh_event_init(&ev, MH_EV_GAP);
	ev.source = (uint16_t)(i + 1);
	ev.time_ns = mh_now_ns();
	ev.gap.start_ns = rec->runs[i].failed_ns;
	ev.gap.cause = MH_GAP_STOPPED;
	return sink(rec, &ev, err);
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static int tell_command_end(struct mh_recording *rec, struct mh_err *err)
{
	const struct rusage *use = &rec->child.use;
	uint32_t pid = (uint32_t)rec->command_pid;
	int ret;

	if (rec->child.status < 0)
		return MH_OK;
	ret = tell_command(rec, MH_TASK_EXIT, err);
	if (!ret)
		ret = mh_stat_tell(sink, rec, pid, "target.cpu_total_ns",
				   timeval_ns(use->ru_utime) + timeval_ns(use->ru_stime),
				   err);
	if (!ret)
		ret = mh_stat_tell(sink, rec, pid, "target.rss_max",
				   (uint64_t)use->ru_maxrss * 1024, err);
	if (!ret)
		ret = mh_meta_tell(sink, rec, err, "target.wait_status", "%d",
				   rec->child.status);
	return ret;
}

static int tell_end(struct mh_recording *rec, struct mh_err *err)
{
	int ret = MH_OK;
	size_t i;

	for (i = 0; !ret && i < rec->nr_runs; i++)
		ret = tell_gap(rec, i, err);
	if (!ret)
		ret = tell_command_end(rec, err);
	if (!ret)
		ret = tick(rec, err);
	if (!ret && rec->stall_known)
		ret = mh_stat_tell(sink, rec, 0, "observer.stall_max_ns",
				   rec->stall_max_ns, err);
	if (!ret)
		ret = mh_meta_tell(sink, rec, err, "trace.end_ns", "%" PRIu64,
				   mh_now_ns());
	return ret;
}

static void say_left_running(struct mh_recording *rec)
{
	size_t i, nr = 0;

	if (rec->child.status < 0)
		return;
	for (i = 0; i < rec->seen.processes.nr; i++)
		nr += !rec->seen.processes.v[i].ended &&
		      rec->seen.processes.v[i].pid != (uint32_t)rec->command_pid;
	if (nr)
		mh_log_say(rec->opts.log, MH_NOTICE,
			   "the command has left %zu running; from now on that is not "
			   "recorded",
			   nr);
}

/* Everything that is still to be told, into a trace that still takes it. */
static int finish(struct mh_recording *rec, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			ret = step_source(rec, &rec->runs[i], 1);
	}
	if (!ret && rec->heap)
		ret = take_heap(rec, 1, err);
	if (!ret)
		ret = tell_end(rec, err);
	if (!ret)
		say_left_running(rec);
	if (!ret && rec->heap)
		say_without_heap(rec);
	return ret;
}

static void release(struct mh_recording *rec)
{
	size_t i;

	for (i = 0; i < rec->nr_runs; i++) {
		if (rec->runs[i].src)
			rec->runs[i].ops->close(rec->runs[i].src);
	}
	for (i = 0; i < rec->roots.nr; i++) {
		if (rec->roots.v[i].pidfd >= 0)
			close(rec->roots.v[i].pidfd);
	}
	if (rec->child.pid)
		prctl(PR_SET_CHILD_SUBREAPER, 0);
	mh_child_fini(&rec->child);
	mh_heap_log_close(rec->heap);
	free(rec->programs.v);
	mh_early_fini(&rec->early);
	mh_seen_fini(&rec->seen);
	mh_build_ids_fini(&rec->build_ids);
	free(rec->roots.v);
	free(rec);
}

int mh_recording_close(struct mh_recording *rec, struct mh_err *err)
{
	struct mh_err closing = { 0 };
	bool opened;
	int ret = MH_OK, status;

	if (!rec)
		return MH_OK;
	opened = rec->writer != NULL;
	if (rec->started && !rec->failed)
		ret = finish(rec, err);
	if (rec->failed) {
		ret = rec->failed;
		if (err)
			*err = rec->why;
	}
	status = mh_writer_close(rec->writer, &closing);
	if (status && !ret) {
		ret = status;
		if (err)
			*err = closing;
	}
	if (opened && !rec->started)
		mh_trace_bring_back(rec->opts.path, rec->moved_old);
	release(rec);
	return ret;
}
