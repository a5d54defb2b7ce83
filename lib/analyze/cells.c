/* SPDX-License-Identifier: MIT */
/*
 * The four states are decided here, in this order: what was mapped when (the recorded
 * mappings), what was watched (gaps, the data's own coverage), what was seen.
 */
#include "analyze/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- mapped and watched ---- */

static void mark(struct mh_heatmap *map, uint32_t row, uint32_t nr_rows, uint32_t col,
		 uint32_t nr_cols, uint8_t state)
{
	uint32_t r;

	for (r = row; r < row + nr_rows; r++)
		memset(map->state + (size_t)r * map->cols + col, state, nr_cols);
}

static void mark_mapping(struct mh_heatmap *map, const struct mh_frame *f,
			 const struct mh_mapping *m)
{
	const struct mh_layout *l = f->layout;
	const struct mh_range *span = &f->time.span;
	uint64_t t0 = m->time_ns.start, t1 = m->time_ns.end;
	uint32_t c0, c1;
	size_t i;

	if (t0 < span->start)
		t0 = span->start;
	if (t1 > span->end)
		t1 = span->end;
	if (t0 >= t1)
		return;
	c0 = mh_axis_bin(&f->time, t0);
	c1 = mh_axis_last(&f->time, t1);
	for (i = mh_layout_find(l, m->space, m->addr.start);
	     i < l->nr_segs && l->segs[i].key == m->space &&
	     l->segs[i].axis.span.start < m->addr.end;
	     i++) {
		const struct mh_row_seg *seg = &l->segs[i];
		uint64_t lo = m->addr.start, hi = m->addr.end;
		uint32_t r0, r1;

		if (!seg->rows)
			continue;
		if (lo < seg->axis.span.start)
			lo = seg->axis.span.start;
		if (hi > seg->axis.span.end)
			hi = seg->axis.span.end;
		r0 = mh_axis_bin(&seg->axis, lo);
		r1 = mh_axis_last(&seg->axis, hi);
		mark(map, seg->row + r0, r1 - r0 + 1, c0, c1 - c0 + 1,
		     MH_CELL_NOT_OBSERVED);
	}
}

static void mark_mapped(struct mh_heatmap *map, const struct mh_frame *f,
			const struct mh_session *s)
{
	const struct mh_layout *l = f->layout;
	uint64_t before = UINT64_MAX;
	size_t i, k, nr;

	for (i = 0; i < l->nr_segs; i++) {
		const struct mh_row_seg *seg = &l->segs[i];
		const struct mh_mapping *m;

		/* Where no mappings are known, data may be missing anywhere. */
		if (!seg->has_maps && seg->rows)
			mark(map, seg->row, seg->axis.bins, 0, map->cols,
			     MH_CELL_NOT_OBSERVED);
		if (seg->key == before || seg->key & MH_KEY_UNKNOWN)
			continue;
		before = seg->key;
		m = mh_maps_of(s->maps, seg->key, &nr);
		for (k = 0; k < nr; k++)
			mark_mapping(map, f, &m[k]);
	}
}

/* Cells that lie wholly in a gap of their target. */
static void mark_gap(struct mh_heatmap *map, const struct mh_frame *f,
		     const struct mh_session *s, const struct mh_gap *gap)
{
	uint32_t c0 = 0, c1 = map->cols, c, r;
	size_t i;

	while (c0 < map->cols && mh_axis_edge(&f->time, c0) < gap->time_ns.start)
		c0++;
	while (c1 > c0 && mh_axis_edge(&f->time, c1) > gap->time_ns.end)
		c1--;
	for (i = 0; i < f->layout->nr_segs && c0 < c1; i++) {
		const struct mh_row_seg *seg = &f->layout->segs[i];

		if (!seg->rows || (gap->pid && gap->pid != mh_key_pid(s->maps, seg->key)))
			continue;
		for (r = seg->row; r < seg->row + seg->axis.bins; r++) {
			uint8_t *state = map->state + (size_t)r * map->cols;

			for (c = c0; c < c1; c++) {
				if (state[c] == MH_CELL_ZERO)
					state[c] = MH_CELL_NOT_OBSERVED;
			}
		}
	}
}

/* A sampling source watches whatever is mapped, always, but in its gaps. */
static void mark_watched(struct mh_heatmap *map, const struct mh_frame *f,
			 const struct mh_session *s, const struct mh_session_source *src)
{
	size_t i, cells = (size_t)map->rows * map->cols;

	for (i = 0; i < cells; i++) {
		if (map->state[i] == MH_CELL_NOT_OBSERVED)
			map->state[i] = MH_CELL_ZERO;
	}
	for (i = 0; i < s->gaps.nr; i++) {
		if (s->gaps.v[i].source == src->id)
			mark_gap(map, f, s, &s->gaps.v[i]);
	}
}

/* ---- values ---- */

struct value {
	double mean, max;
	uint8_t state;
};

static struct value of_snapshots(const struct mh_slab *slab, size_t at, uint8_t was,
				 const struct mh_frame *f, bool trust_data)
{
	struct value v = { NAN, NAN, was };

	if (!slab->area || slab->area[at] <= 0)
		return v;
	v.max = slab->max[at];
	v.mean = f->damo ? slab->sum[at] : slab->sum[at] / slab->area[at];
	/* Rounding must not put the mean of equal values above them. */
	if (v.mean > v.max && !f->damo)
		v.mean = v.max;
	if (v.max > 0) {
		v.state = MH_CELL_VALUE;
	} else if (was == MH_CELL_UNMAPPED && !trust_data) {
		/* DAMON's regions run over holes: no access to nothing is nothing. */
		v.mean = v.max = NAN;
	} else {
		v.state = MH_CELL_ZERO;
	}
	return v;
}

