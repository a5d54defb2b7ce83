/* SPDX-License-Identifier: MIT */
/*
 * memheat report cold: how many bytes have been idle for how long at the end, which is
 * what a smaller machine, a swap device or a slower tier could take.
 */
#include "report.h"

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_cold_analyze(view, r->session, err);
}

static void fini(void *view)
{
	mh_cold_fini(view);
}

static const char *idle_words(char *buf, size_t size, const struct mh_range *idle)
{
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX];

	if (!idle->start)
		snprintf(buf, size, "not idle");
	else if (idle->end == UINT64_MAX)
		snprintf(buf, size, "%s or longer", mh_text_ns(a, idle->start));
	else
		snprintf(buf, size, "%s to %s", mh_text_ns(a, idle->start),
			 mh_text_ns(b, idle->end));
	return buf;
}

static void text_buckets(FILE *out, const struct mh_cold *c,
			 const struct mh_terminal *term)
{
	char words[64], size[MH_TEXT_MAX], part[MH_TEXT_MAX], rest[MH_TEXT_MAX], bar[256];
	double all = c->bytes ? (double)c->bytes : 1;
	uint64_t from_here = c->bytes;
	size_t i;

	/* Nothing is idle for longer than what is left. */
	fprintf(out, "%-20s %10s  %6s  %6s\n", "idle for", "size", "share", "cum");
	for (i = 0; i < c->nr_buckets && from_here; i++) {
		const struct mh_cold_bucket *b = &c->buckets[i];

		mh_text_bar(bar, sizeof(bar), (double)b->bytes / all, 30, term->utf8);
		fprintf(out, "%-20s %10s  %6s  %6s  |%s\n",
			idle_words(words, sizeof(words), &b->idle_ns),
			mh_text_bytes(size, b->bytes),
			mh_text_percent(part, (double)b->bytes / all),
			mh_text_percent(rest, (double)from_here / all), bar);
		from_here -= b->bytes;
	}
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_cold *c = view;
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX];

	(void)err;
	mh_report_header(out, &c->from, &r->term);
	fprintf(out, "\n\n");
	if (!c->bytes && !c->unknown_bytes) {
		fprintf(out, "No region passes the filters.\n\n");
		mh_report_footer(out, &c->from);
		return MH_OK;
	}
	fprintf(out, "%s at %s, by the time since the last access\n",
		mh_text_bytes(a, c->bytes), mh_report_moment(b, c->at_ns));
	text_buckets(out, c, &r->term);
	fprintf(out, "cum: so much is idle for this long or longer. ");
	fprintf(out, "%s\n",
		!c->nr_derived ? "Idle times are the ages that were recorded."
		: !c->nr_aged  ? "Idle times are runs of\nsnapshots without an access: "
				 "no longer than the recording."
			      : "Idle times are recorded ages,\nand where there are none "
				"runs of snapshots without an access.");
	if (c->unknown_bytes)
		fprintf(out,
			"%s more are in mappings that were touched, it is not known "
			"where.\n",
			mh_text_bytes(a, c->unknown_bytes));
	fputc('\n', out);
	mh_report_footer(out, &c->from);
	return MH_OK;
}

static const struct mh_table_column columns[] = {
	{ "idle_ns_min", "", MH_CELL_TYPE_U64 },
	{ "idle_ns_max", "", MH_CELL_TYPE_BYTES }, /* absent: without end */
	{ "bytes", "", MH_CELL_TYPE_U64 },
};

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_cold *c = view;
	size_t i;

	for (i = 0; i < c->nr_buckets; i++) {
		mh_table_put_u64(t, c->buckets[i].idle_ns.start);
		mh_table_put_u64(t, c->buckets[i].idle_ns.end);
		mh_table_put_u64(t, c->buckets[i].bytes);
	}
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_cold *c = view;

	mh_report_json_from(j, &c->from);
	mh_json_put_u64(j, "at_ns", c->at_ns);
	mh_json_put_u64(j, "interval_ns", c->interval_ns);
	mh_report_json_rows(j, "buckets", &mh_report_cold.rows, c);
	mh_json_put_u64(j, "bytes", c->bytes);
	mh_json_put_u64(j, "unknown_bytes", c->unknown_bytes);
	mh_json_put_u64(j, "ranges_by_age", c->nr_aged);
	mh_json_put_u64(j, "ranges_by_snapshots", c->nr_derived);
}

const struct mh_report_type mh_report_cold = {
	.name = "cold",
	.summary = "bytes by the time since they were accessed",
	.view_size = sizeof(struct mh_cold),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
