/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of DAMO's records as events. A record of a kdamond's context is a source, its
 * targets are pids. 0 is physical memory's; the targets of processes, of which only an
 * index or a kernel pointer is known, are counted from 1, and META tells which is which.
 * What the record does not say is not made up, but for the checks per interval, without
 * which a count means nothing: DAMON's default is assumed, and said.
 */
#include "source/import/damo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "source/import/damo_side.h"

#define DEFAULT_CHECKS  20 /* DAMON's own: 5 ms, 100 ms */
#define DEFAULT_AGGR_US 100000
#define PHYSICAL_BITS   46
#define INDEX_MAX       300 /* a target number from here on is a pid (debugfs) */

struct damo_target {
	uint64_t raw; /* DAMO's target_id */
	uint32_t pid;
};

struct damo_source {
	uint64_t kdamond, context, scheme;
	uint16_t id;
	uint64_t sample_us, aggr_us;
	uint32_t checks;
	uint64_t tuned_us; /* the last that was told */
	struct {
		struct damo_target *v;
		size_t nr, cap;
	} targets;
};

void mh_damo_record_init(struct damo_record *r)
{
	*r = (struct damo_record){ .kdamond = DAMO_UNKNOWN,
				   .context = DAMO_UNKNOWN,
				   .scheme = DAMO_UNKNOWN,
				   .target = DAMO_UNKNOWN };
}

void mh_damo_region_init(struct damo_region *r)
{
	*r = (struct damo_region){ .samples = DAMO_UNKNOWN,
				   .percent = -1,
				   .age_aggrs = DAMO_UNKNOWN,
				   .age_us = DAMO_UNKNOWN,
				   .passed = DAMO_UNKNOWN };
}

void mh_damo_fini(struct damo *d)
{
	size_t i;

	for (i = 0; i < d->sources.nr; i++)
		free(d->sources.v[i].targets.v);
	free(d->sources.v);
}

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the targets of a record");
}

/* ---- META ---- */

static int tell(struct damo *d, struct mh_err *err, const char *key, const char *value)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_META);
	ev.meta.key = key;
	ev.meta.value = value;
	return d->fn(d->arg, &ev, err);
}

static int tell_of(struct damo *d, const struct damo_source *src, struct mh_err *err,
		   const char *name, const char *value)
{
	char key[96];

	snprintf(key, sizeof(key), "source.%u.%s", src->id, name);
	return tell(d, err, key, value);
}

/* Nothing for @absent. */
static int tell_number(struct damo *d, const struct damo_source *src, struct mh_err *err,
		       const char *name, uint64_t v, uint64_t absent)
{
	char value[32];

	if (v == absent)
		return MH_OK;
	snprintf(value, sizeof(value), "%" PRIu64, v);
	return tell_of(d, src, err, name, value);
}

static int tell_start(struct damo *d, uint64_t start_ns, struct mh_err *err)
{
	const char *slash = strrchr(d->in->name, '/');
	char value[32];
	int ret = MH_OK;

	if (d->start_ns == DAMO_UNKNOWN)
		ret = tell(d, err, "trace.title", slash ? slash + 1 : d->in->name);
	if (ret != MH_OK || start_ns >= d->start_ns)
		return ret;
	d->start_ns = start_ns;
	snprintf(value, sizeof(value), "%" PRIu64, start_ns);
	return tell(d, err, "trace.start_ns", value);
}

static int tell_goal(struct damo *d, const struct damo_source *src,
		     const struct damo_record *r, struct mh_err *err)
{
	char value[96];

	if (!r->goal_bp || !r->goal_aggrs)
		return MH_OK;
	snprintf(value, sizeof(value), "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRIu64,
		 r->goal_bp, r->goal_aggrs, r->goal_min_us, r->goal_max_us);
	return tell_of(d, src, err, "intervals_goal", value);
}

bool mh_damo_is_realtime(uint64_t time_ns)
{
	return time_ns > UINT64_C(1000000000000000000);
}

