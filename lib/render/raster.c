/* SPDX-License-Identifier: MIT */
/*
 * From cells to pixels. A pixel over several cells shows the highest of them, so that no
 * hot cell is lost; cells larger than a pixel are repeated, never blended: what lies
 * between two measurements was not measured. The four states look different by more than
 * their colour: no cell at all (page), hatched (not observed), lowest colour (no access),
 * colour, and dotted for values from few samples.
 */
#include "render/raster.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void mh_raster_palette(struct mh_rgb colors[MH_NR_INDEX], const struct mh_heatmap *map,
		       enum mh_cmap cmap, int light)
{
	static const struct mh_rgb themes[2][7] = {
		/* page, ink, hatch, its line, WSS, WSS range, mean */
		{ { 30, 33, 40 },
		  { 240, 240, 242 },
		  { 58, 63, 74 },
		  { 96, 103, 118 },
		  { 92, 158, 214 },
		  { 52, 84, 116 },
		  { 150, 156, 168 } },
		{ { 255, 255, 255 },
		  { 24, 26, 32 },
		  { 226, 229, 234 },
		  { 176, 182, 192 },
		  { 66, 122, 178 },
		  { 170, 200, 228 },
		  { 120, 126, 138 } },
	};
	const struct mh_rgb *t = themes[light ? 1 : 0];
	struct mh_rgb all[256];
	int i;

	if (map->diverging)
		mh_palette_diverging(all, light);
	else
		mh_palette_fill(all, cmap, light);
	for (i = 0; i < MH_NR_HEAT; i++)
		colors[i] = all[(i * 255 + MH_NR_HEAT / 2) / (MH_NR_HEAT - 1)];
	for (i = 0; i < MH_NR_INK; i++) {
		int n = MH_NR_INK - 1;

		colors[MH_INDEX_INK + i] =
			(struct mh_rgb){ (uint8_t)((t[0].r * (n - i) + t[1].r * i) / n),
					 (uint8_t)((t[0].g * (n - i) + t[1].g * i) / n),
					 (uint8_t)((t[0].b * (n - i) + t[1].b * i) / n) };
	}
	for (i = 0; i < 5; i++)
		colors[MH_INDEX_HATCH + i] = t[2 + i];
}

static uint8_t hatch(int x, int y)
{
	return (x + y) % 6 < 1 ? MH_INDEX_HATCH_LINE : MH_INDEX_HATCH;
}

uint8_t mh_raster_index(const struct mh_color_scale *scale, enum mh_cell_state state,
			double value, int x, int y)
{
	unsigned level;

	switch (state) {
	case MH_CELL_UNMAPPED:
		return MH_INDEX_PAGE;
	case MH_CELL_NOT_OBSERVED:
		return hatch(x, y);
	case MH_CELL_ZERO:
		return MH_INDEX_HEAT + (scale->diverging ? MH_NR_HEAT / 2 : 0);
	case MH_CELL_VALUE:
	case MH_CELL_FEW:
		break;
	}
	level = mh_color_scale_level(scale, value, MH_NR_HEAT);
	if (state == MH_CELL_FEW && ((x ^ y) & 1))
		level = level / 2;
	return (uint8_t)(MH_INDEX_HEAT + level);
}

/* What is shown when states meet in one pixel: values over zero over absence. */
static int rank_of(uint8_t state)
{
	static const uint8_t rank[] = { [MH_CELL_UNMAPPED] = 0,
					[MH_CELL_NOT_OBSERVED] = 1,
					[MH_CELL_ZERO] = 2,
					[MH_CELL_FEW] = 3,
					[MH_CELL_VALUE] = 3 };

	return state < sizeof(rank) ? rank[state] : 0;
}

static bool is_higher(const struct mh_heatmap *map, double a, double b)
{
	return isnan(b) || (map->diverging ? fabs(a) > fabs(b) : a > b);
}

enum mh_cell_state mh_raster_highest(const struct mh_heatmap *map, const uint32_t row[2],
				     const uint32_t col[2], double *value)
{
	uint8_t state = MH_CELL_UNMAPPED;
	uint32_t r, c;

	*value = NAN;
	for (r = row[0]; r < row[1]; r++) {
		for (c = col[0]; c < col[1]; c++) {
			size_t i = (size_t)r * map->cols + c;
			int more = rank_of(map->state[i]) - rank_of(state);

			if (more < 0 ||
			    (more == 0 && !is_higher(map, map->max[i], *value)))
				continue;
			state = map->state[i];
			*value = map->max[i];
		}
	}
	if (rank_of(state) == rank_of(MH_CELL_VALUE) && isnan(*value))
		return MH_CELL_NOT_OBSERVED;
	return (enum mh_cell_state)state;
}

