/* SPDX-License-Identifier: MIT */
/* memheat report lines: cache lines that threads contend for, offset by offset. */
#include <inttypes.h>

#include "report.h"

enum {
	TEXT_LINES = 20, /* of a person's report; programs get them all */
	TEXT_SPOTS = 16  /* of a line */
};

/* ---- text ---- */

static const struct mh_table_column text_columns[] = {
	{ "offset", "offset", MH_CELL_TYPE_TEXT },
	{ "loads", "loads", MH_CELL_TYPE_U64 },
	{ "stores", "stores", MH_CELL_TYPE_U64 },
	{ "hitm_local", "hitm", MH_CELL_TYPE_U64 },
	{ "hitm_remote", "remote", MH_CELL_TYPE_U64 },
	{ "threads", "threads", MH_CELL_TYPE_U64 },
	{ "latency", "cycles", MH_CELL_TYPE_TEXT },
	{ "function", "function", MH_CELL_TYPE_TEXT },
	{ "source", "source", MH_CELL_TYPE_TEXT },
};

static void put_spot(struct mh_table *t, const struct mh_line_spot *spot)
{
	char cycles[MH_TEXT_MAX];

	mh_table_put_words(t, "+%" PRIu32, spot->offset);
	mh_table_put_u64(t, spot->loads);
	mh_table_put_u64(t, spot->stores);
	mh_table_put_u64(t, spot->hitm_local);
	mh_table_put_u64(t, spot->hitm_remote);
	mh_table_put_u64(t, spot->nr_threads);
	mh_table_put_text(t,
			  mh_report_cycles(cycles, spot->latency_sum, spot->nr_latency));
	mh_table_put_name(t, *spot->function ? spot->function : "?", 96);
	if (*spot->file && spot->line)
		mh_table_put_words(t, "%.80s:%" PRIu32, mh_report_base_name(spot->file),
				   spot->line);
	else
		mh_table_put_text(t, "-");
}

static void put_head(FILE *out, size_t i, const struct mh_line *row, int utf8)
{
	static const char *const words[] = {
		[MH_SHARING_TRUE] = "true sharing",
		[MH_SHARING_FALSE] = "false sharing",
		[MH_SHARING_UNKNOWN] = "modified elsewhere",
	};
	char place[256], safe[300];

	snprintf(place, sizeof(place), "%s%s%s", row->mapping,
		 *row->mapping && *row->symbol ? " " : "", row->symbol);
	mh_text_safe(safe, sizeof(safe), place, utf8);
	fprintf(out,
		"%zu  %" PRIx64 " %s  pid %" PRIu32 "  %s: %" PRIu32 " thread%s, %" PRIu32
		" read, %" PRIu32 " write\n",
		i + 1, row->addr, *safe ? safe : "-", row->pid, words[row->sharing],
		row->nr_threads, mh_text_plural(row->nr_threads), row->nr_readers,
		row->nr_writers);
}

static int put_line(FILE *out, size_t i, const struct mh_line *row, int utf8,
		    struct mh_err *err)
{
	size_t nr = row->nr_spots < TEXT_SPOTS ? row->nr_spots : TEXT_SPOTS, k;
	struct mh_table t;
	int status;

	put_head(out, i, row, utf8);
	mh_table_begin_text(&t, out, utf8, MH_COLUMNS(text_columns));
	for (k = 0; k < nr; k++)
		put_spot(&t, &row->spots[k]);
	status = mh_table_end(&t, err);
	if (nr < row->nr_spots)
		fprintf(out, "and %zu more places in this line\n", row->nr_spots - nr);
	fputc('\n', out);
	return status;
}

static void put_sums(FILE *out, const struct mh_lines *l)
{
	fprintf(out,
		"%zu of %" PRIu64 " lines are contended; %" PRIu64
		" more are read by several threads\n",
		l->nr_rows, l->nr_lines, l->nr_only_read);
	if (!l->told)
		fprintf(out, "these samples do not tell loads from stores\n");
	if (l->nr_left_out)
		fprintf(out,
			"%" PRIu64 " samples are left out: too many places; --at or "
			"--time narrow them\n",
			l->nr_left_out);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_lines *l = view;
	size_t nr = l->nr_rows < TEXT_LINES ? l->nr_rows : TEXT_LINES, i;
	int status = MH_OK;

	mh_report_header(out, &l->from, &r->term);
	fprintf(out, "\n\n");
	for (i = 0; !status && i < nr; i++)
		status = put_line(out, i, &l->rows[i], r->term.utf8, err);
	if (nr < l->nr_rows)
		fprintf(out, "and %zu more: memheat report lines --format csv\n",
			l->nr_rows - nr);
	put_sums(out, l);
	mh_report_footer(out, &l->from);
	return status;
}

/* ---- CSV: a row per place, with its line's columns; JSON: lines with places ---- */

