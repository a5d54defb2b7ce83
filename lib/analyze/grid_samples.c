/* SPDX-License-Identifier: MIT */
/*
 * Samples into cells, a few ns each: no division, no search in the usual case. The memory
 * of a column is kept at hand until the column changes.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/grid.h"
#include "analyze/lookup.h"

/* What the inner loop needs of a stretch. */
struct quick {
	uint64_t start, mul;
	uint32_t row, band;
	uint8_t pre, post, rows;
};

struct mh_grid_lookup {
	struct mh_keys keys;
	struct mh_lookup lookup;
	struct quick *quick;
	uint64_t *band_weight;
};

int mh_grid_lookup_new(struct mh_grid *g)
{
	const struct mh_layout *l = g->frame->layout;
	struct mh_grid_lookup *k = calloc(1, sizeof(*k));
	size_t i;

	if (!k)
		return -1;
	g->lookup = k;
	k->keys.maps = g->frame->scan->session->maps;
	k->band_weight = calloc(l->nr_bands + 1, sizeof(*k->band_weight));
	k->quick = calloc(l->nr_segs + 1, sizeof(*k->quick));
	if (!k->quick || !k->band_weight || mh_lookup_init(&k->lookup, l->nr_segs))
		return -1;
	for (i = 0; i < l->nr_segs; i++) {
		const struct mh_row_seg *seg = &l->segs[i];

		k->lookup.v[i] = (struct mh_stretch){ seg->key, seg->axis.span.start,
						      mh_range_len(seg->axis.span) };
		k->quick[i] = (struct quick){ .start = seg->axis.span.start,
					      .mul = seg->axis.mul,
					      .row = seg->row,
					      .band = seg->band,
					      .pre = seg->axis.pre,
					      .post = seg->axis.post,
					      .rows = seg->rows };
	}
	return 0;
}

void mh_grid_lookup_free(struct mh_grid *g)
{
	if (!g->lookup)
		return;
	mh_lookup_fini(&g->lookup->lookup);
	free(g->lookup->quick);
	free(g->lookup->band_weight);
	free(g->lookup);
	g->lookup = NULL;
}

int mh_grid_add_samples(struct mh_grid *g, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *c = &b->sample;
	const struct mh_axis *time = &g->frame->time;
	uint64_t t_len = mh_range_len(time->span);
	struct mh_grid_lookup *k = g->lookup;
	uint32_t i, col = UINT32_MAX;
	uint32_t *count = NULL;
	uint64_t *weight = NULL;

	if (b->kind != MH_EV_SAMPLE || !c->addr || !c->time_ns)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		uint64_t addr = c->addr[i], t = c->time_ns[i] - time->span.start;
		uint64_t period = c->period ? c->period[i] : 1, key;
		const struct quick *q;
		uint32_t at;

		if (t >= t_len || !addr)
			continue;
		key = mh_keys_of(&k->keys, c->pid ? c->pid[i] : 0, c->time_ns[i]);
		at = mh_lookup_find(&k->lookup, key, addr);
		if (at == MH_LOOKUP_NONE) {
			g->nr_outside++;
			continue;
		}
		q = &k->quick[at];
		k->band_weight[q->band] += period;
		if (!q->rows)
			continue;
		at = mh_axis_bin(time, c->time_ns[i]);
		if (at != col) {
			struct mh_slab *slab = mh_grid_slab(g, at);
			size_t first = (size_t)(at % MH_SLAB_COLS) * g->frame->rows;

			if (!slab)
				return mh_fail(err, MH_ENOMEM, "no memory for the map");
			col = at;
			count = slab->count + first;
			weight = slab->weight ? slab->weight + first : NULL;
		}
		at = q->row +
		     (uint32_t)((uint64_t)((unsigned __int128)((addr - q->start)
							       << q->pre) *
						   q->mul >>
					   64) >>
				q->post);
		count[at]++;
		if (weight)
			weight[at] += period;
	}
	for (i = 0; i < g->frame->layout->nr_bands; i++) {
		g->band_heat[i] += (double)k->band_weight[i];
		k->band_weight[i] = 0;
	}
	return MH_OK;
}
