/* SPDX-License-Identifier: MIT */
/* memheat report code: which functions and lines made the accesses. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum {
	TEXT_ROWS = 40, /* of a person's table; programs get them all */
	TEXT_COLUMNS = 6,
	COLUMNS = 7
};

static const struct mh_table_column text_columns[TEXT_COLUMNS] = {
	{ "n", "#", MH_CELL_TYPE_U64 },
	{ "share", "share", MH_CELL_TYPE_RATIO },
	{ "samples", "samples", MH_CELL_TYPE_U64 },
	{ "function", "function", MH_CELL_TYPE_TEXT },
	{ "source", "source", MH_CELL_TYPE_TEXT },
	{ "module", "module", MH_CELL_TYPE_TEXT },
};

struct text_row {
	char function[96], source[96], module[64];
};

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

static int put_table(FILE *out, const struct mh_code *code, const struct mh_report *r,
		     struct mh_err *err)
{
	size_t nr = code->nr_rows < TEXT_ROWS ? code->nr_rows : TEXT_ROWS, i;
	struct mh_table_cell *cells = calloc(nr + 1, TEXT_COLUMNS * sizeof(*cells));
	struct text_row *rows = calloc(nr + 1, sizeof(*rows));
	struct mh_table_cell *c = cells;

	if (!cells || !rows) {
		free(cells);
		free(rows);
		return mh_fail_errno(err, "cannot print code");
	}
	for (i = 0; i < nr; i++) {
		put_row(&rows[i], &code->rows[i], r->term.utf8);
		*c++ = (struct mh_table_cell){ .u64 = i + 1 };
		*c++ = (struct mh_table_cell){ .ratio = code->rows[i].share };
		*c++ = (struct mh_table_cell){ .u64 = code->rows[i].samples };
		*c++ = (struct mh_table_cell){ .text = rows[i].function };
		*c++ = (struct mh_table_cell){ .text = rows[i].source };
		*c++ = (struct mh_table_cell){ .text = rows[i].module };
	}
	mh_table_print(out, MH_FORMAT_TEXT, NULL, text_columns, TEXT_COLUMNS, cells, nr);
	if (nr < code->nr_rows)
		fprintf(out, "and %zu more: memheat report code --format csv\n",
			code->nr_rows - nr);
	free(cells);
	free(rows);
	return MH_OK;
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
	for (i = 0; i < code->nr_notes; i++) {
		mh_text_safe(text, sizeof(text), code->notes[i], r->term.utf8);
		fprintf(out, "%s\n", text);
	}
	mh_report_footer(out, &code->from);
	return status;
}

/* ---- JSON and CSV ---- */

static const struct mh_table_column columns[COLUMNS] = {
	{ "samples", "", MH_CELL_TYPE_U64 }, { "weight", "", MH_CELL_TYPE_U64 },
	{ "share", "", MH_CELL_TYPE_RATIO }, { "function", "", MH_CELL_TYPE_TEXT },
	{ "file", "", MH_CELL_TYPE_TEXT },   { "line", "", MH_CELL_TYPE_U64 },
	{ "module", "", MH_CELL_TYPE_TEXT },
};

static struct mh_table_cell *make_cells(const struct mh_code *code)
{
	struct mh_table_cell *cells = calloc(code->nr_rows + 1, COLUMNS * sizeof(*cells));
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
		       COLUMNS, cells, code->nr_rows);
	if (format == MH_FORMAT_JSON)
		mh_report_json_end(&j);
	free(cells);
	return MH_OK;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	struct mh_symtab_opts names;
	int status = mh_report_names(&names, r, err);

	if (status == MH_OK)
		status = mh_code_analyze(view, r->session, &names, err);
	free((void *)(uintptr_t)names.debug_dirs);
	return status;
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
