/* SPDX-License-Identifier: MIT */
/*
 * A made-up heatmap for tests and for looking at: two halves of an anonymous mapping used
 * in turn, a cold heap with three hot pages, a busy stack, a library of which some was
 * never watched, and a gap. Every value follows from its row and column.
 */
#ifndef MEMHEAT_TEST_SAMPLE_H
#define MEMHEAT_TEST_SAMPLE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/render.h>

#define SAMPLE_BANDS 5
#define KIB          1024ull
#define MIB          (1024 * KIB)
#define SEC          1000000000ull

static inline void sample_set(struct mh_heatmap *m, uint32_t r, uint32_t c, double v)
{
	size_t i = (size_t)r * m->cols + c;

	m->state[i] = isnan(v) ? MH_CELL_NOT_OBSERVED
		      : v > 0  ? MH_CELL_VALUE
			       : MH_CELL_ZERO;
	m->max[i] = v;
	m->mean[i] = isnan(v) ? v : v * 0.9;
}

static inline void sample_alloc(struct mh_heatmap *m, uint32_t rows, uint32_t cols,
				size_t nr_bands)
{
	size_t i, n = (size_t)rows * cols;

	*m = (struct mh_heatmap){ .rows = rows, .cols = cols, .nr_bands = nr_bands };
	m->mean = calloc(n, sizeof(double));
	m->max = calloc(n, sizeof(double));
	m->state = calloc(n, 1);
	m->bands = calloc(nr_bands, sizeof(*m->bands));
	m->spots = calloc(5, sizeof(*m->spots));
	m->wss_min = calloc(cols, sizeof(uint64_t));
	m->wss_max = calloc(cols, sizeof(uint64_t));
	if (!m->mean || !m->max || !m->state || !m->bands || !m->spots || !m->wss_min ||
	    !m->wss_max)
		abort();
	for (i = 0; i < n; i++)
		m->mean[i] = m->max[i] = NAN;
}

static inline void sample_free(struct mh_heatmap *m)
{
	free(m->mean);
	free(m->max);
	free(m->state);
	free(m->bands);
	free(m->spots);
	free(m->wss_min);
	free(m->wss_max);
	*m = (struct mh_heatmap){ 0 };
}

static inline void sample_band(struct mh_heatmap *m, size_t i, const char *name,
			       uint64_t start, uint64_t bytes, uint32_t nr_rows,
			       double share)
{
	struct mh_band *b = &m->bands[i];

	snprintf(b->name, sizeof(b->name), "%.95s", name);
	b->addr = (struct mh_range){ start, start + bytes };
	b->bytes = bytes;
	b->nr_rows = nr_rows;
	b->cold = nr_rows == 0;
	b->share = share;
	b->row = i ? b[-1].row + b[-1].nr_rows : 0;
	b->gap_before = i ? start - b[-1].addr.end : 0;
}

/* Which half of the mapping is in use at @t of 0..1: they change every 4 of 56.8 s. */
static inline int sample_half(double t)
{
	double s = t * 56.8;

	return s < 12 ? (s < 8 ? 2 : 1) : (int)(s / 4) % 2;
}

static inline void sample_cells(struct mh_heatmap *m)
{
	uint32_t r, c;

	for (c = 0; c < m->cols; c++) {
		double t = (c + 0.5) / m->cols, noise = (c * 7919u % 97) / 97.0;
		int half = sample_half(t);
		bool gap = t > 0.86 && t < 0.885;

		for (r = 0; r < m->rows; r++) {
			const struct mh_band *b = m->bands;
			double y;

			while (r >= b->row + b->nr_rows)
				b++;
			y = (r - b->row + 0.5) / b->nr_rows;
			if (!strcmp(b->name, "[anon] mmap")) {
				bool on = half == 2 || (y < 0.5) == (half == 0);
				bool edge = fabs(y - 0.5) < 0.02;

				sample_set(m, r, c,
					   gap          ? NAN
					   : on || edge ? 0.8 + 0.2 * noise
							: 0);
			} else if (!strcmp(b->name, "[heap]")) {
				sample_set(m, r, c, gap ? NAN : 1);
			} else if (!strcmp(b->name, "libc.so.6")) {
				if (y < 0.4)
					sample_set(m, r, c,
						   gap || t < 0.1 ? NAN : y * y * noise);
				else if (y < 0.8)
					sample_set(m, r, c, NAN);
			} else {
				bool on =
					t > 0.3 && t < 0.5 ? y > 0.4 : t > 0.7 && y > 0.2;

				sample_set(m, r, c,
					   gap           ? NAN
					   : on          ? 0.3 + 0.6 * noise
					   : noise > 0.9 ? 0.05
							 : 0);
			}
		}
		m->wss_max[c] = gap                         ? MH_NO_DATA
				: half == 2 || noise > 0.95 ? 196 * MIB
							    : (uint64_t)(95.4 * MIB);
		m->wss_min[c] = gap         ? MH_NO_DATA
				: half == 2 ? 190 * MIB
					    : (uint64_t)(95.1 * MIB);
	}
}

