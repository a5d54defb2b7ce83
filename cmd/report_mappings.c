/* SPDX-License-Identifier: MIT */
/*
 * memheat report mappings: which parts of the address space (heap, stack, libraries,
 * anonymous memory) are used how much. The text table is shared with the summary.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "report_mappings.h"

static int is_rate(enum mh_unit unit)
{
	return unit == MH_UNIT_ACCESSES_PER_S || unit == MH_UNIT_FAULTS_PER_S;
}

static void put_value(char *buf, size_t size, enum mh_unit unit, double v)
{
	char text[MH_TEXT_MAX];

	if (is_rate(unit))
		snprintf(buf, size, "%.*f/s", v < 10 ? 2 : 0, v);
	else
		snprintf(buf, size, "%s", mh_text_percent(text, v));
}

/* "100% x 4.1 s, 4 KiB at +4 KiB" */
static void put_hottest(char *buf, size_t size, enum mh_unit unit,
			const struct mh_mapping_row *row)
{
	char value[MH_TEXT_MAX + 8], ns[MH_TEXT_MAX], len[MH_TEXT_MAX],
		at[MH_TEXT_MAX + 1];

	if (isnan(row->hottest) || row->hottest <= 0) {
		snprintf(buf, size, "-");
		return;
	}
	put_value(value, sizeof(value), unit, row->hottest);
	mh_text_ns(ns, row->hottest_ns);
	if (row->hottest_addr.end <= row->hottest_addr.start ||
	    row->hottest_addr.start < row->addr.start) {
		snprintf(buf, size, "%s x %s", value, ns);
		return;
	}
	mh_text_bytes(len, mh_range_len(row->hottest_addr));
	/* A row may stand for mappings far apart: an offset into their hull says nothing.
	 */
	if (row->hottest_addr.start - row->addr.start < row->bytes)
		mh_text_bytes(strcpy(at, "+") + 1,
			      row->hottest_addr.start - row->addr.start);
	else
		snprintf(at, sizeof(at), "%" PRIx64, row->hottest_addr.start);
	snprintf(buf, size, "%s x %s, %s at %s", value, ns, len, at);
}

/* ---- text ---- */

enum {
	TEXT_COLUMNS = 9
};

struct text_row {
	char name[128];
	char hottest[160];
};

static const struct mh_table_column text_columns[TEXT_COLUMNS] = {
	{ "n", "#", MH_CELL_TYPE_U64 },
	{ "name", "mapping", MH_CELL_TYPE_TEXT },
	{ "bytes", "size", MH_CELL_TYPE_BYTES },
	{ "rss", "RSS", MH_CELL_TYPE_BYTES },
	{ "wss_p50", "WSS p50", MH_CELL_TYPE_BYTES },
	{ "share", "accesses", MH_CELL_TYPE_RATIO },
	{ "busy", "busy", MH_CELL_TYPE_RATIO },
	{ "idle_share", "idle>10s", MH_CELL_TYPE_RATIO },
	{ "hottest", "hottest", MH_CELL_TYPE_TEXT },
};

static int is_known(enum mh_cell_type type, const struct mh_table_cell *cell)
{
	if (type == MH_CELL_TYPE_RATIO)
		return !isnan(cell->ratio);
	return type == MH_CELL_TYPE_TEXT || cell->u64 != MH_NO_DATA;
}

/* Columns that the source knows nothing of are left out. @cells is packed. */
static void print_known(FILE *out, enum mh_unit unit, struct mh_table_cell *cells,
			size_t nr)
{
	struct mh_table_column columns[TEXT_COLUMNS];
	size_t known[TEXT_COLUMNS], nr_known = 0, row, i;
	struct mh_table_cell *to = cells;

	for (i = 0; i < TEXT_COLUMNS; i++) {
		for (row = 0; row < nr; row++)
			if (is_known(text_columns[i].type,
				     &cells[row * TEXT_COLUMNS + i]))
				break;
		if (row == nr)
			continue;
		columns[nr_known] = text_columns[i];
		if (unit == MH_UNIT_FAULTS_PER_S &&
		    !strcmp(text_columns[i].name, "share"))
			columns[nr_known].title = "first touches";
		known[nr_known++] = i;
	}
	for (row = 0; row < nr; row++)
		for (i = 0; i < nr_known; i++)
			*to++ = cells[row * TEXT_COLUMNS + known[i]];
	mh_table_print(out, MH_FORMAT_TEXT, NULL, columns, nr_known, cells, nr);
}

