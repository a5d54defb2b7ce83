/* SPDX-License-Identifier: MIT */
/*
 * memheat report wss: how much memory is used per interval, as percentiles, a histogram,
 * and for longer windows and higher thresholds. One number ("the working set is 95 MiB")
 * hides what capacity planning needs; the columns beside each other show it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "values.h"

struct wss_view {
	struct mh_wss wss;
	double *p; /* percentiles wanted */
	size_t nr_p;
	int over_time;
};

static const double default_percentiles[] = { 0, 25, 50, 75, 90, 95, 99, 100 };

static int take_percentiles(struct wss_view *v, const struct mh_strings *wanted,
			    struct mh_err *err)
{
	size_t i, nr = wanted->nr;

	if (!nr)
		nr = sizeof(default_percentiles) / sizeof(default_percentiles[0]);
	v->p = calloc(nr, sizeof(*v->p));
	if (!v->p)
		return mh_fail_errno(err, "cannot keep percentiles");
	v->nr_p = nr;
	if (!wanted->nr)
		memcpy(v->p, default_percentiles, sizeof(default_percentiles));
	for (i = 0; i < wanted->nr; i++)
		if (mh_value_number(&v->p[i], wanted->v[i], NULL) != MH_OK ||
		    strchr(wanted->v[i], '%') || v->p[i] < 0 || v->p[i] > 100)
			return mh_fail(
				err, MH_EINPUT,
				"--percentiles: '%s' is not a number from 0 to 100",
				wanted->v[i]);
	return MH_OK;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	struct wss_view *v = view;
	int status = take_percentiles(v, &r->opts->percentiles, err);

	v->over_time = r->opts->over_time;
	if (status == MH_OK)
		status = mh_wss_analyze(&v->wss, r->session, err);
	return status;
}

static void fini(void *view)
{
	struct wss_view *v = view;

	mh_wss_fini(&v->wss);
	free(v->p);
}

/* ---- text ---- */

static void text_title(FILE *out, const struct mh_wss *w)
{
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX];

	fprintf(out, "WSS per %s (any access)", mh_text_ns(a, w->window_ns));
	if (w->rss_p50 != MH_NO_DATA)
		fprintf(out, "   RSS %s", mh_text_bytes(b, w->rss_p50));
	if (w->one_page_in > 1)
		fprintf(out, "   from 1 page in %" PRIu32 ", +- %s", w->one_page_in,
			mh_text_bytes(b, w->error_p50));
	fprintf(out, "   mean %s   n=%zu",
		mh_text_bytes(a, w->any.n ? (uint64_t)w->any.mean : MH_NO_DATA),
		w->any.n);
	if (w->nr_no_data)
		fprintf(out, ", %zu without data", w->nr_no_data);
	if (w->nr_skipped)
		fprintf(out, ", first %zu left out", w->nr_skipped);
	else
		fprintf(out, ", warm-up included (--skip N leaves it out)");
	fputc('\n', out);
	if (!w->sampled || !w->any.n)
		return;
	fprintf(out, "distinct pages that samples hit%s: coverage %.0f %%, ",
		w->coverage_p50 < MH_WSS_COVERED ? ", a lower bound" : "",
		100 * w->coverage_p50);
	fprintf(out, "all that was used is likely %s", mh_text_bytes(a, w->chao1_p50));
	fprintf(out, ", at 95 %% %s to %s (medians)\n",
		mh_text_bytes(a, w->chao1_p50_low), mh_text_bytes(b, w->chao1_p50_high));
}

static void text_percentiles(FILE *out, const struct wss_view *v,
			     const struct mh_terminal *term)
{
	uint64_t max = mh_wss_percentile(&v->wss.any, 100);
	unsigned width = term->width > 30 ? term->width - 26 : 10;
	char text[MH_TEXT_MAX], bar[1024];
	size_t i;

	if (width > 50)
		width = 50;
	fprintf(out, " pct        size\n");
	for (i = 0; i < v->nr_p; i++) {
		uint64_t bytes = mh_wss_percentile(&v->wss.any, v->p[i]);

		mh_text_bar(bar, sizeof(bar), max ? (double)bytes / (double)max : 0,
			    width, term->utf8);
		fprintf(out, "%4.4g  %10s  |%s\n", v->p[i], mh_text_bytes(text, bytes),
			bar);
	}
}

#define BINS 16

/* A round bin width (a power of two of bytes) that gives at most BINS bins. */
static uint64_t bin_width(uint64_t min, uint64_t max)
{
	uint64_t width = 4096;

	while (max / width - min / width >= BINS && width < 1ull << 62)
		width *= 2;
	return width;
}

