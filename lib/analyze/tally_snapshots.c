/* SPDX-License-Identifier: MIT */
/*
 * Rows from snapshots. A row collects what a snapshot says of it and closes the snapshot
 * when the next one of its process begins, so one thread does it all, in order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/ranges.h"
#include "analyze/tally.h"
#include "base/vec.h"

#define IDLE_NS    UINT64_C(10000000000)
#define SAME_VALUE 0.95 /* a hot range that falls below this part of its peak is over */

/* A range that stays hot from snapshot to snapshot. */
struct streak {
	struct mh_range addr, time_ns;
	double value;
};

struct row_tally {
	double heat;
	uint64_t observed_ns, busy_ns, zeros;
	uint64_t covered;        /* bytes in the last snapshot that it was in */
	uint64_t last_ns;        /* end of that snapshot */
	bool guess;              /* it is not known which bytes were touched lately */
	struct mh_ranges recent; /* touched in the last seconds */
	struct {
		uint64_t *v;
		size_t nr, cap;
	} touched; /* bytes per snapshot, without zeros */
	struct streak now, best;
	/* the snapshot under way */
	uint64_t bytes, span;
	struct mh_range hot;
	double value;
	bool active;
};

struct tally {
	const struct mh_tally_frame *frame;
	struct mh_scan scan;
	struct mh_snap snap;
	struct row_tally *rows;
	struct {
		uint32_t *v;
		size_t nr, cap;
	} active; /* rows of the snapshot under way */
	uint64_t nr_outside;
};

static void part_free(void *part)
{
	struct tally *t = part;
	size_t i;

	for (i = 0; t->rows && i < t->frame->rows->rows.nr; i++) {
		mh_ranges_fini(&t->rows[i].recent);
		free(t->rows[i].touched.v);
	}
	free(t->rows);
	free(t->active.v);
	free(t);
}

static void *part_new(const void *arg)
{
	const struct mh_tally_frame *f = arg;
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->frame = f;
	mh_scan_init(&t->scan, f->scan);
	t->rows = calloc(f->rows->rows.nr + 1, sizeof(*t->rows));
	if (!t->rows) {
		part_free(t);
		return NULL;
	}
	return t;
}

static double size_of(const struct streak *s)
{
	return (double)mh_range_len(s->addr) * (double)mh_range_len(s->time_ns);
}

static void go_on(struct row_tally *r, const struct mh_snap *snap)
{
	struct streak *now = &r->now;

	if (r->value >= SAME_VALUE * now->value && r->value <= now->value / SAME_VALUE &&
	    now->time_ns.end && mh_range_overlaps(now->addr, r->hot)) {
		if (r->hot.start > now->addr.start)
			now->addr.start = r->hot.start;
		if (r->hot.end < now->addr.end)
			now->addr.end = r->hot.end;
		now->time_ns.end = snap->time_ns.end;
		if (r->value > now->value)
			now->value = r->value;
	} else {
		*now = (struct streak){ r->hot, snap->time_ns, r->value };
	}
	if (now->value > r->best.value ||
	    (now->value >= r->best.value && size_of(now) > size_of(&r->best)))
		r->best = *now;
}

static int close_row(struct row_tally *r, const struct mh_snap *snap)
{
	uint64_t *v;

	r->observed_ns += mh_range_len(snap->time_ns);
	r->covered = r->span;
	r->last_ns = snap->time_ns.end;
	if (r->bytes) {
		r->busy_ns += mh_range_len(snap->time_ns);
		v = mh_vec_push(&r->touched);
		if (!v)
			return -1;
		*v = r->bytes;
		go_on(r, snap);
	} else {
		r->zeros++;
		memset(&r->now, 0, sizeof(r->now));
	}
	r->bytes = r->span = 0;
	r->value = 0;
	r->active = false;
	return 0;
}

static int close_snapshot(struct tally *t)
{
	size_t i;

	for (i = 0; i < t->active.nr; i++) {
		if (close_row(&t->rows[t->active.v[i]], &t->snap))
			return -1;
	}
	t->active.nr = 0;
	return 0;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct tally *t = arg;
	int failed = close_snapshot(t);

	t->snap = *snap;
	return failed;
}

