/* SPDX-License-Identifier: MIT */
/* memheat report levels: where in the hierarchy accesses were served, and how fast. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum {
	TEXT_COLUMNS = 12,
	COLUMNS = 16
};

/* ---- text ---- */

static const struct mh_table_column text_columns[TEXT_COLUMNS] = {
	{ "access", "access", MH_CELL_TYPE_TEXT },
	{ "level", "level", MH_CELL_TYPE_TEXT },
	{ "share", "share", MH_CELL_TYPE_RATIO },
	{ "samples", "samples", MH_CELL_TYPE_U64 },
	{ "mean", "cycles", MH_CELL_TYPE_TEXT },
	{ "p50", "p50", MH_CELL_TYPE_TEXT },
	{ "p90", "p90", MH_CELL_TYPE_TEXT },
	{ "p99", "p99", MH_CELL_TYPE_TEXT },
	{ "max", "max", MH_CELL_TYPE_TEXT },
	{ "tlb_miss", "tlb miss", MH_CELL_TYPE_TEXT },
	{ "hitm", "hitm", MH_CELL_TYPE_TEXT },
	{ "locked", "locked", MH_CELL_TYPE_TEXT },
};

struct text_row {
	char level[48];
	char cell[8][MH_TEXT_MAX];
};

static void put_percent(char buf[MH_TEXT_MAX], uint64_t part, uint64_t all)
{
	if (!all)
		snprintf(buf, MH_TEXT_MAX, "-");
	else if (!part)
		snprintf(buf, MH_TEXT_MAX, "0");
	else
		mh_text_percent(buf, (double)part / (double)all);
}

/* Prints "l3 miss", "ram", "not told". */
static void put_level(char *buf, size_t size, const struct mh_level_row *row)
{
	const char *level = row->level ? mh_mem_level_name(row->level) : "not told";

	snprintf(buf, size, "%s%s", level, row->hit == MH_MISS ? " miss" : "");
}

static void put_row(struct text_row *t, const struct mh_level_row *row)
{
	const uint64_t cycles[] = { row->latency_p50, row->latency_p90, row->latency_p99,
				    row->latency_max };
	size_t i;

	put_level(t->level, sizeof(t->level), row);
	mh_report_cycles(t->cell[0], row->latency_sum, row->nr_latency);
	for (i = 0; i < 4; i++)
		mh_report_cycles(t->cell[1 + i], cycles[i], row->nr_latency ? 1 : 0);
	put_percent(t->cell[5], row->nr_tlb_miss, row->nr_tlb_told);
	put_percent(t->cell[6], row->nr_hitm, row->samples);
	put_percent(t->cell[7], row->nr_locked, row->samples);
}

/* The table of one part: rows @first to @end. */
static int put_part(FILE *out, const struct mh_levels *l, size_t first, size_t end,
		    struct mh_err *err)
{
	size_t nr = end - first, i, k;
	struct mh_table_cell *cells = calloc(nr + 1, TEXT_COLUMNS * sizeof(*cells));
	struct text_row *rows = calloc(nr + 1, sizeof(*rows));
	struct mh_table_cell *c = cells;

	if (!cells || !rows) {
		free(cells);
		free(rows);
		return mh_fail_errno(err, "cannot print levels");
	}
	for (i = 0; i < nr; i++) {
		const struct mh_level_row *row = &l->rows[first + i];

		put_row(&rows[i], row);
		*c++ = (struct mh_table_cell){ .text = mh_mem_op_name(row->op) };
		*c++ = (struct mh_table_cell){ .text = rows[i].level };
		*c++ = (struct mh_table_cell){ .ratio = row->share };
		*c++ = (struct mh_table_cell){ .u64 = row->samples };
		for (k = 0; k < 8; k++)
			*c++ = (struct mh_table_cell){ .text = rows[i].cell[k] };
	}
	mh_table_print(out, MH_FORMAT_TEXT, NULL, text_columns, TEXT_COLUMNS, cells, nr);
	free(cells);
	free(rows);
	return MH_OK;
}

static int put_parts(FILE *out, const struct mh_levels *l, struct mh_report *r,
		     struct mh_err *err)
{
	size_t first = 0, end;
	char name[128];
	int status = MH_OK;

	for (; !status && first < l->nr_rows; first = end) {
		const struct mh_level_part *part = &l->parts[l->rows[first].part];

		for (end = first;
		     end < l->nr_rows && l->rows[end].part == l->rows[first].part; end++)
			;
		mh_text_safe(name, sizeof(name), part->name, r->term.utf8);
		if (l->split)
			fprintf(out, "%s%s, %" PRIu64 " samples\n", first ? "\n" : "",
				name, part->samples);
		status = put_part(out, l, first, end, err);
	}
	return status;
}

static int write_text(FILE *out, const struct mh_levels *l, struct mh_report *r,
		      struct mh_err *err)
{
	int status = MH_OK;

