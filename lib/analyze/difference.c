/* SPDX-License-Identifier: MIT */
/*
 * The difference of two heatmaps. Two runs share neither addresses nor lengths, so bands
 * are matched by name (the nth of a name with the nth) and laid over each other from
 * their first bytes; times are counted from each start. The cells of the result are those
 * of the finer map, and each takes the mean of what lies under it on either side.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/analyze.h>

#include "base/vec.h"

struct pair {
	const struct mh_band *a, *b; /* NULL: only in the other map */
};

struct pairs {
	struct pair *v;
	size_t nr, cap;
};

static const struct mh_band *nth(const struct mh_heatmap *map, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < map->nr_bands; i++) {
		if (!strcmp(map->bands[i].name, name) && !n--)
			return &map->bands[i];
	}
	return NULL;
}

/* How many bands before @b have its name. */
static size_t rank_of(const struct mh_heatmap *map, const struct mh_band *b)
{
	const struct mh_band *p;
	size_t n = 0;

	for (p = map->bands; p < b; p++)
		n += !strcmp(p->name, b->name);
	return n;
}

/* In the order of the map after, then what has gone. */
static int match(struct pairs *out, const struct mh_heatmap *a,
		 const struct mh_heatmap *b)
{
	size_t i;

	for (i = 0; i < b->nr_bands; i++) {
		struct pair *p = mh_vec_push(out);

		if (!p)
			return -1;
		p->b = &b->bands[i];
		p->a = nth(a, p->b->name, rank_of(b, p->b));
	}
	for (i = 0; i < a->nr_bands; i++) {
		struct pair *p;

		if (nth(b, a->bands[i].name, rank_of(a, &a->bands[i])))
			continue;
		p = mh_vec_push(out);
		if (!p)
			return -1;
		p->a = &a->bands[i];
	}
	return 0;
}

/* ---- geometry ---- */

static uint64_t length_of(const struct mh_band *b)
{
	if (!b)
		return 0;
	return mh_range_len(b->addr) ? mh_range_len(b->addr) : b->bytes;
}

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void make_band(struct mh_band *out, const struct pair *p)
{
	const struct mh_band *from = p->b ? p->b : p->a;
	uint32_t rows_a = p->a ? p->a->nr_rows : 0, rows_b = p->b ? p->b->nr_rows : 0;

	*out = *from;
	out->nr_rows = rows_a > rows_b ? rows_a : rows_b;
	out->nr_rows = out->nr_rows ? out->nr_rows : 1;
	out->bytes = longer(p->a ? p->a->bytes : 0, p->b ? p->b->bytes : 0);
	/* Offsets are what both have in common. */
	out->addr = (struct mh_range){ 0, longer(length_of(p->a), length_of(p->b)) };
	out->owner[0] = '\0';
	out->gap_before = 0;
	out->cold = false;
	out->share = 0;
}

/* The cells [*from, *to) of @nr over @len that lie under the @i-th of @of over @all. */
static void under(uint32_t i, uint32_t of, double all, uint32_t nr, double len,
		  uint32_t *from, uint32_t *to)
{
	double a = i * (all / of), b = (i + 1) * (all / of);

	*from = *to = 0;
	if (!(len > 0) || a >= len)
		return;
	*from = (uint32_t)(a / len * nr);
	*to = (uint32_t)ceil(b / len * nr - 1e-9);
	*to = *to > nr ? nr : *to > *from ? *to : *from + 1;
}

struct side {
	const struct mh_heatmap *map;
	const struct mh_band *band;
};

/* The mean of what lies under a cell; the state UNMAPPED where there is nothing. */
static enum mh_cell_state value_under(const struct side *s, const struct mh_band *out,
				      uint32_t row, const struct mh_heatmap *to,
				      uint32_t col, double *value)
{
	enum mh_cell_state state = MH_CELL_UNMAPPED;
	uint32_t r, c, rows[2], cols[2];
	size_t n = 0;

	*value = 0;
	if (!s->band)
		return state;
	under(col, to->cols, (double)mh_range_len(to->time_ns), s->map->cols,
	      (double)mh_range_len(s->map->time_ns), &cols[0], &cols[1]);
	/* A run that was over was not observed, whatever was mapped in it. */
	if (cols[0] == cols[1])
		return MH_CELL_NOT_OBSERVED;
	/* A cold run has no rows: nothing was touched in it. */
	if (!s->band->nr_rows)
		return MH_CELL_ZERO;
	under(row, out->nr_rows, (double)mh_range_len(out->addr), s->band->nr_rows,
	      (double)length_of(s->band), &rows[0], &rows[1]);
	for (r = rows[0]; r < rows[1]; r++) {
		for (c = cols[0]; c < cols[1]; c++) {
			size_t i = (size_t)(s->band->row + r) * s->map->cols + c;

			if (s->map->state[i] == MH_CELL_NOT_OBSERVED &&
			    state == MH_CELL_UNMAPPED)
				state = MH_CELL_NOT_OBSERVED;
			if (!isfinite(s->map->mean[i]))
				continue;
			*value += s->map->mean[i];
			n++;
		}
	}
	if (!n)
		return state;
	*value /= (double)n;
	return MH_CELL_VALUE;
}

