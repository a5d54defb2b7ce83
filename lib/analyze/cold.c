/* SPDX-License-Identifier: MIT */
/*
 * Bytes by idle time, at the end of the recording. Where the kernel counted a region's
 * age, that is its idle time (and the interval in which it was counted, as in DAMO);
 * elsewhere it is the run of snapshots without an access, followed byte range by byte
 * range: a target keeps a list of ranges with the time of their last access.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/cold_groups.h"
#include "analyze/numbering.h"
#include "analyze/sweep.h"
#include "base/vec.h"

/* A range and when it was accessed last, or first seen. */
struct stretch {
	struct mh_range addr;
	uint64_t since_ns;
	uint64_t touched; /* of a mapping whose bytes are only counted; else MH_NO_DATA */
	uint64_t aged_ns; /* idle time by the kernel's age; MH_NO_DATA */
};

struct list {
	struct stretch *v;
	size_t nr, cap;
};

struct target {
	uint64_t key;
	struct mh_range time_ns; /* of the snapshot under way */
	uint64_t aggr_ns;        /* of it; 0: not known */
	uint32_t weight;
	struct list before; /* up to the snapshot before */
	struct list now;    /* rows of the snapshot under way */
	struct list spare;
};

struct cold {
	const struct mh_sweep *sweep;
	struct mh_numbering index; /* key to targets */
	struct {
		struct target *v;
		size_t nr, cap;
	} targets;
	struct target *at; /* of the snapshot under way */
	struct mh_cold_groups groups;
};

static int append(struct list *to, struct stretch s)
{
	struct stretch *last = to->nr ? &to->v[to->nr - 1] : NULL;

	if (s.addr.start >= s.addr.end)
		return 0;
	if (last && last->addr.end == s.addr.start && last->since_ns == s.since_ns &&
	    last->aged_ns == s.aged_ns && last->touched == MH_NO_DATA &&
	    s.touched == MH_NO_DATA) {
		last->addr.end = s.addr.end;
		return 0;
	}
	last = mh_vec_push(to);
	if (!last)
		return -1;
	*last = s;
	return 0;
}

/* An idle row: each part of it has been idle since what is known of it. */
static int append_idle(struct target *t, const struct stretch *row, size_t *i)
{
	struct list *old = &t->before;
	uint64_t at = row->addr.start;
	struct stretch piece = *row;

	while (*i < old->nr && old->v[*i].addr.end <= at)
		++*i;
	while (*i < old->nr && old->v[*i].addr.start < row->addr.end) {
		const struct stretch *o = &old->v[*i];

		piece.addr = (struct mh_range){ at, o->addr.start };
		piece.since_ns = t->time_ns.start;
		if (append(&t->spare, piece))
			return -1;
		piece.addr.start = o->addr.start > at ? o->addr.start : at;
		piece.addr.end =
			o->addr.end < row->addr.end ? o->addr.end : row->addr.end;
		piece.since_ns = o->since_ns;
		if (append(&t->spare, piece))
			return -1;
		at = piece.addr.end;
		if (o->addr.end > row->addr.end)
			break;
		++*i;
	}
	piece.addr = (struct mh_range){ at, row->addr.end };
	piece.since_ns = t->time_ns.start;
	return append(&t->spare, piece);
}

static int by_start(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	return x->addr.start < y->addr.start ? -1 : x->addr.start > y->addr.start;
}

static void sort(struct list *l)
{
	size_t i;

	for (i = 1; i < l->nr; i++) {
		if (l->v[i - 1].addr.start > l->v[i].addr.start) {
			qsort(l->v, l->nr, sizeof(*l->v), by_start);
			return;
		}
	}
}

/* What the snapshot under way says replaces what was before; the rest went away. */
static int close_snapshot(struct target *t)
{
	struct list swap;
	size_t i, old = 0;

	if (!t->now.nr)
		return 0;
	sort(&t->now);
	t->spare.nr = 0;
	for (i = 0; i < t->now.nr; i++) {
		const struct stretch *row = &t->now.v[i];

		if (row->since_ns == MH_NO_DATA ? append_idle(t, row, &old)
						: append(&t->spare, *row))
			return -1;
	}
	swap = t->before;
	t->before = t->spare;
	t->spare = swap;
	t->now.nr = 0;
	return 0;
}

static struct target *target_of(struct cold *c, uint64_t key)
{
	uint32_t i = mh_numbering_get(&c->index, key);
	struct target *t;

	if (i != MH_NUMBER_NONE)
		return &c->targets.v[i];
	if (mh_numbering_set(&c->index, key, (uint32_t)c->targets.nr))
		return NULL;
	t = mh_vec_push(&c->targets);
	if (t)
		t->key = key;
	return t;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct cold *c = arg;

	c->at = target_of(c, snap->key);
	if (!c->at)
		return -1;
	if (c->at->time_ns.start == snap->time_ns.start &&
	    c->at->time_ns.end == snap->time_ns.end)
		return 0;
	if (close_snapshot(c->at))
		return -1;
	c->at->time_ns = snap->time_ns;
	c->at->aggr_ns = snap->aggr_ns;
	c->at->weight = snap->weight;
	return 0;
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct cold *c = arg;
	uint64_t aggr_ns = snap->aggr_ns;
	struct stretch *s = mh_vec_push(&c->at->now);