	mh_report_header(out, &l->from, &r->term);
	fprintf(out, "\n\n");
	if (l->nr_rows)
		status = put_parts(out, l, r, err);
	else
		fprintf(out, "No sample in this span says where it was served.\n");
	fputc('\n', out);
	if (l->nr_untold)
		fprintf(out,
			"%" PRIu64 " more samples are of events that do not tell a "
			"level\n",
			l->nr_untold);
	mh_report_footer(out, &l->from);
	return status;
}

/* ---- JSON and CSV ---- */

static const struct mh_table_column columns[COLUMNS] = {
	{ "part", "", MH_CELL_TYPE_TEXT },
	{ "op", "", MH_CELL_TYPE_TEXT },
	{ "level", "", MH_CELL_TYPE_TEXT },
	{ "hit", "", MH_CELL_TYPE_TEXT },
	{ "samples", "", MH_CELL_TYPE_U64 },
	{ "share", "", MH_CELL_TYPE_RATIO },
	{ "latency_samples", "", MH_CELL_TYPE_U64 },
	{ "latency_mean", "", MH_CELL_TYPE_RATIO },
	{ "latency_p50", "", MH_CELL_TYPE_BYTES },
	{ "latency_p90", "", MH_CELL_TYPE_BYTES },
	{ "latency_p99", "", MH_CELL_TYPE_BYTES },
	{ "latency_max", "", MH_CELL_TYPE_BYTES },
	{ "tlb_told", "", MH_CELL_TYPE_U64 },
	{ "tlb_miss", "", MH_CELL_TYPE_U64 },
	{ "hitm", "", MH_CELL_TYPE_U64 },
	{ "locked", "", MH_CELL_TYPE_U64 },
};

/* Absent where no sample has one. */
static struct mh_table_cell cycles(const struct mh_level_row *row, uint64_t value)
{
	return (struct mh_table_cell){ .u64 = row->nr_latency ? value : MH_NO_DATA };
}

static struct mh_table_cell *make_cells(const struct mh_levels *l)
{
	struct mh_table_cell *cells = calloc(l->nr_rows + 1, COLUMNS * sizeof(*cells));
	struct mh_table_cell *c = cells;
	size_t i;

	for (i = 0; c && i < l->nr_rows; i++) {
		const struct mh_level_row *row = &l->rows[i];

		*c++ = (struct mh_table_cell){ .text = l->parts[row->part].name };
		*c++ = (struct mh_table_cell){ .text = mh_mem_op_name(row->op) };
		*c++ = (struct mh_table_cell){ .text = mh_mem_level_name(row->level) };
		*c++ = (struct mh_table_cell){ .text = mh_mem_hit_name(row->hit) };
		*c++ = (struct mh_table_cell){ .u64 = row->samples };
		*c++ = (struct mh_table_cell){ .ratio = row->share };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_latency };
		*c++ = (struct mh_table_cell){
			.ratio = row->nr_latency ? (double)row->latency_sum /
							   (double)row->nr_latency
						 : NAN
		};
		*c++ = cycles(row, row->latency_p50);
		*c++ = cycles(row, row->latency_p90);
		*c++ = cycles(row, row->latency_p99);
		*c++ = cycles(row, row->latency_max);
		*c++ = (struct mh_table_cell){ .u64 = row->nr_tlb_told };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_tlb_miss };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_hitm };
		*c++ = (struct mh_table_cell){ .u64 = row->nr_locked };
	}
	return cells;
}

static int write_tables(FILE *out, const struct mh_levels *l, enum mh_format format,
			struct mh_err *err)
{
	struct mh_table_cell *cells = make_cells(l);
	struct mh_json j;

	if (!cells)
		return mh_fail_errno(err, "cannot print levels");
	if (format == MH_FORMAT_JSON) {
		mh_report_json_begin(&j, out, "memheat.levels/1");
		mh_report_json_from(&j, &l->from);
		mh_json_key(&j, "unit");
		mh_json_string(&j, mh_unit_word(l->unit));
		mh_json_key(&j, "untold");
		mh_json_u64(&j, l->nr_untold);
		mh_json_key(&j, "rows");
	}
	mh_table_print(out, format, format == MH_FORMAT_JSON ? &j : NULL, columns,
		       COLUMNS, cells, l->nr_rows);
	if (format == MH_FORMAT_JSON)
		mh_report_json_end(&j);
	free(cells);
	return MH_OK;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_levels_analyze(view, r->session, (enum mh_split)r->opts->split, err);
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
	mh_levels_fini(view);
}

const struct mh_report_type mh_report_levels = {
	.name = "levels",
	.summary = "cache levels that served the accesses, with latencies",
	.view_size = sizeof(struct mh_levels),
	.analyze = analyze,
	.write = write_view,
	.fini = fini,
};
