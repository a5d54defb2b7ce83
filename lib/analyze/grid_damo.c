/* SPDX-License-Identifier: MIT */
/*
 * Snapshots into cells by DAMO's rule, for comparison with its maps: a region counts from
 * its age before the snapshot, but in no column that ends before the previous snapshot
 * does; what it adds to a cell is value x time x bytes over the cell's whole time and
 * bytes, so cells at edges are diluted and columns may count more than their time.
 *
 * The cell's state is as in DAMO too: a region that only touches a cell's edge makes it
 * zero, not unseen.
 */
#include <math.h>
#include <stdlib.h>

#include "analyze/grid.h"

struct seen {
	struct mh_range time_ns; /* of the snapshot under way; 0, 0: none yet */
	uint64_t before_ns;      /* end of the one before; 0: none */
};

struct mh_grid_damo {
	struct mh_scan scan;
	struct seen *seen; /* per stretch of the layout */
};

int mh_grid_damo_new(struct mh_grid *g)
{
	struct mh_grid_damo *d = calloc(1, sizeof(*d));

	if (!d)
		return -1;
	g->rule = d;
	mh_scan_init(&d->scan, g->frame->scan);
	d->seen = calloc(g->frame->layout->nr_segs + 1, sizeof(*d->seen));
	return d->seen ? 0 : -1;
}

void mh_grid_damo_free(struct mh_grid *g)
{
	if (!g->rule)
		return;
	free(g->rule->seen);
	free(g->rule);
	g->rule = NULL;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct mh_grid *g = arg;
	size_t i;

	for (i = 0; i < g->frame->layout->nr_segs; i++) {
		struct seen *seen = &g->rule->seen[i];

		if (g->frame->layout->segs[i].key != snap->key)
			continue;
		seen->before_ns = seen->time_ns.end;
		seen->time_ns = snap->time_ns;
	}
	return 0;
}

/* One axis in doubles: bins that may begin at a fraction. */
struct bins {
	double start, unit;
	uint32_t nr;
};

static struct bins bins_of(const struct mh_axis *a)
{
	return (struct bins){ (double)a->span.start,
			      (double)mh_range_len(a->span) / a->bins, a->bins };
}

/* Bins that [@from, @to] touches, its end included; false: none. */
static bool touched(const struct bins *b, double from, double to, uint32_t *lo,
		    uint32_t *hi)
{
	/* Rounding is towards zero, so that bin 0 takes what is just below it too. */
	double first = trunc((from - b->start) / b->unit);
	double last = trunc((to - b->start) / b->unit);

	if (last < 0 || first >= b->nr)
		return false;
	*lo = first < 0 ? 0 : (uint32_t)first;
	*hi = last >= b->nr ? b->nr - 1 : (uint32_t)last;
	return *lo <= *hi;
}

static double covered(const struct bins *b, uint32_t i, double from, double to)
{
	double lo = b->start + i * b->unit, hi = lo + b->unit;

	return (to < hi ? to : hi) - (from > lo ? from : lo);
}

static int add_cells(struct mh_grid *g, const struct mh_row_seg *seg,
		     const struct mh_scan_row *row, const double time[3], double value)
{
	struct bins t = bins_of(&g->frame->time), a = bins_of(&seg->axis);
	double start = (double)row->addr.start, end = (double)row->addr.end;
	uint32_t c, c1, r, r0, r1;

	if (!touched(&t, time[1], time[2], &c, &c1) || !touched(&a, start, end, &r0, &r1))
		return 0;
	for (; c <= c1; c++) {
		struct mh_slab *slab = mh_grid_slab(g, c);
		double dt = covered(&t, c, time[0], time[2]);

		if (!slab)
			return -1;
		for (r = r0; r <= r1; r++) {
			size_t at = mh_slab_column(g, c) + seg->row + r;

			slab->sum[at] += value * dt * covered(&a, r, start, end) /
					 (t.unit * a.unit);
			slab->area[at] = 1;
			if (slab->max[at] < value)
				slab->max[at] = value;
		}
	}
	return 0;
}

/* Not limited to 1; and a rate per second of the interval that really was, when the
 * kernel tunes it. */
static double value_of(const struct mh_frame *f, const struct mh_snap *snap,
		       const struct mh_scan_row *row)
{
	double real = (double)mh_range_len(snap->time_ns),
	       aggr = (double)f->scan->aggr_ns;

	double value = row->max_accesses ? (double)row->nr_accesses / row->max_accesses
					 : row->value;

	if (!f->damo_tuned || fabs(real - aggr) < 0.1 * aggr || real <= 0)
		return value;
	return value * aggr / real;
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct mh_grid *g = arg;
	const struct mh_frame *f = g->frame;
	const struct mh_layout *l = f->layout;
	double seconds = (double)mh_range_len(snap->time_ns) * 1e-9;
	/* Since when it counts; where columns begin; the end. */
	double time[3] = { (double)snap->time_ns.start, 0, (double)snap->time_ns.end };
	double value = value_of(f, snap, row);
	bool inside = false;
	size_t i;

	if (f->damo_ages && row->age != MH_NO_AGE)
		time[0] -= (double)row->age * (double)f->scan->aggr_ns;
	for (i = mh_layout_find(l, snap->key, row->addr.start);
	     i < l->nr_segs && l->segs[i].key == snap->key &&
	     l->segs[i].axis.span.start < row->addr.end;
	     i++) {
		const struct seen *seen = &g->rule->seen[i];

		time[1] = time[0] < (double)seen->before_ns ? (double)seen->before_ns
							    : time[0];
		inside = true;
		g->band_heat[l->segs[i].band] +=
			row->value * (double)mh_range_len(row->addr) * seconds;
		if (l->segs[i].rows && add_cells(g, &l->segs[i], row, time, value))
			return -1;
	}
	g->nr_outside += !inside && row->value > 0;
	return 0;
}

int mh_grid_add_damo(struct mh_grid *g, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };

	return mh_scan_batch(&g->rule->scan, b, &ops, g, err);
}
