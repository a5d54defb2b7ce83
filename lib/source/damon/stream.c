/* SPDX-License-Identifier: MIT */
/*
 * From tracepoint records to snapshots with a time, a process and their intervals.
 *
 * The kdamond tells of all regions of all targets in one burst per aggregation interval.
 * The time of a burst is that of its first row, for every target alike, so that targets
 * can be summed up per moment. A burst's interval begins where the one before ended,
 * unless something was lost in between.
 */
#include "source/damon/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"

struct round {
	struct mh_source *src;
	const struct mh_tell *to;
};

/* ---- losses ---- */

static int tell_lost(const struct mh_tell *to, uint64_t start_ns, uint64_t time_ns,
		     uint64_t count, enum mh_lost_cause cause, struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_LOST);
	ev.source = to->source;
	ev.time_ns = time_ns;
	ev.lost.start_ns = start_ns;
	ev.lost.count = count;
	ev.lost.cpu = UINT32_MAX;
	ev.lost.cause = (uint8_t)cause;
	return to->fn(to->arg, &ev, err);
}

/*
 * Records that the ring dropped are told once: as missing regions of the snapshot that
 * shows a part of itself, and the rest, whole snapshots, as lost in the ring.
 */
static int tell_lost_records(struct mh_source *src, const struct mh_tell *to, bool last,
			     struct mh_err *err)
{
	struct damon_stream *s = &src->stream;
	uint64_t lost = mh_tracepoint_lost(s->tap), since;

	if (lost <= s->lost_seen + s->missing) {
		s->untold_since_ns = 0;
		return MH_OK;
	}
	if (!s->untold_since_ns)
		s->untold_since_ns = to->time_ns;
	/* The snapshot that it belongs to is handed out after the next has begun. */
	if (!last && to->time_ns < s->untold_since_ns + 4 * s->assembly.window_ns)
		return MH_OK;
	since = s->untold_since_ns;
	lost -= s->lost_seen + s->missing;
	s->lost_seen += lost;
	s->untold_since_ns = 0;
	return tell_lost(to, since, to->time_ns, lost, MH_LOST_RING, err);
}

/* ---- one snapshot ---- */

static uint32_t max_accesses(const struct damon_stream *s)
{
	return s->sample_us ? (uint32_t)(s->aggr_us / s->sample_us) : 0;
}

static int tell_intervals(struct mh_source *src, const struct mh_tell *to,
			  uint64_t time_ns, struct mh_err *err)
{
	struct damon_stream *s = &src->stream;
	struct mh_tell then = *to;
	int ret;

	if (s->told_sample_us == s->sample_us && s->told_aggr_us == s->aggr_us)
		return MH_OK;
	s->told_sample_us = s->sample_us;
	s->told_aggr_us = s->aggr_us;
	then.time_ns = time_ns;
	ret = mh_tell_stat(&then, err, "damon.sample_us", s->sample_us);
	return ret ? ret : mh_tell_stat(&then, err, "damon.aggr_us", s->aggr_us);
}

/* The slot of a target; NULL: nobody's any more, or not yet. */
static const struct damon_slot *slot_of(const struct mh_source *src,
					const struct mh_snapshot *snap)
{
	const struct damon_slot *slot;

	if (snap->target >= src->slots.nr)
		return NULL;
	slot = &src->slots.v[snap->target];
	return slot->pid && snap->time_ns >= slot->since_ns ? slot : NULL;
}

static bool wanted(const struct mh_source *src, const struct mh_region_row *row)
{
	struct mh_range r = { row->start, row->end };
	size_t i;

	if (!src->ranges.nr || src->mode == DAMON_PADDR)
		return true;
	for (i = 0; i < src->ranges.nr; i++) {
		if (mh_range_overlaps(src->ranges.v[i], r))
			return true;
	}
	return false;
}

/* Ages count from when a process got its target, whatever the kernel kept. */
static uint32_t age_limit(const struct mh_source *src, const struct damon_slot *slot,
			  uint64_t time_ns)
{
	uint64_t aggr_ns = src->stream.aggr_us * 1000;

	if (!slot || !slot->reused || !aggr_ns)
		return MH_NO_AGE;
	return (uint32_t)((time_ns - slot->since_ns) / aggr_ns);
}

