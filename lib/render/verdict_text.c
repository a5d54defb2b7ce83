/* SPDX-License-Identifier: MIT */
/* A verdict for a person: the failures first in the eye, the culprit right below. */
#include <stdio.h>
#include <string.h>

#include "render/verdict.h"

static const char *const words[] = { "ok", "better", "warn", "unsure", "FAIL" };
static const char *const colors[] = { "32", "36", "33", "33", "1;31" };

static void print_metric(FILE *out, const struct mh_verdict_metric *m, int color)
{
	char line[MH_VERDICT_LINE];

	mh_verdict_sentence(line, sizeof(line), m);
	if (color)
		fprintf(out, "\033[%sm%-6s\033[0m", colors[m->kind], words[m->kind]);
	else
		fprintf(out, "%-6s", words[m->kind]);
	fprintf(out, " %-10s %s\n", m->name, line);
}

static void print_growth(FILE *out, const struct mh_verdict *v)
{
	size_t i, nr = mh_verdict_nr_growth(v, 5);
	char amount[MH_TEXT_MAX], key[256], place[MH_VERDICT_PLACE];

	for (i = 0; i < nr; i++) {
		const struct mh_growth *g = &v->growth.v[i];

		mh_text_safe(key, sizeof(key), g->key, 0);
		fprintf(out, "%s %s +%s%s\n",
			i ? "                      " : "       largest growth:", key,
			mh_text_bytes(amount, (uint64_t)(g->value - g->baseline)),
			mh_verdict_place(place, g));
	}
}

static void print_total(FILE *out, const struct mh_verdict *v)
{
	size_t failed = mh_verdict_nr_failed(v), i, unsure = 0;

	for (i = 0; i < v->metrics.nr; i++)
		unsure += v->metrics.v[i].kind == MH_VERDICT_INCONCLUSIVE;
	if (failed)
		fprintf(out, "%zu of %zu checks failed\n", failed, v->metrics.nr);
	else if (v->kind == MH_VERDICT_INCONCLUSIVE && !unsure)
		fprintf(out, "nothing was compared\n");
	else if (unsure)
		fprintf(out, "%zu of %zu checks inconclusive\n", unsure, v->metrics.nr);
	else
		fprintf(out, "%zu check%s passed%s\n", v->metrics.nr,
			mh_text_plural(v->metrics.nr),
			v->kind == MH_VERDICT_WARN ? ", with warnings" : "");
	if (v->kind == MH_VERDICT_IMPROVED)
		fprintf(out, "it needs less than the baseline: make that anew to keep it "
			     "so\n");
}

void mh_verdict_text(FILE *out, const struct mh_verdict *v, int color)
{
	char text[MH_VERDICT_LINE];
	size_t i;

	mh_verdict_workload(text, sizeof(text), v);
	if (*text)
		fprintf(out, "%s: there is no verdict\n", text);
	for (i = 0; i < v->metrics.nr; i++)
		print_metric(out, &v->metrics.v[i], color);
	if (v->kind >= MH_VERDICT_WARN)
		print_growth(out, v);
	for (i = 0; i < v->notes.nr; i++) {
		mh_text_safe(text, sizeof(text), v->notes.v[i].text, 1);
		fprintf(out, "%s: %s\n", v->notes.v[i].warning ? "warning" : "note",
			text);
	}
	if (v->wait_status == -1)
		print_total(out, v);
}
