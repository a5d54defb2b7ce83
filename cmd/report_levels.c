/* SPDX-License-Identifier: MIT */
/* memheat report levels: where in the hierarchy accesses were served, and how fast. */
#include <inttypes.h>
#include <math.h>

#include "report.h"

/* ---- text ---- */

static const struct mh_table_column text_columns[] = {
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

static void put_percent(struct mh_table *t, uint64_t part, uint64_t all)
{
	char text[MH_TEXT_MAX];

	if (!all)
		mh_table_put_text(t, "-");
	else if (!part)
		mh_table_put_text(t, "0");
	else
		mh_table_put_text(t, mh_text_percent(text, (double)part / (double)all));
}

static void put_cycles(struct mh_table *t, uint64_t sum, uint64_t nr)
{
	char text[MH_TEXT_MAX];

	mh_table_put_text(t, mh_report_cycles(text, sum, nr));
}

static void put_text_row(struct mh_table *t, const struct mh_level_row *row)
{
	uint64_t told = row->nr_latency ? 1 : 0;

	mh_table_put_text(t, mh_mem_op_name(row->op));
	mh_table_put_words(t, "%s%s",
			   row->level ? mh_mem_level_name(row->level) : "not told",
			   row->hit == MH_MISS ? " miss" : "");
	mh_table_put_ratio(t, row->share);
	mh_table_put_u64(t, row->samples);
	put_cycles(t, row->latency_sum, row->nr_latency);
	put_cycles(t, row->latency_p50, told);
	put_cycles(t, row->latency_p90, told);
	put_cycles(t, row->latency_p99, told);
	put_cycles(t, row->latency_max, told);
	put_percent(t, row->nr_tlb_miss, row->nr_tlb_told);
	put_percent(t, row->nr_hitm, row->samples);
	put_percent(t, row->nr_locked, row->samples);
}

/* A table for each part. */
static int put_parts(FILE *out, const struct mh_levels *l, int utf8, struct mh_err *err)
{
	struct mh_table t;
	char name[128];
	size_t i = 0;
	int status = MH_OK;

	while (!status && i < l->nr_rows) {
		const uint32_t at = l->rows[i].part;
		const struct mh_level_part *part = &l->parts[at];

		mh_text_safe(name, sizeof(name), part->name, utf8);
		if (l->split)
			fprintf(out, "%s%s, %" PRIu64 " samples\n", i ? "\n" : "", name,
				part->samples);
		mh_table_begin_text(&t, out, utf8, MH_COLUMNS(text_columns));
		for (; i < l->nr_rows && l->rows[i].part == at; i++)
			put_text_row(&t, &l->rows[i]);
		status = mh_table_end(&t, err);
	}
	return status;
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_levels *l = view;
	int status = MH_OK;

	mh_report_header(out, &l->from, &r->term);
	fprintf(out, "\n\n");
	if (l->nr_rows)
		status = put_parts(out, l, r->term.utf8, err);
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

static const struct mh_table_column columns[] = {
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
static uint64_t cycles(const struct mh_level_row *row, uint64_t value)
{
	return row->nr_latency ? value : MH_NO_DATA;
}

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_levels *l = view;
	size_t i;

	for (i = 0; i < l->nr_rows; i++) {
		const struct mh_level_row *row = &l->rows[i];

		mh_table_put_text(t, l->parts[row->part].name);
		mh_table_put_text(t, mh_mem_op_name(row->op));
		mh_table_put_text(t, mh_mem_level_name(row->level));
		mh_table_put_text(t, mh_mem_hit_name(row->hit));
		mh_table_put_u64(t, row->samples);
		mh_table_put_ratio(t, row->share);
		mh_table_put_u64(t, row->nr_latency);
		mh_table_put_ratio(t, row->nr_latency ? (double)row->latency_sum /
								(double)row->nr_latency
						      : NAN);
		mh_table_put_u64(t, cycles(row, row->latency_p50));
		mh_table_put_u64(t, cycles(row, row->latency_p90));
		mh_table_put_u64(t, cycles(row, row->latency_p99));
		mh_table_put_u64(t, cycles(row, row->latency_max));
		mh_table_put_u64(t, row->nr_tlb_told);
		mh_table_put_u64(t, row->nr_tlb_miss);
		mh_table_put_u64(t, row->nr_hitm);
		mh_table_put_u64(t, row->nr_locked);
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_levels *l = view;

	mh_report_json_from(j, &l->from);
	mh_json_put_string(j, "unit", mh_unit_word(l->unit));
	mh_json_put_u64(j, "untold", l->nr_untold);
	mh_report_json_rows(j, "rows", &mh_report_levels.rows, l);
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_levels_analyze(view, r->session, (enum mh_split)r->opts->split, err);
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
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