static void place_in_time(struct mh_source *src, const struct mh_snapshot *snap)
{
	struct damon_stream *s = &src->stream;
	uint64_t aggr_ns = s->aggr_us * 1000;

	if (s->burst_ns && snap->time_ns < s->burst_ns + aggr_ns / 2)
		return;
	s->previous_ns = s->burst_ns;
	s->burst_ns = snap->time_ns;
	if (!s->previous_ns || s->lost_since_ns)
		s->previous_ns = s->burst_ns > aggr_ns ? s->burst_ns - aggr_ns : 0;
	s->lost_since_ns = 0;
	s->bytes = s->burst_bytes;
	s->burst_bytes = 0;
	s->nr_snapshots++;
}

static int tell_rows(struct mh_source *src, const struct mh_snapshot *snap,
		     const struct damon_slot *slot, const struct mh_tell *to,
		     struct mh_err *err)
{
	uint32_t limit = age_limit(src, slot, snap->time_ns);
	struct mh_event ev;
	int ret = MH_OK;
	size_t i;

	mh_event_init(&ev, MH_EV_REGION);
	ev.source = to->source;
	ev.time_ns = src->stream.burst_ns;
	ev.region.start_ns = src->stream.previous_ns;
	if (slot && slot->since_ns > ev.region.start_ns)
		ev.region.start_ns = slot->since_ns;
	if (slot)
		ev.region.pid = (uint32_t)slot->pid;
	else if (!src->physical)
		ev.region.pid = (uint32_t)snap->target;
	ev.region.max_accesses = max_accesses(&src->stream);
	for (i = 0; !ret && i < snap->nr; i++) {
		const struct mh_region_row *row = &snap->rows[i];

		src->stream.burst_bytes += row->end - row->start;
		if (!wanted(src, row))
			continue;
		ev.region.start = row->start;
		ev.region.end = row->end;
		ev.region.nr_accesses = row->nr_accesses;
		ev.region.age = row->age < limit ? row->age : limit;
		if (src->params.nr_filters)
			ev.region.touched = row->passed;
		ret = to->fn(to->arg, &ev, err);
	}
	src->stream.nr_regions += snap->nr;
	if (slot)
		mh_damon_procs_note(&src->procs, slot->pid, src->stream.burst_ns);
	return ret;
}

static int on_snapshot(void *arg, const struct mh_snapshot *snap, struct mh_err *err)
{
	struct round *r = arg;
	struct mh_source *src = r->src;
	const struct damon_slot *slot = NULL;
	int ret;

	if (!src->physical)
		slot = slot_of(src, snap);
	/* Somebody else's targets need not be known; ours are, or are gone. */
	if (!src->physical && !slot && src->mode != DAMON_ATTACH)
		return MH_OK;
	place_in_time(src, snap);
	ret = tell_intervals(src, r->to, src->stream.burst_ns, err);
	if (!ret)
		ret = tell_rows(src, snap, slot, r->to, err);
	if (!ret && snap->nr_missing) {
		src->stream.missing += snap->nr_missing;
		ret = tell_lost(r->to, src->stream.previous_ns, src->stream.burst_ns,
				snap->nr_missing, MH_LOST_SNAPSHOT, err);
	}
	return ret;
}

/* ---- the ring ---- */

static int take_hit(struct round *r, const struct mh_tracepoint_hit *hit,
		    struct mh_err *err)
{
	struct damon_stream *s = &r->src->stream;
	struct mh_region_row row;
	uint64_t sample_us = 0;
	int ret;

	if (!hit->raw) {
		s->lost_since_ns = hit->time_ns ? hit->time_ns : 1;
		return MH_OK;
	}
	/* Another kdamond's targets have the same indices. */
	if ((pid_t)hit->tid != r->src->kdamond)
		return MH_OK;
	switch (mh_damon_format_parse(&s->format, hit->raw, hit->len, &row, &sample_us)) {
	case DAMON_HIT_REGION:
		row.time_ns = hit->time_ns;
		return mh_assembly_add(&s->assembly, &row, on_snapshot, r, err);
	case DAMON_HIT_TUNE:
		/* What still waits for rows that are lost was counted in the old. */
		ret = mh_assembly_flush(&s->assembly, hit->time_ns, on_snapshot, r, err);
		if (ret)
			return ret;
		/* The ratio of the intervals is kept; rows that follow are in the new. */
		if (sample_us && s->sample_us)
			s->aggr_us = s->aggr_us / s->sample_us * sample_us;
		if (sample_us)
			s->sample_us = sample_us;
		return MH_OK;
	case DAMON_HIT_OTHER:
	default:
		return MH_OK;
	}
}

