/* SPDX-License-Identifier: MIT */
/*
 * What a person asked for, as what the kernel is told: defaults, limits, and which
 * addresses are watched. The kernel checks values only when it is switched on and then
 * says no more than EINVAL, so they are checked here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "source/damon/live.h"

#define SAMPLE_US     5000
#define AGGR_US       100000
#define UPDATE_US_MAX 1000000
#define REGIONS_MIN   10
#define REGIONS_MAX   1000
#define ACCESS_BP     400 /* 4%: what the kernel's documentation recommends */
#define GOAL_AGGRS    3
#define GOAL_MIN_US   5000
#define GOAL_MAX_US   10000000

enum damon_mode mh_damon_resolve(enum damon_mode mode, const struct mh_target *target)
{
	if (mode != DAMON_AUTO)
		return mode;
	if (target && target->type == MH_TARGET_SYSTEM)
		return DAMON_PADDR;
	return target && target->nr_ranges ? DAMON_FVADDR : DAMON_VADDR;
}

const char *mh_damon_operations(enum damon_mode mode)
{
	return mode == DAMON_PADDR ? "paddr" : mode == DAMON_FVADDR ? "fvaddr" : "vaddr";
}

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
	return value ? value : otherwise;
}

/* Whole microseconds; what is finer is refused. */
static int to_us(uint64_t *us, uint64_t ns, const char *what, struct mh_err *err)
{
	*us = ns / 1000;
	if (ns % 1000)
		return mh_fail(err, MH_EINPUT, "%s is in whole microseconds", what);
	return MH_OK;
}

static int check_params(const struct damon_params *p, struct mh_err *err)
{
	if (p->aggr_us < p->sample_us)
		return mh_fail(err, MH_EINPUT,
			       "a snapshot (--aggr) cannot be shorter than the time "
			       "between two checks (--sample)");
	if (p->nr_regions_min < 3 || p->nr_regions_max < p->nr_regions_min)
		return mh_fail(err, MH_EINPUT,
			       "--regions MIN:MAX needs 3 or more, and MIN <= MAX");
	if (p->goal.access_bp > 10000 || p->goal.sample_max_us < p->goal.sample_min_us)
		return mh_fail(err, MH_EINPUT,
			       "--auto-intervals is BP:AGGRS:MIN:MAX with BP up to 10000 "
			       "and MIN <= MAX");
	/* The tracepoint does not tell them. */
	if (p->nr_filters && !p->polled)
		return mh_fail(err, MH_EINPUT,
			       "--page-filter needs --snapshot DELAY:COUNT: pages are "
			       "counted on demand");
	return MH_OK;
}

int mh_damon_settings_read(struct mh_source *src, const struct mh_source_opts *opts,
			   struct mh_err *err)
{
	struct damon_params *p = &src->params;
	int ret = to_us(&p->sample_us, opts->sample_ns, "--sample", err);

	if (!ret)
		ret = to_us(&p->aggr_us, opts->aggr_ns, "--aggr", err);
	if (!ret)
		ret = to_us(&p->update_us, opts->update_ns, "--update", err);
	if (ret)
		return ret;
	/* One that is left out follows the other at 20 checks per snapshot. */
	if (!p->sample_us)
		p->sample_us = p->aggr_us ? or_default(p->aggr_us / 20, 1) : SAMPLE_US;
	if (!p->aggr_us)
		p->aggr_us = p->sample_us * (AGGR_US / SAMPLE_US);
	/* New mappings are seen by then; looking for them costs little. */
	if (!p->update_us)
		p->update_us =
			p->aggr_us * 2 < UPDATE_US_MAX ? p->aggr_us * 2 : UPDATE_US_MAX;
	p->nr_regions_min = or_default(opts->nr_regions_min, REGIONS_MIN);
	p->nr_regions_max = or_default(opts->nr_regions_max, REGIONS_MAX);
	p->goal.on = opts->auto_intervals.on != 0;
	p->goal.access_bp = or_default(opts->auto_intervals.access_bp, ACCESS_BP);
	p->goal.aggrs = or_default(opts->auto_intervals.aggrs, GOAL_AGGRS);
	p->goal.sample_min_us =
		or_default(opts->auto_intervals.sample_min_ns / 1000, GOAL_MIN_US);
	p->goal.sample_max_us =
		or_default(opts->auto_intervals.sample_max_ns / 1000, GOAL_MAX_US);
	p->polled = opts->polled.delay_ns != 0;
	p->filters = opts->filters;
	p->nr_filters = opts->nr_filters;
	src->poll_delay_ns = opts->polled.delay_ns;
	src->polls_left = or_default(opts->polled.count, UINT64_MAX);
	return check_params(p, err);
}

static int add_range(struct mh_source *src, struct mh_range range, struct mh_err *err)
{
	struct mh_range *slot = mh_vec_push(&src->ranges);

	if (!slot)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*slot = range;
	return MH_OK;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct mh_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Ascending and disjoint, as the kernel wants them. */
static int take_ranges(struct mh_source *src, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < src->target.nr_ranges; i++)
		ret = add_range(src, src->target.ranges[i], err);
	if (ret || !src->ranges.nr)
		return ret;
	qsort(src->ranges.v, src->ranges.nr, sizeof(*src->ranges.v), compare_ranges);
	for (i = 1; i < src->ranges.nr; i++) {
		if (src->ranges.v[i].start < src->ranges.v[i - 1].end)
			return mh_fail(err, MH_EINPUT, "the ranges of --addr overlap");
	}
	return MH_OK;
}

/* All RAM as neighbouring nodes' ranges joined, but for where a person restricts it. */
static int take_ram(struct mh_source *src, struct mh_err *err)
{
	size_t i, first = src->ranges.nr;
	int ret = mh_damon_ram_read(&src->rams, src->fs->root, err);

	for (i = 0; !ret && !first && i < src->rams.nr; i++) {
		struct mh_range r = src->rams.v[i].range;

		if (src->ranges.nr && src->ranges.v[src->ranges.nr - 1].end == r.start)
			src->ranges.v[src->ranges.nr - 1].end = r.end;
		else
			ret = add_range(src, r, err);
	}
	return ret;
}

int mh_damon_settings_target(struct mh_source *src, struct mh_err *err)
{
	bool system = src->target.type == MH_TARGET_SYSTEM;
	int ret = take_ranges(src, err);

	if (ret)
		return ret;
	src->params.operations = mh_damon_operations(src->mode);
	if (src->mode == DAMON_PADDR) {
		if (!system)
			return mh_fail(err, MH_EINPUT,
				       "damon:paddr watches physical memory: use -a");
		src->physical = true;
		ret = take_ram(src, err);
	} else if (system) {
		return mh_fail(err, MH_EINPUT,
			       "%s watches processes: use -p PID, "
			       "--cgroup PATH or -- CMD",
			       src->ops->name);
	} else if (src->mode == DAMON_FVADDR && !src->ranges.nr) {
		return mh_fail(err, MH_EINPUT,
			       "damon:fvaddr watches given addresses: add --addr A:B");
	}
	if (src->mode != DAMON_VADDR) {
		src->params.ranges = src->ranges.v;
		src->params.nr_ranges = src->ranges.nr;
	}
	return ret;
}
