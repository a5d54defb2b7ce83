/* SPDX-License-Identifier: MIT */
/*
 * Processes appear while they are added, so that it is looked for them until a look finds
 * nobody new. What they had mapped before is told once they are watched: what they map
 * later is told by the rings.
 */
#include "source/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "source/maps.h"
#include "source/tree.h"

static int tell_found(const struct mh_attach *a, const struct proc_stat *stat,
		      struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_TASK);
	ev.source = a->tell.source;
	ev.time_ns = mh_tell_now_ns();
	ev.task.op = MH_TASK_FOUND;
	ev.task.pid = ev.task.tid = (uint32_t)stat->pid;
	ev.task.ppid = (uint32_t)stat->ppid;
	ev.task.comm = stat->comm;
	return a->tell.fn(a->tell.arg, &ev, err);
}

static int tell_past(const struct mh_attach *a, const struct proc_stat *stat,
		     struct mh_err *err)
{
	struct mh_err why = { 0 };
	int ret = tell_found(a, stat, err);

	if (ret)
		return ret;
	ret = mh_maps_tell(stat->pid, a->sysroot, a->tell.source, mh_tell_now_ns(),
			   a->tell.fn, a->tell.arg, &why);
	if (ret == MH_ENOTARGET)
		return MH_OK;
	if (ret == MH_EPERM) {
		mh_log_say(a->log, MH_WARNING, "%s: %s", a->name, why.msg);
		return MH_OK;
	}
	if (ret && err)
		*err = why;
	return ret;
}

static int attach_cgroup(const struct mh_attach *a, struct mh_err *err)
{
	const char *path = a->target->cgroup;
	struct mh_err why = { 0 };
	int fd, ret;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mh_fail_errno(err, "cannot open the cgroup '%s'", path);
	ret = mh_sampler_add_cgroup(a->sampler, fd, &why);
	close(fd);
	if (ret && (why.sys_errno == EBADF || why.sys_errno == ENOENT))
		return mh_fail(err, MH_ENOSUP,
			       "'%s' is not in a hierarchy with perf events; name one "
			       "below the cgroup2 mount",
			       path);
	if (ret && err)
		*err = why;
	return ret;
}

static int attach_found(const struct mh_attach *a, const struct proc_list *found,
			struct mh_err *err)
{
	size_t i;
	int ret;

	for (i = 0; i < found->nr; i++) {
		ret = mh_sampler_add_process(a->sampler, found->v[i].pid, err);
		if (ret && ret != MH_ENOTARGET) /* it may end meanwhile */
			return ret;
	}
	return MH_OK;
}

/*
 * Processes appear while they are added. Each look adds those that the one before did not
 * see; what a watched one has forked meanwhile is known by its FORK record.
 */
static int attach_processes(const struct mh_attach *a, struct proc_list *found,
			    struct mh_err *err)
{
	size_t before;
	int ret;

	do {
		before = mh_sampler_nr_tasks(a->sampler);
		ret = mh_tree_list(found, a->target, a->sysroot, err);
		if (!ret)
			ret = attach_found(a, found, err);
	} while (!ret && mh_sampler_nr_tasks(a->sampler) > before);
	if (!ret && !mh_sampler_nr_tasks(a->sampler))
		ret = mh_fail(err, MH_ENOTARGET, "no process has pid %d",
			      (int)a->target->pids[0]);
	return ret;
}

int mh_attach(const struct mh_attach *a, struct mh_err *err)
{
	struct proc_list found = { 0 };
	size_t i;
	int ret;

	switch (a->target->type) {
	case MH_TARGET_SYSTEM:
		return mh_sampler_add_system(a->sampler, err);
	case MH_TARGET_CGROUP:
		ret = attach_cgroup(a, err);
		if (!ret)
			ret = mh_tree_list(&found, a->target, a->sysroot, err);
		break;
	case MH_TARGET_PROCESSES:
	default:
		if (a->target->spawned)
			return mh_sampler_add_task(a->sampler, a->target->pids[0], err);
		ret = attach_processes(a, &found, err);
		break;
	}
	for (i = 0; !ret && i < found.nr; i++)
		ret = tell_past(a, &found.v[i], err);
	free(found.v);
	return ret;
}

void mh_attach_warn(struct mh_warned *w, const struct mh_sampler_totals *totals,
		    const char *name, const struct mh_log *log)
{
	if (totals->side_lost > w->side_lost)
		mh_log_say(log, MH_WARNING,
			   "%s: %" PRIu64 " records of mappings and tasks were lost; "
			   "some addresses will have no mapping",
			   name, totals->side_lost - w->side_lost);
	if (totals->malformed > w->malformed)
		mh_log_say(log, MH_WARNING,
			   "%s: %" PRIu64 " records of the kernel were not understood",
			   name, totals->malformed - w->malformed);
	w->side_lost = totals->side_lost;
	w->malformed = totals->malformed;
}