static struct value of_samples(const struct mh_slab *slab, size_t at, uint8_t was,
			       double per_second)
{
	uint32_t count = slab->count ? slab->count[at] : 0;
	struct value v = { NAN, NAN, was };

	if (count) {
		v.mean = v.max = (double)mh_slab_weight(slab, at) * per_second;
		v.state = count < 3 ? MH_CELL_FEW : MH_CELL_VALUE;
	} else if (was == MH_CELL_ZERO) {
		v.mean = v.max = 0;
	}
	return v;
}

static void fill_block(struct mh_heatmap *map, const struct mh_grid *g, uint32_t col,
		       uint32_t end, bool trust_data)
{
	const struct mh_frame *f = g->frame;
	const struct mh_slab slab = g->slabs[col / g->slab_cols];
	double per_second = (double)map->cols * 1e9 / (double)mh_range_len(f->time.span);
	/* Copies: a state is a byte, and a byte written might be anything. */
	double *restrict mean = map->mean, *restrict max = map->max;
	uint8_t *restrict state = map->state;
	double value_max = map->value_max;
	uint32_t rows = map->rows, cols = map->cols, r, c;
	bool samples = f->samples;

	for (r = 0; r < rows; r++) {
		for (c = col; c < end; c++) {
			size_t at = mh_slab_column(g, c) + r;
			size_t cell = (size_t)r * cols + c;
			struct value v;

			if (samples)
				v = of_samples(&slab, at, state[cell], per_second);
			else
				v = of_snapshots(&slab, at, state[cell], f, trust_data);
			mean[cell] = v.mean;
			max[cell] = v.max;
			state[cell] = v.state;
			if (v.max > value_max)
				value_max = v.max;
		}
	}
	map->value_max = value_max;
}

/*
 * The 99.9th percentile of the cells above zero, by radix: bits of positive doubles sort
 * as they do, and no copy of a plane is needed.
 */
static double percentile(const double *v, size_t n, double p)
{
	static const unsigned digits = 16;
	size_t *count = malloc((1u << digits) * sizeof(*count));
	uint64_t prefix = 0, mask = 0, bits, first, differ;
	size_t want = 0, i, d;
	double found;
	int shift;

	if (!count)
		return NAN;
	for (shift = 48; shift >= 0; shift -= (int)digits) {
		size_t all = 0;

		first = differ = 0;
		memset(count, 0, (1u << digits) * sizeof(*count));
		for (i = 0; i < n; i++) {
			/* Each cell was set by its column's block. */
			if (!(v[i] > 0)) /* NOLINT */
				continue;
			memcpy(&bits, &v[i], sizeof(bits));
			if ((bits & mask) != prefix)
				continue;
			count[bits >> shift & 0xffff]++;
			first = all++ ? first : bits;
			differ |= bits ^ first;
		}
		if (!all)
			break;
		/* Ratios have few values: mostly only one is left soon. */
		if (!differ) {
			prefix = first;
			break;
		}
		if (!mask) {
			want = (size_t)(p / 100 * (double)all);
			want = want < all ? want : all - 1;
		}
		for (d = 0; want >= count[d]; d++)
			want -= count[d];
		prefix |= (uint64_t)d << shift;
		mask |= (uint64_t)0xffff << shift;
	}
	free(count);
	memcpy(&found, &prefix, sizeof(found));
	return found;
}

/* Planes of some MiB take half the time to fill where the kernel has pages for them. */
static void *plane_new(size_t cells, size_t size)
{
	const size_t huge = (size_t)2 << 20,
		     bytes = (cells * size + huge - 1) & ~(huge - 1);
	void *p;

	if (bytes < 4 * huge)
		return malloc(cells * size);
	p = aligned_alloc(huge, bytes);
	if (p)
		madvise(p, bytes, MADV_HUGEPAGE); /* only a wish */
	return p;
}

int mh_cells_finish(struct mh_heatmap *map, struct mh_grid *g, const struct mh_session *s,
		    const struct mh_session_source *src, bool plain, struct mh_err *err)
{
	size_t cells = (size_t)map->rows * map->cols;
	/* What touches pages in a mapping proves that the mapping was there. */
	bool trust_data = plain || map->unit == MH_UNIT_TOUCHED_RATIO;
	uint32_t col;

	map->mean = plane_new(cells, sizeof(*map->mean));
	map->max = plane_new(cells, sizeof(*map->max));
	map->state = calloc(cells, sizeof(*map->state));
	if (!map->mean || !map->max || !map->state)
		return mh_fail(err, MH_ENOMEM, "no memory for a map of %u x %u cells",
			       map->rows, map->cols);
	mark_mapped(map, g->frame, s);
	if (g->frame->samples)
		mark_watched(map, g->frame, s, src);
	for (col = 0; col < map->cols; col += MH_SLAB_STEP) {
		uint32_t end =
			col + MH_SLAB_STEP < map->cols ? col + MH_SLAB_STEP : map->cols;

		fill_block(map, g, col, end, trust_data);
		if (end % g->slab_cols == 0)
			mh_grid_drop_slab(g, col);
	}
	map->value_p999 = percentile(map->max, cells, 99.9);
	if (isnan(map->value_p999))
		return mh_fail(err, MH_ENOMEM, "no memory for the scale");
	return MH_OK;
}
