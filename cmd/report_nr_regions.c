/* SPDX-License-Identifier: MIT */
/*
 * memheat report nr_regions: how many regions the snapshots have. It tells how far the
 * other reports can be trusted: a monitor that is at its limit wanted to look closer.
 */
#include <inttypes.h>

#include "report.h"

static const double percentiles[] = { 0, 25, 50, 75, 90, 95, 99, 100 };

#define NR_PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_counts_analyze(view, r->session, err);
}

static void fini(void *view)
{
	mh_counts_fini(view);
}

/* As for working set sizes, and as in DAMO. */
static uint64_t at(const struct mh_counts *c, double p)
{
	size_t i = (size_t)(p / 100 * (double)c->n);

	return c->n ? c->sorted[i < c->n ? i : c->n - 1] : MH_NO_DATA;
}

static void text_verdict(FILE *out, const struct mh_counts *c)
{
	if (c->limit_max != MH_NO_DATA && c->nr_at_limit)
		fprintf(out,
			"%" PRIu64 " of %zu snapshots are at the limit of %" PRIu64
			" regions: a higher one would show more.\n",
			c->nr_at_limit, c->n, c->limit_max);
	else if (c->limit_max != MH_NO_DATA)
		fprintf(out, "The limits %" PRIu64 " and %" PRIu64 " were not reached.\n",
			c->limit_min, c->limit_max);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_counts *c = view;
	char bar[256];
	size_t i;

	(void)err;
	mh_report_header(out, &c->from, &r->term);
	fprintf(out, "\n\n");
	if (!c->n) {
		fprintf(out, "No snapshot passes the filters.\n\n");
		mh_report_footer(out, &c->from);
		return MH_OK;
	}
	fprintf(out, "regions per snapshot, mean %.1f, n=%zu\n pct  regions\n", c->mean,
		c->n);
	for (i = 0; i < NR_PERCENTILES; i++) {
		uint64_t max = at(c, 100);

		mh_text_bar(bar, sizeof(bar),
			    max ? (double)at(c, percentiles[i]) / (double)max : 0, 50,
			    r->term.utf8);
		fprintf(out, "%4.4g  %7" PRIu64 "  |%s\n", percentiles[i],
			at(c, percentiles[i]), bar);
	}
	text_verdict(out, c);
	fputc('\n', out);
	mh_report_footer(out, &c->from);
	return MH_OK;
}

static const struct mh_table_column columns[] = {
	{ "p", "", MH_CELL_TYPE_RATIO },
	{ "regions", "", MH_CELL_TYPE_BYTES },
};

static void put_rows(struct mh_table *t, const void *view)
{
	size_t i;

	for (i = 0; i < NR_PERCENTILES; i++) {
		mh_table_put_ratio(t, percentiles[i]);
		mh_table_put_u64(t, at(view, percentiles[i]));
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_counts *c = view;

	mh_report_json_from(j, &c->from);
	mh_json_put_u64(j, "n", c->n);
	mh_json_put_double(j, "mean", c->mean);
	mh_json_put_bytes(j, "limit_min", c->limit_min);
	mh_json_put_bytes(j, "limit_max", c->limit_max);
	mh_json_put_u64(j, "at_limit", c->nr_at_limit);
	mh_report_json_rows(j, "percentiles", &mh_report_nr_regions.rows, c);
}

const struct mh_report_type mh_report_nr_regions = {
	.name = "nr_regions",
	.summary = "how many regions snapshots have",
	.view_size = sizeof(struct mh_counts),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
