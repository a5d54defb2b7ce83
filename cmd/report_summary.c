/* SPDX-License-Identifier: MIT */
/*
 * memheat report: what matters in a few lines, for a person who sees the program for the
 * first time. Sentences are made only from numbers that the views hold.
 */
#include <math.h>
#include <stdlib.h>

#include "report.h"
#include "report_mappings.h"

#define MAPPINGS_SHOWN 10

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_summary_analyze(view, r->session, err);
}

static void fini(void *view)
{
	mh_summary_fini(view);
}

/* ---- text ---- */

static void text_typical(FILE *out, const struct mh_summary *s)
{
	const struct mh_wss *w = &s->wss;
	uint64_t p50 = mh_wss_percentile(&w->any, 50);
	uint64_t max = mh_wss_percentile(&w->any, 100);
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX];

	fprintf(out, "  In a typical %s ", mh_text_ns(a, w->window_ns));
	fprintf(out, "%s", mh_text_bytes(b, p50));
	if (s->mapped_bytes != MH_NO_DATA && s->mapped_bytes)
		fprintf(out, " of %s are %s (%s)", mh_text_bytes(a, s->mapped_bytes),
			mh_report_verb(s->mappings.unit),
			mh_text_percent(b, (double)p50 / (double)s->mapped_bytes));
	else
		fprintf(out, " are %s", mh_report_verb(s->mappings.unit));
	fprintf(out, "; peak %s at %s.\n", mh_text_bytes(a, max),
		mh_report_moment(b, s->peak_at_ns));
	if (s->rss_p50 != MH_NO_DATA)
		fprintf(out, "  %s are resident (RSS, median).\n",
			mh_text_bytes(a, s->rss_p50));
}

/* Large mappings that nothing uses are what a person can act on. */
static void text_cold(FILE *out, const struct mh_summary *s,
		      const struct mh_terminal *term)
{
	const struct mh_mappings *m = &s->mappings;
	char size[MH_TEXT_MAX], part[MH_TEXT_MAX], idle[MH_TEXT_MAX], name[256];
	size_t i;

	if (s->mapped_bytes == MH_NO_DATA)
		return;
	for (i = 0; i < m->nr_rows; i++) {
		const struct mh_mapping_row *row = &m->rows[i];

		if (isnan(row->idle_share) || row->idle_share < 0.9 ||
		    (double)row->bytes < 0.05 * (double)s->mapped_bytes)
			continue;
		mh_text_safe(name, sizeof(name), row->name, term->utf8);
		fprintf(out, "  %s (%s, %s) is cold: %s of it not %s in the last 10 s.\n",
			name, mh_text_bytes(size, row->bytes),
			mh_text_percent(part,
					(double)row->bytes / (double)s->mapped_bytes),
			mh_text_percent(idle, row->idle_share), mh_report_verb(m->unit));
	}
}

static int text_wss(FILE *out, const struct mh_wss *w, const struct mh_terminal *term,
		    struct mh_err *err)
{
	static const double p[] = { 50, 90, 95, 99 };
	uint64_t *values = calloc(w->nr_points + 1, sizeof(*values));
	uint64_t max = mh_wss_percentile(&w->any, 100);
	char line[4096], text[MH_TEXT_MAX];
	size_t i;

	if (!values)
		return mh_fail_errno(err, "cannot draw the working set");
	for (i = 0; i < w->nr_points; i++)
		values[i] = w->points[i].bytes;
	mh_text_spark(line, sizeof(line), values, w->nr_points, max,
		      term->width > 40 ? term->width - 18 : 22, term->utf8);
	free(values);
	fprintf(out, "\nWSS   %s  %s\n   ", line, mh_text_bytes(text, max));
	for (i = 0; i < sizeof(p) / sizeof(p[0]); i++)
		fprintf(out, "   p%.0f %s", p[i],
			mh_text_bytes(text, mh_wss_percentile(&w->any, p[i])));
	fputc('\n', out);
	return MH_OK;
}

