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

static void write_text(FILE *out, const struct mh_counts *c,
		       const struct mh_terminal *term)
{
	char bar[256];
	size_t i;

	mh_report_header(out, &c->from, term);
	fprintf(out, "\n\n");
	if (!c->n) {
		fprintf(out, "No snapshot passes the filters.\n\n");
		mh_report_footer(out, &c->from);
		return;
	}
	fprintf(out, "regions per snapshot, mean %.1f, n=%zu\n pct  regions\n", c->mean,
		c->n);
	for (i = 0; i < NR_PERCENTILES; i++) {
		uint64_t max = at(c, 100);

		mh_text_bar(bar, sizeof(bar),
			    max ? (double)at(c, percentiles[i]) / (double)max : 0, 50,
			    term->utf8);
		fprintf(out, "%4.4g  %7" PRIu64 "  |%s\n", percentiles[i],
			at(c, percentiles[i]), bar);
	}
	text_verdict(out, c);
	fputc('\n', out);
	mh_report_footer(out, &c->from);
}

static void write_json(FILE *out, const struct mh_counts *c)
{
	struct mh_json j;
	size_t i;

	mh_report_json_begin(&j, out, "memheat.nr_regions/1");
	mh_report_json_from(&j, &c->from);
	mh_json_key(&j, "n");
	mh_json_u64(&j, c->n);
	mh_json_key(&j, "mean");
	mh_json_double(&j, c->mean);
	mh_json_key(&j, "limit_min");
	mh_json_bytes(&j, c->limit_min);
	mh_json_key(&j, "limit_max");
	mh_json_bytes(&j, c->limit_max);
	mh_json_key(&j, "at_limit");
	mh_json_u64(&j, c->nr_at_limit);
	mh_json_key(&j, "percentiles");
	mh_json_array(&j);
	for (i = 0; i < NR_PERCENTILES; i++) {
		mh_json_object(&j);
		mh_json_key(&j, "p");
		mh_json_double(&j, percentiles[i]);
		mh_json_key(&j, "regions");
		mh_json_bytes(&j, at(c, percentiles[i]));
		mh_json_end_object(&j);
	}
	mh_json_end_array(&j);
	mh_report_json_end(&j);
}

static void write_csv(FILE *out, const struct mh_counts *c)
{
	size_t i;

	fprintf(out, "p,regions\n");
	for (i = 0; i < NR_PERCENTILES && c->n; i++)
		fprintf(out, "%g,%" PRIu64 "\n", percentiles[i], at(c, percentiles[i]));
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	(void)err;
	if (r->format == MH_REPORT_TEXT)
		write_text(out, view, &r->term);
	else if (r->format == MH_REPORT_JSON)
		write_json(out, view);
	else
		write_csv(out, view);
	return MH_OK;
}

const struct mh_report_type mh_report_nr_regions = {
	.name = "nr_regions",
	.summary = "how many regions snapshots have",
	.view_size = sizeof(struct mh_counts),
	.analyze = analyze,
	.write = write_view,
	.fini = fini,
};
