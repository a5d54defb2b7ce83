/* SPDX-License-Identifier: MIT */
/*
 * memheat report diff A B: what grew and what shrank from one trace to another, by
 * mapping and, with heap logs, by allocation site. It explains; whether a difference
 * matters is for `memheat check` to say, which has more than one run a side.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

struct diff_view {
	struct mh_runs before, after; /* one run each */
	struct mh_verdict verdict;    /* its growth and notes */
	struct mh_heatmap map;        /* where that was asked for */
};

static int wants_map(const struct mh_report *r)
{
	return r->opts->map || r->format == MH_REPORT_PNG || r->format == MH_REPORT_SVG;
}

static int take(struct mh_runs *out, struct mh_session *s, struct mh_err *err)
{
	const struct mh_run_opts opts = { 0 };
	int status;

	out->v = calloc(1, sizeof(*out->v));
	if (!out->v)
		return mh_fail_errno(err, "cannot compare traces");
	status = mh_run_analyze(out->v, &out->env, s, &opts, err);
	out->nr = status == MH_OK;
	return status;
}

static int open_other(struct mh_session **s, struct mh_report *r, struct mh_err *err)
{
	struct mh_session_opts opts;

	mh_filters_session(&opts, &r->opts->filters);
	opts.threads = (unsigned)r->opts->threads;
	return mh_session_open(s, r->opts->other, &opts, err);
}

static int make_map(struct diff_view *v, struct mh_session *other, struct mh_report *r,
		    struct mh_err *err)
{
	struct mh_heatmap before = { 0 }, after = { 0 };
	int status = mh_report_map(&before, other, r, err);

	if (status == MH_OK)
		status = mh_report_map(&after, r->session, r, err);
	if (status == MH_OK)
		status = mh_heatmap_difference(&v->map, &before, &after, err);
	mh_heatmap_fini(&before);
	mh_heatmap_fini(&after);
	return status;
}

static int make_table(struct diff_view *v, struct mh_session *other, struct mh_report *r,
		      struct mh_err *err)
{
	int status = take(&v->before, other, err);

	if (status == MH_OK)
		status = take(&v->after, r->session, err);
	if (status == MH_OK)
		status = mh_growth_compare(&v->verdict, &v->before, &v->after, err);
	return status;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	struct diff_view *v = view;
	char why[320];
	struct mh_session *other = NULL;
	int status;

	if (r->opts->map && (r->format == MH_REPORT_JSON || r->format == MH_REPORT_CSV))
		return mh_fail(err, MH_EINPUT,
			       "--map is a picture: text, -o FILE.png or -o FILE.svg");
	status = open_other(&other, r, err);

	if (status == MH_OK)
		status = wants_map(r) ? make_map(v, other, r, err)
				      : make_table(v, other, r, err);
	mh_session_close(other);
	if (status != MH_OK || wants_map(r))
		return status;
	if (mh_environment_compare(&v->before.env, &v->after.env, why, sizeof(why)) !=
		    MH_ENVIRONMENT_SAME &&
	    mh_verdict_note(&v->verdict, true, "recorded differently: %s", why))
		return mh_fail(err, MH_ENOMEM, "no memory for a comparison");
	return MH_OK;
}

static void fini(void *view)
{
	struct diff_view *v = view;

	mh_runs_fini(&v->before);
	mh_runs_fini(&v->after);
	mh_verdict_fini(&v->verdict);
	mh_heatmap_fini(&v->map);
}

enum {
	NR_COLUMNS = 5
};

static const struct mh_table_column text_columns[NR_COLUMNS] = {
	{ "key", "object", MH_CELL_TYPE_TEXT },
	{ "baseline", "before", MH_CELL_TYPE_BYTES },
	{ "value", "now", MH_CELL_TYPE_BYTES },
	{ "change", "change", MH_CELL_TYPE_TEXT },
	{ "source", "source", MH_CELL_TYPE_TEXT },
};

