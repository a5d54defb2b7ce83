/* SPDX-License-Identifier: MIT */
/* A verdict as Markdown, as workflow commands of GitHub Actions, and as OpenMetrics. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "render/verdict.h"

/* ---- Markdown ---- */

/* In a table a bar would end the cell, and tags would be markup. */
static void cell(FILE *out, const char *s)
{
	char safe[MH_VERDICT_LINE];
	const char *p;

	mh_text_safe(safe, sizeof(safe), s, 1);
	for (p = safe; *p; p++) {
		if (strchr("|\\`*_[]", *p))
			fprintf(out, "\\%c", *p);
		else if (*p == '<')
			fputs("&lt;", out);
		else if (*p == '&')
			fputs("&amp;", out);
		else
			fputc(*p, out);
	}
}

static void markdown_metric(FILE *out, const struct mh_verdict_metric *m)
{
	static const char *const marks[] = { "pass", "improved", "**warn**",
					     "**inconclusive**", "**FAIL**" };
	char text[MH_TEXT_MAX], p[MH_TEXT_MAX] = "-";

	fprintf(out, "| %s | ", marks[m->kind]);
	cell(out, m->name);
	fprintf(out, " | %s", mh_verdict_amount(text, m->name, m->baseline));
	fprintf(out, " | %s", mh_verdict_amount(text, m->name, m->value));
	fprintf(out, " | %s | ", mh_verdict_change(text, m->ratio));
	if (m->budget) {
		cell(out, m->op);
		fprintf(out, " %s", mh_verdict_amount(text, m->name, m->limit));
	} else {
		fprintf(out, "%s", mh_verdict_change(text, m->limit));
	}
	if (!isnan(m->p_value))
		snprintf(p, sizeof(p), "%.3f", m->p_value);
	fprintf(out, " | %s | ", p);
	cell(out, m->why);
	fprintf(out, " |\n");
}

static void markdown_growth(FILE *out, const struct mh_verdict *v)
{
	size_t i, nr = mh_verdict_nr_growth(v, 5);
	char text[MH_TEXT_MAX], place[MH_VERDICT_PLACE];

	if (!nr)
		return;
	fprintf(out, "\n| largest growth | baseline | now | by | where |\n"
		     "|---|---:|---:|---:|---|\n");
	for (i = 0; i < nr; i++) {
		const struct mh_growth *g = &v->growth.v[i];

		fprintf(out, "| ");
		cell(out, g->key);
		fprintf(out, " | %s", mh_verdict_amount(text, "", g->baseline));
		fprintf(out, " | %s", mh_verdict_amount(text, "", g->value));
		fprintf(out, " | +%s | ",
			mh_verdict_amount(text, "", g->value - g->baseline));
		cell(out, mh_verdict_place(place, g));
		fprintf(out, " |\n");
	}
}

void mh_verdict_markdown(FILE *out, const struct mh_verdict *v)
{
	char text[MH_VERDICT_LINE];
	size_t i;

	fprintf(out, "### memheat check: %s\n\n", mh_verdict_name(v->kind));
	cell(out, v->workload);
	fprintf(out, ": %zu runs against %zu of the baseline\n", v->nr_runs,
		v->nr_baseline);
	mh_verdict_workload(text, sizeof(text), v);
	if (*text)
		fprintf(out, "\n%s\n", text);
	if (v->metrics.nr)
		fprintf(out,
			"\n| verdict | metric | baseline | now | change | limit | p | |\n"
			"|---|---|---:|---:|---:|---:|---:|---|\n");
	for (i = 0; i < v->metrics.nr; i++)
		markdown_metric(out, &v->metrics.v[i]);
	if (v->kind >= MH_VERDICT_WARN)
		markdown_growth(out, v);
	for (i = 0; i < v->notes.nr; i++) {
		fprintf(out, "\n- ");
		cell(out, v->notes.v[i].text);
	}
	fprintf(out, "%s\n", v->notes.nr ? "\n" : "");
}

/* ---- workflow commands ---- */

/* In properties commas and colons separate. */
static void percent_escaped(FILE *out, const char *s, const char *special)
{
	for (; *s; s++) {
		if (strchr(special, *s))
			fprintf(out, "%%%02X", (unsigned)*s);
		else
			fputc(*s, out);
	}
}

/* @at: the annotated line; NULL, or without a file: none */
static void command(FILE *out, const char *level, const char *title, const char *message,
		    const struct mh_growth *at)
{
	fprintf(out, "::%s ", level);
	if (at && at->file) {
		fprintf(out, "file=");
		percent_escaped(out, mh_verdict_path(at->file), "%\r\n,:");
		fprintf(out, ",line=%u,", (unsigned)at->line);
	}
	fprintf(out, "title=%s::", title);
	percent_escaped(out, message, "%\r\n");
	fputc('\n', out);
}

static const char *level_of(enum mh_verdict_kind kind)
{
	if (kind == MH_VERDICT_FAIL)
		return "error";
	return kind == MH_VERDICT_IMPROVED ? "notice" : "warning";
}