static void text_no_wss(FILE *out, enum mh_unit unit)
{
	if (unit == MH_UNIT_FAULTS_PER_S)
		fprintf(out,
			"  First touches tell what came into use and when, not what "
			"stays "
			"in use:\n  there is no working set size from page faults.\n");
	else if (unit == MH_UNIT_ACCESSES_PER_S)
		fprintf(out,
			"  Samples tell where accesses go, not how much memory is in "
			"use.\n");
	else
		fprintf(out, "  No working set: no interval has data.\n");
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_summary *s = view;
	const struct mh_mappings *m = &s->mappings;
	char text[MH_TEXT_MAX];
	int status = MH_OK;

	mh_report_header(out, &m->from, &r->term);
	if (s->mapped_bytes != MH_NO_DATA)
		fprintf(out, ", %zu mapped area%s %s", m->nr_rows,
			mh_text_plural(m->nr_rows), mh_text_bytes(text, s->mapped_bytes));
	fprintf(out, "\n\n");
	if (s->wss.any.n)
		text_typical(out, s);
	else
		text_no_wss(out, m->unit);
	text_cold(out, s, &r->term);
	if (s->wss.any.n)
		status = text_wss(out, &s->wss, &r->term, err);
	fputc('\n', out);
	if (status == MH_OK && m->nr_rows)
		status = mh_report_mappings_text(out, m, MAPPINGS_SHOWN, r->term.utf8,
						 err);
	fputc('\n', out);
	mh_report_footer(out, &m->from);
	fprintf(out, "see also: memheat report heatmap | wss | mappings\n");
	return status;
}

/* ---- JSON and CSV: the numbers of the sentences ---- */

struct number {
	const char *name;
	uint64_t v; /* MH_NO_DATA: absent */
};

enum {
	NR_NUMBERS = 12
};

static void numbers(struct number n[NR_NUMBERS], const struct mh_summary *s)
{
	const struct mh_wss_series *any = &s->wss.any;
	const struct number all[NR_NUMBERS] = {
		{ "window_ns", s->wss.window_ns },
		{ "intervals_with_data", any->n },
		{ "wss_p50", mh_wss_percentile(any, 50) },
		{ "wss_p90", mh_wss_percentile(any, 90) },
		{ "wss_p95", mh_wss_percentile(any, 95) },
		{ "wss_p99", mh_wss_percentile(any, 99) },
		{ "wss_max", mh_wss_percentile(any, 100) },
		{ "wss_mean", any->n ? (uint64_t)any->mean : MH_NO_DATA },
		{ "peak_at_ns", any->n ? s->peak_at_ns : MH_NO_DATA },
		{ "mapped_bytes", s->mapped_bytes },
		{ "rss_p50", s->rss_p50 },
		{ "mappings", s->mappings.nr_rows },
	};
	size_t i;

	for (i = 0; i < NR_NUMBERS; i++)
		n[i] = all[i];
}

static const struct mh_table_column columns[] = {
	{ "name", "", MH_CELL_TYPE_TEXT },
	{ "value", "", MH_CELL_TYPE_BYTES },
};

static void put_rows(struct mh_table *t, const void *view)
{
	struct number n[NR_NUMBERS];
	size_t i;

	numbers(n, view);
	for (i = 0; i < NR_NUMBERS; i++) {
		mh_table_put_text(t, n[i].name);
		mh_table_put_u64(t, n[i].v);
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_summary *s = view;
	struct number n[NR_NUMBERS];
	size_t i;

	numbers(n, s);
	mh_report_json_from(j, &s->mappings.from);
	mh_json_put_string(j, "unit", mh_unit_word(s->mappings.unit));
	for (i = 0; i < NR_NUMBERS; i++)
		mh_json_put_bytes(j, n[i].name, n[i].v);
}

const struct mh_report_type mh_report_summary = {
	.name = "summary",
	.summary = "what matters in a few lines",
	.view_size = sizeof(struct mh_summary),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
