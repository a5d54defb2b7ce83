/* SPDX-License-Identifier: MIT */
/* What a recording says of itself: its settings, and the names of physical memory. */
#include <inttypes.h>
#include <stdio.h>

#include "source/damon/live.h"

/* "allow anon, reject non memcg": in DAMO's words. */
static void filters_words(char *out, size_t size, const struct damon_params *p)
{
	size_t i, len = 0;

	*out = '\0';
	for (i = 0; i < p->nr_filters && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s %s%s", i ? ", " : "",
					p->filters[i].reject ? "reject" : "allow",
					p->filters[i].non ? "non " : "",
					p->filters[i].type);
}

int mh_damon_tell_params(const struct mh_source *src, const struct mh_tell *to,
			 struct mh_err *err)
{
	const struct damon_params *p = &src->params;
	char filters[192];
	int ret = mh_tell_meta(to, err, "name", "%s", src->ops->name);

	filters_words(filters, sizeof(filters), p);
	if (!ret)
		ret = mh_tell_meta(to, err, "unit", "hits of checks");
	if (!ret)
		ret = mh_tell_meta(to, err, "operations", "%s", p->operations);
	if (!ret && src->stream.sample_us)
		ret = mh_tell_meta(to, err, "sample_us", "%" PRIu64,
				   src->stream.sample_us);
	if (!ret && src->stream.aggr_us)
		ret = mh_tell_meta(to, err, "aggr_us", "%" PRIu64, src->stream.aggr_us);
	if (!ret && p->update_us)
		ret = mh_tell_meta(to, err, "update_us", "%" PRIu64, p->update_us);
	if (!ret && p->nr_regions_max)
		ret = mh_tell_meta(to, err, "nr_regions", "%" PRIu64 ":%" PRIu64,
				   p->nr_regions_min, p->nr_regions_max);
	if (!ret && p->goal.on)
		ret = mh_tell_meta(to, err, "intervals_goal",
				   "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRIu64,
				   p->goal.access_bp, p->goal.aggrs,
				   p->goal.sample_min_us, p->goal.sample_max_us);
	if (!ret && *filters)
		ret = mh_tell_meta(to, err, "filters", "%s", filters);
	if (!ret)
		ret = mh_tell_meta(to, err, "clock", "monotonic");
	return ret;
}

/* Physical memory has no mappings of its own; its nodes stand for them. */
int mh_damon_tell_rams(const struct mh_source *src, const struct mh_tell *to,
		       struct mh_err *err)
{
	char path[64];
	struct mh_event ev;
	size_t i;
	int ret = MH_OK;

	mh_event_init(&ev, MH_EV_MAP);
	ev.source = to->source;
	ev.time_ns = to->time_ns;
	ev.map.op = MH_MAP_ADD;
	ev.map.path = path;
	for (i = 0; !ret && i < src->rams.nr; i++) {
		const struct damon_ram *ram = &src->rams.v[i];

		if (ram->node < 0)
			snprintf(path, sizeof(path), "[System RAM]");
		else
			snprintf(path, sizeof(path), "[System RAM node %d]", ram->node);
		ev.map.start = ram->range.start;
		ev.map.end = ram->range.end;
		ret = to->fn(to->arg, &ev, err);
	}
	return ret;
}
