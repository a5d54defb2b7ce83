/* SPDX-License-Identifier: MIT */
/*
 * Temperature is DAMO's: 100 x (percent of checks + age in us), negative for a region
 * without an access. A region counts as accessed from one hit on; DAMO takes percents
 * that are cut to whole numbers, and so has accessed regions among the cold ones.
 */
#include "report_access.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_CELLS 80

int mh_access_wanted(const struct mh_report_opts *o)
{
	return o->style || o->sort || o->descending;
}

int mh_access_add(struct mh_access *a, const struct mh_ev_region *row, struct mh_err *err)
{
	size_t cap = a->rows.cap ? 2 * a->rows.cap : 256;
	struct mh_ev_region *v;

	if (a->rows.nr == a->rows.cap) {
		v = realloc(a->rows.v, cap * sizeof(*v));
		if (!v)
			return mh_fail_errno(err, "cannot keep a snapshot");
		a->rows.v = v;
		a->rows.cap = cap;
	}
	a->rows.v[a->rows.nr++] = *row;
	return MH_OK;
}

void mh_access_fini(struct mh_access *a)
{
	free(a->rows.v);
}

/* ---- figures ---- */

static double rate(const struct mh_ev_region *r)
{
	return r->max_accesses ? (double)r->nr_accesses / r->max_accesses : 0;
}

static double age_us(const struct mh_access *a, const struct mh_ev_region *r)
{
	return r->age == MH_NO_AGE ? 0 : (double)r->age * (double)a->aggr_us;
}

static double temperature(const struct mh_access *a, const struct mh_ev_region *r)
{
	double t = 100 * (100 * rate(r) + age_us(a, r));

	return r->nr_accesses ? t : -t;
}

static double idle_us(const struct mh_access *a, const struct mh_ev_region *r)
{
	return r->nr_accesses ? 0 : age_us(a, r) + (double)a->aggr_us;
}

static double sort_value(const struct mh_access *a, const struct mh_ev_region *r)
{
	switch ((enum mh_access_sort)a->opts->sort) {
	case MH_SORT_RATE:
		return rate(r);
	case MH_SORT_AGE:
		return r->age == MH_NO_AGE ? -1 : (double)r->age;
	case MH_SORT_SIZE:
		return (double)(r->end - r->start);
	case MH_SORT_CODE:
	case MH_SORT_TEMPERATURE:
		return temperature(a, r);
	case MH_SORT_ADDRESS:
		break;
	}
	return (double)r->start;
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct mh_access *a = arg;
	const struct mh_ev_region *p = x, *q = y;
	double v = sort_value(a, p), w = sort_value(a, q);

	if (v < w || v > w)
		return (v < w ? -1 : 1) * (a->opts->descending ? -1 : 1);
	return p->start < q->start ? -1 : p->start > q->start;
}

/* ---- forms ---- */

static void print_list(struct mh_access *a, FILE *out)
{
	char size[MH_TEXT_MAX], part[MH_TEXT_MAX], age[MH_TEXT_MAX];
	size_t i;

	qsort_r(a->rows.v, a->rows.nr, sizeof(*a->rows.v), compare, a);
	fprintf(out, "  %-16s %-16s %10s  %6s  %9s  %s\n", "start", "end", "size", "rate",
		"age", "temperature");
	for (i = 0; i < a->rows.nr; i++) {
		const struct mh_ev_region *r = &a->rows.v[i];
		const char *how_old = "-";

		if (r->age != MH_NO_AGE)
			how_old = mh_text_ns(age, (uint64_t)age_us(a, r) * 1000);
		fprintf(out, "  %-16" PRIx64 " %-16" PRIx64 " %10s  %6s  %9s  %.0f\n",
			r->start, r->end, mh_text_bytes(size, r->end - r->start),
			mh_text_percent(part, rate(r)), how_old, temperature(a, r));
	}
}

static const char *figure(char buf[MH_TEXT_MAX], const struct mh_access *a, double v)
{
	if (a->opts->style == MH_ACCESS_RECENCY)
		return mh_text_ns(buf, (uint64_t)(v * 1000));
	snprintf(buf, MH_TEXT_MAX, "%.0f", v);
	return buf;
}

