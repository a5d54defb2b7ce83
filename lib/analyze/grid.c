/* SPDX-License-Identifier: MIT */
#include "analyze/grid.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

static size_t slab_cells(const struct mh_grid *g)
{
	return (size_t)g->frame->rows * g->slab_cols;
}

/* sum, area and max, or count, are one allocation. */
static size_t cell_bytes(const struct mh_frame *f)
{
	return f->samples ? sizeof(uint32_t) : 3 * sizeof(double);
}

/* As many columns as a huge page holds: fewer slabs would leave much of one unused. */
static uint32_t slab_cols(const struct mh_frame *f)
{
	size_t fit = MH_HUGE_PAGE / (cell_bytes(f) * (f->rows ? f->rows : 1));
	uint32_t cols = (f->time.bins + MH_SLAB_STEP - 1) & ~(MH_SLAB_STEP - 1u);

	if (cols > fit)
		cols = (uint32_t)fit & ~(MH_SLAB_STEP - 1u);
	return cols > MH_SLAB_STEP ? cols : MH_SLAB_STEP;
}

static void slab_fini(const struct mh_grid *g, struct mh_slab *slab)
{
	void *cells = g->frame->samples ? (void *)slab->count : slab->sum;

	mh_pages_free(cells, slab_cells(g) * cell_bytes(g->frame));
	mh_pages_free(slab->extra, slab_cells(g) * sizeof(*slab->extra));
	memset(slab, 0, sizeof(*slab));
}

static int slab_init(const struct mh_grid *g, struct mh_slab *slab)
{
	size_t nr = slab_cells(g);
	void *cells = mh_pages_new(nr * cell_bytes(g->frame));

	if (!cells)
		return -1;
	if (g->frame->samples) {
		slab->count = cells;
	} else {
		slab->sum = cells;
		slab->area = slab->sum + nr;
		slab->max = slab->area + nr;
	}
	return 0;
}

struct mh_slab *mh_grid_slab(struct mh_grid *g, uint32_t col)
{
	struct mh_slab *slab = &g->slabs[col / g->slab_cols];

	if (!slab->sum && !slab->count && slab_init(g, slab))
		return NULL;
	return slab;
}

struct mh_slab *mh_grid_slab_extra(struct mh_grid *g, uint32_t col)
{
	struct mh_slab *slab = mh_grid_slab(g, col);

	if (slab && !slab->extra)
		slab->extra = mh_pages_new(slab_cells(g) * sizeof(*slab->extra));
	return slab && slab->extra ? slab : NULL;
}

void mh_grid_drop_slab(struct mh_grid *g, uint32_t col)
{
	slab_fini(g, &g->slabs[col / g->slab_cols]);
}

static void grid_free(void *part)
{
	struct mh_grid *g = part;
	size_t i;

	for (i = 0; g->slabs && i < g->nr_slabs; i++)
		slab_fini(g, &g->slabs[i]);
	free(g->slabs);
	free(g->band_heat);
	mh_grid_profile_free(g);
	mh_grid_lookup_free(g);
	mh_grid_damo_free(g);
	free(g);
}

static void *grid_new(const void *arg)
{
	const struct mh_frame *f = arg;
	struct mh_grid *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->frame = f;
	g->slab_cols = slab_cols(f);
	g->nr_slabs = (f->time.bins + g->slab_cols - 1) / g->slab_cols;
	g->slabs = calloc(g->nr_slabs, sizeof(*g->slabs));
	g->band_heat = calloc(f->layout->nr_bands, sizeof(*g->band_heat));
	if (!g->slabs || !g->band_heat ||
	    (f->samples ? mh_grid_lookup_new(g)
	     : f->damo  ? mh_grid_damo_new(g)
			: mh_grid_profile_new(g))) {
		grid_free(g);
		return NULL;
	}
	return g;
}

static int grid_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	struct mh_grid *g = part;

	if (g->frame->samples)
		return mh_grid_add_samples(g, b, err);
	return g->frame->damo ? mh_grid_add_damo(g, b, err)
			      : mh_grid_add_snapshots(g, b, err);
}

static void slab_add(struct mh_slab *to, struct mh_slab *from, size_t cells)
{
	size_t i;

	if (!to->extra) {
		to->extra = from->extra;
		from->extra = NULL;
	}

	for (i = 0; to->count && i < cells; i++)
		to->count[i] += from->count[i];
	for (i = 0; from->extra && i < cells; i++)
		to->extra[i] += from->extra[i];
	for (i = 0; to->sum && i < cells; i++) {
		to->sum[i] += from->sum[i]; /* NOLINT: slabs of one map are alike */
		to->area[i] += from->area[i];
		to->max[i] = to->max[i] > from->max[i] ? to->max[i] : from->max[i];
	}
}

static int grid_merge(void *into, void *from, struct mh_err *err)
{
	struct mh_grid *a = into, *b = from;
	size_t i;

	(void)err;
	for (i = 0; i < a->nr_slabs; i++) {
		if (!a->slabs[i].sum && !a->slabs[i].count) {
			a->slabs[i] = b->slabs[i];
			memset(&b->slabs[i], 0, sizeof(b->slabs[i]));
		} else if (b->slabs[i].sum || b->slabs[i].count) {
			slab_add(&a->slabs[i], &b->slabs[i], slab_cells(a));
		}
		slab_fini(b, &b->slabs[i]);
	}
	for (i = 0; i < a->frame->layout->nr_bands; i++)
		a->band_heat[i] += b->band_heat[i];
	a->nr_outside += b->nr_outside;
	return MH_OK;
}

void mh_grid_analysis(struct mh_analysis *out, const struct mh_frame *frame)
{
	*out = (struct mh_analysis){ .arg = frame,
				     .part_new = grid_new,
				     .batch = grid_batch,
				     .merge = grid_merge,
				     .part_free = grid_free };
}
