/* SPDX-License-Identifier: MIT */
/* memheat report code: which functions and lines made the accesses. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "report_access.h"

enum {
	TEXT_ROWS = 40, /* of a person's table; programs get them all */
	TEXT_COLUMNS = 12,
	COLUMNS = 18
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

struct text_row {
	char function[96], source[96], module[64];
	char latency[MH_TEXT_MAX], level[64];
	char tlb_miss[MH_TEXT_MAX], hitm[MH_TEXT_MAX], locked[MH_TEXT_MAX];
};

static int is_told(const struct mh_code *code)
{
	size_t i;

	for (i = 0; i < code->nr_rows; i++) {
		if (code->rows[i].nr_told || code->rows[i].nr_latency)
			return 1;
	}
	return 0;
}

static void put_ratio(char buf[MH_TEXT_MAX], uint64_t part, uint64_t all)
{
	if (part)
		mh_text_percent(buf, (double)part / (double)all);
	else
		snprintf(buf, MH_TEXT_MAX, "%s", all ? "0" : "-");
}

static void put_told(struct text_row *t, const struct mh_code_row *row)
{
	char share[MH_TEXT_MAX];

	mh_report_cycles(t->latency, row->weight, row->nr_latency);
	put_ratio(share, row->nr_at_level, row->nr_told);
	snprintf(t->level, sizeof(t->level), "%s %s",
		 row->nr_told ? mh_mem_level_name(row->level) : "", share);
	put_ratio(t->tlb_miss, row->nr_tlb_miss, row->nr_told);
	put_ratio(t->hitm, row->nr_hitm, row->nr_told);
	put_ratio(t->locked, row->nr_locked, row->nr_told);
}

static void put_row(struct text_row *t, const struct mh_code_row *row, int utf8)
{
	char source[MH_REPORT_SOURCE];

	mh_report_source(source, row->file, row->line);
	mh_text_safe(t->function, sizeof(t->function),
		     *row->function ? row->function : "?", utf8);
	mh_text_safe(t->source, sizeof(t->source), source, utf8);
	mh_text_safe(t->module, sizeof(t->module),
		     *row->module ? mh_report_base_name(row->module) : "-", utf8);
}

