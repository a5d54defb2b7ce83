/* SPDX-License-Identifier: MIT */
/*
 * A kdamond that somebody else runs: which one, what it watches and how often, as its
 * files say. Nothing of it is changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "source/damon/holder.h"
#include "source/damon/live.h"

/* Of damon_stat, which does not tell its checks: 20 per snapshot, whatever the interval.
 */
#define MODULE_CHECKS  20
#define MODULE_AGGR_US 100000

/* -p names a kdamond where several run; else the first. *h becomes what it is of. */
static int choose_kdamond(struct mh_source *src, struct damon_holder *h,
			  struct mh_err *err)
{
	uint64_t i, pid;

	src->kdamond = h->kdamond;
	src->attached_index = h->index;
	src->attached_sysfs = h->by != DAMON_BY_MODULE;
	if (src->target.type != MH_TARGET_PROCESSES || src->target.spawned)
		return MH_OK;
	for (i = 0; i < h->nr_kdamonds; i++) {
		if (mh_damon_read_u64(src->fs, &pid, NULL,
				      DAMON_KDAMONDS "/%" PRIu64 "/pid", i) ||
		    (pid_t)pid != src->target.pids[0])
			continue;
		src->kdamond = h->kdamond = (pid_t)pid;
		src->attached_index = h->index = i;
		mh_damon_holder_operations(h, src->fs);
		return MH_OK;
	}
	if (src->target.pids[0] == h->kdamond)
		return MH_OK;
	return mh_fail(
		err, MH_EINPUT,
		"pid %d is no kdamond; damon:attach records the one that runs with "
		"-a, and -p chooses among several",
		(int)src->target.pids[0]);
}

static void read_attached_u64(struct mh_source *src, uint64_t *out, const char *name)
{
	uint64_t value;

	if (!mh_damon_read_u64(src->fs, &value, NULL,
			       DAMON_KDAMONDS "/%" PRIu64
					      "/contexts/0/monitoring_attrs/%s",
			       src->attached_index, name))
		*out = value;
}

/* Its owner may change them at any time; tuned ones come with the tracepoint. */
void mh_damon_attached_intervals(struct mh_source *src)
{
	uint64_t goal = 0;

	if (!src->attached_sysfs)
		return;
	read_attached_u64(src, &goal, "intervals/intervals_goal/aggrs");
	if (goal && src->stream.sample_us)
		return;
	read_attached_u64(src, &src->stream.sample_us, "intervals/sample_us");
	read_attached_u64(src, &src->stream.aggr_us, "intervals/aggr_us");
}

static void read_module_intervals(struct mh_source *src, const char *module)
{
	static const struct {
		const char *sample, *aggr;
	} names[] = { { "sample_interval", "aggr_interval" },
		      { "sample_interval_us", "aggr_interval_us" } };
	uint64_t value;
	size_t i;

	src->stream.aggr_us = MODULE_AGGR_US;
	src->stream.sample_us = MODULE_AGGR_US / MODULE_CHECKS;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!mh_damon_read_u64(src->fs, &value, NULL,
				       "/sys/module/%s/parameters/%s", module,
				       names[i].aggr))
			src->stream.aggr_us = value;
		if (!mh_damon_read_u64(src->fs, &value, NULL,
				       "/sys/module/%s/parameters/%s", module,
				       names[i].sample))
			src->stream.sample_us = value;
		else
			src->stream.sample_us = src->stream.aggr_us / MODULE_CHECKS;
	}
}

/* The processes of its targets, where it watches some. */
static int read_attached_targets(struct mh_source *src, struct mh_err *err)
{
	uint64_t i, nr = 0, pid;
	int ret = MH_OK;

	if (src->physical || !src->attached_sysfs ||
	    mh_damon_read_u64(src->fs, &nr, NULL,
			      DAMON_KDAMONDS "/%" PRIu64 "/contexts/0/targets/nr_targets",
			      src->attached_index))
		return MH_OK;
	for (i = 0; !ret && i < nr; i++) {
		struct damon_slot *slot = mh_vec_push(&src->slots);
		pid_t *lent = mh_vec_push(&src->pids);

		if (!slot || !lent)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		ret = mh_damon_read_u64(src->fs, &pid, err,
					DAMON_KDAMONDS "/%" PRIu64
						       "/contexts/0/targets/%" PRIu64
						       "/pid_target",
					src->attached_index, i);
		*lent = slot->pid = (pid_t)pid;
		slot->start_ticks = mh_damon_start_ticks(src->fs, slot->pid);
	}
	/* What is looked at is what it watches. */
	src->target = (struct mh_target){ .type = MH_TARGET_PROCESSES,
					  .pids = src->pids.v,
					  .nr_pids = src->pids.nr,
					  .ranges = src->target.ranges,
					  .nr_ranges = src->target.nr_ranges };
	return ret;
}

int mh_damon_attach(struct mh_source *src, struct mh_err *err)
{
	struct damon_holder h;
	char words[160];
	int ret = mh_damon_holder_read(&h, src->fs, err);

	if (ret)
		return ret;
	if (!h.kdamond)
		return mh_fail(err, MH_ENOTARGET,
			       "no kdamond runs that could be attached to; record with "
			       "one of our own: -s damon");
	ret = choose_kdamond(src, &h, err);
	if (ret)
		return ret;
	src->physical = strstr(h.operations, "paddr") != NULL;
	src->params.operations = src->physical ? "paddr" : "vaddr";
	if (!strcmp(h.operations, "fvaddr"))
		src->params.operations = "fvaddr";
	if (src->attached_sysfs)
		mh_damon_attached_intervals(src);
	else
		read_module_intervals(src, h.module);
	read_attached_u64(src, &src->params.nr_regions_min, "nr_regions/min");
	read_attached_u64(src, &src->params.nr_regions_max, "nr_regions/max");
	mh_damon_holder_words(words, sizeof(words), &h);
	mh_log_say(&src->log, MH_NOTICE, "damon: listening to %s", words);
	src->started = true;
	return read_attached_targets(src, err);
}
