/* SPDX-License-Identifier: MIT */
/*
 * memheat report mappings: which parts of the address space (heap, stack, libraries,
 * anonymous memory) are used how much. The text table is shared with the summary.
 */
#include <inttypes.h>
#include <math.h>
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
	SHARE_COLUMN = 5,
	NR_TEXT_COLUMNS = 9
};

static const struct mh_table_column text_columns[NR_TEXT_COLUMNS] = {
	{ "n", "#", MH_CELL_TYPE_U64 },
	{ "name", "mapping", MH_CELL_TYPE_TEXT },
	{ "bytes", "size", MH_CELL_TYPE_BYTES },
	{ "rss", "RSS", MH_CELL_TYPE_BYTES },
	{ "wss_p50", "WSS p50", MH_CELL_TYPE_BYTES },
	[SHARE_COLUMN] = { "share", "accesses", MH_CELL_TYPE_RATIO },
	{ "busy", "busy", MH_CELL_TYPE_RATIO },
	{ "idle_share", "idle>10s", MH_CELL_TYPE_RATIO },
	{ "hottest", "hottest", MH_CELL_TYPE_TEXT },
};

/* With the process where there are several. */
static void put_name(struct mh_table *t, const struct mh_mapping_row *row, int several)
{
	char name[128];

	if (several)
		snprintf(name, sizeof(name), "%s %u %s", row->comm, row->pid, row->name);
	else
		snprintf(name, sizeof(name), "%s", row->name);
	mh_table_put_text(t, name);
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

int mh_report_mappings_text(FILE *out, const struct mh_mappings *m, size_t max, int utf8,
			    struct mh_err *err)
{
	struct mh_table_column columns[NR_TEXT_COLUMNS];
	size_t nr = rows_to_show(m, max), i;
	int several = several_processes(m), status;
	char hottest[160];
	struct mh_table t;

	memcpy(columns, text_columns, sizeof(columns));
	if (m->unit == MH_UNIT_FAULTS_PER_S)
		columns[SHARE_COLUMN].title = "first touches";
	mh_table_begin_text(&t, out, utf8, MH_COLUMNS(columns));
	t.known_only = 1;
	for (i = 0; i < nr; i++) {
		const struct mh_mapping_row *row = &m->rows[i];

		put_hottest(hottest, sizeof(hottest), m->unit, row);
		mh_table_put_u64(&t, i + 1);
		put_name(&t, row, several);
		mh_table_put_u64(&t, row->bytes);
		mh_table_put_u64(&t, row->rss);
		mh_table_put_u64(&t, row->wss_p50);
		mh_table_put_ratio(&t, row->share);
		mh_table_put_ratio(&t, row->busy);
		mh_table_put_ratio(&t, row->idle_share);
		mh_table_put_text(&t, hottest);
	}
	status = mh_table_end(&t, err);
	if (nr < m->nr_rows)
		fprintf(out, "and %zu more%s: memheat report mappings\n", m->nr_rows - nr,
			nr && m->rows[nr].share <= 0 ? " without accesses" : "");
	return status;
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_mappings *m = view;
	int status = MH_OK;

	mh_report_header(out, &m->from, &r->term);
	fprintf(out, "\n\n");
	if (m->nr_rows)
		status = mh_report_mappings_text(out, m, SIZE_MAX, r->term.utf8, err);
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

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_mappings *m = view;
	size_t i;

	for (i = 0; i < m->nr_rows; i++) {
		const struct mh_mapping_row *row = &m->rows[i];

		mh_table_put_text(t, row->name);
		mh_table_put_u64(t, row->pid);
		mh_table_put_text(t, row->comm);
		mh_table_put_u64(t, row->addr.start);
		mh_table_put_u64(t, row->addr.end);
		mh_table_put_u64(t, row->bytes);
		mh_table_put_u64(t, row->rss);
		mh_table_put_u64(t, row->swap);
		mh_table_put_u64(t, row->huge);
		mh_table_put_u64(t, row->wss_p50);
		mh_table_put_u64(t, row->wss_max);
		mh_table_put_ratio(t, row->share);
		mh_table_put_ratio(t, row->busy);
		mh_table_put_ratio(t, row->idle_share);
		mh_table_put_ratio(t, row->hottest);
		mh_table_put_u64(t, row->hottest_ns);
		mh_table_put_u64(t, row->hottest_addr.start);
		mh_table_put_u64(t, row->hottest_addr.end);
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_mappings *m = view;

	mh_report_json_from(j, &m->from);
	mh_json_put_string(j, "unit", mh_unit_word(m->unit));
	mh_json_put_u64(j, "unmapped", m->nr_unmapped);
	mh_report_json_rows(j, "rows", &mh_report_mappings.rows, m);
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_mappings_analyze(view, r->session, err);
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
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