/* With the process where there are several. */
static void put_name(struct text_row *t, const struct mh_mapping_row *row, int several)
{
	if (several)
		snprintf(t->name, sizeof(t->name), "%s %u %s", row->comm, row->pid,
			 row->name);
	else
		snprintf(t->name, sizeof(t->name), "%s", row->name);
}

static int several_processes(const struct mh_mappings *m)
{
	size_t i;

	for (i = 1; i < m->nr_rows; i++)
		if (m->rows[i].pid != m->rows[0].pid)
			return 1;
	return 0;
}

/* Rows come by share. With a limit, what was not accessed is only counted; without any
 * access the largest are shown. */
static size_t rows_to_show(const struct mh_mappings *m, size_t max)
{
	size_t nr = 0;

	if (m->nr_rows <= max)
		return m->nr_rows;
	while (nr < max && m->rows[nr].share > 0)
		nr++;
	return nr ? nr : max;
}

int mh_report_mappings_text(FILE *out, const struct mh_mappings *m, size_t max,
			    struct mh_err *err)
{
	size_t nr = rows_to_show(m, max), i;
	struct mh_table_cell *cells = calloc(nr + 1, TEXT_COLUMNS * sizeof(*cells));
	struct text_row *rows = calloc(nr + 1, sizeof(*rows));
	struct mh_table_cell *c = cells;
	int several = several_processes(m);

	if (!cells || !rows) {
		free(cells);
		free(rows);
		return mh_fail_errno(err, "cannot print mappings");
	}
	for (i = 0; i < nr; i++) {
		const struct mh_mapping_row *row = &m->rows[i];

		put_name(&rows[i], row, several);
		put_hottest(rows[i].hottest, sizeof(rows[i].hottest), m->unit, row);
		*c++ = (struct mh_table_cell){ .u64 = i + 1 };
		*c++ = (struct mh_table_cell){ .text = rows[i].name };
		*c++ = (struct mh_table_cell){ .u64 = row->bytes };
		*c++ = (struct mh_table_cell){ .u64 = row->rss };
		*c++ = (struct mh_table_cell){ .u64 = row->wss_p50 };
		*c++ = (struct mh_table_cell){ .ratio = row->share };
		*c++ = (struct mh_table_cell){ .ratio = row->busy };
		*c++ = (struct mh_table_cell){ .ratio = row->idle_share };
		*c++ = (struct mh_table_cell){ .text = rows[i].hottest };
	}
	print_known(out, m->unit, cells, nr);
	if (nr < m->nr_rows)
		fprintf(out, "and %zu more%s: memheat report mappings\n", m->nr_rows - nr,
			nr && m->rows[nr].share <= 0 ? " without accesses" : "");
	free(cells);
	free(rows);
	return MH_OK;
}

static int write_text(FILE *out, const struct mh_mappings *m, struct mh_report *r,
		      struct mh_err *err)
{
	int status = MH_OK;

	mh_report_header(out, &m->from, &r->term);
	fprintf(out, "\n\n");
	if (m->nr_rows)
		status = mh_report_mappings_text(out, m, SIZE_MAX, err);
	else
		fprintf(out, "No mappings were recorded in this span.\n");
	if (m->nr_rows)
		fprintf(out,
			"\n%s: share of all; busy: share of the time with any; idle>10s: "
			"share of the\nbytes without any in the last 10 s; hottest: %s, "
			"for how long, where\n",
			m->unit == MH_UNIT_FAULTS_PER_S ? "first touches" : "accesses",
			mh_unit_name(m->unit));
	if (m->nr_unmapped)
		fprintf(out, "%zu records lie outside every known mapping\n",
			m->nr_unmapped);
	fputc('\n', out);
	mh_report_footer(out, &m->from);
	return status;
}