static int tell_source(struct damo *d, const struct damo_source *src, const char *name,
		       const struct damo_record *r, uint64_t start_ns, struct mh_err *err)
{
	int ret = tell_of(d, src, err, "name", name);

	if (ret == MH_OK)
		ret = tell_of(d, src, err, "unit", "hits of checks");
	if (ret == MH_OK)
		ret = tell_of(d, src, err, "format", d->format);
	if (ret == MH_OK)
		ret = tell_of(d, src, err, "clock",
			      mh_damo_is_realtime(start_ns) ? "realtime" : "perf");
	if (ret == MH_OK)
		ret = tell_of(d, src, err, "intervals",
			      r->sample_us && r->aggr_us ? "recorded" : "assumed");
	if (ret == MH_OK)
		ret = tell_number(d, src, err, "sample_us", src->sample_us, 0);
	if (ret == MH_OK)
		ret = tell_number(d, src, err, "aggr_us", src->aggr_us, 0);
	if (ret == MH_OK)
		ret = tell_number(d, src, err, "update_us", r->update_us, 0);
	if (ret == MH_OK)
		ret = tell_goal(d, src, r, err);
	if (ret == MH_OK)
		ret = tell_number(d, src, err, "kdamond", r->kdamond, DAMO_UNKNOWN);
	if (ret == MH_OK)
		ret = tell_number(d, src, err, "context", r->context, DAMO_UNKNOWN);
	if (ret == MH_OK)
		ret = tell_number(d, src, err, "scheme", r->scheme, DAMO_UNKNOWN);
	if (ret == MH_OK && *r->filters)
		ret = tell_of(d, src, err, "filters", r->filters);
	if (ret == MH_OK && *r->data_source)
		ret = tell_of(d, src, err, "data_source", r->data_source);
	return ret;
}

/* ---- sources and targets ---- */

static void set_intervals(struct damo *d, struct damo_source *src,
			  const struct damo_record *r, const struct damo_snapshot *s)
{
	uint64_t len_us = s->end_ns > s->start_ns ? (s->end_ns - s->start_ns) / 1000 : 0;
	uint64_t checks;

	src->sample_us = r->sample_us;
	src->aggr_us = r->aggr_us;
	checks = r->sample_us ? r->aggr_us / r->sample_us : 0;
	if (r->sample_us && r->aggr_us) {
		src->checks = checks < 1                ? 1
			      : checks > UINT32_MAX - 1 ? UINT32_MAX - 1
							: (uint32_t)checks;
		return;
	}
	/* Within a tenth of the default it is the default, measured. */
	if (!len_us ||
	    (len_us > DEFAULT_AGGR_US * 9 / 10 && len_us < DEFAULT_AGGR_US * 11 / 10))
		len_us = DEFAULT_AGGR_US;
	src->checks = DEFAULT_CHECKS;
	src->aggr_us = len_us;
	src->sample_us = len_us / DEFAULT_CHECKS;
	mh_log_say(d->log, MH_NOTICE,
		   "%s does not say its intervals; %u checks in %" PRIu64
		   " us are assumed, as by DAMON's default",
		   d->in->name, src->checks, src->aggr_us);
}

/* A process's addresses go up to where physical ones do not reach. */
static bool is_virtual(const struct damo_snapshot *s)
{
	return s->regions.v[s->regions.nr - 1].end >> PHYSICAL_BITS != 0;
}

static void name_source(char *buf, size_t size, const struct damo *d,
			const struct damo_snapshot *s)
{
	const char *ops = is_virtual(s) ? ":vaddr" : "";

	if (d->sources.nr > 1)
		snprintf(buf, size, "damon%s%s%zu", ops, *ops ? "." : ":", d->sources.nr);
	else
		snprintf(buf, size, "damon%s", ops);
}

static int source_of(struct damo_source **out, struct damo *d,
		     const struct damo_record *r, const struct damo_snapshot *s,
		     struct mh_err *err)
{
	struct damo_source *src;
	char name[64];
	size_t i;

