/* SPDX-License-Identifier: MIT */
/*
 * memheat report sizing: what to ask for and what to allow, with the sizes that it comes
 * from side by side under their own names, since they are easily confused.
 */
#include <math.h>

#include "report.h"

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_sizing_analyze(view, r->session, r->opts->slo, err);
}

static void fini(void *view)
{
	mh_sizing_fini(view);
}

/* One list for all forms. */
struct named_size {
	const char *name, *title;
	const struct mh_sizing_size *size;
};

#define NR_SIZES 5

static void list_sizes(struct named_size out[NR_SIZES], const struct mh_sizing *s)
{
	out[0] = (struct named_size){ "wss", "working set (touched)", &s->wss };
	out[1] = (struct named_size){ "rss", "RSS (resident)", &s->rss };
	out[2] = (struct named_size){ "pss", "PSS (shared by part)", &s->pss };
	out[3] = (struct named_size){ "usage", "charged to the cgroup", &s->usage };
	out[4] = (struct named_size){ "k8s_working_set", "Kubernetes \"working set\"",
				      &s->k8s };
}

struct named_bytes {
	const char *name, *title, *why;
	uint64_t bytes;
};

#define NR_ADVICE 4

static void list_advice(struct named_bytes out[NR_ADVICE], const struct mh_sizing *s)
{
	out[0] = (struct named_bytes){ "request", "request",
				       "p90 in use, kernel and unevictable, + 15%",
				       s->request };
	out[1] = (struct named_bytes){ "limit", "limit", "peak + 15%", s->limit };
	out[2] = (struct named_bytes){ "memory_low", "memory.low", "p50 in use", s->low };
	out[3] = (struct named_bytes){ "memory_high", "memory.high", "p95 in use",
				       s->high };
}

/* ---- text ---- */

static void text_sizes(FILE *out, const struct mh_sizing *s)
{
	struct named_size sizes[NR_SIZES];
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], c[MH_TEXT_MAX];
	size_t i;

	list_sizes(sizes, s);
	fprintf(out, "%-26s %10s  %10s  %10s\n", "", "p50", "p90", "max");
	for (i = 0; i < NR_SIZES; i++)
		fprintf(out, "%-26s %10s  %10s  %10s\n", sizes[i].title,
			mh_text_bytes(a, sizes[i].size->p50),
			mh_text_bytes(b, sizes[i].size->p90),
			mh_text_bytes(c, sizes[i].size->max));
	fprintf(out,
		"touched: in %s; Kubernetes: charged less inactive files, which is no "
		"measure of use\n\n",
		mh_text_ns(a, s->interval_ns));
}

static void text_advice(FILE *out, const struct mh_sizing *s)
{
	struct named_bytes advice[NR_ADVICE];
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], c[MH_TEXT_MAX];
	size_t i;

	list_advice(advice, s);
	for (i = 0; i < NR_ADVICE; i++)
		fprintf(out, "%-12s %10s  %s\n", advice[i].title,
			mh_text_bytes(a, advice[i].bytes), advice[i].why);
	fprintf(out,
		"%-12s %10s  lower %s, upper %s, as its recommender would say of %s\n",
		"VPA target", mh_text_bytes(a, s->vpa.target),
		mh_text_bytes(b, s->vpa.lower), mh_text_bytes(c, s->vpa.upper),
		s->vpa.of);
	fprintf(out,
		"in use: touched in %s. What was not is below RSS: the request holds "
		"with "
		"swap\nor where the rest is page cache that can be dropped.\n\n",
		mh_text_ns(a, s->window_ns));
}

static void text_split(FILE *out, const struct mh_sizing *s)
{
	char idle[MH_TEXT_MAX], far[MH_TEXT_MAX], part[MH_TEXT_MAX], back[MH_TEXT_MAX];
	char rate[MH_TEXT_MAX], near[MH_TEXT_MAX];
	size_t i;

	if (*s->why) {
		fprintf(out, "Near and far: %s.\n", s->why);
		return;
	}
	fprintf(out, "%-10s %10s  %10s  %6s  %12s  %8s\n", "idle for", "near", "far",
		"share", "comes back", "per min");
	for (i = 0; i < s->nr_ages; i++) {
		const struct mh_sizing_age *a = &s->ages[i];

		fprintf(out, "%-10s %10s  %10s  %6s  %10s/s  %8s%s\n",
			mh_text_ns(idle, a->idle_ns),
			mh_text_bytes(near, s->observed - a->far_bytes),
			mh_text_bytes(far, a->far_bytes),
			mh_text_percent(part, s->observed ? (double)a->far_bytes /
								    (double)s->observed
							  : 0),
			mh_text_bytes(back, (uint64_t)a->promoted_bytes_per_s),
			isnan(a->promoted_per_min)
				? "-"
				: mh_text_percent(rate, a->promoted_per_min),
			i == s->split ? "  <- split" : "");
	}
	fprintf(out, "per min: of the working set of %s; asked for at most %s (--slo)\n",
		mh_text_ns(idle, s->rate_window_ns), mh_text_percent(rate, s->slo));
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_sizing *s = view;

	(void)err;
	mh_report_header(out, &s->from, &r->term);
	fprintf(out, "\n\n");
	text_sizes(out, s);
	text_advice(out, s);
	text_split(out, s);
	fputc('\n', out);
	mh_report_footer(out, &s->from);
	return MH_OK;
}

