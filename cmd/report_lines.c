/* SPDX-License-Identifier: MIT */
/* memheat report lines: cache lines that threads contend for, offset by offset. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum {
	TEXT_LINES = 20, /* of a person's report; programs get them all */
	TEXT_SPOTS = 16, /* of a line */
	TEXT_COLUMNS = 9,
	COLUMNS = 20
};

/* ---- text ---- */

static const struct mh_table_column text_columns[TEXT_COLUMNS] = {
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

struct text_row {
	char offset[16], latency[MH_TEXT_MAX], function[96], source[96];
};

static void put_spot(struct text_row *t, const struct mh_line_spot *spot, int utf8)
{
	char source[96] = "-";

	snprintf(t->offset, sizeof(t->offset), "+%" PRIu32, spot->offset);
	mh_report_cycles(t->latency, spot->latency_sum, spot->nr_latency);
	if (*spot->file && spot->line)
		snprintf(source, sizeof(source), "%.80s:%" PRIu32,
			 mh_report_base_name(spot->file), spot->line);
	mh_text_safe(t->function, sizeof(t->function),
		     *spot->function ? spot->function : "?", utf8);
	mh_text_safe(t->source, sizeof(t->source), source, utf8);
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
		row->nr_threads, row->nr_threads == 1 ? "" : "s", row->nr_readers,
		row->nr_writers);
}

static int put_line(FILE *out, size_t i, const struct mh_line *row, int utf8,
		    struct mh_err *err)
{
	size_t nr = row->nr_spots < TEXT_SPOTS ? row->nr_spots : TEXT_SPOTS, k;
	struct mh_table_cell cells[TEXT_SPOTS * TEXT_COLUMNS], *c = cells;
	struct text_row *rows = calloc(nr + 1, sizeof(*rows));

