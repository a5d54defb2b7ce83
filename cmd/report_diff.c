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

/* ---- text ---- */

static const struct mh_table_column text_columns[] = {
	{ "key", "object", MH_CELL_TYPE_TEXT },
	{ "baseline", "before", MH_CELL_TYPE_BYTES },
	{ "value", "now", MH_CELL_TYPE_BYTES },
	{ "change", "change", MH_CELL_TYPE_TEXT },
	{ "source", "source", MH_CELL_TYPE_TEXT },
};

static const char *file_of(const struct mh_growth *g)
{
	return g->file ? g->file : "";
}

static int put_table(FILE *out, const struct diff_view *v, int utf8, struct mh_err *err)
{
	char change[MH_TEXT_MAX + 1], source[MH_REPORT_SOURCE];
	struct mh_table t;
	size_t i;

	mh_table_begin_text(&t, out, utf8, MH_COLUMNS(text_columns));
	for (i = 0; i < v->verdict.growth.nr; i++) {
		const struct mh_growth *g = &v->verdict.growth.v[i];

		mh_table_put_text(&t, g->key);
		mh_table_put_u64(&t, (uint64_t)g->baseline);
		mh_table_put_u64(&t, (uint64_t)g->value);
		mh_table_put_text(&t, change_of(change, g->baseline, g->value));
		mh_table_put_text(&t, mh_report_source(source, file_of(g), g->line));
	}
	return mh_table_end(&t, err);
}

static int put_picture(FILE *out, const void *view, struct mh_report *r,
		       struct mh_err *err)
{
	const struct diff_view *v = view;

	return mh_report_picture(out, &v->map, r, err);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_term_opts term = mh_report_term_opts(r);
	const struct diff_view *v = view;
	double before, after;
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], c[MH_TEXT_MAX + 1];
	size_t i;
	int status;

	if (wants_map(r))
		return mh_term_heatmap(out, &v->map, &term, err);
	before = mh_run_value(v->before.v, "wss.mean");
	after = mh_run_value(v->after.v, "wss.mean");
	fprintf(out, "mean WSS %s -> %s, %s\n\n", mh_text_bytes(a, (uint64_t)before),
		mh_text_bytes(b, (uint64_t)after), change_of(c, before, after));
	status = put_table(out, v, r->term.utf8, err);
	for (i = 0; i < v->verdict.notes.nr; i++)
		fprintf(out, "\n%s: %s\n",
			v->verdict.notes.v[i].warning ? "warning" : "note",
			v->verdict.notes.v[i].text);
	fprintf(out, "\none run a side: 'memheat check' tells growth from noise\n");
	return status;
}

/* ---- JSON and CSV ---- */

static const struct mh_table_column columns[] = {
	{ "key", "", MH_CELL_TYPE_TEXT },    { "baseline", "", MH_CELL_TYPE_BYTES },
	{ "value", "", MH_CELL_TYPE_BYTES }, { "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_U64 },
};

static void put_rows(struct mh_table *t, const void *view)
{
	const struct diff_view *v = view;
	size_t i;

	for (i = 0; i < v->verdict.growth.nr; i++) {
		const struct mh_growth *g = &v->verdict.growth.v[i];

		mh_table_put_text(t, g->key);
		mh_table_put_u64(t, (uint64_t)g->baseline);
		mh_table_put_u64(t, (uint64_t)g->value);
		mh_table_put_text(t, file_of(g));
		mh_table_put_u64(t, g->line);
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct diff_view *v = view;
	size_t i;

	mh_json_put_double(j, "baseline_mean", mh_run_value(v->before.v, "wss.mean"));
	mh_json_put_double(j, "value_mean", mh_run_value(v->after.v, "wss.mean"));
	mh_report_json_rows(j, "rows", &mh_report_diff.rows, v);
	mh_json_key(j, "notes");
	mh_json_array(j);
	for (i = 0; i < v->verdict.notes.nr; i++)
		mh_json_string(j, v->verdict.notes.v[i].text);
	mh_json_end_array(j);
}

const struct mh_report_type mh_report_diff = {
	.name = "diff",
	.summary = "what grew from one trace to another",
	.view_size = sizeof(struct diff_view),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.picture = put_picture,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
