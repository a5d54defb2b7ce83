/* SPDX-License-Identifier: MIT */
/*
 * memheat report times: when regions pass the filters, as spans that --time of the other
 * reports takes: from "what is hot" to "when, and what else happened then".
 */
#include <inttypes.h>

#include "report.h"

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_times_analyze(view, r->session, err);
}

static void fini(void *view)
{
	mh_times_fini(view);
}

static void write_text(FILE *out, const struct mh_times *t,
		       const struct mh_terminal *term)
{
	char sum[MH_TEXT_MAX];
	size_t i;

	mh_report_header(out, &t->from, term);
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
}

static void write_json(FILE *out, const struct mh_times *t)
{
	struct mh_json j;
	size_t i;

	mh_report_json_begin(&j, out, "memheat.times/1");
	mh_report_json_from(&j, &t->from);
	mh_json_key(&j, "sum_ns");
	mh_json_u64(&j, t->sum_ns);
	mh_json_key(&j, "ranges");
	mh_json_array(&j);
	for (i = 0; i < t->nr_ranges; i++) {
		mh_json_object(&j);
		mh_json_key(&j, "start_ns");
		mh_json_u64(&j, t->ranges[i].start);
		mh_json_key(&j, "end_ns");
		mh_json_u64(&j, t->ranges[i].end);
		mh_json_end_object(&j);
	}
	mh_json_end_array(&j);
	mh_report_json_end(&j);
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	const struct mh_times *t = view;
	size_t i;

	(void)err;
	if (r->format == MH_REPORT_TEXT) {
		write_text(out, t, &r->term);
		return MH_OK;
	}
	if (r->format == MH_REPORT_JSON) {
		write_json(out, t);
		return MH_OK;
	}
	fprintf(out, "start_ns,end_ns\n");
	for (i = 0; i < t->nr_ranges; i++)
		fprintf(out, "%" PRIu64 ",%" PRIu64 "\n", t->ranges[i].start,
			t->ranges[i].end);
	return MH_OK;
}

const struct mh_report_type mh_report_times = {
	.name = "times",
	.summary = "when regions pass the filters",
	.view_size = sizeof(struct mh_times),
	.analyze = analyze,
	.write = write_view,
	.fini = fini,
};