/* The map's rows under pixel @p from the bottom of a strip. */
static void rows_of_pixel(const struct mh_band *b, const struct mh_strip *s, int p,
			  uint32_t row[2])
{
	mh_cells_of_pixel((uint32_t)p, (uint32_t)s->h, b->nr_rows, &row[0], &row[1]);
	row[0] += b->row;
	row[1] += b->row;
}

static void paint_band(const struct mh_paper *paper, const struct mh_heatmap *map,
		       const struct mh_color_scale *scale, size_t i, uint8_t *pixels)
{
	const struct mh_strip *s = &paper->strips[i];
	int x, p;

	for (p = 0; p < s->h; p++) {
		int y = s->y + s->h - 1 - p;
		uint8_t *line = pixels + (size_t)y * (size_t)paper->w + paper->plot.x;
		uint32_t row[2], col[2];
		enum mh_cell_state state;
		double value;

		rows_of_pixel(&map->bands[i], s, p, row);
		for (x = 0; x < paper->plot.w; x++) {
			mh_cells_of_pixel((uint32_t)x, (uint32_t)paper->plot.w, map->cols,
					  &col[0], &col[1]);
			state = mh_raster_highest(map, row, col, &value);
			line[x] = mh_raster_index(scale, state, value, paper->plot.x + x,
						  y);
		}
	}
}

static void fill(const struct mh_paper *paper, uint8_t *pixels, int x, int y, int w,
		 int h, uint8_t index)
{
	for (; h > 0; h--, y++)
		memset(pixels + (size_t)y * (size_t)paper->w + x, index, (size_t)w);
}

/* A collapsed cold run: one thin line of the lowest colour in its slot. */
static void paint_cold(const struct mh_paper *paper, const struct mh_strip *s,
		       uint8_t *pixels)
{
	int h = s->h > 4 ? 4 : s->h;

	fill(paper, pixels, paper->plot.x, s->y + (s->h - h) / 2, paper->plot.w, h,
	     MH_INDEX_HEAT);
}

/* Mean over time of the rows under a pixel; NAN where nothing was observed. */
static double row_mean(const struct mh_heatmap *map, const uint32_t row[2])
{
	size_t i = (size_t)row[0] * map->cols, end = (size_t)row[1] * map->cols, n = 0;
	double sum = 0;

	for (; i < end; i++) {
		if (isfinite(map->mean[i])) {
			sum += map->mean[i];
			n++;
		}
	}
	return n ? sum / (double)n : NAN;
}

static void paint_mean(const struct mh_paper *paper, const struct mh_heatmap *map,
		       const struct mh_color_scale *scale, uint8_t *pixels)
{
	size_t i;
	int p;

	for (i = 0; i < map->nr_bands; i++) {
		const struct mh_strip *s = &paper->strips[i];

		for (p = 0; map->bands[i].nr_rows && p < s->h; p++) {
			uint32_t row[2];
			double mean;
			int w;

			rows_of_pixel(&map->bands[i], s, p, row);
			mean = row_mean(map, row);
			w = mean > 0 ? (int)ceil(mh_color_scale_place(scale, mean) *
						 paper->mean.w)
				     : 0;
			fill(paper, pixels, paper->mean.x, s->y + s->h - 1 - p, w, 1,
			     MH_INDEX_MEAN);
		}
	}
}

/* Height in pixels of @bytes on a strip whose top is the peak. */
static int wss_height(const struct mh_paper *paper, uint64_t bytes, uint64_t peak)
{
	double ratio = peak ? (double)bytes / (double)peak : 0;

	return (int)lround((ratio > 1 ? 1 : ratio) * paper->wss.h);
}

/* Least and most of the columns under pixel @x; 0 when there are no data. */
static int wss_of_pixel(const struct mh_paper *paper, const struct mh_heatmap *map, int x,
			uint64_t *least, uint64_t *most)
{
	uint32_t c, end;
	int any = 0;

	mh_cells_of_pixel((uint32_t)x, (uint32_t)paper->wss.w, map->cols, &c, &end);
	for (; c < end; c++) {
		uint64_t lo = map->wss_min ? map->wss_min[c] : map->wss_max[c];

		if (map->wss_max[c] == MH_NO_DATA)
			continue;
		if (!any || lo < *least)
			*least = lo;
		if (!any || map->wss_max[c] > *most)
			*most = map->wss_max[c];
		any = 1;
	}
	return any;
}

