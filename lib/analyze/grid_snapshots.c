/* SPDX-License-Identifier: MIT */
/*
 * Snapshots into cells, exactly area-weighted.
 *
 * The rows of a snapshot first make a profile: per map row the covered share of it, value
 * x share, and the largest value. The profile is then added to each column that the
 * interval overlaps, weighted by the share of the column's time. The work is a few
 * straight loops over doubles, however the regions were cut.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/grid.h"

struct mh_grid_profile {
	struct mh_scan scan;
	struct mh_snap snap; /* whose rows are in the profile */
	uint32_t lo, hi;     /* map rows that are not zero */
	double *sum, *area, *max;
	size_t seg; /* where the last row fell */
};

int mh_grid_profile_new(struct mh_grid *g)
{
	struct mh_grid_profile *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	g->profile = p;
	mh_scan_init(&p->scan, g->frame->scan);
	p->lo = UINT32_MAX;
	p->sum = calloc(g->frame->rows + 1, sizeof(*p->sum));
	p->area = calloc(g->frame->rows + 1, sizeof(*p->area));
	p->max = calloc(g->frame->rows + 1, sizeof(*p->max));
	return p->sum && p->area && p->max ? 0 : -1;
}

void mh_grid_profile_free(struct mh_grid *g)
{
	struct mh_grid_profile *p = g->profile;

	if (!p)
		return;
	free(p->sum);
	free(p->area);
	free(p->max);
	free(p);
	g->profile = NULL;
}

static void add_column(struct mh_slab *slab, size_t at, const struct mh_grid_profile *p,
		       double share)
{
	double *restrict sum = slab->sum + at, *restrict area = slab->area + at;
	double *restrict max = slab->max + at;
	const double *restrict psum = p->sum, *restrict parea = p->area;
	const double *restrict pmax = p->max;
	uint32_t r;

	for (r = p->lo; r < p->hi; r++) {
		sum[r] += psum[r] * share;
		area[r] += parea[r] * share;
		max[r] = max[r] > pmax[r] ? max[r] : pmax[r];
	}
}

static void profile_reset(struct mh_grid_profile *p)
{
	if (p->lo < p->hi) {
		memset(p->sum + p->lo, 0, (p->hi - p->lo) * sizeof(*p->sum));
		memset(p->area + p->lo, 0, (p->hi - p->lo) * sizeof(*p->area));
		memset(p->max + p->lo, 0, (p->hi - p->lo) * sizeof(*p->max));
	}
	p->lo = UINT32_MAX;
	p->hi = 0;
}

static int flush(struct mh_grid *g)
{
	struct mh_grid_profile *p = g->profile;
	const struct mh_axis *time = &g->frame->time;
	uint64_t t0 = p->snap.time_ns.start, t1 = p->snap.time_ns.end;
	uint32_t col, last;

	if (p->lo >= p->hi)
		return 0;
	if (t0 < time->span.start)
		t0 = time->span.start;
	if (t1 > time->span.end)
		t1 = time->span.end;
	if (t0 < t1) {
		last = mh_axis_last(time, t1);
		for (col = mh_axis_bin(time, t0); col <= last; col++) {
			struct mh_slab *slab = mh_grid_slab(g, col);

			if (!slab)
				return -1;
			add_column(slab, mh_slab_column(g, col), p,
				   mh_axis_cover(time, col, t0, t1));
		}
	}
	profile_reset(p);
	return 0;
}

static void add_to_row(struct mh_grid_profile *p, uint32_t r, double share, double value)
{
	p->sum[r] += share * value;
	p->area[r] += share;
	if (value > p->max[r])
		p->max[r] = value;
}

static void add_rows(struct mh_grid_profile *p, uint32_t from, uint32_t to, double weight,
		     double value)
{
	double *restrict sum = p->sum, *restrict area = p->area, *restrict max = p->max;
	double product = weight * value;
	uint32_t r;

	for (r = from; r < to; r++) {
		sum[r] += product;
		area[r] += weight;
		max[r] = max[r] > value ? max[r] : value;
	}
}

/* The part of a region that lies in one stretch. */
static void add_stretch(struct mh_grid_profile *p, const struct mh_row_seg *seg,
			uint64_t start, uint64_t end, double value)
{
	uint32_t r0 = mh_axis_bin(&seg->axis, start);
	uint32_t r1 = mh_axis_last(&seg->axis, end);
	uint32_t row = seg->row;

	add_to_row(p, row + r0, seg->weight * mh_axis_cover(&seg->axis, r0, start, end),
		   value);
	if (r1 > r0) {
		add_rows(p, row + r0 + 1, row + r1, seg->weight, value);
		add_to_row(p, row + r1,
			   seg->weight * mh_axis_cover(&seg->axis, r1, start, end),
			   value);
	}
	if (row + r0 < p->lo)
		p->lo = row + r0;
	if (row + r1 >= p->hi)
		p->hi = row + r1 + 1;
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct mh_grid *g = arg;
	struct mh_grid_profile *p = g->profile;
	const struct mh_layout *l = g->frame->layout;
	double seconds = (double)mh_range_len(snap->time_ns) * 1e-9;
	bool inside = false;
	size_t i = p->seg;

	/* Rows ascend: the stretch is the last one or the next, if it is not the first.
	 */
	if (i >= l->nr_segs || l->segs[i].key != snap->key ||
	    l->segs[i].axis.span.start > row->addr.start ||
	    l->segs[i].axis.span.end <= row->addr.start)
		i = mh_layout_find(l, snap->key, row->addr.start);
	p->seg = i;
	for (; i < l->nr_segs && l->segs[i].key == snap->key &&
	       l->segs[i].axis.span.start < row->addr.end;
	     i++) {
		const struct mh_range *span = &l->segs[i].axis.span;
		uint64_t lo =
			row->addr.start > span->start ? row->addr.start : span->start;
		uint64_t hi = row->addr.end < span->end ? row->addr.end : span->end;

		inside = true;
		g->band_heat[l->segs[i].band] += row->value * (double)(hi - lo) * seconds;
		if (l->segs[i].rows)
			add_stretch(p, &l->segs[i], lo, hi, row->value);
	}
	g->nr_outside += !inside && row->value > 0;
	return 0;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct mh_grid *g = arg;

	if (flush(g))
		return -1;
	g->profile->snap = *snap;
	return 0;
}

int mh_grid_add_snapshots(struct mh_grid *g, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	int ret = mh_scan_batch(&g->profile->scan, b, &ops, g, err);

	if (ret)
		return ret;
	/* Areas add up: a snapshot that goes on in the next batch may be flushed. */
	if (flush(g))
		return mh_fail(err, MH_ENOMEM, "no memory for the map");
	return MH_OK;
}