int mh_damon_stream_drain(struct mh_source *src, bool last, const struct mh_tell *to,
			  struct mh_err *err)
{
	struct damon_stream *s = &src->stream;
	struct round r = { .src = src, .to = to };
	struct mh_tracepoint_hit hit;
	uint64_t now = to->time_ns, before;
	int ret = MH_OK;

	if (!s->tap)
		return MH_OK;
	/* A snapshot's rows are less than an interval apart. */
	s->assembly.window_ns = s->aggr_us * 900;
	mh_tracepoint_begin(s->tap);
	while (!ret && mh_tracepoint_next(s->tap, &hit) == MH_OK)
		ret = take_hit(&r, &hit, err);
	before = now > s->assembly.window_ns ? now - s->assembly.window_ns : 0;
	if (!ret)
		ret = mh_assembly_flush(&s->assembly, last ? UINT64_MAX : before,
					on_snapshot, &r, err);
	return ret ? ret : tell_lost_records(src, to, last, err);
}

/* ---- asking ---- */

static int read_tried(struct mh_source *src, size_t i, struct mh_region_row *row)
{
#define TRIED DAMON_CONTEXT "/schemes/0/tried_regions/%zu/"
	uint64_t nr = 0, age = 0;

	if (mh_damon_read_u64(src->fs, &row->start, NULL, TRIED "start", i) ||
	    mh_damon_read_u64(src->fs, &row->end, NULL, TRIED "end", i) ||
	    mh_damon_read_u64(src->fs, &nr, NULL, TRIED "nr_accesses", i) ||
	    mh_damon_read_u64(src->fs, &age, NULL, TRIED "age", i))
		return MH_END;
	row->nr_accesses = (uint32_t)nr;
	row->age = (uint32_t)age;
	row->passed = MH_NO_BYTES;
	if (src->params.nr_filters &&
	    mh_damon_read_u64(src->fs, &row->passed, NULL, TRIED "sz_filter_passed", i))
		return MH_END;
	return MH_OK;
#undef TRIED
}

/* Tuned intervals are put into the files on demand. */
static int read_intervals(struct mh_source *src, struct mh_err *err)
{
	int ret = MH_OK;

	if (!src->params.goal.on)
		return MH_OK;
	ret = mh_damon_write(src->fs, DAMON_OWN "/state", "update_tuned_intervals", err);
	if (!ret)
		ret = mh_damon_read_u64(src->fs, &src->stream.sample_us, err,
					DAMON_CONTEXT
					"/monitoring_attrs/intervals/sample_us");
	if (!ret)
		ret = mh_damon_read_u64(src->fs, &src->stream.aggr_us, err,
					DAMON_CONTEXT
					"/monitoring_attrs/intervals/aggr_us");
	return ret;
}

/* One target's: the files do not say whose a region is. */
static int read_all_tried(struct mh_source *src, uint64_t time_ns, struct mh_err *err)
{
	struct damon_stream *s = &src->stream;
	struct mh_region_row row = { .time_ns = time_ns }, *slot;

	s->polled.nr = 0;
	while (!read_tried(src, s->polled.nr, &row)) {
		if (s->polled.nr && row.start < s->polled.v[s->polled.nr - 1].end)
			return mh_fail(err, MH_EFORMAT,
				       "the kernel's list of regions is out of order");
		slot = mh_vec_push(&s->polled);
		if (!slot)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		*slot = row;
	}
	return MH_OK;
}

int mh_damon_stream_poll(struct mh_source *src, const struct mh_tell *to,
			 struct mh_err *err)
{
	struct round r = { .src = src, .to = to };
	struct mh_snapshot snap = { .time_ns = to->time_ns, .last_ns = to->time_ns };
	int ret = read_intervals(src, err);

	if (!ret)
		ret = mh_damon_write(src->fs, DAMON_OWN "/state",
				     "update_schemes_tried_regions", err);
	if (!ret)
		ret = read_all_tried(src, to->time_ns, err);
	if (ret)
		return ret;
	/* Each stands alone: only its last aggregation interval was observed. */
	src->stream.burst_ns = 0;
	snap.rows = src->stream.polled.v;
	snap.nr = src->stream.polled.nr;
	if (snap.nr)
		ret = on_snapshot(&r, &snap, err);
	return ret ? ret
		   : mh_damon_write(src->fs, DAMON_OWN "/state",
				    "clear_schemes_tried_regions", err);
}
