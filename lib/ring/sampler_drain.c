/* SPDX-License-Identifier: MIT */
/*
 * The rounds in which the rings are emptied: maps and tasks by time over all CPUs, then
 * the samples of each ring.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "ring/sampler_live.h"

/* Records of maps and tasks that are younger may still be overtaken on another CPU. */
#define HOLD_BACK_NS 20000000u

uint64_t mh_sampler_now_ns(const struct mh_sampler *s)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec -
	       (uint64_t)s->clock_offset_ns;
}

static int hold(struct mh_sampler *s, uint64_t time_ns, const uint8_t *record, size_t len,
		struct mh_err *err)
{
	struct sampler_held *held = mh_vec_push(&s->held);
	uint8_t *more;

	if (!held)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (s->bytes.cap - s->bytes.nr < len) {
		more = realloc(s->bytes.v, s->bytes.cap * 2 + len);
		if (!more) {
			s->held.nr--;
			return mh_fail(err, MH_ENOMEM, "out of memory");
		}
		s->bytes.v = more;
		s->bytes.cap = s->bytes.cap * 2 + len;
	}
	memcpy(s->bytes.v + s->bytes.nr, record, len);
	*held = (struct sampler_held){ .time_ns = time_ns,
				       .offset = s->bytes.nr,
				       .len = len };
	s->bytes.nr += len;
	return MH_OK;
}

static int learn(struct mh_sampler *s, const struct mh_event *ev, struct mh_err *err)
{
	pid_t *tid;

	if (!s->learn || ev->kind != MH_EV_TASK || ev->task.op != MH_TASK_FORK)
		return MH_OK;
	tid = mh_vec_push(&s->inherited);
	if (!tid)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*tid = (pid_t)ev->task.tid;
	return MH_OK;
}

static int hold_side_record(struct mh_sampler *s, const uint8_t *record, size_t len,
			    struct mh_err *err)
{
	struct mh_event ev;
	int ret = mh_ring_parse(&ev, &s->side_layout, record, len, NULL);

	if (ret == MH_EFORMAT)
		s->malformed++;
	if (ret)
		return MH_OK;
	if (ev.kind == MH_EV_LOST) {
		s->side_lost += ev.lost.count;
		return MH_OK;
	}
	ret = learn(s, &ev, err);
	return ret ? ret : hold(s, ev.time_ns, record, len, err);
}

