/* SPDX-License-Identifier: MIT */
/*
 * The rounds in which the rings are emptied: maps and tasks by time over all CPUs, then
 * the samples of each ring.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "ring/watch_live.h"

/* Records of maps and tasks that are younger may still be overtaken on another CPU. */
#define HOLD_BACK_NS 20000000u

uint64_t mh_watch_now_ns(const struct mh_watch *w)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec -
	       (uint64_t)w->clock_offset_ns;
}

static int hold(struct mh_watch *w, uint64_t time_ns, const uint8_t *record, size_t len,
		struct mh_err *err)
{
	struct watch_held *held = mh_vec_push(&w->held);
	uint8_t *more;

	if (!held)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (w->bytes.cap - w->bytes.nr < len) {
		more = realloc(w->bytes.v, w->bytes.cap * 2 + len);
		if (!more) {
			w->held.nr--;
			return mh_fail(err, MH_ENOMEM, "out of memory");
		}
		w->bytes.v = more;
		w->bytes.cap = w->bytes.cap * 2 + len;
	}
	memcpy(w->bytes.v + w->bytes.nr, record, len);
	*held = (struct watch_held){ .time_ns = time_ns,
				     .offset = w->bytes.nr,
				     .len = len };
	w->bytes.nr += len;
	return MH_OK;
}

static int learn(struct mh_watch *w, const struct mh_event *ev, struct mh_err *err)
{
	pid_t *tid;

	if (!w->learn || ev->kind != MH_EV_TASK || ev->task.op != MH_TASK_FORK)
		return MH_OK;
	tid = mh_vec_push(&w->inherited);
	if (!tid)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*tid = (pid_t)ev->task.tid;
	return MH_OK;
}

static int hold_side_record(struct mh_watch *w, const uint8_t *record, size_t len,
			    struct mh_err *err)
{
	struct mh_event ev;
	int ret = mh_ring_parse(&ev, &w->side_layout, record, len, NULL);

	if (ret == MH_EFORMAT)
		w->malformed++;
	if (ret)
		return MH_OK;
	if (ev.kind == MH_EV_LOST) {
		w->side_lost += ev.lost.count;
		return MH_OK;
	}
	ret = learn(w, &ev, err);
	return ret ? ret : hold(w, ev.time_ns, record, len, err);
}

