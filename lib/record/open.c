/* SPDX-License-Identifier: MIT */
/*
 * A recording's beginning: who is watched and with what. All that may fail is tried
 * before the trace of last time is moved aside.
 */
#include "record/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/vec.h"
#include "record/choose.h"
#include "record/file.h"
#include "record/host.h"

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

	ret = ops->open(&run->src, id, &rec->target, &rec->opts.source, mh_recording_sink,
			rec, err);
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
		return mh_meta_tell_words(mh_recording_sink, rec, err, "target.command",
					  rec->opts.command);
	if (t->type == MH_TARGET_SYSTEM)
		return mh_meta_tell(mh_recording_sink, rec, err, "target.title",
				    "the whole machine");
	if (t->type == MH_TARGET_CGROUP)
		return mh_meta_tell(mh_recording_sink, rec, err, "target.cgroup", "%s",
				    t->cgroup);
	for (i = 0; i < t->nr_pids; i++) {
		snprintf(one, sizeof(one), "%s%d", i ? "," : "", (int)t->pids[i]);
		mh_wbuf_bytes(&pids, one, strlen(one));
	}
	mh_wbuf_u8(&pids, 0);
	ret = pids.bad ? mh_fail(err, MH_ENOMEM, "out of memory")
		       : mh_meta_tell(mh_recording_sink, rec, err, "target.pids", "%s",
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
	return mh_meta_tell(mh_recording_sink, rec, err, "target.title", "%s (pid %d)",
			    comm, (int)rec->target.pids[0]);
}

static int tell_provenance(struct mh_recording *rec, struct mh_err *err)
{
	int ret = mh_host_tell(rec->sysroot, mh_recording_sink, rec, err);

	if (!ret && rec->opts.argv)
		ret = mh_meta_tell_words(mh_recording_sink, rec, err, "tool.argv",
					 rec->opts.argv);
	if (!ret)
		ret = tell_target(rec, err);
	return ret ? ret : tell_name(rec, err);
}

static int sink_early(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	return mh_recording_write(arg, ev, err);
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
