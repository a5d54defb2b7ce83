/* SPDX-License-Identifier: MIT */
/* memheat report code: which functions and lines made the accesses. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "report.h"
#include "report_access.h"

enum {
	TEXT_ROWS = 40, /* of a person's table; programs get them all */
	TEXT_COLUMNS = 12
};

/* Those of what the hardware told are left out where it told nothing. */
static const struct mh_table_column text_columns[TEXT_COLUMNS] = {
	{ "n", "#", MH_CELL_TYPE_U64 },
	{ "children", "children", MH_CELL_TYPE_RATIO },
	{ "share", "share", MH_CELL_TYPE_RATIO },
	{ "samples", "samples", MH_CELL_TYPE_U64 },
	{ "latency", "cycles", MH_CELL_TYPE_TEXT },
	{ "level", "level", MH_CELL_TYPE_TEXT },
	{ "tlb_miss", "tlb miss", MH_CELL_TYPE_TEXT },
	{ "hitm", "hitm", MH_CELL_TYPE_TEXT },
	{ "locked", "locked", MH_CELL_TYPE_TEXT },
	{ "function", "function", MH_CELL_TYPE_TEXT },
	{ "source", "source", MH_CELL_TYPE_TEXT },
	{ "module", "module", MH_CELL_TYPE_TEXT },
};
#define CHILDREN   1
#define SELF       2
#define FIRST_TOLD 4
#define NR_TOLD    5

static int is_told(const struct mh_code *code)
{
	size_t i;

	for (i = 0; i < code->nr_rows; i++) {
		if (code->rows[i].nr_told || code->rows[i].nr_latency)
			return 1;
	}
	return 0;
}

static const char *ratio(char buf[MH_TEXT_MAX], uint64_t part, uint64_t all)
{
	if (part)
		return mh_text_percent(buf, (double)part / (double)all);
	return all ? "0" : "-";
}

/* What the hardware told of a row. */
static void put_told(struct mh_table *t, const struct mh_code_row *row)
{
	char text[MH_TEXT_MAX];

	mh_table_put_text(t, mh_report_cycles(text, row->weight, row->nr_latency));
	mh_table_put_words(t, "%s %s", row->nr_told ? mh_mem_level_name(row->level) : "",
			   ratio(text, row->nr_at_level, row->nr_told));
	mh_table_put_text(t, ratio(text, row->nr_tlb_miss, row->nr_told));
	mh_table_put_text(t, ratio(text, row->nr_hitm, row->nr_told));
	mh_table_put_text(t, ratio(text, row->nr_locked, row->nr_told));
}

static void put_text_row(struct mh_table *t, const struct mh_code_row *row, size_t i,
			 int told, int children)
{
	char source[MH_REPORT_SOURCE];

	mh_table_put_u64(t, i + 1);
	if (children)
		mh_table_put_ratio(t, row->children);
	mh_table_put_ratio(t, row->share);
	mh_table_put_u64(t, row->samples);
	if (told)
		put_told(t, row);
	mh_table_put_name(t, *row->function ? row->function : "?", 96);
	mh_table_put_text(t, mh_report_source(source, row->file, row->line));
	mh_table_put_name(t, *row->module ? mh_report_base_name(row->module) : "-", 64);
}

static size_t choose_columns(struct mh_table_column *out, int told, int children)
{
	size_t i, nr = 0;

	for (i = 0; i < TEXT_COLUMNS; i++) {
		if ((!told && i >= FIRST_TOLD && i < FIRST_TOLD + NR_TOLD) ||
		    (!children && i == CHILDREN))
			continue;
		out[nr] = text_columns[i];
		if (children && i == SELF)
			out[nr].title = "self";
		nr++;
	}
	return nr;
}

static int put_table(FILE *out, const struct mh_code *code, const struct mh_report *r,
		     struct mh_err *err)
{
	size_t nr = code->nr_rows < TEXT_ROWS ? code->nr_rows : TEXT_ROWS, i;
	struct mh_table_column columns[TEXT_COLUMNS];
	int told = is_told(code), status;
	struct mh_table t;

	mh_table_begin_text(&t, out, r->term.utf8, columns,
			    choose_columns(columns, told, code->has_children));
	for (i = 0; i < nr; i++)
		put_text_row(&t, &code->rows[i], i, told, code->has_children);
	status = mh_table_end(&t, err);
	if (nr < code->nr_rows)
		fprintf(out, "and %zu more: memheat report code --format csv\n",
			code->nr_rows - nr);
	return status;
}