int mh_watch_hold(struct mh_watch *w, struct mh_err *err)
{
	const uint8_t *record;
	size_t i, len;
	int ret;

	for (i = 0; i < w->lanes.nr; i++) {
		struct mh_ring *ring = &w->lanes.v[i].side;

		mh_ring_begin(ring);
		while ((ret = mh_ring_next(ring, &record, &len)) == MH_OK) {
			ret = hold_side_record(w, record, len, err);
			if (ret)
				return ret;
		}
		if (ret == MH_EFORMAT)
			w->malformed++;
	}
	return MH_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct watch_held *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Moves the records from @first on to the front. */
static void keep_held(struct mh_watch *w, size_t first)
{
	size_t i, used = 0;

	/* In order of their bytes, so that none is overwritten before it has moved. */
	for (i = first; i < w->held.nr; i++)
		w->held.v[i - first] = w->held.v[i];
	w->held.nr -= first;
	if (!w->held.nr) {
		w->bytes.nr = 0;
		return;
	}
	for (i = 0; i < w->held.nr; i++)
		used += w->held.v[i].len;
	if (used * 2 < w->bytes.nr) {
		uint8_t *fresh = malloc(w->bytes.cap);
		size_t at = 0;

		if (!fresh)
			return; /* only the room is not won back yet */
		for (i = 0; i < w->held.nr; i++) {
			memcpy(fresh + at, w->bytes.v + w->held.v[i].offset,
			       w->held.v[i].len);
			w->held.v[i].offset = at;
			at += w->held.v[i].len;
		}
		free(w->bytes.v);
		w->bytes.v = fresh;
		w->bytes.nr = at;
	}
}

static int emit_held(struct mh_watch *w, uint64_t until_ns, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_event ev;
	size_t i;
	int ret = MH_OK;

	if (!w->held.nr)
		return MH_OK;
	qsort(w->held.v, w->held.nr, sizeof(*w->held.v), by_time);
	for (i = 0; i < w->held.nr && w->held.v[i].time_ns <= until_ns && !ret; i++) {
		const struct watch_held *h = &w->held.v[i];

		if (mh_ring_parse(&ev, &w->side_layout, w->bytes.v + h->offset, h->len,
				  NULL))
			continue;
		ev.source = w->spec.source;
		ret = fn(arg, &ev, err);
	}
	keep_held(w, i);
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
static const struct watch_event *event_of(const struct mh_watch *w, const uint8_t *record,
					  size_t len)
{
	size_t low = 0, high = w->ids.nr;
	uint64_t id;

	if (w->nr_events == 1)
		return &w->events[0];
	id = id_of(record, len);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->ids.v[mid].id == id)
			return &w->events[w->ids.v[mid].event];
		if (w->ids.v[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Returns > 0 when the caller does not want it. */
static int take_sample(struct mh_watch *w, struct watch_lane *lane, struct mh_event *ev,
		       const struct mh_ring_extra *extra, struct mh_err *err)
{
	int ret;

	lane->nr_samples++;
	if (!w->spec.on_sample)
		return 0;
	ret = w->spec.on_sample(w->spec.arg, ev, extra, err);
	w->left_out += ret > 0;
	return ret;
}

static int take_aux(struct mh_watch *w, struct watch_lane *lane,
		    const struct watch_event *e, uint64_t time_ns,
		    const struct mh_ring_extra *extra, mh_event_fn fn, void *arg,
		    struct mh_err *err)
{
	const struct perf_event_mmap_page *page = lane->samples.page;
	struct mh_watch_aux aux = {
		.p = mh_aux_piece(&lane->aux, extra->aux_offset, extra->aux_size),
		.len = (size_t)extra->aux_size,
		.time_ns = time_ns,
		.flags = extra->aux_flags,
		.pid = extra->pid,
		.tid = extra->tid,
		.cpu = (uint32_t)lane->cpu,
		.source = w->spec.source,
		.event = e->layout.event,
		.period = e->layout.period,
		.time_mult = page->cap_user_time ? page->time_mult : 0,
		.time_shift = page->time_shift,
	};
	int ret = MH_OK;

	if (aux.p && w->spec.on_aux)
		ret = w->spec.on_aux(w->spec.arg, &aux, fn, arg, err);
	else
		w->malformed++;
	if (lane->aux.page)
		mh_aux_done(&lane->aux, extra->aux_offset + extra->aux_size);
	return ret;
}

static int emit_record(struct mh_watch *w, struct watch_lane *lane, const uint8_t *record,
		       size_t len, mh_event_fn fn, void *arg, struct mh_err *err)
{
	const struct watch_event *e = event_of(w, record, len);
	struct mh_ring_extra extra;
	struct mh_event ev;
	int ret = e ? mh_ring_parse(&ev, &e->layout, record, len, &extra) : MH_EFORMAT;

	if (ret == MH_EFORMAT)
		w->malformed++;
	if (ret == MH_END && extra.aux_size)
		return take_aux(w, lane, e, ev.time_ns, &extra, fn, arg, err);
	if (ret)
		return MH_OK;
	ev.source = w->spec.source;
	if (ev.kind == MH_EV_LOST && ev.lost.cause == MH_LOST_RING) {
		ev.lost.start_ns = lane->last_ns ? lane->last_ns : ev.time_ns;
		ev.lost.cpu = (uint32_t)lane->cpu;
		lane->lost += ev.lost.count;
	} else if (ev.kind == MH_EV_SAMPLE) {
		ret = take_sample(w, lane, &ev, &extra, err);
	}
	lane->last_ns = ev.time_ns;
	if (ret)
		return ret < 0 ? ret : MH_OK;
	return fn(arg, &ev, err);
}

static int emit_lane(struct mh_watch *w, struct watch_lane *lane, mh_event_fn fn,
		     void *arg, struct mh_err *err)
{
	const uint8_t *record;
	size_t len;
	int ret, status;

	mh_ring_begin(&lane->samples);
	while ((ret = mh_ring_next(&lane->samples, &record, &len)) == MH_OK) {
		status = emit_record(w, lane, record, len, fn, arg, err);
		if (status)
			return status;
	}
	if (ret == MH_EFORMAT)
		w->malformed++;
	return MH_OK;
}

int mh_watch_drain(struct mh_watch *w, int last, mh_event_fn fn, void *arg,
		   struct mh_err *err)
{
	uint64_t begin = mh_watch_now_ns(w);
	bool gone;
	size_t i;
	int ret;

	if (!w->mapped)
		return MH_END;
	/* Asked before the rings are read: what the last task wrote is in them then. */
	gone = mh_watch_all_gone(w);
	ret = mh_watch_hold(w, err);
	if (!ret)
		ret = emit_held(w, last || gone ? UINT64_MAX : begin - HOLD_BACK_NS, fn,
				arg, err);
	for (i = 0; !ret && i < w->lanes.nr; i++)
		ret = emit_lane(w, &w->lanes.v[i], fn, arg, err);
	for (i = 0; last && !ret && i < w->lanes.nr; i++)
		ret = mh_watch_emit_untold(w, i, fn, arg, err);
	if (ret)
		return ret;
	return gone ? MH_END : MH_OK;
}
