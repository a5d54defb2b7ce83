/* SPDX-License-Identifier: MIT */
/* memheat report hot: which variables and mappings the accesses go to. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define TEXT_ROWS 30 /* of a person's table; programs get them all */

static const struct mh_table_column text_columns[] = {
	{ "n", "#", MH_CELL_TYPE_U64 },
	{ "share", "share", MH_CELL_TYPE_RATIO },
	{ "cum", "cum", MH_CELL_TYPE_RATIO },
	{ "size", "size", MH_CELL_TYPE_BYTES },
	{ "age", "age", MH_CELL_TYPE_TEXT },
	{ "start", "address", MH_CELL_TYPE_HEX },
	{ "mapping", "mapping", MH_CELL_TYPE_TEXT },
	{ "symbol", "object", MH_CELL_TYPE_TEXT },
	{ "source", "source", MH_CELL_TYPE_TEXT },
	{ "accessor", "top accessor", MH_CELL_TYPE_TEXT },
};

static void put_object(struct mh_table *t, const struct mh_hot_row *row)
{
	if (row->kind == MH_HOT_SITE)
		mh_table_put_words(t, "%.60s (malloc site)", row->symbol);
	else if (*row->member)
		mh_table_put_words(t, "%.45s %s%.30s", row->type,
				   *row->member == '[' ? "" : ".", row->member);
	else
		mh_table_put_words(t, "%.78s",
				   *row->symbol ? row->symbol
				   : *row->type ? row->type
						: "-");
}

static void put_accessor(struct mh_table *t, const struct mh_hot_row *row)
{
	const struct mh_hot_accessor *top = row->accessors;
	char source[MH_REPORT_SOURCE], percent[MH_TEXT_MAX];

	if (row->nr_accessors)
		mh_table_put_words(t, "%.60s %.40s %s", top->function,
				   mh_report_source(source, top->file, top->line),
				   mh_text_percent(percent, top->share));
	else
		mh_table_put_text(t, "-");
}

static void put_text_row(struct mh_table *t, const struct mh_hot_row *row, size_t i)
{
	char source[MH_REPORT_SOURCE], age[MH_TEXT_MAX];

	mh_table_put_u64(t, i + 1);
	mh_table_put_ratio(t, row->share);
	mh_table_put_ratio(t, row->cum);
	mh_table_put_u64(t, row->bytes);
	mh_table_put_text(t,
			  row->age_ns == MH_NO_DATA ? "-" : mh_text_ns(age, row->age_ns));
	mh_table_put_u64(t, row->addr.start);
	mh_table_put_name(t, *row->mapping ? row->mapping : "-", 64);
	put_object(t, row);
	mh_table_put_name(t, mh_report_source(source, row->file, row->line), 80);
	put_accessor(t, row);
}

static int put_table(FILE *out, const struct mh_hot *hot, const struct mh_report *r,
		     struct mh_err *err)
{
	size_t nr = hot->nr_rows < TEXT_ROWS ? hot->nr_rows : TEXT_ROWS, i;
	struct mh_table t;
	int status;

	mh_table_begin_text(&t, out, r->term.utf8, MH_COLUMNS(text_columns));
	for (i = 0; i < nr; i++)
		put_text_row(&t, &hot->rows[i], i);
	status = mh_table_end(&t, err);
	if (nr < hot->nr_rows)
		fprintf(out, "and %zu more: memheat report hot --format csv\n",
			hot->nr_rows - nr);
	return status;
}

/* Why rows have no variable, each reason once with its share. */
static void put_reasons(FILE *out, const struct mh_hot *hot)
{
	char percent[MH_TEXT_MAX];
	size_t i, k;

	for (i = 0; i < hot->nr_rows; i++) {
		const char *why = hot->rows[i].why;
		double share = 0;

		for (k = 0; k < i && strcmp(hot->rows[k].why, why) != 0; k++)
			;
		if (!*why || k < i)
			continue;
		for (k = i; k < hot->nr_rows; k++)
			share += strcmp(hot->rows[k].why, why) ? 0 : hot->rows[k].share;
		fprintf(out, "without a variable's name: %s of the accesses, %s\n",
			mh_text_percent(percent, share), why);
	}
}

/* Of --by type: what the code's accesses tell beyond variables. */
static void put_types(FILE *out, const struct mh_hot *hot)
{
	char percent[MH_TEXT_MAX];
	size_t i;

	if (hot->by_code > 0)
		fprintf(out, "typed by the code that accesses it: %s of the accesses\n",
			mh_text_percent(percent, hot->by_code));
	for (i = 0; i < hot->nr_untyped; i++)
		fprintf(out, "without a type by code: %s, %s\n",
			mh_text_percent(percent, hot->untyped[i].share),
			hot->untyped[i].why);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_hot *hot = view;
	int status = MH_OK;

	mh_report_header(out, &hot->from, &r->term);
	fprintf(out, "\n\n");
	if (hot->nr_rows)
		status = put_table(out, hot, r, err);
	else
		fprintf(out, "No access was seen in this span.\n");
	fputc('\n', out);
	if (hot->nr_untyped || hot->by_code > 0)
		put_types(out, hot);
	else
		put_reasons(out, hot);
	if (hot->nr_rows && !isnan(hot->rows[0].rate))
		fprintf(out, "the heat of a region is spread evenly over its bytes\n");
	if (hot->heap_lost)
		fprintf(out,
			"the heap log lacks %" PRIu64
			" allocations or frees: some blocks have no name or a wrong "
			"one\n",
			hot->heap_lost);
	if (hot->nr_left_out)
		fprintf(out,
			"%" PRIu64 " samples left out: too many distinct addresses\n",
			hot->nr_left_out);
	mh_report_footer(out, &hot->from);
	return status;
}