static void text_histogram(FILE *out, const struct mh_wss_series *s,
			   const struct mh_terminal *term)
{
	uint64_t width = bin_width(s->sorted[0], s->sorted[s->n - 1]);
	uint64_t first = s->sorted[0] / width;
	size_t count[BINS] = { 0 }, most = 0, i;
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], bar[256];

	for (i = 0; i < s->n; i++)
		if (++count[s->sorted[i] / width - first] > most)
			most = count[s->sorted[i] / width - first];
	fprintf(out, "\nhistogram, bins of %s\n", mh_text_bytes(a, width));
	for (i = 0; i < BINS; i++) {
		if (!count[i])
			continue;
		mh_text_bar(bar, sizeof(bar), (double)count[i] / (double)most, 30,
			    term->utf8);
		fprintf(out, "  [%10s, %10s) %6zu  %s\n",
			mh_text_bytes(a, (first + i) * width),
			mh_text_bytes(b, (first + i + 1) * width), count[i], bar);
	}
}

/* Several series beside each other: p50, p95 and max of each. */
static void text_series(FILE *out, const char *title, const struct mh_wss_series *s,
			size_t nr)
{
	static const double rows[] = { 50, 95, 100 };
	static const char *const names[] = { "p50", "p95", "max" };
	char text[MH_TEXT_MAX];
	size_t i, j;

	if (!nr)
		return;
	fprintf(out, "\n%-14s", title);
	for (i = 0; i < nr; i++)
		fprintf(out, " %11s", s[i].name);
	fputc('\n', out);
	for (j = 0; j < 3; j++) {
		fprintf(out, "  %-12s", names[j]);
		for (i = 0; i < nr; i++)
			fprintf(out, " %11s",
				mh_text_bytes(text, mh_wss_percentile(&s[i], rows[j])));
		fputc('\n', out);
	}
}

static int text_over_time(FILE *out, const struct mh_wss *w,
			  const struct mh_terminal *term, struct mh_err *err)
{
	uint64_t *values = calloc(w->nr_points ? w->nr_points : 1, sizeof(*values));
	uint64_t max = mh_wss_percentile(&w->any, 100);
	char line[4096], a[MH_TEXT_MAX], b[MH_TEXT_MAX], bar[256];
	size_t i;

	if (!values)
		return mh_fail_errno(err, "cannot draw over time");
	for (i = 0; i < w->nr_points; i++)
		values[i] = w->points[i].bytes;
	mh_text_spark(line, sizeof(line), values, w->nr_points, max,
		      term->width > 20 ? term->width - 4 : 16, term->utf8);
	free(values);
	fprintf(out, "\n  %s\n\n    time        size\n", line);
	for (i = 0; i < w->nr_points; i++) {
		uint64_t bytes = w->points[i].bytes;

		fprintf(out, "%8s  %10s", mh_report_moment(a, w->points[i].time_ns.start),
			bytes == MH_NO_DATA ? "no data" : mh_text_bytes(b, bytes));
		mh_text_bar(bar, sizeof(bar),
			    bytes == MH_NO_DATA || !max ? 0 : (double)bytes / (double)max,
			    50, term->utf8);
		fprintf(out, "  %s%s\n", bytes == MH_NO_DATA ? "" : "|", bar);
	}
	return MH_OK;
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct wss_view *v = view;
	const struct mh_wss *w = &v->wss;
	int status = MH_OK;

	mh_report_header(out, &w->from, &r->term);
	fprintf(out, "\n\n");
	if (!w->any.n) {
		fprintf(out,
			"No interval has data, so there is no working set to show.\n");
	} else {
		text_title(out, w);
		if (r->opts->over_time) {
			status = text_over_time(out, w, &r->term, err);
		} else {
			text_percentiles(out, v, &r->term);
			text_histogram(out, &w->any, &r->term);
			text_series(out, "by threshold", w->thresholds, w->nr_thresholds);
			if (w->nr_windows > 1)
				text_series(out, "by window", w->windows, w->nr_windows);
			else if (*w->windows_note)
				fprintf(out, "\nno longer windows: %s\n",
					w->windows_note);
		}
	}
	fputc('\n', out);
	mh_report_footer(out, &w->from);
	return status;
}

/* ---- JSON and CSV ---- */