	if (!rows)
		return mh_fail_errno(err, "cannot print lines");
	put_head(out, i, row, utf8);
	for (k = 0; k < nr; k++) {
		const struct mh_line_spot *s = &row->spots[k];

		put_spot(&rows[k], s, utf8);
		*c++ = (struct mh_table_cell){ .text = rows[k].offset };
		*c++ = (struct mh_table_cell){ .u64 = s->loads };
		*c++ = (struct mh_table_cell){ .u64 = s->stores };
		*c++ = (struct mh_table_cell){ .u64 = s->hitm_local };
		*c++ = (struct mh_table_cell){ .u64 = s->hitm_remote };
		*c++ = (struct mh_table_cell){ .u64 = s->nr_threads };
		*c++ = (struct mh_table_cell){ .text = rows[k].latency };
		*c++ = (struct mh_table_cell){ .text = rows[k].function };
		*c++ = (struct mh_table_cell){ .text = rows[k].source };
	}
	mh_table_print(out, MH_FORMAT_TEXT, NULL, text_columns, TEXT_COLUMNS, cells, nr);
	if (nr < row->nr_spots)
		fprintf(out, "and %zu more places in this line\n", row->nr_spots - nr);
	fputc('\n', out);
	free(rows);
	return MH_OK;
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

static int write_text(FILE *out, const struct mh_lines *l, struct mh_report *r,
		      struct mh_err *err)
{
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

static const struct mh_table_column columns[COLUMNS] = {
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

static struct mh_table_cell *put_line_cells(struct mh_table_cell *c,
					    const struct mh_line *row)
{
	*c++ = (struct mh_table_cell){ .u64 = row->addr };
	*c++ = (struct mh_table_cell){ .u64 = row->pid };
	*c++ = (struct mh_table_cell){ .text = mh_sharing_name(row->sharing) };
	*c++ = (struct mh_table_cell){ .u64 = row->nr_threads };
	*c++ = (struct mh_table_cell){ .u64 = row->nr_readers };
	*c++ = (struct mh_table_cell){ .u64 = row->nr_writers };
	*c++ = (struct mh_table_cell){ .text = row->mapping };
	*c++ = (struct mh_table_cell){ .text = row->symbol };
	return c;
}

static struct mh_table_cell *put_spot_cells(struct mh_table_cell *c,
					    const struct mh_line_spot *s)
{
	*c++ = (struct mh_table_cell){ .u64 = s->offset };
	*c++ = (struct mh_table_cell){ .u64 = s->samples };
	*c++ = (struct mh_table_cell){ .u64 = s->loads };
	*c++ = (struct mh_table_cell){ .u64 = s->stores };
	*c++ = (struct mh_table_cell){ .u64 = s->hitm_local };
	*c++ = (struct mh_table_cell){ .u64 = s->hitm_remote };
	*c++ = (struct mh_table_cell){ .u64 = s->nr_threads };
	*c++ = (struct mh_table_cell){ .u64 = s->nr_latency };
	*c++ = (struct mh_table_cell){ .u64 = s->latency_sum };
	*c++ = (struct mh_table_cell){ .text = s->function };
	*c++ = (struct mh_table_cell){ .text = s->file };
	*c++ = (struct mh_table_cell){ .u64 = s->line };
	return c;
}

static int write_csv(FILE *out, const struct mh_lines *l, struct mh_err *err)
{
	struct mh_table_cell *cells, *c;
	size_t i, k, nr = 0;

	for (i = 0; i < l->nr_rows; i++)
		nr += l->rows[i].nr_spots;
	c = cells = calloc(nr + 1, COLUMNS * sizeof(*cells));
	if (!cells)
		return mh_fail_errno(err, "cannot print lines");
	for (i = 0; i < l->nr_rows; i++) {
		for (k = 0; k < l->rows[i].nr_spots; k++) {
			c = put_line_cells(c, &l->rows[i]);
			c = put_spot_cells(c, &l->rows[i].spots[k]);
		}
	}
	mh_table_print(out, MH_FORMAT_CSV, NULL, columns, COLUMNS, cells, nr);
	free(cells);
	return MH_OK;
}

static void json_u64(struct mh_json *j, const char *key, uint64_t v)
{
	mh_json_key(j, key);
	mh_json_u64(j, v);
}

static void json_string(struct mh_json *j, const char *key, const char *s)
{
	mh_json_key(j, key);
	mh_json_string(j, s);
}

static int json_line(struct mh_json *j, const struct mh_line *row, struct mh_err *err)
{
	struct mh_table_cell *cells, *c;
	size_t nr = COLUMNS - LINE_COLUMNS, k;

	c = cells = calloc(row->nr_spots + 1, nr * sizeof(*cells));
	if (!cells)
		return mh_fail_errno(err, "cannot print lines");
	for (k = 0; k < row->nr_spots; k++)
		c = put_spot_cells(c, &row->spots[k]);
	mh_json_object(j);
	json_u64(j, "addr", row->addr);
	json_u64(j, "pid", row->pid);
	json_string(j, "sharing", mh_sharing_name(row->sharing));
	json_string(j, "mapping", row->mapping);
	json_string(j, "symbol", row->symbol);
	json_u64(j, "samples", row->samples);
	json_u64(j, "loads", row->loads);
	json_u64(j, "stores", row->stores);
	json_u64(j, "hitm_local", row->hitm_local);
	json_u64(j, "hitm_remote", row->hitm_remote);
	json_u64(j, "threads", row->nr_threads);
	json_u64(j, "readers", row->nr_readers);
	json_u64(j, "writers", row->nr_writers);
	mh_json_key(j, "places");
	mh_table_print(j->out, MH_FORMAT_JSON, j, columns + LINE_COLUMNS, nr, cells,
		       row->nr_spots);
	mh_json_end_object(j);
	free(cells);
	return MH_OK;
}

static int write_json(FILE *out, const struct mh_lines *l, struct mh_err *err)
{
	struct mh_json j;
	size_t i;
	int status = MH_OK;

	mh_report_json_begin(&j, out, "memheat.lines/1");
	mh_report_json_from(&j, &l->from);
	json_string(&j, "unit", mh_unit_word(l->unit));
	json_u64(&j, "line_size", MH_LINE_SIZE);
	json_u64(&j, "lines", l->nr_lines);
	json_u64(&j, "only_read", l->nr_only_read);
	json_u64(&j, "left_out", l->nr_left_out);
	mh_json_key(&j, "rows");
	mh_json_array(&j);
	for (i = 0; !status && i < l->nr_rows; i++)
		status = json_line(&j, &l->rows[i], err);
	mh_json_end_array(&j);
	mh_report_json_end(&j);
	return status;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_lines_analyze(view, r->session, NULL, err);
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	if (r->format == MH_REPORT_TEXT)
		return write_text(out, view, r, err);
	if (r->format == MH_REPORT_CSV)
		return write_csv(out, view, err);
	return write_json(out, view, err);
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
	.write = write_view,
	.fini = fini,
};