static void paint_wss(const struct mh_paper *paper, const struct mh_heatmap *map,
		      uint8_t *pixels)
{
	int x, y, bottom = paper->wss.y + paper->wss.h;

	for (x = 0; x < paper->wss.w; x++) {
		uint8_t *at = pixels + paper->wss.x + x;
		uint64_t least = 0, most = 0;
		int lo, hi, any = wss_of_pixel(paper, map, x, &least, &most);

		lo = wss_height(paper, least, map->wss_peak);
		hi = wss_height(paper, most, map->wss_peak);
		for (y = 0; y < paper->wss.h; y++) {
			uint8_t *pixel = at + (size_t)(bottom - 1 - y) * (size_t)paper->w;

			if (!any)
				*pixel = hatch(paper->wss.x + x, bottom - 1 - y);
			else if (y < hi)
				*pixel = y < lo ? MH_INDEX_WSS : MH_INDEX_WSS_RANGE;
		}
	}
}

static void paint_gradient(const struct mh_paper *paper,
			   const struct mh_color_scale *scale, uint8_t *pixels)
{
	const struct mh_box *g = &paper->gradient;
	unsigned least = scale->diverging ? 0 : MH_NR_HEAT / 12;
	int x;

	/* The first pixels are zero's; then come the colours that values have. */
	for (x = 0; x < g->w; x++)
		fill(paper, pixels, g->x + x, g->y, 1, g->h,
		     x < 3 && !scale->diverging
			     ? MH_INDEX_HEAT
			     : (uint8_t)(MH_INDEX_HEAT + least +
					 (unsigned)x * (MH_NR_HEAT - 1 - least) /
						 (unsigned)(g->w - 1)));
}

static void paint_swatch(const struct mh_paper *paper, const struct mh_color_scale *scale,
			 const struct mh_mark *m, uint8_t *pixels)
{
	double value = mh_color_scale_value(scale, 0.6);
	int x, y;

	for (y = (int)m->y; y < (int)m->y2; y++) {
		for (x = (int)m->x; x < (int)m->x2; x++) {
			bool edge = y == (int)m->y || y + 1 == (int)m->y2 ||
				    x == (int)m->x || x + 1 == (int)m->x2;

			pixels[(size_t)y * (size_t)paper->w + x] =
				edge ? MH_INDEX_INK + MH_NR_INK / 3
				     : mh_raster_index(scale, m->state, value, x, y);
		}
	}
}

static void paint(const struct mh_paper *paper, const struct mh_heatmap *map,
		  const struct mh_color_scale *scale, uint8_t *pixels)
{
	size_t i;

	memset(pixels, MH_INDEX_PAGE, (size_t)paper->w * (size_t)paper->h);
	for (i = 0; i < map->nr_bands; i++) {
		if (map->bands[i].nr_rows)
			paint_band(paper, map, scale, i, pixels);
		else
			paint_cold(paper, &paper->strips[i], pixels);
	}
	if (!paper->labels)
		return;
	if (!map->diverging)
		paint_mean(paper, map, scale, pixels);
	if (map->wss_max && map->wss_peak != MH_NO_DATA)
		paint_wss(paper, map, pixels);
	paint_gradient(paper, scale, pixels);
	for (i = 0; i < paper->marks.nr; i++) {
		if (paper->marks.v[i].kind == MH_MARK_SWATCH)
			paint_swatch(paper, scale, &paper->marks.v[i], pixels);
	}
}

int mh_raster_draw(struct mh_paper *paper, uint8_t **pixels, const struct mh_heatmap *map,
		   const struct mh_picture_opts *opts, bool utf8, struct mh_err *err)
{
	struct mh_color_scale scale;
	int status;

	*pixels = NULL;
	mh_color_scale_init(&scale, map, opts->scale, opts->lo, opts->hi);
	status = mh_paper_init(paper, map, &scale, opts, utf8, err);
	if (status < 0)
		return status;
	*pixels = malloc((size_t)paper->w * (size_t)paper->h);
	if (!*pixels)
		return mh_fail(err, MH_ENOMEM, "out of memory for a picture of %dx%d",
			       paper->w, paper->h);
	paint(paper, map, &scale, *pixels);
	return MH_OK;
}