	for (i = 0; i < d->sources.nr; i++) {
		src = *out = &d->sources.v[i];
		if (src->kdamond == r->kdamond && src->context == r->context &&
		    src->scheme == r->scheme)
			return MH_OK;
	}
	if (d->sources.nr == DAMO_TARGETS_MAX)
		return mh_fail(err, MH_EFORMAT, "%s has records of more than %d kdamonds",
			       d->in->name, DAMO_TARGETS_MAX);
	src = *out = mh_vec_push(&d->sources);
	if (!src)
		return no_memory(err);
	src->kdamond = r->kdamond;
	src->context = r->context;
	src->scheme = r->scheme;
	src->id = (uint16_t)(d->first_id + d->sources.nr - 1);
	set_intervals(d, src, r, s);
	name_source(name, sizeof(name), d, s);
	return tell_source(d, src, name, r, s->start_ns, err);
}

static bool pid_is_taken(const struct damo_source *src, uint32_t pid)
{
	size_t i;

	for (i = 0; i < src->targets.nr; i++)
		if (src->targets.v[i].pid == pid)
			return true;
	return false;
}

/* 0: not known. */
static uint32_t pid_beside(const struct damo *d, uint64_t raw)
{
	if (raw == DAMO_UNKNOWN)
		raw = 0;
	return d->side && raw < d->side->pids.nr ? d->side->pids.v[raw] : 0;
}

/* Snapshots have no target; they are of the first. */
static int target_of(uint32_t *pid, struct damo *d, struct damo_source *src, uint64_t raw,
		     const struct damo_snapshot *s, struct mh_err *err)
{
	struct damo_target *t;
	char name[48];
	size_t i;

	for (i = 0; i < src->targets.nr; i++) {
		if (src->targets.v[i].raw == raw) {
			*pid = src->targets.v[i].pid;
			return MH_OK;
		}
	}
	if (src->targets.nr == DAMO_TARGETS_MAX)
		return mh_fail(err, MH_EFORMAT, "%s has more than %d targets",
			       d->in->name, DAMO_TARGETS_MAX);
	*pid = raw <= INT32_MAX ? (uint32_t)raw : (uint32_t)src->targets.nr;
	if (is_virtual(s) && pid_beside(d, raw))
		*pid = pid_beside(d, raw);
	else if (is_virtual(s) && (*pid < INDEX_MAX || raw > INT32_MAX))
		++*pid;
	while (pid_is_taken(src, *pid))
		++*pid;
	t = mh_vec_push(&src->targets);
	if (!t)
		return no_memory(err);
	t->raw = raw;
	t->pid = *pid;
	snprintf(name, sizeof(name), "target.%" PRIu32, *pid);
	return tell_number(d, src, err, name, raw, DAMO_UNKNOWN);
}

/* ---- regions ---- */

