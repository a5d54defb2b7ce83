/* SPDX-License-Identifier: MIT */
/*
 * memheat report cold: how many bytes have been idle for how long at the end, which is
 * what a smaller machine, a swap device or a slower tier could take.
 */
#include <string.h>

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

/* How much of a group is idle for how long: a few of the buckets that there are. */
#define NR_SHARES     5
#define NR_ROWS_SHOWN 12

static size_t choose_buckets(size_t at[NR_SHARES], const struct mh_cold *c)
{
	size_t last = c->nr_buckets, nr, i;

	while (last > 1 && !c->buckets[last - 1].bytes)
		last--;
	nr = last - 1 < NR_SHARES ? last - 1 : NR_SHARES;
	for (i = 0; i < nr; i++)
		at[i] = nr < 2 ? 1 : 1 + i * (last - 2) / (nr - 1);
	return nr;
}

static uint64_t idle_from(const struct mh_cold *c, const struct mh_cold_group *g,
			  size_t bucket)
{
	uint64_t bytes = 0;

	for (; bucket < c->nr_buckets; bucket++)
		bytes += g->buckets[bucket];
	return bytes;
}

static void text_group(FILE *out, const struct mh_cold *c, const struct mh_cold_group *g,
		       const size_t *at, size_t nr)
{
	char text[MH_TEXT_MAX];
	size_t i;

	fprintf(out, "  %-32.32s %10s", g->name, mh_text_bytes(text, g->bytes));
	for (i = 0; i < nr; i++)
		fprintf(out, "  %8s",
			mh_text_percent(text, g->bytes ? (double)idle_from(c, g, at[i]) /
								 (double)g->bytes
						       : 0));
	fputc('\n', out);
}

/* The groups of one kind from @i on; where the next kind begins. */
static size_t text_kind(FILE *out, const struct mh_cold *c, size_t i, const size_t *at,
			size_t nr)
{
	const char *by = c->groups[i].by;
	char text[MH_TEXT_MAX];
	size_t j, shown = 0, hidden = 0;
	uint64_t bytes = 0;

	fprintf(out, "\nby %-31s %10s", by, "size");
	for (j = 0; j < nr; j++)
		fprintf(out, "  %8s", mh_text_ns(text, c->buckets[at[j]].idle_ns.start));
	fputs(nr ? " or longer\n" : "\n", out);
	for (; i < c->nr_groups && !strcmp(c->groups[i].by, by); i++) {
		if (shown++ < NR_ROWS_SHOWN) {
			text_group(out, c, &c->groups[i], at, nr);
			continue;
		}
		hidden++;
		bytes += c->groups[i].bytes;
	}
	if (hidden)
		fprintf(out, "  %zu more, %s: --format json has them\n", hidden,
			mh_text_bytes(text, bytes));
	return i;
}

static void text_groups(FILE *out, const struct mh_cold *c)
{
	size_t at[NR_SHARES], nr = choose_buckets(at, c), i = 0;

	while (i < c->nr_groups)
		i = text_kind(out, c, i, at, nr);
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
	text_groups(out, c);
	fputc('\n', out);
	mh_report_footer(out, &c->from);
	return MH_OK;
}

static void put_bucket(struct mh_table *t, const struct mh_cold_bucket *b, uint64_t bytes)
{
	mh_table_put_u64(t, b->idle_ns.start);
	mh_table_put_u64(t, b->idle_ns.end);
	mh_table_put_u64(t, bytes);
}

#define BUCKET_COLUMNS                                                                   \
	{ "idle_ns_min", "", MH_CELL_TYPE_U64 },                                         \
		{ "idle_ns_max", "", MH_CELL_TYPE_BYTES }, /* absent: without end */     \
	{                                                                                \
		"bytes", "", MH_CELL_TYPE_U64                                            \
	}

static const struct mh_table_column bucket_columns[] = { BUCKET_COLUMNS };

static void put_buckets(struct mh_table *t, const void *view)
{
	const struct mh_cold *c = view;
	size_t i;

	for (i = 0; i < c->nr_buckets; i++)
		put_bucket(t, &c->buckets[i], c->buckets[i].bytes);
}

static const struct mh_report_rows bucket_rows = { MH_COLUMNS(bucket_columns),
						   put_buckets };

static const struct mh_table_column columns[] = {
	BUCKET_COLUMNS,
	{ "by", "", MH_CELL_TYPE_TEXT },
	{ "name", "", MH_CELL_TYPE_TEXT },
};

/* The whole first, then each kind's groups, which add up to it again. */
static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_cold *c = view;
	size_t i, g;

	for (i = 0; i < c->nr_buckets; i++) {
		put_bucket(t, &c->buckets[i], c->buckets[i].bytes);
		mh_table_put_text(t, "all");
		mh_table_put_text(t, "");
	}
	for (g = 0; g < c->nr_groups; g++) {
		for (i = 0; i < c->nr_buckets; i++) {
			put_bucket(t, &c->buckets[i], c->groups[g].buckets[i]);
			mh_table_put_text(t, c->groups[g].by);
			mh_table_put_text(t, c->groups[g].name);
		}
	}
}

static void json_group(struct mh_json *j, const struct mh_cold *c,
		       const struct mh_cold_group *g)
{
	size_t i;

	mh_json_object(j);
	mh_json_key(j, "by");
	mh_json_string(j, g->by);
	mh_json_key(j, "name");
	mh_json_string(j, g->name);
	mh_json_put_u64(j, "bytes", g->bytes);
	mh_json_key(j, "buckets");
	mh_json_array(j);
	for (i = 0; i < c->nr_buckets; i++)
		mh_json_u64(j, g->buckets[i]);
	mh_json_end_array(j);
	mh_json_end_object(j);
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_cold *c = view;
	size_t i;

	mh_report_json_from(j, &c->from);
	mh_json_put_u64(j, "at_ns", c->at_ns);
	mh_json_put_u64(j, "interval_ns", c->interval_ns);
	mh_report_json_rows(j, "buckets", &bucket_rows, c);
	mh_json_key(j, "groups");
	mh_json_array(j);
	for (i = 0; i < c->nr_groups; i++)
		json_group(j, c, &c->groups[i]);
	mh_json_end_array(j);
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
