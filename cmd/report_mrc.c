/* SPDX-License-Identifier: MIT */
/*
 * memheat report mrc: how much of what a program touches would have to be brought in
 * again with less memory, size by size.
 */
#include <inttypes.h>

#include "report.h"

#define TEXT_ROWS 16

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_mrc_analyze(view, r->session, r->opts->accesses, err);
}

static void fini(void *view)
{
	mh_mrc_fini(view);
}

/* Misses with @bytes of memory in bytes per second, as the ratio of the same touches. */
static double rate_at(const struct mh_mrc *m, double bytes)
{
	const struct mh_mrc_point *p = &m->points[0];

	return p->miss_ratio > 0
		       ? p->miss_bytes_per_s * mh_mrc_ratio(m, bytes) / p->miss_ratio
		       : 0;
}

static void text_row(FILE *out, const struct mh_mrc *m, double bytes,
		     const struct mh_terminal *term)
{
	char size[MH_TEXT_MAX], rate[MH_TEXT_MAX], part[MH_TEXT_MAX], bar[256];
	double ratio = mh_mrc_ratio(m, bytes), top = m->points[0].miss_ratio;

	mh_text_bar(bar, sizeof(bar), top > 0 ? ratio / top : 0, 40, term->utf8);
	fprintf(out, "%10s  %10s/s  %6s  |%s\n", mh_text_bytes(size, (uint64_t)bytes),
		mh_text_bytes(rate, (uint64_t)rate_at(m, bytes)),
		mh_text_percent(part, ratio), bar);
}

static void text_curve(FILE *out, const struct mh_mrc *m, const struct mh_terminal *term)
{
	double first = (double)m->points[0].bytes;
	double step = ((double)m->points[m->nr_points - 1].bytes - first) / TEXT_ROWS;
	int i;

	fprintf(out, "%10s  %12s  %6s\n", "memory", "misses", "ratio");
	for (i = 0; i <= (step > 0 ? TEXT_ROWS : 0); i++)
		text_row(out, m, first + i * step, term);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_mrc *m = view;
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], c[MH_TEXT_MAX];

	(void)err;
	mh_report_header(out, &m->from, &r->term);
	fprintf(out, "\n\n");
	if (!m->nr_points) {
		fprintf(out, "Nothing was touched.\n\n");
		mh_report_footer(out, &m->from);
		return MH_OK;
	}
	text_curve(out, m, &r->term);
	fprintf(out, "\nmisses: brought in again, and %s touched for the first time\n",
		mh_text_bytes(a, m->first_bytes));
	if (m->nr_accesses)
		fprintf(out, "ratio: of %" PRIu64 " accesses\n", m->nr_accesses);
	else
		fprintf(out,
			"ratio: of %s touched, each page once per interval of %s "
			"(--accesses N for a ratio of accesses)\n",
			mh_text_bytes(b, m->touched_bytes),
			mh_text_ns(c, m->interval_ns));
	fprintf(out,
		"Less than the mean working set of an interval (%s) cannot be told.\n",
		mh_text_bytes(a, m->wss_bytes));
	if (m->by_region)
		fprintf(out, "Approximate: a region counts as touched as a whole.\n");
	fputc('\n', out);
	mh_report_footer(out, &m->from);
	return MH_OK;
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_mrc *m = view;
	size_t i;

	mh_report_json_from(j, &m->from);
	mh_json_put_u64(j, "interval_ns", m->interval_ns);
	mh_json_put_u64(j, "span_ns", m->span_ns);
	mh_json_put_u64(j, "wss_bytes", m->wss_bytes);
	mh_json_put_u64(j, "touched_bytes", m->touched_bytes);
	mh_json_put_u64(j, "first_bytes", m->first_bytes);
	mh_json_put_bytes(j, "accesses", m->nr_accesses ? m->nr_accesses : MH_NO_DATA);
	mh_json_put_bool(j, "approximate", m->by_region);
	mh_json_key(j, "points");
	mh_json_array(j);
	for (i = 0; i < m->nr_points; i++) {
		mh_json_object(j);
		mh_json_put_u64(j, "bytes", m->points[i].bytes);
		mh_json_put_double(j, "miss_bytes_per_s", m->points[i].miss_bytes_per_s);
		mh_json_put_double(j, "miss_ratio", m->points[i].miss_ratio);
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void put_csv(FILE *out, const void *view)
{
	const struct mh_mrc *m = view;
	size_t i;

	fprintf(out, "bytes,miss_bytes_per_s,miss_ratio\n");
	for (i = 0; i < m->nr_points; i++)
		fprintf(out, "%" PRIu64 ",%.3f,%.9f\n", m->points[i].bytes,
			m->points[i].miss_bytes_per_s, m->points[i].miss_ratio);
}

const struct mh_report_type mh_report_mrc = {
	.name = "mrc",
	.summary = "misses by size of memory",
	.view_size = sizeof(struct mh_mrc),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.csv = put_csv,
};
