/* SPDX-License-Identifier: MIT */
/*
 * The heatmap: a survey of the data, a layout of the address axis, one pass that counts
 * cells and working set sizes, and the four states of what was and was not seen.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/cells.h"
#include "analyze/grid.h"
#include "analyze/moments.h"
#include "analyze/survey.h"

#define DEFAULT_ROWS 200
#define DEFAULT_COLS 400
#define MAX_CELLS    (UINT64_C(1) << 26)

struct work {
	struct mh_session *s;
	const struct mh_heatmap_opts *opts;
	struct mh_overview of;
	struct mh_layout layout;
	struct mh_frame frame;
	struct mh_moments moments;
};

static int check_size(struct mh_heatmap *map, const struct mh_heatmap_opts *o,
		      struct mh_err *err)
{
	map->rows = o->rows ? o->rows : DEFAULT_ROWS;
	map->cols = o->cols ? o->cols : DEFAULT_COLS;
	if ((uint64_t)map->rows * map->cols > MAX_CELLS)
		return mh_fail(err, MH_EINPUT,
			       "%u x %u cells are too many; up to %llu fit", map->rows,
			       map->cols, (unsigned long long)MAX_CELLS);
	return MH_OK;
}

static int lay_out(struct work *w, struct mh_heatmap *map, struct mh_err *err)
{
	const struct mh_range *only = &w->s->opts.filter.addr;
	struct mh_range range = w->opts->addr.end ? w->opts->addr : *only;
	struct mh_layout_opts o = { .rows = map->rows,
				    .no_collapse = w->opts->no_collapse };

	if (!w->opts->plain)
		return mh_layout_bands(&w->layout, w->s, &w->of.places, &w->of.survey, &o,
				       err);
	return mh_layout_plain(&w->layout, w->s, &w->of.places, &w->of.survey, range,
			       map->rows, w->opts->cells_damo, err);
}

/* Snapshots: where there are some; samples: as long as the recording ran. */
static int set_time(struct work *w, struct mh_heatmap *map, struct mh_err *err)
{
	struct mh_range t = w->of.survey.time_ns;

	if (w->of.kind == MH_EV_SAMPLE) {
		t.start = w->s->start_ns;
		t.end = mh_reader_info(w->s->reader)->time_ns.end;
		if (t.end < w->of.src->time_ns.end)
			t.end = w->of.src->time_ns.end;
	}
	if (t.start < w->s->window.start)
		t.start = w->s->window.start;
	if (t.end > w->s->window.end)
		t.end = w->s->window.end;
	if (w->opts->cells_damo && t.end > t.start + map->cols)
		t.end -= (t.end - t.start) % map->cols;
	if (t.start >= t.end)
		return mh_fail(err, MH_ENOSUP,
			       "nothing to draw: no data of %s pass the filters",
			       w->of.src->name);
	mh_axis_init(&w->frame.time, t, map->cols);
	/* A snapshot may begin just before the recorder's first word. */
	map->time_ns.start = t.start > w->s->start_ns ? t.start - w->s->start_ns : 0;
	map->time_ns.end = map->time_ns.start + (t.end - t.start);
	return MH_OK;
}

static int prepare(struct work *w, struct mh_heatmap *map, struct mh_err *err)
{
	int ret = mh_overview_init(&w->of, w->s, "heatmap", err);

	if (!ret)
		ret = lay_out(w, map, err);
	if (!ret)
		ret = set_time(w, map, err);
	return ret;
}

static void take_shares(struct mh_heatmap *map, const struct mh_grid *g)
{
	double all = 0;
	size_t i;

	for (i = 0; i < map->nr_bands; i++)
		all += g->band_heat[i];
	for (i = 0; i < map->nr_bands; i++)
		map->bands[i].share = all > 0 ? g->band_heat[i] / all : 0;
}

static void set_damo_rule(struct work *w)
{
	const char *said = mh_session_meta(w->s, w->of.src->id, "intervals");

	if (!w->opts->cells_damo || w->of.kind == MH_EV_SAMPLE)
		return;
	w->frame.damo = true;
	/* As in DAMO, a record without intervals has no use of its ages. */
	w->frame.damo_ages =
		w->of.scan.aggr_ns && (!said || strcmp(said, "assumed") != 0);
	w->frame.damo_tuned = w->frame.damo_ages &&
			      mh_session_meta(w->s, w->of.src->id, "intervals_goal");
}

