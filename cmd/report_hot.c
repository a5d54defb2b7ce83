/* SPDX-License-Identifier: MIT */
/* memheat report hot: which variables and mappings the accesses go to. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum {
	TEXT_ROWS = 30, /* of a person's table; programs get them all */
	TEXT_COLUMNS = 10,
	COLUMNS = 16
};

static const struct mh_table_column text_columns[TEXT_COLUMNS] = {
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

struct text_row {
	char age[MH_TEXT_MAX], mapping[64], symbol[80], source[80], accessor[128];
};

static void put_row(struct text_row *t, const struct mh_hot_row *row, int utf8)
{
	char source[MH_REPORT_SOURCE], symbol[80], accessor[160] = "-",
						   percent[MH_TEXT_MAX];

	if (row->age_ns == MH_NO_DATA)
		snprintf(t->age, sizeof(t->age), "-");
	else
		mh_text_ns(t->age, row->age_ns);
	mh_report_source(source, row->file, row->line);
	mh_text_safe(t->source, sizeof(t->source), source, utf8);
	if (row->nr_accessors) {
		mh_report_source(source, row->accessors[0].file, row->accessors[0].line);
		snprintf(accessor, sizeof(accessor), "%.60s %.40s %s",
			 row->accessors[0].function, source,
			 mh_text_percent(percent, row->accessors[0].share));
	}
	mh_text_safe(t->accessor, sizeof(t->accessor), accessor, utf8);
	mh_text_safe(t->mapping, sizeof(t->mapping), *row->mapping ? row->mapping : "-",
		     utf8);
	if (row->kind == MH_HOT_SITE)
		snprintf(symbol, sizeof(symbol), "%.60s (malloc site)", row->symbol);
	else
		snprintf(symbol, sizeof(symbol), "%.78s",
			 *row->symbol ? row->symbol
			 : *row->type ? row->type
				      : "-");
	mh_text_safe(t->symbol, sizeof(t->symbol), symbol, utf8);
}

static int put_table(FILE *out, const struct mh_hot *hot, const struct mh_report *r,
		     struct mh_err *err)
{
	size_t nr = hot->nr_rows < TEXT_ROWS ? hot->nr_rows : TEXT_ROWS, i;
	struct mh_table_cell *cells = calloc(nr + 1, TEXT_COLUMNS * sizeof(*cells));
	struct text_row *rows = calloc(nr + 1, sizeof(*rows));
	struct mh_table_cell *c = cells;

	if (!cells || !rows) {
		free(cells);
		free(rows);
		return mh_fail_errno(err, "cannot print hot objects");
	}
	for (i = 0; i < nr; i++) {
		const struct mh_hot_row *row = &hot->rows[i];

		put_row(&rows[i], row, r->term.utf8);
		*c++ = (struct mh_table_cell){ .u64 = i + 1 };
		*c++ = (struct mh_table_cell){ .ratio = row->share };
		*c++ = (struct mh_table_cell){ .ratio = row->cum };
		*c++ = (struct mh_table_cell){ .u64 = row->bytes };
		*c++ = (struct mh_table_cell){ .text = rows[i].age };
		*c++ = (struct mh_table_cell){ .u64 = row->addr.start };
		*c++ = (struct mh_table_cell){ .text = rows[i].mapping };
		*c++ = (struct mh_table_cell){ .text = rows[i].symbol };
		*c++ = (struct mh_table_cell){ .text = rows[i].source };
		*c++ = (struct mh_table_cell){ .text = rows[i].accessor };
	}
	mh_table_print(out, MH_FORMAT_TEXT, NULL, text_columns, TEXT_COLUMNS, cells, nr);
	if (nr < hot->nr_rows)
		fprintf(out, "and %zu more: memheat report hot --format csv\n",
			hot->nr_rows - nr);
	free(cells);
	free(rows);
	return MH_OK;
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

static int write_text(FILE *out, const struct mh_hot *hot, struct mh_report *r,
		      struct mh_err *err)
{
	int status = MH_OK;

	mh_report_header(out, &hot->from, &r->term);
	fprintf(out, "\n\n");
	if (hot->nr_rows)
		status = put_table(out, hot, r, err);
	else
		fprintf(out, "No access was seen in this span.\n");
	fputc('\n', out);
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

static const struct mh_table_column columns[COLUMNS] = {
	{ "share", "", MH_CELL_TYPE_RATIO }, { "cum", "", MH_CELL_TYPE_RATIO },
	{ "rate", "", MH_CELL_TYPE_RATIO },  { "start", "", MH_CELL_TYPE_HEX },
	{ "end", "", MH_CELL_TYPE_HEX },     { "bytes", "", MH_CELL_TYPE_BYTES },
	{ "pid", "", MH_CELL_TYPE_U64 },     { "mapping", "", MH_CELL_TYPE_TEXT },
	{ "object", "", MH_CELL_TYPE_TEXT }, { "symbol", "", MH_CELL_TYPE_TEXT },
	{ "type", "", MH_CELL_TYPE_TEXT },   { "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_U64 },    { "why", "", MH_CELL_TYPE_TEXT },
	{ "kind", "", MH_CELL_TYPE_TEXT },   { "age_ns", "", MH_CELL_TYPE_BYTES },
};

static void fill_cells(struct mh_table_cell *c, const struct mh_hot_row *row)
{
	const struct mh_table_cell cells[COLUMNS] = {
		{ .ratio = row->share },
		{ .ratio = row->cum },
		{ .ratio = row->rate },
		{ .u64 = row->addr.start },
		{ .u64 = row->addr.end },
		{ .u64 = row->bytes },
		{ .u64 = row->pid },
		{ .text = row->mapping },
		{ .text = row->object },
		{ .text = row->symbol },
		{ .text = row->type },
		{ .text = row->file },
		{ .u64 = row->line },
		{ .text = row->why },
		{ .text = mh_hot_kind_name(row->kind) },
		{ .u64 = row->age_ns },
	};

	memcpy(c, cells, sizeof(cells));
}

static int write_csv(FILE *out, const struct mh_hot *hot, struct mh_err *err)
{
	struct mh_table_cell *cells = calloc(hot->nr_rows + 1, COLUMNS * sizeof(*cells));
	size_t i;

	if (!cells)
		return mh_fail_errno(err, "cannot print hot objects");
	for (i = 0; i < hot->nr_rows; i++)
		fill_cells(cells + i * COLUMNS, &hot->rows[i]);
	mh_table_print(out, MH_FORMAT_CSV, NULL, columns, COLUMNS, cells, hot->nr_rows);
	free(cells);
	return MH_OK;
}

static void json_cell(struct mh_json *j, const struct mh_table_column *column,
		      const struct mh_table_cell *cell)
{
	mh_json_key(j, column->name);
	if (column->type == MH_CELL_TYPE_TEXT)
		mh_json_string(j, cell->text);
	else if (column->type == MH_CELL_TYPE_RATIO)
		mh_json_double(j, cell->ratio);
	else if (column->type == MH_CELL_TYPE_BYTES)
		mh_json_bytes(j, cell->u64);
	else
		mh_json_u64(j, cell->u64);
}

static void json_row(struct mh_json *j, const struct mh_hot_row *row)
{
	struct mh_table_cell cells[COLUMNS];
	size_t i;

	fill_cells(cells, row);
	mh_json_object(j);
	for (i = 0; i < COLUMNS; i++)
		json_cell(j, &columns[i], &cells[i]);
	mh_json_key(j, "accessors");
	mh_json_array(j);
	for (i = 0; i < row->nr_accessors; i++) {
		const struct mh_hot_accessor *a = &row->accessors[i];

		mh_json_object(j);
		mh_json_key(j, "function");
		mh_json_string(j, a->function);
		mh_json_key(j, "file");
		mh_json_string(j, a->file);
		mh_json_key(j, "line");
		mh_json_u64(j, a->line);
		mh_json_key(j, "share");
		mh_json_double(j, a->share);
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
	mh_json_end_object(j);
}

static void write_json(FILE *out, const struct mh_hot *hot)
{
	struct mh_json j;
	size_t i;

	mh_report_json_begin(&j, out, "memheat.hot/1");
	mh_report_json_from(&j, &hot->from);
	mh_json_key(&j, "unit");
	mh_json_string(&j, mh_unit_word(hot->unit));
	mh_json_key(&j, "left_out");
	mh_json_u64(&j, hot->nr_left_out);
	mh_json_key(&j, "heap_log");
	mh_json_bool(&j, hot->heap_known);
	mh_json_key(&j, "heap_lost");
	mh_json_u64(&j, hot->heap_lost);
	mh_json_key(&j, "rows");
	mh_json_array(&j);
	for (i = 0; i < hot->nr_rows; i++)
		json_row(&j, &hot->rows[i]);
	mh_json_end_array(&j);
	mh_report_json_end(&j);
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	struct mh_symtab_opts names;
	const struct mh_hot_opts opts = { .by = (enum mh_hot_by)r->opts->by,
					  .names = &names };
	int status = mh_report_names(&names, r, err);

	if (status == MH_OK)
		status = mh_hot_analyze(view, r->session, &opts, err);
	free((void *)(uintptr_t)names.debug_dirs);
	return status;
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	if (r->format == MH_REPORT_TEXT)
		return write_text(out, view, r, err);
	if (r->format == MH_REPORT_CSV)
		return write_csv(out, view, err);
	write_json(out, view);
	return MH_OK;
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
	.write = write_view,
	.fini = fini,
};