/* ---- JSON and CSV ---- */

static void json_sizes(struct mh_json *j, const struct mh_sizing *s)
{
	struct named_size sizes[NR_SIZES];
	size_t i;

	list_sizes(sizes, s);
	for (i = 0; i < NR_SIZES; i++) {
		mh_json_key(j, sizes[i].name);
		mh_json_object(j);
		mh_json_put_bytes(j, "p50", sizes[i].size->p50);
		mh_json_put_bytes(j, "p90", sizes[i].size->p90);
		mh_json_put_bytes(j, "max", sizes[i].size->max);
		mh_json_end_object(j);
	}
	mh_json_put_bytes(j, "memory_peak", s->peak);
	mh_json_put_bytes(j, "kernel", s->kernel);
	mh_json_put_bytes(j, "unevictable", s->unevictable);
}

static void json_advice(struct mh_json *j, const struct mh_sizing *s)
{
	struct named_bytes advice[NR_ADVICE];
	size_t i;

	list_advice(advice, s);
	mh_json_put_bytes(j, "window_ns", s->window_ns);
	for (i = 0; i < NR_ADVICE; i++)
		mh_json_put_bytes(j, advice[i].name, advice[i].bytes);
	mh_json_key(j, "vpa");
	mh_json_object(j);
	mh_json_put_string(j, "of", s->vpa.of);
	mh_json_put_bytes(j, "lower", s->vpa.lower);
	mh_json_put_bytes(j, "target", s->vpa.target);
	mh_json_put_bytes(j, "upper", s->vpa.upper);
	mh_json_end_object(j);
}

static void json_age(struct mh_json *j, const struct mh_sizing *s,
		     const struct mh_sizing_age *a)
{
	mh_json_object(j);
	mh_json_put_bytes(j, "idle_ns", a->idle_ns);
	mh_json_put_bytes(j, "local_bytes", s->observed - a->far_bytes);
	mh_json_put_bytes(j, "far_bytes", a->far_bytes);
	mh_json_put_double(j, "promoted_bytes_per_s", a->promoted_bytes_per_s);
	mh_json_put_double(j, "promotion_rate_per_min", a->promoted_per_min);
	mh_json_end_object(j);
}

static void json_split(struct mh_json *j, const struct mh_sizing *s)
{
	size_t i;

	mh_json_put_double(j, "slo_per_min", s->slo);
	mh_json_put_bytes(j, "promotion_window_ns",
			  s->nr_ages ? s->rate_window_ns : MH_NO_DATA);
	mh_json_put_bytes(j, "observed_bytes", s->observed);
	mh_json_key(j, "split");
	if (s->split < s->nr_ages)
		json_age(j, s, &s->ages[s->split]);
	else
		mh_json_null(j);
	mh_json_key(j, "ages");
	mh_json_array(j);
	for (i = 0; i < s->nr_ages; i++)
		json_age(j, s, &s->ages[i]);
	mh_json_end_array(j);
	mh_json_put_string(j, "why", s->why);
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_sizing *s = view;

	mh_report_json_from(j, &s->from);
	mh_json_put_bytes(j, "interval_ns", s->interval_ns);
	mh_json_put_bytes(j, "span_ns", s->span_ns);
	json_sizes(j, s);
	json_advice(j, s);
	json_split(j, s);
}

static const struct mh_table_column columns[] = {
	{ "name", "", MH_CELL_TYPE_TEXT },
	{ "bytes", "", MH_CELL_TYPE_BYTES },
};

static void put_row(struct mh_table *t, const char *of, const char *name, uint64_t bytes)
{
	mh_table_put_words(t, "%s%s", of, name);
	mh_table_put_u64(t, bytes);
}

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_sizing *s = view;
	const struct mh_sizing_age *split =
		s->split < s->nr_ages ? &s->ages[s->split] : NULL;
	struct named_bytes advice[NR_ADVICE];
	struct named_size sizes[NR_SIZES];
	size_t i;

	list_sizes(sizes, s);
	list_advice(advice, s);
	for (i = 0; i < NR_SIZES; i++) {
		put_row(t, sizes[i].name, ".p50", sizes[i].size->p50);
		put_row(t, sizes[i].name, ".p90", sizes[i].size->p90);
		put_row(t, sizes[i].name, ".max", sizes[i].size->max);
	}
	for (i = 0; i < NR_ADVICE; i++)
		put_row(t, "", advice[i].name, advice[i].bytes);
	put_row(t, "vpa.", "lower", s->vpa.lower);
	put_row(t, "vpa.", "target", s->vpa.target);
	put_row(t, "vpa.", "upper", s->vpa.upper);
	put_row(t, "", "local", split ? s->observed - split->far_bytes : MH_NO_DATA);
	put_row(t, "", "far", split ? split->far_bytes : MH_NO_DATA);
}

const struct mh_report_type mh_report_sizing = {
	.name = "sizing",
	.summary = "how much memory to give, and what could go to a slower tier",
	.view_size = sizeof(struct mh_sizing),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
