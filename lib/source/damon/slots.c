/* SPDX-License-Identifier: MIT */
/*
 * Targets are known to the kernel by index. On a commit it keeps the regions by index
 * too, so a process keeps its index for life, and a new one takes that of a dead one
 * first. A dead process among the targets makes the commit fail, so when more have died
 * than come, the last ones move into the holes.
 */
#include <errno.h>

#include "base/vec.h"
#include "source/damon/live.h"

static struct damon_proc *proc_of(struct mh_source *src, const struct damon_slot *slot)
{
	size_t i;

	for (i = 0; i < src->procs.procs.nr; i++) {
		struct damon_proc *p = &src->procs.procs.v[i];

		if (p->stat.pid == slot->pid && p->stat.start_ticks == slot->start_ticks)
			return p;
	}
	return NULL;
}

static bool has_slot(const struct mh_source *src, const struct damon_proc *p)
{
	size_t i;

	for (i = 0; i < src->slots.nr; i++) {
		if (src->slots.v[i].pid == p->stat.pid &&
		    src->slots.v[i].start_ticks == p->stat.start_ticks)
			return true;
	}
	return false;
}

static int lend_pids(struct mh_source *src, struct mh_err *err)
{
	size_t i;

	src->pids.nr = 0;
	for (i = 0; i < src->slots.nr; i++) {
		pid_t *pid = mh_vec_push(&src->pids);

		if (!pid)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		*pid = src->slots.v[i].pid;
	}
	src->params.pids = src->pids.v;
	src->params.nr_pids = src->pids.nr;
	return MH_OK;
}

/* The first slot whose process has ended; the number of slots: none. */
static size_t find_hole(struct mh_source *src)
{
	size_t i;

	for (i = 0; i < src->slots.nr && proc_of(src, &src->slots.v[i]); i++)
		;
	return i;
}

static int give_slot(struct mh_source *src, const struct damon_proc *p,
		     struct mh_err *err)
{
	size_t hole = find_hole(src);
	bool reused = hole < src->slots.nr;

	if (!reused && !mh_vec_push(&src->slots))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->slots.v[hole] = (struct damon_slot){ .pid = p->stat.pid,
						  .start_ticks = p->stat.start_ticks,
						  .since_ns = UINT64_MAX,
						  .reused = reused };
	return MH_OK;
}

static void close_holes(struct mh_source *src)
{
	size_t hole;

	while ((hole = find_hole(src)) < src->slots.nr) {
		src->slots.v[hole] = src->slots.v[--src->slots.nr];
		if (hole == src->slots.nr)
			continue;
		src->slots.v[hole].since_ns = UINT64_MAX;
		src->slots.v[hole].reused = true;
	}
}

static void date_slots(struct mh_source *src, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < src->slots.nr; i++) {
		if (src->slots.v[i].since_ns == UINT64_MAX)
			src->slots.v[i].since_ns = now_ns;
	}
}

/* Returns > 0 when some process has no slot yet. */
static int give_slots(struct mh_source *src, struct mh_err *err)
{
	int ret = 0, any = 0;
	size_t i;

	for (i = 0; !ret && i < src->procs.procs.nr; i++) {
		if (has_slot(src, &src->procs.procs.v[i]))
			continue;
		any = 1;
		ret = give_slot(src, &src->procs.procs.v[i], err);
	}
	return ret ? ret : any;
}

int mh_damon_slots_init(struct mh_source *src, struct mh_err *err)
{
	int ret = give_slots(src, err);

	if (ret < 0)
		return ret;
	if (!src->slots.nr)
		return mh_fail(err, MH_ENOTARGET, "no process to be watched is there");
	date_slots(src, 1);
	return lend_pids(src, err);
}

static bool need_follow(const struct mh_source *src)
{
	size_t i;

	for (i = 0; i < src->procs.procs.nr; i++) {
		if (!has_slot(src, &src->procs.procs.v[i]))
			return true;
	}
	for (i = 0; i < src->slots.nr; i++) {
		if (src->slots.v[i].since_ns == UINT64_MAX)
			return true; /* the last try failed */
	}
	return false;
}

bool mh_damon_slots_reused(const struct mh_source *src)
{
	size_t i;

	for (i = 0; i < src->slots.nr; i++) {
		uint64_t now = mh_damon_start_ticks(src->fs, src->slots.v[i].pid);

		if (now && now != src->slots.v[i].start_ticks)
			return true;
	}
	return false;
}

static int commit(struct mh_source *src, struct mh_err *err)
{
	struct mh_err why = { 0 };
	int ret = mh_damon_retarget(&src->control, &src->params, &why);

	src->commit_ns = mh_tell_now_ns();
	if (!ret) {
		/* Else the next look finds who has ended, and tries again. */
		if (!mh_damon_slots_reused(src))
			date_slots(src, mh_tell_now_ns());
		return MH_OK;
	}
	/* One has ended in this moment: the next look tries again. */
	if (ret == MH_ENOTARGET || !mh_damon_is_on(&src->control))
		return MH_OK;
	if (why.sys_errno == EINVAL) { /* before Linux 5.19 there is no commit */
		src->no_commit = true;
		mh_log_say(&src->log, MH_WARNING,
			   "damon: this kernel takes no new processes while it monitors; "
			   "children are not recorded");
		return MH_OK;
	}
	if (err)
		*err = why;
	return ret;
}

int mh_damon_slots_follow(struct mh_source *src, const struct mh_tell *to,
			  struct mh_err *err)
{
	int ret;

	if (src->no_commit || !need_follow(src))
		return MH_OK;
	/* What has arrived is of the slots as they are. */
	ret = mh_damon_stream_drain(src, false, to, err);
	if (!ret)
		ret = give_slots(src, err);
	if (ret < 0)
		return ret;
	close_holes(src);
	ret = lend_pids(src, err);
	return ret ? ret : commit(src, err);
}

bool mh_damon_slots_any_alive(struct mh_source *src)
{
	size_t i;

	for (i = 0; i < src->slots.nr; i++) {
		if (src->slots.v[i].since_ns != UINT64_MAX &&
		    proc_of(src, &src->slots.v[i]))
			return true;
	}
	return false;
}

/* Of a commit that went well a later snapshot tells. */
bool mh_damon_slots_ended_kdamond(struct mh_source *src)
{
	return src->commit_ns && src->stream.burst_ns <= src->commit_ns &&
	       find_hole(src) < src->slots.nr;
}

int mh_damon_slots_renew(struct mh_source *src, struct mh_err *err)
{
	int ret;

	src->slots.nr = 0;
	ret = give_slots(src, err);
	if (ret < 0)
		return ret;
	date_slots(src, mh_tell_now_ns());
	ret = lend_pids(src, err);
	return ret ? ret : mh_damon_set_targets(&src->control, &src->params, err);
}
