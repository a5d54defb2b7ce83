/* SPDX-License-Identifier: MIT */
/* Values with several parts, between colons as DAMON's users know them. */
#include "record_damon.h"

#include <stdio.h>
#include <string.h>

#include "values.h"

#define AT(member) .offset = offsetof(struct record_damon, member)

const struct mh_option record_damon_options[] = {
	{ "sample", 0, MH_OPT_TIME, "TIME", "damon: time between two checks; default 5ms",
	  AT(sample_ns), .min = 1000 },
	{ "aggr", 0, MH_OPT_TIME, "TIME",
	  "damon: time from snapshot to snapshot; default 100ms", AT(aggr_ns),
	  .min = 1000 },
	{ "update", 0, MH_OPT_TIME, "TIME",
	  "damon: look for new mappings so often; default twice --aggr, at most 1s",
	  AT(update_ns), .min = 1000 },
	{ "regions", 0, MH_OPT_STRING, "MIN:MAX",
	  "damon: how many regions; default 10:1000", AT(regions) },
	{ "auto-intervals", 0, MH_OPT_STRING, "BP:AGGRS:MIN:MAX",
	  "damon: let the kernel find the intervals; default 400:3:5ms:10s",
	  AT(intervals), .otherwise = "400:3:5ms:10s" },
	{ "snapshot", 0, MH_OPT_STRING, "DELAY:COUNT",
	  "damon: ask for COUNT snapshots, DELAY apart, instead of taking every one",
	  AT(snapshot) },
	{ "page-filter", 0, MH_OPT_LIST, "FILTER,...",
	  "damon, with --snapshot: count pages too: anon, reject young, memcg /a",
	  AT(page_filter) },
	{ "addr", 0, MH_OPT_LIST, "START:END,...",
	  "watch these addresses only: 0x7f00:0x8000, 0x7f00:+64M", AT(addr) },
	{ 0 },
};

/* Cut @text at colons into @nr parts. */
static int split(char *buf, size_t size, const char *text, char **parts, size_t nr,
		 struct mh_err *err)
{
	size_t i;
	char *rest = buf;

	if (snprintf(buf, size, "%s", text) >= (int)size)
		return mh_fail(err, MH_EINPUT, "'%s' is too long", text);
	for (i = 0; i < nr; i++) {
		parts[i] = strsep(&rest, ":");
		if (!parts[i] || !*parts[i])
			return mh_fail(err, MH_EINPUT,
				       "'%s' needs %zu parts with colons "
				       "between",
				       text, nr);
	}
	return rest ? mh_fail(err, MH_EINPUT, "'%s' has more than %zu parts", text, nr)
		    : MH_OK;
}

static int count32(uint32_t *out, const char *s, struct mh_err *err)
{
	uint64_t v;
	int ret = mh_value_count(&v, s, err);

	if (!ret && (!v || v > UINT32_MAX))
		ret = mh_fail(err, MH_EINPUT, "%s is out of range", s);
	if (!ret)
		*out = (uint32_t)v;
	return ret;
}

static int apply_regions(const char *text, struct mh_source_opts *opts,
			 struct mh_err *err)
{
	char buf[128], *part[2];
	int ret = split(buf, sizeof(buf), text, part, 2, err);

	if (!ret)
		ret = count32(&opts->nr_regions_min, part[0], err);
	return ret ? ret : count32(&opts->nr_regions_max, part[1], err);
}

static int apply_intervals(const char *text, struct mh_source_opts *opts,
			   struct mh_err *err)
{
	char buf[128], *part[4];
	int ret = split(buf, sizeof(buf), text, part, 4, err);

	opts->auto_intervals.on = 1;
	if (!ret)
		ret = count32(&opts->auto_intervals.access_bp, part[0], err);
	if (!ret)
		ret = count32(&opts->auto_intervals.aggrs, part[1], err);
	if (!ret)
		ret = mh_value_time(&opts->auto_intervals.sample_min_ns, part[2], err);
	if (!ret)
		ret = mh_value_time(&opts->auto_intervals.sample_max_ns, part[3], err);
	return ret;
}