static const struct mh_table_column columns[] = {
	{ "addr", "", MH_CELL_TYPE_HEX },
	{ "pid", "", MH_CELL_TYPE_U64 },
	{ "sharing", "", MH_CELL_TYPE_TEXT },
	{ "line_threads", "", MH_CELL_TYPE_U64 },
	{ "line_readers", "", MH_CELL_TYPE_U64 },
	{ "line_writers", "", MH_CELL_TYPE_U64 },
	{ "mapping", "", MH_CELL_TYPE_TEXT },
	{ "symbol", "", MH_CELL_TYPE_TEXT },
	{ "offset", "", MH_CELL_TYPE_U64 },
	{ "samples", "", MH_CELL_TYPE_U64 },
	{ "loads", "", MH_CELL_TYPE_U64 },
	{ "stores", "", MH_CELL_TYPE_U64 },
	{ "hitm_local", "", MH_CELL_TYPE_U64 },
	{ "hitm_remote", "", MH_CELL_TYPE_U64 },
	{ "threads", "", MH_CELL_TYPE_U64 },
	{ "latency_samples", "", MH_CELL_TYPE_U64 },
	{ "latency_sum", "", MH_CELL_TYPE_U64 },
	{ "function", "", MH_CELL_TYPE_TEXT },
	{ "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_U64 },
};
#define LINE_COLUMNS 8

static void put_line_cells(struct mh_table *t, const struct mh_line *row)
{
	mh_table_put_u64(t, row->addr);
	mh_table_put_u64(t, row->pid);
	mh_table_put_text(t, mh_sharing_name(row->sharing));
	mh_table_put_u64(t, row->nr_threads);
	mh_table_put_u64(t, row->nr_readers);
	mh_table_put_u64(t, row->nr_writers);
	mh_table_put_text(t, row->mapping);
	mh_table_put_text(t, row->symbol);
}

static void put_spot_cells(struct mh_table *t, const struct mh_line_spot *s)
{
	mh_table_put_u64(t, s->offset);
	mh_table_put_u64(t, s->samples);
	mh_table_put_u64(t, s->loads);
	mh_table_put_u64(t, s->stores);
	mh_table_put_u64(t, s->hitm_local);
	mh_table_put_u64(t, s->hitm_remote);
	mh_table_put_u64(t, s->nr_threads);
	mh_table_put_u64(t, s->nr_latency);
	mh_table_put_u64(t, s->latency_sum);
	mh_table_put_text(t, s->function);
	mh_table_put_text(t, s->file);
	mh_table_put_u64(t, s->line);
}

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_lines *l = view;
	size_t i, k;

	for (i = 0; i < l->nr_rows; i++) {
		for (k = 0; k < l->rows[i].nr_spots; k++) {
			put_line_cells(t, &l->rows[i]);
			put_spot_cells(t, &l->rows[i].spots[k]);
		}
	}
}

static void json_spots(struct mh_json *j, const struct mh_line *row)
{
	struct mh_table t;
	size_t k;

	mh_json_key(j, "places");
	mh_table_begin_json(&t, j, columns + LINE_COLUMNS,
			    sizeof(columns) / sizeof(columns[0]) - LINE_COLUMNS);
	for (k = 0; k < row->nr_spots; k++)
		put_spot_cells(&t, &row->spots[k]);
	mh_table_end(&t, NULL);
}

static void json_line(struct mh_json *j, const struct mh_line *row)
{
	mh_json_object(j);
	mh_json_put_u64(j, "addr", row->addr);
	mh_json_put_u64(j, "pid", row->pid);
	mh_json_put_string(j, "sharing", mh_sharing_name(row->sharing));
	mh_json_put_string(j, "mapping", row->mapping);
	mh_json_put_string(j, "symbol", row->symbol);
	mh_json_put_u64(j, "samples", row->samples);
	mh_json_put_u64(j, "loads", row->loads);
	mh_json_put_u64(j, "stores", row->stores);
	mh_json_put_u64(j, "hitm_local", row->hitm_local);
	mh_json_put_u64(j, "hitm_remote", row->hitm_remote);
	mh_json_put_u64(j, "threads", row->nr_threads);
	mh_json_put_u64(j, "readers", row->nr_readers);
	mh_json_put_u64(j, "writers", row->nr_writers);
	json_spots(j, row);
	mh_json_end_object(j);
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_lines *l = view;
	size_t i;

	mh_report_json_from(j, &l->from);
	mh_json_put_string(j, "unit", mh_unit_word(l->unit));
	mh_json_put_u64(j, "line_size", MH_LINE_SIZE);
	mh_json_put_u64(j, "lines", l->nr_lines);
	mh_json_put_u64(j, "only_read", l->nr_only_read);
	mh_json_put_u64(j, "left_out", l->nr_left_out);
	mh_json_key(j, "rows");
	mh_json_array(j);
	for (i = 0; i < l->nr_rows; i++)
		json_line(j, &l->rows[i]);
	mh_json_end_array(j);
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_lines_analyze(view, r->session, NULL, err);
}

static void fini(void *view)
{
	mh_lines_fini(view);
}

const struct mh_report_type mh_report_lines = {
	.name = "lines",
	.summary = "cache lines that threads contend for (false sharing)",
	.view_size = sizeof(struct mh_lines),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