static void print_histogram(const struct mh_access *a, const struct mh_weighed *v,
			    size_t n, FILE *out)
{
	struct mh_weighed_bin bins[MH_WEIGHED_BINS];
	size_t i, nr = mh_weighed_histogram(bins, v, n, a->opts->log_bins);
	char from[MH_TEXT_MAX], to[MH_TEXT_MAX], size[MH_TEXT_MAX], bar[256];
	uint64_t most = 1;

	for (i = 0; i < nr; i++)
		most = bins[i].bytes > most ? bins[i].bytes : most;
	for (i = 0; i < nr; i++) {
		mh_text_bar(bar, sizeof(bar), (double)bins[i].bytes / (double)most, 20,
			    a->term->utf8);
		fprintf(out, "  [%12s, %12s) %10s  |%s\n", figure(from, a, bins[i].start),
			figure(to, a, bins[i].end), mh_text_bytes(size, bins[i].bytes),
			bar);
	}
}

static int print_bytes_by(const struct mh_access *a, FILE *out, struct mh_err *err)
{
	static const double p[] = { 0, 1, 25, 50, 75, 99, 100 };
	struct mh_weighed *v = calloc(a->rows.nr, sizeof(*v));
	char text[MH_TEXT_MAX];
	size_t i;

	if (!v)
		return mh_fail_errno(err, "cannot sort a snapshot");
	for (i = 0; i < a->rows.nr; i++) {
		const struct mh_ev_region *r = &a->rows.v[i];

		v[i].bytes = r->end - r->start;
		v[i].value = a->opts->style == MH_ACCESS_RECENCY ? idle_us(a, r)
								 : temperature(a, r);
	}
	mh_weighed_sort(v, a->rows.nr);
	fprintf(out, "  %% of bytes  %s up to\n",
		a->opts->style == MH_ACCESS_RECENCY ? "idle" : "temperature");
	for (i = 0; i < sizeof(p) / sizeof(p[0]); i++)
		fprintf(out, "  %10g  %s\n", p[i],
			figure(text, a, mh_weighed_percentile(v, a->rows.nr, p[i])));
	print_histogram(a, v, a->rows.nr, out);
	free(v);
	return MH_OK;
}

/* Temperature along the bytes, gaps left out, in digits 0 to 9. */
static void print_line(const struct mh_access *a, FILE *out)
{
	double sum[LINE_CELLS] = { 0 }, all = 0, at = 0, min, max;
	size_t i, k;

	for (i = 0; i < a->rows.nr; i++)
		all += (double)(a->rows.v[i].end - a->rows.v[i].start);
	for (i = 0; i < a->rows.nr; i++) {
		double len = (double)(a->rows.v[i].end - a->rows.v[i].start);
		double from = at * LINE_CELLS / all;
		double to = (at + len) * LINE_CELLS / all;

		for (k = (size_t)from; k < LINE_CELLS && (double)k < to; k++) {
			double lo = from > (double)k ? from : (double)k;
			double hi = to < (double)(k + 1) ? to : (double)(k + 1);

			sum[k] += (hi - lo) * temperature(a, &a->rows.v[i]);
		}
		at += len;
	}
	min = max = sum[0];
	for (k = 1; k < LINE_CELLS; k++) {
		min = sum[k] < min ? sum[k] : min;
		max = sum[k] > max ? sum[k] : max;
	}
	fprintf(out, "  |");
	for (k = 0; k < LINE_CELLS; k++)
		fputc(max > min ? '0' + (int)(9 * (sum[k] - min) / (max - min)) : '0',
		      out);
	fprintf(out, "|  temperature %.0f to %.0f\n", min, max);
}

int mh_access_end(struct mh_access *a, FILE *out, struct mh_err *err)
{
	int status = MH_OK;

	if (a->rows.nr) {
		if (a->opts->style == MH_ACCESS_LIST)
			print_list(a, out);
		else if (a->opts->style == MH_ACCESS_LINE)
			print_line(a, out);
		else
			status = print_bytes_by(a, out, err);
	}
	a->rows.nr = 0;
	return status;
}