static const struct mh_table_column columns[NR_COLUMNS] = {
	{ "key", "", MH_CELL_TYPE_TEXT },    { "baseline", "", MH_CELL_TYPE_BYTES },
	{ "value", "", MH_CELL_TYPE_BYTES }, { "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_U64 },
};

static const char *change_of(char buf[MH_TEXT_MAX + 1], double before, double after)
{
	char bytes[MH_TEXT_MAX];

	if (after > before)
		snprintf(buf, MH_TEXT_MAX + 1, "+%s",
			 mh_text_bytes(bytes, (uint64_t)(after - before)));
	else if (after < before)
		snprintf(buf, MH_TEXT_MAX + 1, "-%s",
			 mh_text_bytes(bytes, (uint64_t)(before - after)));
	else
		snprintf(buf, MH_TEXT_MAX + 1, "0");
	return buf;
}

struct words {
	char change[MH_TEXT_MAX + 1], source[MH_REPORT_SOURCE];
};

/* @words: NULL: for programs */
static struct mh_table_cell *make_cells(const struct diff_view *v, struct words *words)
{
	size_t i, nr = v->verdict.growth.nr;
	struct mh_table_cell *cells = calloc(nr * NR_COLUMNS + 1, sizeof(*cells));

	for (i = 0; cells && i < nr; i++) {
		const struct mh_growth *g = &v->verdict.growth.v[i];
		struct mh_table_cell *row = cells + i * NR_COLUMNS;
		const char *file = g->file ? g->file : "";

		row[0].text = g->key;
		row[1].u64 = (uint64_t)g->baseline;
		row[2].u64 = (uint64_t)g->value;
		row[3].text = file;
		row[4].u64 = g->line;
		if (!words)
			continue;
		row[3].text = change_of(words[i].change, g->baseline, g->value);
		row[4].text = mh_report_source(words[i].source, file, g->line);
	}
	return cells;
}

static void write_text(FILE *out, const struct diff_view *v,
		       const struct mh_table_cell *cells)
{
	double before = mh_run_value(v->before.v, "wss.mean");
	double after = mh_run_value(v->after.v, "wss.mean");
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], c[MH_TEXT_MAX + 1];
	size_t i;

	fprintf(out, "mean WSS %s -> %s, %s\n\n", mh_text_bytes(a, (uint64_t)before),
		mh_text_bytes(b, (uint64_t)after), change_of(c, before, after));
	mh_table_print(out, MH_FORMAT_TEXT, NULL, text_columns, NR_COLUMNS, cells,
		       v->verdict.growth.nr);
	for (i = 0; i < v->verdict.notes.nr; i++)
		fprintf(out, "\n%s: %s\n",
			v->verdict.notes.v[i].warning ? "warning" : "note",
			v->verdict.notes.v[i].text);
	fprintf(out, "\none run a side: 'memheat check' tells growth from noise\n");
}

static void write_json(FILE *out, const struct diff_view *v,
		       const struct mh_table_cell *cells)
{
	struct mh_json j;
	size_t i;

	mh_report_json_begin(&j, out, "memheat.diff/1");
	mh_json_key(&j, "baseline_mean");
	mh_json_double(&j, mh_run_value(v->before.v, "wss.mean"));
	mh_json_key(&j, "value_mean");
	mh_json_double(&j, mh_run_value(v->after.v, "wss.mean"));
	mh_json_key(&j, "rows");
	mh_table_print(out, MH_FORMAT_JSON, &j, columns, NR_COLUMNS, cells,
		       v->verdict.growth.nr);
	mh_json_key(&j, "notes");
	mh_json_array(&j);
	for (i = 0; i < v->verdict.notes.nr; i++)
		mh_json_string(&j, v->verdict.notes.v[i].text);
	mh_json_end_array(&j);
	mh_report_json_end(&j);
}

static int write_map(FILE *out, const struct mh_heatmap *map, struct mh_report *r,
		     struct mh_err *err)
{
	const struct mh_picture_opts picture = mh_report_picture_opts(r);
	const struct mh_term_opts term = mh_report_term_opts(r);

	if (r->format == MH_REPORT_PNG)
		return mh_png_write(out, map, &picture, err);
	if (r->format == MH_REPORT_SVG)
		return mh_svg_write(out, map, &picture, err);
	return mh_term_heatmap(out, map, &term, err);
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	const struct diff_view *v = view;
	struct words *words = calloc(v->verdict.growth.nr + 1, sizeof(*words));
	struct mh_table_cell *cells =
		words ? make_cells(v, r->format == MH_REPORT_TEXT ? words : NULL) : NULL;
	int status = MH_OK;

	if (wants_map(r)) {
		free(cells);
		free(words);
		return write_map(out, &v->map, r, err);
	}
	if (!cells)
		status = mh_fail_errno(err, "cannot print the difference");
	else if (r->format == MH_REPORT_TEXT)
		write_text(out, v, cells);
	else if (r->format == MH_REPORT_JSON)
		write_json(out, v, cells);
	else
		mh_table_print(out, MH_FORMAT_CSV, NULL, columns, NR_COLUMNS, cells,
			       v->verdict.growth.nr);
	free(cells);
	free(words);
	return status;
}

const struct mh_report_type mh_report_diff = {
	.name = "diff",
	.summary = "what grew from one trace to another",
	.pictures = 1,
	.view_size = sizeof(struct diff_view),
	.analyze = analyze,
	.write = write_view,
	.fini = fini,
};
