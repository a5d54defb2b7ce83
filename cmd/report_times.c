/* SPDX-License-Identifier: MIT */
/*
 * memheat report times: when regions pass the filters, as spans that --time of the other
 * reports takes: from "what is hot" to "when, and what else happened then".
 */
#include "report.h"

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_times_analyze(view, r->session, err);
}

static void fini(void *view)
{
	mh_times_fini(view);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_times *t = view;
	char sum[MH_TEXT_MAX];
	size_t i;

	(void)err;
	mh_report_header(out, &t->from, &r->term);
	fprintf(out, "\n\n");
	if (!t->nr_ranges)
		fprintf(out, "No region passes the filters at any time.\n");
	else
		fprintf(out, "%zu spans, together %s; each fits --time\n", t->nr_ranges,
			mh_text_ns(sum, t->sum_ns));
	for (i = 0; i < t->nr_ranges; i++)
		fprintf(out, "%.6fs:%.6fs\n", (double)t->ranges[i].start * 1e-9,
			(double)t->ranges[i].end * 1e-9);
	fputc('\n', out);
	mh_report_footer(out, &t->from);
	return MH_OK;
}

static const struct mh_table_column columns[] = {
	{ "start_ns", "", MH_CELL_TYPE_U64 },
	{ "end_ns", "", MH_CELL_TYPE_U64 },
};

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_times *times = view;
	size_t i;

	for (i = 0; i < times->nr_ranges; i++) {
		mh_table_put_u64(t, times->ranges[i].start);
		mh_table_put_u64(t, times->ranges[i].end);
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_times *t = view;

	mh_report_json_from(j, &t->from);
	mh_json_put_u64(j, "sum_ns", t->sum_ns);
	mh_report_json_rows(j, "ranges", &mh_report_times.rows, t);
}

const struct mh_report_type mh_report_times = {
	.name = "times",
	.summary = "when regions pass the filters",
	.view_size = sizeof(struct mh_times),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