int mh_sampler_hold(struct mh_sampler *s, struct mh_err *err)
{
	const uint8_t *record;
	size_t i, len;
	int ret;

	for (i = 0; i < s->lanes.nr; i++) {
		struct mh_ring *ring = &s->lanes.v[i].side;

		mh_ring_begin(ring);
		while ((ret = mh_ring_next(ring, &record, &len)) == MH_OK) {
			ret = hold_side_record(s, record, len, err);
			if (ret)
				return ret;
		}
		if (ret == MH_EFORMAT)
			s->malformed++;
	}
	return MH_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct sampler_held *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Moves the records from @first on to the front. */
static void keep_held(struct mh_sampler *s, size_t first)
{
	size_t i, used = 0;

	/* In order of their bytes, so that none is overwritten before it has moved. */
	for (i = first; i < s->held.nr; i++)
		s->held.v[i - first] = s->held.v[i];
	s->held.nr -= first;
	if (!s->held.nr) {
		s->bytes.nr = 0;
		return;
	}
	for (i = 0; i < s->held.nr; i++)
		used += s->held.v[i].len;
	if (used * 2 < s->bytes.nr) {
		uint8_t *fresh = malloc(s->bytes.cap);
		size_t at = 0;

		if (!fresh)
			return; /* only the room is not won back yet */
		for (i = 0; i < s->held.nr; i++) {
			memcpy(fresh + at, s->bytes.v + s->held.v[i].offset,
			       s->held.v[i].len);
			s->held.v[i].offset = at;
			at += s->held.v[i].len;
		}
		free(s->bytes.v);
		s->bytes.v = fresh;
		s->bytes.nr = at;
	}
}

static int emit_held(struct mh_sampler *s, uint64_t until_ns, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_event ev;
	size_t i;
	int ret = MH_OK;

	if (!s->held.nr)
		return MH_OK;
	qsort(s->held.v, s->held.nr, sizeof(*s->held.v), by_time);
	for (i = 0; i < s->held.nr && s->held.v[i].time_ns <= until_ns && !ret; i++) {
		const struct sampler_held *h = &s->held.v[i];

		if (mh_ring_parse(&ev, &s->side_layout, s->bytes.v + h->offset, h->len,
				  NULL))
			continue;
		ev.source = s->spec.source;
		ret = fn(arg, &ev, err);
	}
	keep_held(s, i);
	return ret;
}

/* ---- samples ---- */

#define ID_AT 8 /* of a sample's PERF_SAMPLE_IDENTIFIER */

static uint64_t id_of(const uint8_t *record, size_t len)
{
	struct perf_event_header h;
	uint64_t id = 0;

	memcpy(&h, record, sizeof(h));
	if (h.type == PERF_RECORD_SAMPLE && len >= ID_AT + sizeof(id))
		memcpy(&id, record + ID_AT, sizeof(id));
	else if (len >= sizeof(h) + sizeof(id))
		memcpy(&id, record + len - sizeof(id), sizeof(id));
	return id;
}

/* NULL: no event of ours. */
static const struct sampler_event *event_of(const struct mh_sampler *s,
					    const uint8_t *record, size_t len)
{
	size_t low = 0, high = s->ids.nr;
	uint64_t id;

	if (s->nr_events == 1)
		return &s->events[0];
	id = id_of(record, len);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->ids.v[mid].id == id)
			return &s->events[s->ids.v[mid].event];
		if (s->ids.v[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Returns > 0 when the caller does not want it. */
static int take_sample(struct mh_sampler *s, struct sampler_lane *lane,
		       struct mh_event *ev, const struct mh_ring_extra *extra,
		       struct mh_err *err)
{
	int ret;

	lane->nr_samples++;
	if (!s->spec.on_sample)
		return 0;
	ret = s->spec.on_sample(s->spec.arg, ev, extra, err);
	s->left_out += ret > 0;
	return ret;
}

static int take_aux(struct mh_sampler *s, struct sampler_lane *lane,
		    const struct sampler_event *e, uint64_t time_ns,
		    const struct mh_ring_extra *extra, mh_event_fn fn, void *arg,
		    struct mh_err *err)
{
	const struct perf_event_mmap_page *page = lane->samples.page;
	struct mh_sampler_aux aux = {
		.p = mh_aux_piece(&lane->aux, extra->aux_offset, extra->aux_size),
		.len = (size_t)extra->aux_size,
		.time_ns = time_ns,
		.flags = extra->aux_flags,
		.pid = extra->pid,
		.tid = extra->tid,
		.cpu = (uint32_t)lane->cpu,
		.source = s->spec.source,
		.event = e->layout.event,
		.period = e->layout.period,
		.time_mult = page->cap_user_time ? page->time_mult : 0,
		.time_shift = page->time_shift,
	};
	int ret = MH_OK;

	if (aux.p && s->spec.on_aux)
		ret = s->spec.on_aux(s->spec.arg, &aux, fn, arg, err);
	else
		s->malformed++;
	if (lane->aux.page)
		mh_aux_done(&lane->aux, extra->aux_offset + extra->aux_size);
	return ret;
}

static int emit_record(struct mh_sampler *s, struct sampler_lane *lane,
		       const uint8_t *record, size_t len, mh_event_fn fn, void *arg,
		       struct mh_err *err)
{
	const struct sampler_event *e = event_of(s, record, len);
	struct mh_ring_extra extra;
	struct mh_event ev;
	int ret = e ? mh_ring_parse(&ev, &e->layout, record, len, &extra) : MH_EFORMAT;

	if (ret == MH_EFORMAT)
		s->malformed++;
	if (ret == MH_END && extra.aux_size)
		return take_aux(s, lane, e, ev.time_ns, &extra, fn, arg, err);
	if (ret)
		return MH_OK;
	ev.source = s->spec.source;
	if (ev.kind == MH_EV_LOST && ev.lost.cause == MH_LOST_RING) {
		ev.lost.start_ns = lane->last_ns ? lane->last_ns : ev.time_ns;
		ev.lost.cpu = (uint32_t)lane->cpu;
		lane->lost += ev.lost.count;
	} else if (ev.kind == MH_EV_SAMPLE) {
		ret = take_sample(s, lane, &ev, &extra, err);
	}
	lane->last_ns = ev.time_ns;
	if (ret)
		return ret < 0 ? ret : MH_OK;
	return fn(arg, &ev, err);
}

static int emit_lane(struct mh_sampler *s, struct sampler_lane *lane, mh_event_fn fn,
		     void *arg, struct mh_err *err)
{
	const uint8_t *record;
	size_t len;
	int ret, status;

	mh_ring_begin(&lane->samples);
	while ((ret = mh_ring_next(&lane->samples, &record, &len)) == MH_OK) {
		status = emit_record(s, lane, record, len, fn, arg, err);
		if (status)
			return status;
	}
	if (ret == MH_EFORMAT)
		s->malformed++;
	return MH_OK;
}

int mh_sampler_drain(struct mh_sampler *s, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	uint64_t begin = mh_sampler_now_ns(s);
	bool gone;
	size_t i;
	int ret;

	if (!s->mapped)
		return MH_END;
	/* Asked before the rings are read: what the last task wrote is in them then. */
	gone = mh_sampler_all_gone(s);
	ret = mh_sampler_hold(s, err);
	if (!ret)
		ret = emit_held(s, last || gone ? UINT64_MAX : begin - HOLD_BACK_NS, fn,
				arg, err);
	for (i = 0; !ret && i < s->lanes.nr; i++)
		ret = emit_lane(s, &s->lanes.v[i], fn, arg, err);
	for (i = 0; last && !ret && i < s->lanes.nr; i++)
		ret = mh_sampler_emit_untold(s, i, fn, arg, err);
	if (ret)
		return ret;
	return gone ? MH_END : MH_OK;
}