static int add_piece(struct tally *t, uint32_t row, struct mh_range r,
		     const struct mh_scan_row *data)
{
	struct row_tally *to = &t->rows[row];
	uint64_t len = mh_range_len(r);
	/* Bytes known as a count belong to the place that the range is. */
	uint64_t touched = data->exact
				   ? (data->touched ? len : 0)
				   : (uint64_t)((double)data->touched * (double)len /
							(double)mh_range_len(data->addr) +
						0.5);
	uint32_t *active;

	if (!to->active) {
		active = mh_vec_push(&t->active);
		if (!active)
			return -1;
		*active = row;
		to->active = true;
	}
	to->span += len;
	to->bytes += touched * t->snap.weight;
	to->heat +=
		data->value * (double)len * (double)mh_range_len(t->snap.time_ns) * 1e-9;
	if (data->value > to->value) {
		to->value = data->value;
		to->hot = r;
	} else if (data->value >= to->value && data->value > 0) {
		if (to->hot.end == r.start)
			to->hot.end = r.end;
		else if (len > mh_range_len(to->hot))
			to->hot = r;
	}
	if (!touched || t->snap.time_ns.end + IDLE_NS <= t->frame->time_ns.end)
		return 0;
	to->guess |= !data->exact;
	return mh_ranges_add(&to->recent, r, 0);
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct tally *t = arg;
	const struct mh_places *p = t->frame->places;
	bool inside = false;
	size_t i;

	for (i = mh_places_find(p, snap->key, row->addr.start);
	     i < p->nr && p->v[i].key == snap->key && p->v[i].addr.start < row->addr.end;
	     i++) {
		struct mh_range r = row->addr;

		if (r.start < p->v[i].addr.start)
			r.start = p->v[i].addr.start;
		if (r.end > p->v[i].addr.end)
			r.end = p->v[i].addr.end;
		inside = true;
		if (add_piece(t, t->frame->rows->of_place[i], r, row))
			return -1;
	}
	t->nr_outside += !inside && row->value > 0;
	return 0;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct tally *t = part;

	return mh_scan_batch(&t->scan, b, &ops, t, err);
}

void mh_tally_snapshots(struct mh_analysis *out, const struct mh_tally_frame *f)
{
	*out = (struct mh_analysis){ .arg = f,
				     .part_new = part_new,
				     .batch = part_batch,
				     .part_free = part_free };
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The median with the zeros in front, which were only counted. */
static void fill_sizes(struct mh_mapping_row *row, struct row_tally *r)
{
	size_t n = r->touched.nr + r->zeros, mid = n / 2;

	if (!n)
		return;
	if (r->touched.nr)
		qsort(r->touched.v, r->touched.nr, sizeof(*r->touched.v), by_value);
	row->wss_p50 = mid < r->zeros ? 0 : r->touched.v[mid - r->zeros];
	row->wss_max = r->touched.nr ? r->touched.v[r->touched.nr - 1] : 0;
}

/* Not known where the data are shorter, ended earlier, or give counts without places. */
static double idle_share(const struct row_tally *r, const struct mh_range *time_ns)
{
	double share;

	if (mh_range_len(*time_ns) <= IDLE_NS || !r->covered || r->guess ||
	    r->last_ns + IDLE_NS <= time_ns->end)
		return NAN;
	share = 1 - (double)mh_ranges_bytes(&r->recent) / (double)r->covered;
	return share > 0 ? share : 0;
}

int mh_tally_snapshots_take(struct mh_rows *rows, uint64_t *nr_outside,
			    struct mh_analysis *a, struct mh_err *err)
{
	struct tally *t = a->part;
	double all = 0;
	size_t i;
	int failed = close_snapshot(t);

	for (i = 0; i < rows->rows.nr; i++)
		all += t->rows[i].heat;
	for (i = 0; i < rows->rows.nr; i++) {
		struct mh_mapping_row *row = &rows->rows.v[i];
		struct row_tally *r = &t->rows[i];

		row->share = all > 0 ? r->heat / all : 0;
		fill_sizes(row, r);
		if (r->observed_ns)
			row->busy = (double)r->busy_ns / (double)r->observed_ns;
		row->idle_share = idle_share(r, &t->frame->time_ns);
		row->hottest = r->best.value;
		row->hottest_ns = mh_range_len(r->best.time_ns);
		row->hottest_addr = r->best.addr;
	}
	*nr_outside = t->nr_outside;
	part_free(t);
	a->part = NULL;
	return failed ? mh_fail(err, MH_ENOMEM, "no memory for mappings") : MH_OK;
}