static void annotate(FILE *out, const struct mh_verdict *v,
		     const struct mh_verdict_metric *m)
{
	static const char *const titles[] = { "", "Memory improved", "Memory growth",
					      "Memory check inconclusive",
					      "Memory regression" };
	char text[MH_VERDICT_LINE], message[2 * MH_VERDICT_LINE], amount[MH_TEXT_MAX];
	size_t nr = mh_verdict_nr_growth(v, 1);
	char key[256] = "", place[MH_VERDICT_PLACE] = "";

	mh_verdict_sentence(text, sizeof(text), m);
	if (nr)
		mh_verdict_place(place, &v->growth.v[0]);
	if (nr)
		mh_text_safe(key, sizeof(key), v->growth.v[0].key, 1);
	snprintf(message, sizeof(message), "%s %s%s%s%s%s%s", m->name, text,
		 nr ? "\nlargest growth: " : "", key, nr ? " +" : "",
		 nr ? mh_text_bytes(amount, (uint64_t)(v->growth.v[0].value -
						       v->growth.v[0].baseline))
		    : "",
		 place);
	command(out, level_of(m->kind), titles[m->kind], message,
		nr ? &v->growth.v[0] : NULL);
}

void mh_verdict_github(FILE *out, const struct mh_verdict *v)
{
	char text[MH_VERDICT_LINE];
	size_t i;

	mh_verdict_workload(text, sizeof(text), v);
	if (*text)
		command(out, "error", "Memory check", text, NULL);
	for (i = 0; i < v->metrics.nr; i++)
		if (v->metrics.v[i].kind != MH_VERDICT_PASS)
			annotate(out, v, &v->metrics.v[i]);
	for (i = 0; i < v->notes.nr; i++) {
		if (!v->notes.v[i].warning)
			continue;
		mh_text_safe(text, sizeof(text), v->notes.v[i].text, 1);
		command(out, "warning", "Memory check", text, NULL);
	}
}

/* ---- OpenMetrics ---- */

static void label_value(FILE *out, const char *s)
{
	char safe[MH_VERDICT_LINE];
	const char *p;

	mh_text_safe(safe, sizeof(safe), s, 1);
	for (p = safe; *p; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', out);
		fputc(*p, out);
	}
}

static void labels(FILE *out, const struct mh_verdict *v)
{
	fprintf(out, "workload=\"");
	label_value(out, v->workload);
	fprintf(out, "\",source=\"");
	label_value(out, v->env.source);
	fprintf(out, "\"");
}

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

struct gauge {
	const char *name, *help;
	double (*get)(const struct mh_verdict_metric *m);
};

static double get_value(const struct mh_verdict_metric *m)
{
	return m->value;
}

static double get_baseline(const struct mh_verdict_metric *m)
{
	return m->baseline;
}

static double get_ratio(const struct mh_verdict_metric *m)
{
	return m->ratio;
}

static double get_failed(const struct mh_verdict_metric *m)
{
	return m->kind == MH_VERDICT_FAIL;
}

static void write_gauge(FILE *out, const struct mh_verdict *v, const struct gauge *g)
{
	char number[MH_TEXT_MAX];
	size_t i;

	family(out, g->name, "gauge", g->help);
	for (i = 0; i < v->metrics.nr; i++) {
		double value = g->get(&v->metrics.v[i]);

		if (!isfinite(value) || v->metrics.v[i].of_rss ||
		    mh_verdict_repeated(v, i))
			continue;
		fprintf(out, "%s{", g->name);
		labels(out, v);
		snprintf(number, sizeof(number), "%.17g", value);
		fprintf(out, ",metric=\"%s\"} %s\n", v->metrics.v[i].name, number);
	}
}

/* The bounds are the same everywhere and for ever, so that a fleet's sums mean something.
 */
static void write_histogram(FILE *out, const struct mh_verdict *v)
{
	static const char name[] = "memheat_window_wss_bytes";
	uint64_t n = 0;
	unsigned i;

	family(out, name, "histogram", "Working set sizes of single windows.");
	for (i = 0; i < MH_LOG2_BUCKETS; i++) {
		n += v->windows_log2[i];
		if (i < 12)
			continue;
		fprintf(out, "%s_bucket{", name);
		labels(out, v);
		/* The last one takes what is larger, too. */
		if (i + 1 == MH_LOG2_BUCKETS)
			fprintf(out, ",le=\"+Inf\"} %" PRIu64 "\n", n);
		else
			fprintf(out, ",le=\"%" PRIu64 ".0\"} %" PRIu64 "\n",
				UINT64_C(1) << i, n);
	}
	fprintf(out, "%s_count{", name);
	labels(out, v);
	fprintf(out, "} %" PRIu64 "\n%s_sum{", n, name);
	labels(out, v);
	fprintf(out, "} %.17g\n", v->windows_sum);
}

void mh_verdict_openmetrics(FILE *out, const struct mh_verdict *v)
{
	static const struct gauge gauges[] = {
		{ "memheat_check_value", "Median of the runs.", get_value },
		{ "memheat_check_baseline", "Median of the baseline's runs.",
		  get_baseline },
		{ "memheat_check_ratio", "Hodges-Lehmann ratio to the baseline.",
		  get_ratio },
		{ "memheat_check_failed", "1 where a metric failed.", get_failed },
	};
	size_t i;

	for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		write_gauge(out, v, &gauges[i]);
	write_histogram(out, v);
	fprintf(out, "# EOF\n");
}
