/* SPDX-License-Identifier: MIT */
#include "analyze/grid.h"

#include <stdlib.h>
#include <string.h>

static void slab_fini(struct mh_slab *slab)
{
	free(slab->sum);
	free(slab->area);
	free(slab->max);
	free(slab->count);
	free(slab->extra);
	memset(slab, 0, sizeof(*slab));
}

static int slab_init(struct mh_slab *slab, const struct mh_frame *f)
{
	size_t cells = (size_t)f->rows * MH_SLAB_COLS;
	bool failed;

	if (f->samples) {
		slab->count = calloc(cells, sizeof(*slab->count));
		failed = !slab->count;
	} else {
		slab->sum = calloc(cells, sizeof(*slab->sum));
		slab->area = calloc(cells, sizeof(*slab->area));
		slab->max = calloc(cells, sizeof(*slab->max));
		failed = !slab->sum || !slab->area || !slab->max;
	}
	if (failed)
		slab_fini(slab);
	return failed ? -1 : 0;
}

struct mh_slab *mh_grid_slab(struct mh_grid *g, uint32_t col)
{
	struct mh_slab *slab = &g->slabs[col / MH_SLAB_COLS];

	if (!slab->sum && !slab->count && slab_init(slab, g->frame))
		return NULL;
	return slab;
}

struct mh_slab *mh_grid_slab_extra(struct mh_grid *g, uint32_t col)
{
	struct mh_slab *slab = mh_grid_slab(g, col);
	size_t cells = (size_t)g->frame->rows * MH_SLAB_COLS;

	if (slab && !slab->extra)
		slab->extra = calloc(cells, sizeof(*slab->extra));
	return slab && slab->extra ? slab : NULL;
}

static void grid_free(void *part)
{
	struct mh_grid *g = part;
	size_t i;

	for (i = 0; g->slabs && i < g->nr_slabs; i++)
		slab_fini(&g->slabs[i]);
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
	g->nr_slabs = (f->time.bins + MH_SLAB_COLS - 1) / MH_SLAB_COLS;
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
			slab_add(&a->slabs[i], &b->slabs[i],
				 (size_t)a->frame->rows * MH_SLAB_COLS);
		}
		slab_fini(&b->slabs[i]);
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