	if (!s)
		return -1;
	s->addr = row->addr;
	s->since_ns = row->touched ? snap->time_ns.end : MH_NO_DATA;
	s->touched = row->exact ? MH_NO_DATA : row->touched;
	s->aged_ns = MH_NO_DATA;
	if (!row->touched && row->age != MH_NO_AGE && aggr_ns)
		s->aged_ns = (row->age + UINT64_C(1)) * aggr_ns;
	return 0;
}

/* ---- buckets ---- */

static int make_buckets(struct mh_cold *out, uint64_t interval_ns)
{
	static const uint64_t edges_s[] = { 1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600 };
	size_t i, nr = sizeof(edges_s) / sizeof(edges_s[0]), n = 0;
	uint64_t from = interval_ns;

	out->buckets = calloc(nr + 2, sizeof(*out->buckets));
	if (!out->buckets)
		return -1;
	out->interval_ns = interval_ns;
	out->buckets[n++].idle_ns = (struct mh_range){ 0, interval_ns };
	for (i = 0; i < nr; i++) {
		if (edges_s[i] * 1000000000 <= interval_ns)
			continue;
		out->buckets[n++].idle_ns =
			(struct mh_range){ from, edges_s[i] * 1000000000 };
		from = edges_s[i] * 1000000000;
	}
	out->buckets[n++].idle_ns = (struct mh_range){ from, UINT64_MAX };
	out->nr_buckets = n;
	return 0;
}

/* The bucket in which they are. */
static size_t count(struct mh_cold *out, uint64_t idle_ns, uint64_t bytes)
{
	size_t i = 0;

	while (i + 1 < out->nr_buckets && idle_ns >= out->buckets[i].idle_ns.end)
		i++;
	out->buckets[i].bytes += bytes;
	out->bytes += bytes;
	return i;
}

static int count_target(struct mh_cold *out, const struct target *t,
			struct mh_cold_groups *groups)
{
	size_t i, bucket;

	for (i = 0; i < t->before.nr; i++) {
		const struct stretch *s = &t->before.v[i];
		uint64_t bytes = mh_range_len(s->addr);
		uint64_t idle_ns = t->time_ns.end - s->since_ns;

		if (s->touched != MH_NO_DATA && s->touched && s->touched < bytes) {
			out->unknown_bytes += bytes - s->touched;
			bytes = s->touched;
		}
		if (s->aged_ns != MH_NO_DATA)
			idle_ns = s->aged_ns;
		out->nr_aged += s->aged_ns != MH_NO_DATA;
		out->nr_derived += s->aged_ns == MH_NO_DATA && idle_ns > 0;
		/* Idle for this very interval at least, however the clock jitters. */
		if (idle_ns && idle_ns < out->interval_ns)
			idle_ns = out->interval_ns;
		bucket = count(out, idle_ns, bytes * t->weight);
		if (mh_cold_groups_count(groups, t->key, s->addr, bytes, t->weight,
					 bucket))
			return -1;
	}
	return 0;
}

/* Targets that ended before have no bytes left to be cold. */
static int fill(struct mh_cold *out, struct cold *c)
{
	uint64_t last_ns = 0, interval_ns = 0, own_ns;
	size_t i;

	for (i = 0; i < c->targets.nr; i++) {
		struct target *t = &c->targets.v[i];

		if (close_snapshot(t))
			return -1;
		if (t->time_ns.end > last_ns)
			last_ns = t->time_ns.end;
		own_ns = t->aggr_ns ? t->aggr_ns : mh_range_len(t->time_ns);
		interval_ns = own_ns > interval_ns ? own_ns : interval_ns;
	}
	if (make_buckets(out, interval_ns))
		return -1;
	out->at_ns =
		last_ns > c->sweep->s->start_ns ? last_ns - c->sweep->s->start_ns : 0;
	c->groups.nr_buckets = out->nr_buckets;
	for (i = 0; i < c->targets.nr; i++) {
		if (c->targets.v[i].time_ns.end + 2 * interval_ns >= last_ns &&
		    count_target(out, &c->targets.v[i], &c->groups))
			return -1;
	}
	mh_cold_groups_take(&c->groups, out);
	return 0;
}

static void release(struct cold *c)
{
	size_t i;

	for (i = 0; i < c->targets.nr; i++) {
		free(c->targets.v[i].before.v);
		free(c->targets.v[i].now.v);
		free(c->targets.v[i].spare.v);
	}
	free(c->targets.v);
	mh_numbering_fini(&c->index);
	mh_cold_groups_fini(&c->groups);
}

int mh_cold_analyze(struct mh_cold *out, struct mh_session *s, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct mh_sweep sweep;
	struct cold c = { .sweep = &sweep };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_sweep_init(&sweep, s, "table of cold bytes", err);
	if (!ret)
		ret = mh_sweep_run(&sweep, &ops, &c, err);
	if (!ret)
		ret = mh_cold_groups_init(&c.groups, s, sweep.src, err);
	if (!ret && fill(out, &c))
		ret = mh_fail(err, MH_ENOMEM, "no memory for the cold bytes");
	if (!ret)
		mh_session_provenance(s, sweep.src, 1u << sweep.kind, &out->from);
	release(&c);
	mh_sweep_fini(&sweep);
	if (ret)
		mh_cold_fini(out);
	return ret;
}