static int by_start(const void *a, const void *b)
{
	const struct damo_region *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool is_fake(const struct damo_region *r)
{
	return !r->start && !r->end;
}

static int check_regions(struct damo *d, struct damo_snapshot *s, struct mh_err *err)
{
	struct damo_regions *g = &s->regions;
	bool sorted = true;
	size_t i, n = 0;

	for (i = 0; i < g->nr; i++) {
		if (is_fake(&g->v[i]))
			continue;
		if (g->v[i].start >= g->v[i].end)
			return mh_fail(err, MH_EFORMAT,
				       "%s: snapshot %" PRIu64
				       ": a region ends at %" PRIu64
				       " before it begins at %" PRIu64,
				       d->in->name, d->nr_snapshots + 1, g->v[i].end,
				       g->v[i].start);
		g->v[n] = g->v[i];
		sorted &= !n || g->v[n - 1].start <= g->v[n].start;
		n++;
	}
	g->nr = n;
	if (!sorted)
		qsort(g->v, n, sizeof(*g->v), by_start);
	return MH_OK;
}

static int set_counts(struct mh_ev_region *to, const struct damo_region *from,
		      const struct damo *d, const struct damo_source *src,
		      struct mh_err *err)
{
	uint64_t samples = from->samples, age = from->age_aggrs;
	uint64_t aggr_us = src->tuned_us ? src->tuned_us * src->checks : src->aggr_us;

	if (samples == DAMO_UNKNOWN)
		samples = from->percent < 0
				  ? 0
				  : (uint64_t)(from->percent * src->checks / 100 + 0.5);
	if (age == DAMO_UNKNOWN && from->age_us != DAMO_UNKNOWN && aggr_us)
		age = from->age_us / aggr_us;
	if (samples > UINT32_MAX || (age != DAMO_UNKNOWN && age >= MH_NO_AGE))
		return mh_fail(err, MH_EFORMAT,
			       "%s: snapshot %" PRIu64 ": a region with %" PRIu64
			       " accesses and age %" PRIu64 " cannot be",
			       d->in->name, d->nr_snapshots + 1, samples, age);
	to->nr_accesses = (uint32_t)samples;
	to->age = age == DAMO_UNKNOWN ? MH_NO_AGE : (uint32_t)age;
	return MH_OK;
}

static int give_regions(struct damo *d, const struct damo_source *src, uint32_t pid,
			const struct damo_record *r, const struct damo_snapshot *s,
			struct mh_err *err)
{
	struct mh_event ev;
	size_t i;
	int ret = MH_OK;

	mh_event_init(&ev, MH_EV_REGION);
	ev.source = src->id;
	ev.time_ns = s->end_ns;
	ev.region.start_ns = s->start_ns;
	ev.region.pid = pid;
	ev.region.max_accesses = src->checks;
	for (i = 0; ret == MH_OK && i < s->regions.nr; i++) {
		const struct damo_region *g = &s->regions.v[i];

		ev.region.start = g->start;
		ev.region.end = g->end;
		/* Without filters DAMO writes 0, which says nothing. */
		ev.region.touched =
			g->passed == DAMO_UNKNOWN || (!g->passed && !*r->filters)
				? MH_NO_BYTES
				: g->passed;
		ret = set_counts(&ev.region, g, d, src, err);
		if (ret == MH_OK)
			ret = d->fn(d->arg, &ev, err);
	}
	return ret;
}

/* The sampling interval when the kernel has tuned it. */
static int give_tuned(struct damo *d, struct damo_source *src,
		      const struct damo_snapshot *s, struct mh_err *err)
{
	struct mh_event ev;

	if (!s->sample_us || s->sample_us == src->tuned_us)
		return MH_OK;
	src->tuned_us = s->sample_us;
	mh_event_init(&ev, MH_EV_STAT);
	ev.source = src->id;
	/* Where it begins the one before ends, which had another. */
	ev.time_ns = s->end_ns;
	ev.stat.name = "damon.sample_us";
	ev.stat.value = s->sample_us;
	return d->fn(d->arg, &ev, err);
}

static int give_missing(struct damo *d, const struct damo_source *src,
			const struct damo_snapshot *s, struct mh_err *err)
{
	struct mh_event ev;

	if (!s->nr_missing)
		return MH_OK;
	mh_event_init(&ev, MH_EV_LOST);
	ev.source = src->id;
	ev.time_ns = s->end_ns;
	ev.lost.start_ns = s->start_ns;
	ev.lost.count = s->nr_missing;
	ev.lost.cpu = UINT32_MAX;
	ev.lost.cause = MH_LOST_SNAPSHOT;
	return d->fn(d->arg, &ev, err);
}

int mh_damo_give(struct damo *d, const struct damo_record *r, struct damo_snapshot *s,
		 struct mh_err *err)
{
	struct damo_source *src = NULL;
	uint32_t pid = 0;
	int ret = check_regions(d, s, err);

	if (ret != MH_OK || !s->regions.nr)
		return ret;
	if (s->end_ns < s->start_ns)
		return mh_fail(err, MH_EFORMAT,
			       "%s: snapshot %" PRIu64 " ends before it begins",
			       d->in->name, d->nr_snapshots + 1);
	ret = tell_start(d, s->start_ns, err);
	if (ret == MH_OK)
		ret = source_of(&src, d, r, s, err);
	if (ret == MH_OK)
		ret = target_of(&pid, d, src, r->target, s, err);
	if (ret == MH_OK)
		ret = give_tuned(d, src, s, err);
	if (ret == MH_OK)
		ret = give_regions(d, src, pid, r, s, err);
	if (ret == MH_OK)
		ret = give_missing(d, src, s, err);
	d->nr_snapshots++;
	d->nr_regions += s->regions.nr;
	return ret;
}
