/* SPDX-License-Identifier: MIT */
/*
 * Samples into cells, a few ns each: no division, no search in the usual case. They come
 * grouped by thread and code, so the next one most often falls into the same stretch of
 * addresses, but times jump: the memory of each column is looked up, without a branch.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/grid.h"
#include "analyze/lookup.h"

struct mh_grid_lookup {
	struct mh_keys keys;
	struct mh_lookup lookup;
	struct column {
		uint32_t *count;
		uint64_t *extra;
	} columns[]; /* cells of each; NULL: nothing fell into it up to now */
};

int mh_grid_lookup_new(struct mh_grid *g)
{
	const struct mh_layout *l = g->frame->layout;
	struct mh_grid_lookup *k =
		calloc(1, sizeof(*k) + g->frame->time.bins * sizeof(k->columns[0]));
	size_t i;

	if (!k)
		return -1;
	g->lookup = k;
	k->keys.maps = g->frame->scan->session->maps;
	if (mh_lookup_init(&k->lookup, l->nr_segs))
		return -1;
	for (i = 0; i < l->nr_segs; i++) {
		const struct mh_row_seg *seg = &l->segs[i];

		k->lookup.v[i] = (struct mh_stretch){ .key = seg->key,
						      .start = seg->axis.span.start,
						      .len = mh_range_len(seg->axis.span),
						      .mul = seg->axis.mul,
						      .row = seg->row,
						      .band = seg->band,
						      .pre = seg->axis.pre,
						      .post = seg->axis.post,
						      .rows = seg->rows };
	}
	mh_lookup_start(&k->lookup);
	return 0;
}

void mh_grid_lookup_free(struct mh_grid *g)
{
	if (!g->lookup)
		return;
	mh_lookup_fini(&g->lookup->lookup);
	free(g->lookup);
	g->lookup = NULL;
}

static int column_new(struct mh_grid *g, uint32_t at, bool periods)
{
	struct column *col = &g->lookup->columns[at];
	struct mh_slab *slab = periods ? mh_grid_slab_extra(g, at) : mh_grid_slab(g, at);
	size_t first = mh_slab_column(g, at);

	if (!slab)
		return -1;
	col->count = slab->count + first;
	col->extra = slab->extra ? slab->extra + first : NULL;
	return 0;
}

static inline uint32_t row_of(const struct mh_stretch *s, uint64_t addr)
{
	unsigned __int128 product =
		(unsigned __int128)((addr - s->start) << s->pre) * s->mul;

	return s->row + (uint32_t)((uint64_t)(product >> 64) >> s->post);
}

/*
 * Rows [i, end) of one space. Called with a constant @periods: two loops are made of it,
 * each without the other's work. Returns negative when memory is out.
 */
static inline __attribute__((always_inline)) int
add_run(struct mh_grid *g, const struct mh_sample_columns *c, uint32_t i, uint32_t end,
	uint64_t key, bool periods)
{
	const uint64_t *time_ns = c->time_ns, *addrs = c->addr, *period = c->period;
	const struct mh_axis time = g->frame->time;
	uint64_t span = mh_range_len(time.span), outside = 0;
	struct mh_grid_lookup *k = g->lookup;
	const struct mh_stretch *s;

	for (; i < end; i++) {
		uint64_t addr = addrs[i], t = time_ns[i];
		struct column *col;
		uint32_t row, at;

		if (t - time.span.start >= span)
			continue;
		s = mh_lookup_find(&k->lookup, key, addr);
		if (!s) {
			/* Address 0 stands for samples without one. */
			outside += addr != 0;
			continue;
		}
		if (!s->rows) {
			g->band_heat[s->band] += periods ? (double)period[i] : 1;
			continue;
		}
		row = row_of(s, addr);
		at = mh_axis_bin(&time, t);
		col = &k->columns[at];
		if ((periods ? !col->extra : !col->count) && column_new(g, at, periods))
			return -1;
		col->count[row]++;
		if (periods)
			/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
			col->extra[row] += period[i] - 1; /* column_new() gave it */
	}
	g->nr_outside += outside;
	return 0;
}

static bool is_all(const uint32_t *v, uint32_t nr, uint32_t value)
{
	uint32_t differ = 0, i;

	for (i = 0; i < nr; i++)
		differ |= v[i] ^ value;
	return !differ;
}

/* Where the rows of row @i's space end: pids come in runs, but an exec may cut one. */
static uint32_t run_end(const struct mh_keys *keys, const struct mh_batch *b, uint32_t i)
{
	const uint32_t *pids = b->sample.pid;
	uint32_t pid = pids[i], end = i + 1;

	if (!mh_keys_cover(keys, pid, b->time_ns))
		return end;
	while (b->nr - end >= 64 && is_all(pids + end, 64, pid))
		end += 64;
	while (end < b->nr && pids[end] == pid)
		end++;
	return end;
}

/* Whether a sample stands for more than itself, or for nothing. */
static bool has_periods(const uint64_t *period, uint32_t nr)
{
	uint64_t differ = 0;
	uint32_t i;

	for (i = 0; period && i < nr; i++)
		differ |= period[i] ^ 1;
	return differ != 0;
}

static int add_samples(struct mh_grid *g, const struct mh_batch *b)
{
	const struct mh_sample_columns *c = &b->sample;
	struct mh_keys *keys = &g->lookup->keys;
	bool periods = g->frame->periods && has_periods(c->period, b->nr);
	uint32_t i, end;

	for (i = 0; i < b->nr; i = end) {
		uint64_t key = mh_keys_of(keys, c->pid[i], c->time_ns[i]);
		int failed;

		end = run_end(keys, b, i);
		failed = periods ? add_run(g, c, i, end, key, true)
				 : add_run(g, c, i, end, key, false);
		if (failed)
			return -1;
	}
	return 0;
}

int mh_grid_add_samples(struct mh_grid *g, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *c = &b->sample;

	if (b->kind != MH_EV_SAMPLE || !c->addr || !c->time_ns || !c->pid)
		return MH_OK;
	if (add_samples(g, b))
		return mh_fail(err, MH_ENOMEM, "no memory for the map");
	return MH_OK;
}

static double slab_heat(const struct mh_grid *g, const struct mh_slab *slab,
			const struct mh_band *band)
{
	double heat = 0;
	uint32_t c, r;

	for (c = 0; c < g->slab_cols; c++) {
		size_t at = mh_slab_column(g, c) + band->row;

		for (r = 0; r < band->nr_rows; r++)
			heat += (double)mh_slab_weight(slab, at + r);
	}
	return heat;
}

void mh_grid_sum_samples(struct mh_grid *g, const struct mh_band *bands)
{
	size_t i, k;

	for (i = 0; i < g->nr_slabs; i++) {
		if (!g->slabs[i].count)
			continue;
		for (k = 0; k < g->frame->layout->nr_bands; k++)
			g->band_heat[k] += slab_heat(g, &g->slabs[i], &bands[k]);
	}
}