static void put_cells(struct mh_table_cell *c, const struct mh_code_row *row, size_t i,
		      const struct text_row *t, int told, int children)
{
	*c++ = (struct mh_table_cell){ .u64 = i + 1 };
	if (children)
		*c++ = (struct mh_table_cell){ .ratio = row->children };
	*c++ = (struct mh_table_cell){ .ratio = row->share };
	*c++ = (struct mh_table_cell){ .u64 = row->samples };
	if (told) {
		*c++ = (struct mh_table_cell){ .text = t->latency };
		*c++ = (struct mh_table_cell){ .text = t->level };
		*c++ = (struct mh_table_cell){ .text = t->tlb_miss };
		*c++ = (struct mh_table_cell){ .text = t->hitm };
		*c++ = (struct mh_table_cell){ .text = t->locked };
	}
	*c++ = (struct mh_table_cell){ .text = t->function };
	*c++ = (struct mh_table_cell){ .text = t->source };
	*c = (struct mh_table_cell){ .text = t->module };
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
	struct mh_table_cell *cells = calloc(nr + 1, TEXT_COLUMNS * sizeof(*cells));
	struct text_row *rows = calloc(nr + 1, sizeof(*rows));
	struct mh_table_column columns[TEXT_COLUMNS];
	int told = is_told(code);
	size_t nr_columns = choose_columns(columns, told, code->has_children);

	if (!cells || !rows) {
		free(cells);
		free(rows);
		return mh_fail_errno(err, "cannot print code");
	}
	for (i = 0; i < nr; i++) {
		put_row(&rows[i], &code->rows[i], r->term.utf8);
		put_told(&rows[i], &code->rows[i]);
		put_cells(cells + i * nr_columns, &code->rows[i], i, &rows[i], told,
			  code->has_children);
	}
	mh_table_print(out, MH_FORMAT_TEXT, NULL, columns, nr_columns, cells, nr);
	if (nr < code->nr_rows)
		fprintf(out, "and %zu more: memheat report code --format csv\n",
			code->nr_rows - nr);
	free(cells);
	free(rows);
	return MH_OK;
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

static int write_text(FILE *out, const struct mh_code *code, struct mh_report *r,
		      struct mh_err *err)
{
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

static const struct mh_table_column columns[COLUMNS] = {
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
	/* Of --children only. */
	{ "children", "", MH_CELL_TYPE_RATIO },
	{ "children_samples", "", MH_CELL_TYPE_U64 },
};

static size_t nr_columns_of(const struct mh_code *code)
{
	return code->has_children ? COLUMNS : COLUMNS - 2;
}

static struct mh_table_cell *make_cells(const struct mh_code *code)
{
	struct mh_table_cell *cells =
		calloc(code->nr_rows + 1, nr_columns_of(code) * sizeof(*cells));
	struct mh_table_cell *c = cells;
	size_t i;

	for (i = 0; c && i < code->nr_rows; i++) {
		const struct mh_code_row *row = &code->rows[i];

		*c++ = (struct mh_table_cell){ .u64 = row->samples };
		*c++ = (struct mh_table_cell){ .u64 = row->weight };
		*c++ = (struct mh_table_cell){ .ratio = row->share };
		*c++ = (struct mh_table_cell){ .text = row->function };
		*c++ = (struct mh_table_cell){ .text = row->file };
		*c++ = (struct mh_table_cell){ .u64 = row->line };
		*c++ = (struct mh_table_cell){ .text = row->module };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_loads };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_stores };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_told };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_latency };
		*c++ = (struct mh_table_cell){
			.text = row->nr_told ? mh_mem_level_name(row->level) : ""
		};
		*c++ = (struct mh_table_cell){ .u64 = row->nr_at_level };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_tlb_miss };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_hitm };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_locked };
		if (!code->has_children)
			continue;
		*c++ = (struct mh_table_cell){ .ratio = row->children };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_children };
	}
	return cells;
}

static int write_tables(FILE *out, const struct mh_code *code, enum mh_format format,
			struct mh_err *err)
{
	struct mh_table_cell *cells = make_cells(code);
	struct mh_json j;
	size_t i;

	if (!cells)
		return mh_fail_errno(err, "cannot print code");
	if (format == MH_FORMAT_JSON) {
		mh_report_json_begin(&j, out, "memheat.code/1");
		mh_report_json_from(&j, &code->from);
		mh_json_key(&j, "unit");
		mh_json_string(&j, mh_unit_word(code->unit));
		if (code->has_children) {
			mh_json_key(&j, "chained");
			mh_json_u64(&j, code->nr_chained);
		}
		mh_json_key(&j, "unnamed");
		mh_json_u64(&j, code->nr_unnamed);
		mh_json_key(&j, "notes");
		mh_json_array(&j);
		for (i = 0; i < code->nr_notes; i++)
			mh_json_string(&j, code->notes[i]);
		mh_json_end_array(&j);
		mh_json_key(&j, "rows");
	}
	mh_table_print(out, format, format == MH_FORMAT_JSON ? &j : NULL, columns,
		       nr_columns_of(code), cells, code->nr_rows);
	if (format == MH_FORMAT_JSON)
		mh_report_json_end(&j);
	free(cells);
	return MH_OK;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	struct mh_symtab_opts names;
	int ret = mh_report_names(&names, r, err);

	if (!ret)
		ret = (r->opts->children ? mh_code_children_analyze : mh_code_analyze)(
			view, r->session, &names, err);
	free((void *)(uintptr_t)names.debug_dirs);
	if (!ret && r->opts->sort >= MH_SORT_CODE)
		mh_code_sort(view, (enum mh_code_sort)(r->opts->sort - MH_SORT_CODE));
	return ret;
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	if (r->format == MH_REPORT_TEXT)
		return write_text(out, view, r, err);
	return write_tables(out, view, (enum mh_format)r->format, err);
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
	.write = write_view,
	.fini = fini,
};