static void fill_cell(struct mh_heatmap *out, const struct mh_band *band, uint32_t row,
		      uint32_t col, const struct side *a, const struct side *b)
{
	size_t i = (size_t)(band->row + row) * out->cols + col;
	double before, after, d;
	enum mh_cell_state x = value_under(a, band, row, out, col, &before);
	enum mh_cell_state y = value_under(b, band, row, out, col, &after);

	out->mean[i] = out->max[i] = NAN;
	out->state[i] = MH_CELL_UNMAPPED;
	if (x == MH_CELL_NOT_OBSERVED || y == MH_CELL_NOT_OBSERVED) {
		out->state[i] = MH_CELL_NOT_OBSERVED;
	} else if (x != MH_CELL_UNMAPPED || y != MH_CELL_UNMAPPED) {
		d = after - before;
		out->mean[i] = out->max[i] = d;
		out->state[i] = d ? MH_CELL_VALUE : MH_CELL_ZERO;
		if (fabs(d) > out->value_max)
			out->value_max = fabs(d);
	}
}

static void fill(struct mh_heatmap *out, const struct pairs *pairs,
		 const struct mh_heatmap *before, const struct mh_heatmap *after)
{
	uint32_t row, col;
	size_t i;

	for (i = 0; i < pairs->nr; i++) {
		const struct side a = { before, pairs->v[i].a };
		const struct side b = { after, pairs->v[i].b };
		const struct mh_band *band = &out->bands[i];

		for (row = 0; row < band->nr_rows; row++) {
			for (col = 0; col < out->cols; col++)
				fill_cell(out, band, row, col, &a, &b);
		}
	}
}

static int make_bands(struct mh_heatmap *out, const struct pairs *pairs)
{
	size_t i, cells;

	out->bands = calloc(pairs->nr + 1, sizeof(*out->bands));
	if (!out->bands)
		return -1;
	for (i = 0; i < pairs->nr; i++) {
		make_band(&out->bands[i], &pairs->v[i]);
		out->bands[i].row = out->rows;
		out->rows += out->bands[i].nr_rows;
	}
	out->nr_bands = pairs->nr;
	cells = (size_t)out->rows * out->cols;
	out->mean = malloc((cells + 1) * sizeof(*out->mean));
	out->max = malloc((cells + 1) * sizeof(*out->max));
	out->state = calloc(cells + 1, sizeof(*out->state));
	return out->mean && out->max && out->state ? 0 : -1;
}

static void describe(struct mh_heatmap *out, const struct mh_heatmap *before,
		     const struct mh_heatmap *after)
{
	uint64_t a = mh_range_len(before->time_ns), b = mh_range_len(after->time_ns);

	out->from = after->from;
	out->unit = after->unit;
	out->diverging = true;
	out->time_ns = (struct mh_range){ 0, longer(longer(a, b), 1) };
	out->cols = after->cols > before->cols ? after->cols : before->cols;
	out->wss_p50 = out->wss_p95 = out->wss_peak = MH_NO_DATA;
	snprintf(out->from.title, sizeof(out->from.title), "%.60s -> %.60s",
		 before->from.title, after->from.title);
	out->from.lost += before->from.lost;
	out->from.throttled += before->from.throttled;
	out->from.nr_gaps += before->from.nr_gaps;
	out->from.gap_ns += before->from.gap_ns;
	out->from.nr_damaged += before->from.nr_damaged;
	out->from.observer_cpu_ns = out->from.stall_max_ns = 0; /* of two recordings */
}

int mh_heatmap_difference(struct mh_heatmap *out, const struct mh_heatmap *before,
			  const struct mh_heatmap *after, struct mh_err *err)
{
	struct pairs pairs = { 0 };
	int ret = MH_OK;

	memset(out, 0, sizeof(*out));
	if (before->unit != after->unit)
		return mh_fail(err, MH_ENOSUP,
			       "the traces have other units (%s, %s) and no difference; "
			       "choose the same --source of both",
			       mh_unit_word(before->unit), mh_unit_word(after->unit));
	describe(out, before, after);
	if (match(&pairs, before, after) || make_bands(out, &pairs))
		ret = mh_fail(err, MH_ENOMEM, "no memory for a difference");
	else
		fill(out, &pairs, before, after);
	free(pairs.v);
	out->value_p999 = out->value_max;
	if (ret)
		mh_heatmap_fini(out);
	return ret;
}