/* ---- JSON and CSV ---- */

static const struct mh_table_column columns[] = {
	{ "name", "", MH_CELL_TYPE_TEXT },
	{ "pid", "", MH_CELL_TYPE_U64 },
	{ "comm", "", MH_CELL_TYPE_TEXT },
	{ "start", "", MH_CELL_TYPE_HEX },
	{ "end", "", MH_CELL_TYPE_HEX },
	{ "bytes", "", MH_CELL_TYPE_BYTES },
	{ "rss", "", MH_CELL_TYPE_BYTES },
	{ "swap", "", MH_CELL_TYPE_BYTES },
	{ "huge", "", MH_CELL_TYPE_BYTES },
	{ "wss_p50", "", MH_CELL_TYPE_BYTES },
	{ "wss_max", "", MH_CELL_TYPE_BYTES },
	{ "share", "", MH_CELL_TYPE_RATIO },
	{ "busy", "", MH_CELL_TYPE_RATIO },
	{ "idle_share", "", MH_CELL_TYPE_RATIO },
	{ "hottest", "", MH_CELL_TYPE_RATIO },
	{ "hottest_ns", "", MH_CELL_TYPE_NS },
	{ "hottest_start", "", MH_CELL_TYPE_HEX },
	{ "hottest_end", "", MH_CELL_TYPE_HEX },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static struct mh_table_cell *make_cells(const struct mh_mappings *m)
{
	struct mh_table_cell *cells, *c;
	size_t i;

	cells = c = calloc(m->nr_rows + 1, NR_COLUMNS * sizeof(*cells));
	for (i = 0; c && i < m->nr_rows; i++) {
		const struct mh_mapping_row *r = &m->rows[i];
		const struct mh_table_cell row[] = {
			{ .text = r->name },
			{ .u64 = r->pid },
			{ .text = r->comm },
			{ .u64 = r->addr.start },
			{ .u64 = r->addr.end },
			{ .u64 = r->bytes },
			{ .u64 = r->rss },
			{ .u64 = r->swap },
			{ .u64 = r->huge },
			{ .u64 = r->wss_p50 },
			{ .u64 = r->wss_max },
			{ .ratio = r->share },
			{ .ratio = r->busy },
			{ .ratio = r->idle_share },
			{ .ratio = r->hottest },
			{ .u64 = r->hottest_ns },
			{ .u64 = r->hottest_addr.start },
			{ .u64 = r->hottest_addr.end },
		};

		memcpy(c, row, sizeof(row));
		c += NR_COLUMNS;
	}
	return cells;
}

static int write_tables(FILE *out, const struct mh_mappings *m, enum mh_format format,
			struct mh_err *err)
{
	struct mh_table_cell *cells = make_cells(m);
	struct mh_json j;

	if (!cells)
		return mh_fail_errno(err, "cannot print mappings");
	if (format == MH_FORMAT_JSON) {
		mh_report_json_begin(&j, out, "memheat.mappings/1");
		mh_report_json_from(&j, &m->from);
		mh_json_key(&j, "unit");
		mh_json_string(&j, mh_unit_word(m->unit));
		mh_json_key(&j, "unmapped");
		mh_json_u64(&j, m->nr_unmapped);
		mh_json_key(&j, "rows");
	}
	mh_table_print(out, format, format == MH_FORMAT_JSON ? &j : NULL, columns,
		       NR_COLUMNS, cells, m->nr_rows);
	if (format == MH_FORMAT_JSON)
		mh_report_json_end(&j);
	free(cells);
	return MH_OK;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_mappings_analyze(view, r->session, err);
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
	mh_mappings_fini(view);
}

const struct mh_report_type mh_report_mappings = {
	.name = "mappings",
	.summary = "heap, stack, libraries: size, share of the accesses, idle part",
	.view_size = sizeof(struct mh_mappings),
	.analyze = analyze,
	.write = write_view,
	.fini = fini,
};