static int count(struct work *w, struct mh_heatmap *map, struct mh_err *err)
{
	bool samples = w->of.kind == MH_EV_SAMPLE;
	struct mh_analysis list[2] = { { 0 } };
	struct mh_filter f;
	int ret;

	w->frame.layout = &w->layout;
	w->frame.scan = &w->of.scan;
	w->frame.rows = map->rows;
	w->frame.samples = samples;
	w->frame.periods = mh_session_unit(w->of.src, false) == MH_UNIT_ACCESSES_PER_S;
	set_damo_rule(w);
	mh_session_filter(w->s, w->of.src, &f);
	f.kinds = 1u << w->of.kind;
	f.columns = MH_COL_TIME | MH_COL_ADDR | MH_COL_THREAD;
	f.any_order = 1;
	if (w->frame.periods)
		f.columns |= MH_COL_PERIOD;
	mh_grid_analysis(&list[0], &w->frame);
	if (w->frame.damo)
		list[0].merge = NULL;
	mh_moments_analysis(&list[1], &w->of.scan);
	ret = mh_pass_run(w->s, &f, list, samples ? 1 : 2, err);
	if (!ret && !samples)
		ret = mh_moments_take(&w->moments, &list[1], w->s, w->of.src, err);
	if (!ret) {
		struct mh_grid *g = list[0].part;

		map->unit = mh_session_unit(w->of.src, w->moments.hits);
		map->bands = w->layout.bands;
		map->nr_bands = w->layout.nr_bands;
		w->layout.bands = NULL;
		if (samples)
			mh_grid_sum_samples(g, map->bands);
		take_shares(map, g);
		/* With --at, being elsewhere is what was asked for. */
		map->nr_outside = w->s->opts.at ? 0 : g->nr_outside;
		ret = mh_cells_finish(map, list[0].part, w->s, w->of.src, w->opts->plain,
				      err);
	}
	mh_pass_release(list, 2);
	return ret;
}

/* ---- the strip of working set sizes ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t at_percent(const uint64_t *sorted, size_t n, unsigned p)
{
	size_t i = p * n / 100;

	return n ? sorted[i < n ? i : n - 1] : MH_NO_DATA;
}

static void strip_add(struct mh_heatmap *map, const struct mh_axis *time,
		      const struct mh_moment *m)
{
	uint64_t t0 = m->time_ns.start, t1 = m->time_ns.end;
	uint32_t c;

	if (t0 < time->span.start)
		t0 = time->span.start;
	if (t1 > time->span.end)
		t1 = time->span.end;
	if (t0 >= t1)
		return;
	for (c = mh_axis_bin(time, t0); c <= mh_axis_last(time, t1); c++) {
		if (map->wss_min[c] == MH_NO_DATA || m->bytes < map->wss_min[c])
			map->wss_min[c] = m->bytes;
		if (map->wss_max[c] == MH_NO_DATA || m->bytes > map->wss_max[c])
			map->wss_max[c] = m->bytes;
	}
}

static int make_strip(const struct work *w, struct mh_heatmap *map, struct mh_err *err)
{
	size_t size = map->cols * sizeof(*map->wss_min), i, n = 0;
	uint64_t *sorted;

	map->wss_p50 = map->wss_p95 = map->wss_peak = MH_NO_DATA;
	if (!w->moments.nr)
		return MH_OK;
	sorted = malloc(w->moments.nr * sizeof(*sorted));
	map->wss_min = malloc(size);
	map->wss_max = malloc(size);
	if (!sorted || !map->wss_min || !map->wss_max) {
		free(sorted);
		return mh_fail(err, MH_ENOMEM, "no memory for the strip of sizes");
	}
	/* MH_NO_DATA is all ones. */
	memset(map->wss_min, 0xff, size);
	memset(map->wss_max, 0xff, size);
	for (i = 0; i < w->moments.nr; i++) {
		if (w->moments.v[i].bytes == MH_NO_DATA)
			continue;
		sorted[n++] = w->moments.v[i].bytes;
		strip_add(map, &w->frame.time, &w->moments.v[i]);
	}
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_value);
	map->wss_p50 = at_percent(sorted, n, 50);
	map->wss_p95 = at_percent(sorted, n, 95);
	map->wss_peak = at_percent(sorted, n, 100);
	free(sorted);
	return MH_OK;
}

static uint64_t nr_with_data(const struct mh_moments *m)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < m->nr; i++)
		n += m->v[i].bytes != MH_NO_DATA;
	return n;
}

int mh_heatmap_analyze(struct mh_heatmap *out, struct mh_session *s,
		       const struct mh_heatmap_opts *opts, struct mh_err *err)
{
	static const struct mh_heatmap_opts defaults;
	struct work w = { .s = s, .opts = opts ? opts : &defaults };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = check_size(out, w.opts, err);
	if (!ret)
		ret = prepare(&w, out, err);
	if (!ret)
		ret = count(&w, out, err);
	if (!ret)
		ret = mh_cells_spots(out, err);
	if (!ret)
		ret = make_strip(&w, out, err);
	if (!ret) {
		mh_session_provenance(s, w.of.src, 1u << w.of.kind, &out->from);
		out->from.nr_intervals = nr_with_data(&w.moments);
		if (w.opts->plain)
			out->addr = out->bands[0].addr;
	}
	mh_overview_fini(&w.of);
	mh_layout_fini(&w.layout);
	mh_moments_fini(&w.moments);
	if (ret)
		mh_heatmap_fini(out);
	return ret;
}
