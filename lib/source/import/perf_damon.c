/* SPDX-License-Identifier: MIT */
/* See perf_damon.h. */
#include "source/import/perf_damon.h"

#include <stdlib.h>

#include "base/vec.h"

struct out {
	uint16_t source;
	mh_event_fn fn;
	void *arg;
};

static int give(struct perf_damon *d, const struct out *to,
		const struct mh_ev_region *rows, size_t nr, uint64_t start_ns,
		uint64_t time_ns, struct mh_err *err)
{
	struct mh_event ev;
	int ret = MH_OK;
	size_t i;

	mh_event_init(&ev, MH_EV_REGION);
	ev.source = to->source;
	ev.time_ns = time_ns;
	for (i = 0; i < nr && !ret; i++) {
		ev.region = rows[i];
		ev.region.start_ns = start_ns;
		if (ev.region.nr_accesses > ev.region.max_accesses) {
			ev.region.max_accesses = ev.region.nr_accesses;
			d->raised = true;
		}
		ret = to->fn(to->arg, &ev, err);
	}
	return ret;
}

/* The first snapshot, once the second tells how long an interval is; 0: nothing told. */
static int give_first(struct perf_damon *d, struct perf_damon_target *t,
		      const struct out *to, uint64_t len_ns, struct mh_err *err)
{
	uint64_t start = len_ns < t->first_ns ? t->first_ns - len_ns : 0;

	t->waits = false;
	return give(d, to, t->first, t->nr_first, start, t->first_ns, err);
}

/* The rows that were collected are a snapshot. */
static int end_snapshot(struct perf_damon *d, struct perf_damon_target *t,
			const struct out *to, struct mh_err *err)
{
	int ret = MH_OK;

	if (!t->nr)
		return MH_OK;
	d->nr_missing += t->want > t->nr ? t->want - t->nr : 0;
	if (!t->end_ns) {
		struct mh_ev_region *rows = t->v;
		size_t cap = t->cap;

		t->v = t->first;
		t->cap = t->cap_first;
		t->first = rows;
		t->cap_first = cap;
		t->nr_first = t->nr;
		t->first_ns = t->time_ns;
		t->waits = true;
	} else {
		if (t->waits)
			ret = give_first(d, t, to, t->time_ns - t->end_ns, err);
		if (!ret)
			ret = give(d, to, t->v, t->nr, t->end_ns, t->time_ns, err);
	}
	t->end_ns = t->time_ns;
	t->nr = 0;
	t->want = 0;
	return ret;
}

static struct perf_damon_target *target_of(struct perf_damon *d, uint64_t id)
{
	struct perf_damon_target *t;
	size_t i;

	for (i = 0; i < d->nr; i++)
		if (d->v[i].id == id)
			return &d->v[i];
	if (d->nr >= MH_DAMON_TARGETS_MAX)
		return NULL;
	t = mh_vec_push(d);
	if (t)
		t->id = id;
	return t;
}

static bool follows(const struct perf_damon_target *t, const struct perf_damon_row *row)
{
	return t->nr && t->nr < t->want && row->nr_regions == t->want &&
	       row->start >= t->v[t->nr - 1].end;
}

int mh_perf_damon_add(struct perf_damon *d, const struct perf_damon_row *row,
		      uint16_t source, mh_event_fn fn, void *arg, struct mh_err *err)
{
	const struct out to = { source, fn, arg };
	struct perf_damon_target *t = target_of(d, row->target);
	struct mh_ev_region *r;
	int ret = MH_OK;

	if (!t || row->end <= row->start || t->nr >= MH_DAMON_ROWS_MAX) {
		d->nr_refused++;
		return MH_OK;
	}
	if (!follows(t, row)) {
		ret = end_snapshot(d, t, &to, err);
		t->want = row->nr_regions;
		/* Snapshots of a target follow each other, whatever its clock said. */
		t->time_ns = row->time_ns > t->end_ns ? row->time_ns : t->end_ns;
	}
	if (ret)
		return ret;
	r = mh_vec_push(t);
	if (!r)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*r = (struct mh_ev_region){ .start = row->start,
				    .end = row->end,
				    .touched = MH_NO_BYTES,
				    .pid = (uint32_t)row->target,
				    .nr_accesses = row->nr_accesses,
				    .max_accesses = MH_DAMON_CHECKS,
				    .age = row->age };
	return t->nr == t->want ? end_snapshot(d, t, &to, err) : MH_OK;
}

int mh_perf_damon_flush(struct perf_damon *d, uint16_t source, mh_event_fn fn, void *arg,
			struct mh_err *err)
{
	const struct out to = { source, fn, arg };
	int ret = MH_OK;
	size_t i;

	for (i = 0; i < d->nr && !ret; i++) {
		ret = end_snapshot(d, &d->v[i], &to, err);
		if (!ret && d->v[i].waits)
			ret = give_first(d, &d->v[i], &to, 0, err);
	}
	return ret;
}

void mh_perf_damon_fini(struct perf_damon *d)
{
	size_t i;

	for (i = 0; i < d->nr; i++) {
		free(d->v[i].v);
		free(d->v[i].first);
	}
	free(d->v);
	*d = (struct perf_damon){ 0 };
}