static void put_chained(FILE *out, const struct mh_code *code)
{
	if (!code->has_children || !code->nr_rows)
		return;
	if (!code->nr_chained)
		fprintf(out, "No sample says who called: record with -g.\n");
	else if (code->nr_chained < code->from.nr_samples)
		fprintf(out,
			"Who called is known of %" PRIu64 " of %" PRIu64 " samples.\n",
			code->nr_chained, code->from.nr_samples);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_code *code = view;
	char text[512];
	int status = MH_OK;
	size_t i;

	mh_report_header(out, &code->from, &r->term);
	fprintf(out, "\n\n");
	if (code->nr_rows)
		status = put_table(out, code, r, err);
	else
		fprintf(out, "No sample in this span says which code it is from.\n");
	fputc('\n', out);
	put_chained(out, code);
	for (i = 0; i < code->nr_notes; i++) {
		mh_text_safe(text, sizeof(text), code->notes[i], r->term.utf8);
		fprintf(out, "%s\n", text);
	}
	mh_report_footer(out, &code->from);
	return status;
}

/* ---- JSON and CSV ---- */

static const struct mh_table_column columns[] = {
	{ "samples", "", MH_CELL_TYPE_U64 },
	{ "weight", "", MH_CELL_TYPE_U64 },
	{ "share", "", MH_CELL_TYPE_RATIO },
	{ "function", "", MH_CELL_TYPE_TEXT },
	{ "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_U64 },
	{ "module", "", MH_CELL_TYPE_TEXT },
	{ "loads", "", MH_CELL_TYPE_U64 },
	{ "stores", "", MH_CELL_TYPE_U64 },
	{ "told", "", MH_CELL_TYPE_U64 },
	{ "latency_samples", "", MH_CELL_TYPE_U64 },
	{ "level", "", MH_CELL_TYPE_TEXT },
	{ "at_level", "", MH_CELL_TYPE_U64 },
	{ "tlb_miss", "", MH_CELL_TYPE_U64 },
	{ "hitm", "", MH_CELL_TYPE_U64 },
	{ "locked", "", MH_CELL_TYPE_U64 },
	/* Of --children; else absent. */
	{ "children", "", MH_CELL_TYPE_RATIO },
	{ "children_samples", "", MH_CELL_TYPE_BYTES },
};

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_code *code = view;
	size_t i;

	for (i = 0; i < code->nr_rows; i++) {
		const struct mh_code_row *row = &code->rows[i];

		mh_table_put_u64(t, row->samples);
		mh_table_put_u64(t, row->weight);
		mh_table_put_ratio(t, row->share);
		mh_table_put_text(t, row->function);
		mh_table_put_text(t, row->file);
		mh_table_put_u64(t, row->line);
		mh_table_put_text(t, row->module);
		mh_table_put_u64(t, row->nr_loads);
		mh_table_put_u64(t, row->nr_stores);
		mh_table_put_u64(t, row->nr_told);
		mh_table_put_u64(t, row->nr_latency);
		mh_table_put_text(t, row->nr_told ? mh_mem_level_name(row->level) : "");
		mh_table_put_u64(t, row->nr_at_level);
		mh_table_put_u64(t, row->nr_tlb_miss);
		mh_table_put_u64(t, row->nr_hitm);
		mh_table_put_u64(t, row->nr_locked);
		mh_table_put_ratio(t, code->has_children ? row->children : (double)NAN);
		mh_table_put_u64(t, code->has_children ? row->nr_children : MH_NO_DATA);
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_code *code = view;
	size_t i;

	mh_report_json_from(j, &code->from);
	mh_json_put_string(j, "unit", mh_unit_word(code->unit));
	if (code->has_children)
		mh_json_put_u64(j, "chained", code->nr_chained);
	mh_json_put_u64(j, "unnamed", code->nr_unnamed);
	mh_json_key(j, "notes");
	mh_json_array(j);
	for (i = 0; i < code->nr_notes; i++)
		mh_json_string(j, code->notes[i]);
	mh_json_end_array(j);
	mh_report_json_rows(j, "rows", &mh_report_code.rows, code);
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_symtab_opts names = mh_report_names(r);
	int ret = (r->opts->children ? mh_code_children_analyze
				     : mh_code_analyze)(view, r->session, &names, err);

	if (!ret && r->opts->sort >= MH_SORT_CODE)
		mh_code_sort(view, (enum mh_code_sort)(r->opts->sort - MH_SORT_CODE));
	return ret;
}

static void fini(void *view)
{
	mh_code_fini(view);
}

const struct mh_report_type mh_report_code = {
	.name = "code",
	.summary = "functions and lines that made the accesses",
	.view_size = sizeof(struct mh_code),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
