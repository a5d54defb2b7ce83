/* SPDX-License-Identifier: MIT */
/*
 * A verdict as JUnit XML: one test case per metric, so that a CI system lists them with
 * its tests. What is inconclusive is a skipped case: neither passed nor failed.
 */
#include <string.h>

#include "render/verdict.h"
#include "render/xml.h"

static void write_growth(FILE *out, const struct mh_verdict *v)
{
	size_t i, nr = mh_verdict_nr_growth(v, 5);
	char amount[MH_TEXT_MAX], place[MH_VERDICT_PLACE];

	for (i = 0; i < nr; i++) {
		const struct mh_growth *g = &v->growth.v[i];

		fprintf(out, "%s +%s: ", i ? "" : "largest growth:\n",
			mh_text_bytes(amount, (uint64_t)(g->value - g->baseline)));
		mh_xml_text(out, g->key);
		mh_xml_text(out, mh_verdict_place(place, g));
		fputc('\n', out);
	}
}

static void begin_case(FILE *out, const struct mh_verdict *v, const char *name)
{
	fprintf(out, "    <testcase classname=\"memheat.");
	mh_xml_text(out, v->workload);
	fprintf(out, "\" name=\"");
	mh_xml_text(out, name);
	fprintf(out, "\">\n");
}

static void write_metric(FILE *out, const struct mh_verdict *v,
			 const struct mh_verdict_metric *m)
{
	char text[MH_VERDICT_LINE];

	mh_verdict_title(text, sizeof(text), m);
	begin_case(out, v, text);
	mh_verdict_sentence(text, sizeof(text), m);
	if (m->kind == MH_VERDICT_FAIL) {
		fprintf(out, "      <failure type=\"regression\" message=\"");
		mh_xml_text(out, text);
		fprintf(out, "\">");
		write_growth(out, v);
		fprintf(out, "</failure>\n");
	} else if (m->kind == MH_VERDICT_INCONCLUSIVE) {
		fprintf(out, "      <skipped message=\"");
		mh_xml_text(out, text);
		fprintf(out, "\"/>\n");
	} else {
		fprintf(out, "      <system-out>%s: ", mh_verdict_name(m->kind));
		mh_xml_text(out, text);
		fprintf(out, "</system-out>\n");
	}
	fprintf(out, "    </testcase>\n");
}

/* Nothing was judged: one case says why. */
static void write_reason(FILE *out, const struct mh_verdict *v)
{
	char text[MH_VERDICT_LINE];

	mh_verdict_workload(text, sizeof(text), v);
	begin_case(out, v, "comparable");
	if (*text) {
		fprintf(out, "      <error type=\"workload\" message=\"");
		mh_xml_text(out, text);
	} else {
		fprintf(out, "      <skipped message=\"");
		mh_xml_text(out,
			    v->notes.nr ? v->notes.v[0].text : "nothing was compared");
	}
	fprintf(out, "\"/>\n    </testcase>\n");
}

void mh_verdict_junit(FILE *out, const struct mh_verdict *v)
{
	size_t i, skipped = 0, failed = mh_verdict_nr_failed(v), nr = v->metrics.nr;
	int broken = v->wait_status != -1;

	for (i = 0; i < nr; i++)
		skipped += v->metrics.v[i].kind == MH_VERDICT_INCONCLUSIVE;
	if (!nr) {
		nr = 1;
		skipped = !broken;
	}
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
		     "  <testsuite name=\"memheat\" ");
	fprintf(out, "tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"%zu\">\n",
		nr, failed, broken, skipped);
	for (i = 0; i < v->metrics.nr; i++)
		write_metric(out, v, &v->metrics.v[i]);
	if (!v->metrics.nr)
		write_reason(out, v);
	fprintf(out, "  </testsuite>\n</testsuites>\n");
}
