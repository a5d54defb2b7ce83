/* SPDX-License-Identifier: MIT */
/*
 * Hot spots: in each band the longest run of time in which a row stays near the band's
 * hottest value, widened to the rows beside it that do the same.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cells.h"

#define MAX_SPOTS 5
#define NEAR      0.9

struct run {
	uint32_t row, nr_rows, col, nr_cols;
};

static double band_max(const struct mh_heatmap *map, const struct mh_band *b)
{
	size_t i = (size_t)b->row * map->cols, end = i + (size_t)b->nr_rows * map->cols;
	double most = 0;

	for (; i < end; i++)
		most = map->max[i] > most ? map->max[i] : most;
	return most;
}

static struct run longest_run(const struct mh_heatmap *map, const struct mh_band *b,
			      double limit)
{
	struct run best = { 0 };
	uint32_t r, c;

	for (r = b->row; r < b->row + b->nr_rows; r++) {
		const double *v = map->max + (size_t)r * map->cols;
		uint32_t len = 0;

		for (c = 0; c < map->cols; c++) {
			len = v[c] >= limit ? len + 1 : 0;
			if (len > best.nr_cols)
				best = (struct run){ r, 1, c + 1 - len, len };
		}
	}
	return best;
}

static bool row_holds(const struct mh_heatmap *map, uint32_t row, const struct run *run,
		      double limit)
{
	const double *v = map->max + (size_t)row * map->cols + run->col;
	uint32_t c;

	for (c = 0; c < run->nr_cols; c++) {
		if (!(v[c] >= limit))
			return false;
	}
	return true;
}

static void widen(const struct mh_heatmap *map, const struct mh_band *b, struct run *run,
		  double limit)
{
	while (run->row > b->row && row_holds(map, run->row - 1, run, limit)) {
		run->row--;
		run->nr_rows++;
	}
	while (run->row + run->nr_rows < b->row + b->nr_rows &&
	       row_holds(map, run->row + run->nr_rows, run, limit))
		run->nr_rows++;
}

static struct mh_hot_spot to_spot(const struct mh_heatmap *map, uint32_t band,
				  const struct run *run, double value)
{
	const struct mh_band *b = &map->bands[band];
	struct mh_hot_spot spot = { .band = band, .value = value };
	struct mh_axis time, addr;

	mh_axis_init(&time, map->time_ns, map->cols);
	spot.time_ns.start = mh_axis_edge(&time, run->col);
	spot.time_ns.end = mh_axis_edge(&time, run->col + run->nr_cols);
	if (b->addr.end > b->addr.start) {
		mh_axis_init(&addr, b->addr, b->nr_rows);
		spot.addr.start = mh_axis_edge(&addr, run->row - b->row);
		spot.addr.end = mh_axis_edge(&addr, run->row + run->nr_rows - b->row);
	}
	return spot;
}

static int by_heat(const void *a, const void *b)
{
	const struct mh_hot_spot *x = a, *y = b;
	double p = (double)mh_range_len(x->addr) * (double)mh_range_len(x->time_ns);
	double q = (double)mh_range_len(y->addr) * (double)mh_range_len(y->time_ns);

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	if (p != q)
		return p > q ? -1 : 1;
	return x->band < y->band ? -1 : x->band > y->band;
}

int mh_cells_spots(struct mh_heatmap *map, struct mh_err *err)
{
	uint32_t i;

	map->spots = calloc(map->nr_bands + 1, sizeof(*map->spots));
	if (!map->spots)
		return mh_fail(err, MH_ENOMEM, "no memory for hot spots");
	for (i = 0; i < map->nr_bands; i++) {
		const struct mh_band *b = &map->bands[i];
		double most = b->nr_rows ? band_max(map, b) : 0;
		struct run run;

		/* Noise next to the hottest band is not remarkable. */
		if (most <= 0 || most < 0.01 * map->value_max)
			continue;
		run = longest_run(map, b, NEAR * most);
		widen(map, b, &run, NEAR * most);
		map->spots[map->nr_spots++] = to_spot(map, i, &run, most);
	}
	if (map->nr_spots)
		qsort(map->spots, map->nr_spots, sizeof(*map->spots), by_heat);
	if (map->nr_spots > MAX_SPOTS)
		map->nr_spots = MAX_SPOTS;
	return MH_OK;
}