static inline void sample_init(struct mh_heatmap *m, uint32_t rows, uint32_t cols)
{
	const uint64_t heap = 0x55d0c2a40000, anon = 0x7f9381923000,
		       stack = 0x7ffc3a51d000;
	uint32_t small = rows / 12 ? rows / 12 : 1;

	sample_alloc(m, rows, cols, SAMPLE_BANDS);
	m->from = (struct mh_provenance){ .title = "masim zigzag",
					  .source = "DAMON vaddr",
					  .params = "sample 5 ms, aggr 100 ms",
					  .duration_ns = 56800000000,
					  .nr_intervals = 543,
					  .nr_gaps = 1,
					  .gap_ns = 1400000000,
					  .observer_cpu_ns = 412000000,
					  .complete = true };
	m->time_ns = (struct mh_range){ 0, 56800000000 };
	sample_band(m, 0, "[heap]", heap, 12 * KIB, small / 2 ? small / 2 : 1, 0.01);
	sample_band(m, 1, "[heap]", heap + 12 * KIB, 32356 * KIB, 0, 0);
	sample_band(m, 2, "[anon] mmap", anon, 201520 * KIB,
		    rows - 2 * small - (small / 2 ? small / 2 : 1), 0.98);
	sample_band(m, 3, "libc.so.6", 0x7f939a000000, 1940 * KIB, small, 0.005);
	sample_band(m, 4, "[stack]", stack, 672 * KIB, small, 0.005);
	sample_cells(m);
	m->nr_spots = 2;
	m->spots[0] = (struct mh_hot_spot){ .band = 2,
					    .addr = { anon + 98 * MIB, anon + 102 * MIB },
					    .time_ns = { 20 * SEC, 24 * SEC },
					    .value = 1 };
	m->spots[1] = (struct mh_hot_spot){ .band = 0,
					    .addr = { heap + 4 * KIB, heap + 8 * KIB },
					    .time_ns = { 0, 56 * SEC },
					    .value = 1 };
	m->wss_p50 = (uint64_t)(95.4 * MIB);
	m->wss_p95 = (uint64_t)(190.8 * MIB);
	m->wss_peak = 196 * MIB;
	m->value_max = 1;
	m->value_p999 = 1;
}

/* The same as samples per second, over seven decades, some of it from few samples. */
static inline void sample_as_rates(struct mh_heatmap *m)
{
	size_t i, n = (size_t)m->rows * m->cols;

	m->unit = MH_UNIT_ACCESSES_PER_S;
	m->value_max = m->value_p999 = 0;
	for (i = 0; i < n; i++) {
		double v = m->max[i];

		if (m->state[i] != MH_CELL_VALUE)
			continue;
		v = pow(10, 1 + 6 * v);
		m->max[i] = v;
		m->mean[i] = v / 2;
		if (v < 1e4)
			m->state[i] = MH_CELL_FEW;
		if (v > m->value_max)
			m->value_max = v;
	}
	m->value_p999 = m->value_max / 4;
	m->spots[0].value = m->value_max;
	m->spots[1].value = m->value_max / 3;
	free(m->wss_min);
	free(m->wss_max);
	m->wss_min = m->wss_max = NULL;
	m->wss_p50 = m->wss_p95 = m->wss_peak = MH_NO_DATA;
}

#endif