static void json_percentiles(struct mh_json *j, const struct wss_view *v,
			     const struct mh_wss_series *s)
{
	size_t i;

	mh_json_key(j, "percentiles");
	mh_json_array(j);
	for (i = 0; i < v->nr_p; i++) {
		mh_json_object(j);
		mh_json_put_double(j, "p", v->p[i]);
		mh_json_put_bytes(j, "bytes", mh_wss_percentile(s, v->p[i]));
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void json_series(struct mh_json *j, const char *key, const struct wss_view *v,
			const struct mh_wss_series *s, size_t nr)
{
	size_t i;

	mh_json_key(j, key);
	mh_json_array(j);
	for (i = 0; i < nr; i++) {
		mh_json_object(j);
		mh_json_put_string(j, "name", s[i].name);
		mh_json_put_u64(j, "window_ns", s[i].window_ns);
		mh_json_put_u64(j, "n", s[i].n);
		mh_json_key(j, "mean");
		if (s[i].n)
			mh_json_double(j, s[i].mean);
		else
			mh_json_null(j);
		json_percentiles(j, v, &s[i]);
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void json_points(struct mh_json *j, const struct mh_wss *w)
{
	size_t i;

	mh_json_key(j, "points");
	mh_json_array(j);
	for (i = 0; i < w->nr_points; i++) {
		mh_json_object(j);
		mh_json_put_u64(j, "start_ns", w->points[i].time_ns.start);
		mh_json_put_u64(j, "end_ns", w->points[i].time_ns.end);
		mh_json_put_bytes(j, "bytes", w->points[i].bytes);
		if (w->sampled && w->points[i].bytes != MH_NO_DATA) {
			mh_json_put_double(j, "coverage", w->points[i].coverage);
			mh_json_put_bytes(j, "chao1", w->points[i].chao1);
			mh_json_put_bytes(j, "chao1_low", w->points[i].chao1_low);
			mh_json_put_bytes(j, "chao1_high", w->points[i].chao1_high);
		}
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct wss_view *v = view;
	const struct mh_wss *w = &v->wss;

	mh_report_json_from(j, &w->from);
	mh_json_put_u64(j, "window_ns", w->window_ns);
	mh_json_put_u64(j, "n", w->any.n);
	mh_json_put_u64(j, "no_data", w->nr_no_data);
	mh_json_put_u64(j, "skipped", w->nr_skipped);
	mh_json_key(j, "mean");
	if (w->any.n)
		mh_json_double(j, w->any.mean);
	else
		mh_json_null(j);
	if (w->one_page_in > 1) {
		mh_json_put_u64(j, "one_page_in", w->one_page_in);
		mh_json_put_bytes(j, "standard_error_p50", w->error_p50);
	}
	mh_json_put_bytes(j, "rss_p50", w->rss_p50);
	if (w->sampled && w->any.n) {
		mh_json_put_double(j, "coverage_p50", w->coverage_p50);
		mh_json_put_bool(j, "lower_bound", w->coverage_p50 < MH_WSS_COVERED);
		mh_json_put_bytes(j, "chao1_p50", w->chao1_p50);
		mh_json_put_bytes(j, "chao1_p50_low", w->chao1_p50_low);
		mh_json_put_bytes(j, "chao1_p50_high", w->chao1_p50_high);
	}
	json_percentiles(j, v, &w->any);
	json_series(j, "thresholds", v, w->thresholds, w->nr_thresholds);
	json_series(j, "windows", v, w->windows, w->nr_windows);
	json_points(j, w);
}

static const struct mh_table_column point_columns[] = {
	{ "start_ns", "", MH_CELL_TYPE_U64 },
	{ "end_ns", "", MH_CELL_TYPE_U64 },
	{ "bytes", "", MH_CELL_TYPE_BYTES },
};

static const struct mh_table_column percentile_columns[] = {
	{ "p", "", MH_CELL_TYPE_RATIO },
	{ "bytes", "", MH_CELL_TYPE_BYTES },
};

static void put_csv(FILE *out, const void *view)
{
	const struct wss_view *v = view;
	struct mh_table t;
	size_t i;

	if (v->over_time) {
		mh_table_begin_csv(&t, out, MH_COLUMNS(point_columns));
		for (i = 0; i < v->wss.nr_points; i++) {
			mh_table_put_u64(&t, v->wss.points[i].time_ns.start);
			mh_table_put_u64(&t, v->wss.points[i].time_ns.end);
			mh_table_put_u64(&t, v->wss.points[i].bytes);
		}
	} else {
		mh_table_begin_csv(&t, out, MH_COLUMNS(percentile_columns));
		for (i = 0; i < v->nr_p; i++) {
			mh_table_put_ratio(&t, v->p[i]);
			mh_table_put_u64(&t, mh_wss_percentile(&v->wss.any, v->p[i]));
		}
	}
	mh_table_end(&t, NULL);
}

const struct mh_report_type mh_report_wss = {
	.name = "wss",
	.summary = "working set sizes: percentiles, histogram, windows",
	.view_size = sizeof(struct wss_view),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.csv = put_csv,
};