/* ---- JSON and CSV ---- */

static const struct mh_table_column columns[] = {
	{ "share", "", MH_CELL_TYPE_RATIO }, { "cum", "", MH_CELL_TYPE_RATIO },
	{ "rate", "", MH_CELL_TYPE_RATIO },  { "start", "", MH_CELL_TYPE_HEX },
	{ "end", "", MH_CELL_TYPE_HEX },     { "bytes", "", MH_CELL_TYPE_BYTES },
	{ "pid", "", MH_CELL_TYPE_U64 },     { "mapping", "", MH_CELL_TYPE_TEXT },
	{ "object", "", MH_CELL_TYPE_TEXT }, { "symbol", "", MH_CELL_TYPE_TEXT },
	{ "type", "", MH_CELL_TYPE_TEXT },   { "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_U64 },    { "why", "", MH_CELL_TYPE_TEXT },
	{ "kind", "", MH_CELL_TYPE_TEXT },   { "age_ns", "", MH_CELL_TYPE_BYTES },
	{ "member", "", MH_CELL_TYPE_TEXT },
};

/* One row, without its accessors. */
static void put_row(struct mh_table *t, const struct mh_hot_row *row)
{
	mh_table_put_ratio(t, row->share);
	mh_table_put_ratio(t, row->cum);
	mh_table_put_ratio(t, row->rate);
	mh_table_put_u64(t, row->addr.start);
	mh_table_put_u64(t, row->addr.end);
	mh_table_put_u64(t, row->bytes);
	mh_table_put_u64(t, row->pid);
	mh_table_put_text(t, row->mapping);
	mh_table_put_text(t, row->object);
	mh_table_put_text(t, row->symbol);
	mh_table_put_text(t, row->type);
	mh_table_put_text(t, row->file);
	mh_table_put_u64(t, row->line);
	mh_table_put_text(t, row->why);
	mh_table_put_text(t, mh_hot_kind_name(row->kind));
	mh_table_put_u64(t, row->age_ns);
	mh_table_put_text(t, row->member);
}

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_hot *hot = view;
	size_t i;

	for (i = 0; i < hot->nr_rows; i++)
		put_row(t, &hot->rows[i]);
}

static void json_accessors(struct mh_json *j, const struct mh_hot_row *row)
{
	size_t i;

	mh_json_key(j, "accessors");
	mh_json_array(j);
	for (i = 0; i < row->nr_accessors; i++) {
		const struct mh_hot_accessor *a = &row->accessors[i];

		mh_json_object(j);
		mh_json_put_string(j, "function", a->function);
		mh_json_put_string(j, "file", a->file);
		mh_json_put_u64(j, "line", a->line);
		mh_json_put_double(j, "share", a->share);
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void json_row(struct mh_json *j, const struct mh_hot_row *row)
{
	struct mh_table t;

	mh_json_object(j);
	mh_table_begin_members(&t, j, MH_COLUMNS(columns));
	put_row(&t, row);
	json_accessors(j, row);
	mh_json_end_object(j);
}

/* Of --by type only: without code addresses there is neither. */
static void json_types(struct mh_json *j, const struct mh_hot *hot)
{
	size_t i;

	if (!hot->nr_untyped && hot->by_code <= 0)
		return;
	mh_json_put_double(j, "by_code", hot->by_code);
	mh_json_key(j, "untyped");
	mh_json_array(j);
	for (i = 0; i < hot->nr_untyped; i++) {
		mh_json_object(j);
		mh_json_put_string(j, "why", hot->untyped[i].why);
		mh_json_put_double(j, "share", hot->untyped[i].share);
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_hot *hot = view;
	size_t i;

	mh_report_json_from(j, &hot->from);
	mh_json_put_string(j, "unit", mh_unit_word(hot->unit));
	mh_json_put_u64(j, "left_out", hot->nr_left_out);
	mh_json_put_bool(j, "heap_log", hot->heap_known);
	mh_json_put_u64(j, "heap_lost", hot->heap_lost);
	json_types(j, hot);
	mh_json_key(j, "rows");
	mh_json_array(j);
	for (i = 0; i < hot->nr_rows; i++)
		json_row(j, &hot->rows[i]);
	mh_json_end_array(j);
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_symtab_opts names = mh_report_names(r);
	const struct mh_hot_opts opts = { .by = (enum mh_hot_by)r->opts->by,
					  .names = &names };

	return mh_hot_analyze(view, r->session, &opts, err);
}

static void fini(void *view)
{
	mh_hot_fini(view);
}

const struct mh_report_type mh_report_hot = {
	.name = "hot",
	.summary = "variables and mappings by their share of the accesses",
	.view_size = sizeof(struct mh_hot),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