static int apply_snapshot(const char *text, struct mh_source_opts *opts,
			  struct mh_err *err)
{
	char buf[128], *part[2];
	int ret = split(buf, sizeof(buf), text, part, 2, err);

	if (!ret)
		ret = mh_value_time(&opts->polled.delay_ns, part[0], err);
	if (!ret)
		ret = mh_value_count(&opts->polled.count, part[1], err);
	if (!ret && (!opts->polled.delay_ns || !opts->polled.count))
		ret = mh_fail(err, MH_EINPUT, "'%s': neither part may be 0", text);
	return ret;
}

static int apply_addr(struct record_damon *damon, struct mh_record_opts *opts,
		      struct mh_err *err)
{
	size_t i;
	int ret;

	if (damon->addr.nr > RECORD_RANGES_MAX)
		return mh_fail(err, MH_EINPUT, "at most %d ranges of addresses",
			       RECORD_RANGES_MAX);
	for (i = 0; i < damon->addr.nr; i++) {
		ret = mh_value_size_range(&damon->ranges[i], damon->addr.v[i], err);
		if (ret)
			return ret;
	}
	if (i) {
		opts->target.ranges = damon->ranges;
		opts->target.nr_ranges = i;
	}
	return MH_OK;
}

/* "allow", "reject" and "non" may stand before the type, its argument after it. */
static int read_filter(struct mh_page_filter *out, char *words, struct mh_err *err)
{
	char *word, *rest = words, *arg = NULL;

	*out = (struct mh_page_filter){ 0 };
	while ((word = strsep(&rest, " ")) && !out->type) {
		if (!strcmp(word, "reject"))
			out->reject = 1;
		else if (!strcmp(word, "non"))
			out->non = 1;
		else if (*word && strcmp(word, "allow") != 0)
			out->type = word;
		if (out->type)
			arg = rest;
	}
	if (!out->type)
		return mh_fail(err, MH_EINPUT,
			       "a filter is: [allow|reject] [non] TYPE [ARGUMENT]");
	if (!strcmp(out->type, "memcg") && arg && *arg) {
		out->memcg = arg;
		return MH_OK;
	}
	if (!strcmp(out->type, "hugepage_size") && arg && *arg)
		return mh_value_size_range(&out->huge, arg, err);
	if (!strcmp(out->type, "memcg") || !strcmp(out->type, "hugepage_size"))
		return mh_fail(err, MH_EINPUT,
			       "the filter %s needs an argument: memcg PATH, "
			       "hugepage_size 2M:1G",
			       out->type);
	return arg && *arg
		       ? mh_fail(err, MH_EINPUT, "the filter %s takes no argument: '%s'",
				 out->type, arg)
		       : MH_OK;
}

static int apply_filters(struct record_damon *damon, struct mh_source_opts *opts,
			 struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	if (damon->page_filter.nr > RECORD_FILTERS_MAX)
		return mh_fail(err, MH_EINPUT, "at most %d filters", RECORD_FILTERS_MAX);
	for (i = 0; !ret && i < damon->page_filter.nr; i++)
		ret = read_filter(&damon->filters[i], damon->page_filter.v[i], err);
	opts->filters = damon->filters;
	opts->nr_filters = damon->page_filter.nr;
	return ret;
}

int record_damon_apply(struct record_damon *damon, struct mh_record_opts *opts,
		       struct mh_err *err)
{
	int ret = apply_addr(damon, opts, err);

	opts->source.sample_ns = damon->sample_ns;
	opts->source.aggr_ns = damon->aggr_ns;
	opts->source.update_ns = damon->update_ns;
	if (!ret && damon->regions)
		ret = apply_regions(damon->regions, &opts->source, err);
	if (!ret && damon->intervals)
		ret = apply_intervals(damon->intervals, &opts->source, err);
	if (!ret && damon->snapshot)
		ret = apply_snapshot(damon->snapshot, &opts->source, err);
	return ret ? ret : apply_filters(damon, &opts->source, err);
}
