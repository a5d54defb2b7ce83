/* SPDX-License-Identifier: MIT */
/* Words of a verdict that several formats use. */
#include "render/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

const char *mh_verdict_amount(char buf[MH_TEXT_MAX], const char *metric, double v)
{
	const char *unit = mh_metric_unit(metric);

	mh_text_bytes(buf, isnan(v) || v >= 0x1p63 ? MH_NO_DATA : (uint64_t)v);
	if (!strcmp(unit, "bytes/s"))
		strncat(buf, "/s", MH_TEXT_MAX - strlen(buf) - 1);
	return buf;
}

const char *mh_verdict_change(char buf[MH_TEXT_MAX], double ratio)
{
	if (isnan(ratio))
		snprintf(buf, MH_TEXT_MAX, "-");
	else if (isinf(ratio))
		snprintf(buf, MH_TEXT_MAX, "new");
	else
		snprintf(buf, MH_TEXT_MAX, "%+.1f%%", (ratio - 1) * 100);
	return buf;
}

void mh_verdict_title(char *buf, size_t size, const struct mh_verdict_metric *m)
{
	char limit[MH_TEXT_MAX];

	if (m->budget)
		snprintf(buf, size, "%s%s%s", m->name, m->op,
			 mh_verdict_amount(limit, m->name, m->limit));
	else
		snprintf(buf, size, "%s", m->name);
}

static size_t add(char *buf, size_t size, size_t len, const char *s)
{
	if (len < size)
		snprintf(buf + len, size - len, "%s", s);
	return len + strlen(s);
}

static void sentence_of_budget(char *buf, size_t size, const struct mh_verdict_metric *m)
{
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX];

	snprintf(buf, size, "%s (limit %s%s)", mh_verdict_amount(a, m->name, m->value),
		 strcmp(m->op, "<=") ? m->op : "",
		 mh_verdict_amount(b, m->name, m->limit));
}

void mh_verdict_sentence(char *buf, size_t size, const struct mh_verdict_metric *m)
{
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], c[MH_TEXT_MAX], part[160];
	size_t len;

	if (m->budget) {
		sentence_of_budget(buf, size, m);
		len = strlen(buf);
	} else {
		snprintf(buf, size, "%s -> %s  %s (limit %s",
			 mh_verdict_amount(a, m->name, m->baseline),
			 mh_verdict_amount(b, m->name, m->value),
			 mh_verdict_change(c, m->ratio),
			 mh_verdict_change(part, m->limit));
		len = strlen(buf);
		if (!isnan(m->p_value)) {
			snprintf(part, sizeof(part), ", p %.3f", m->p_value);
			len = add(buf, size, len, part);
		}
		if (!isnan(m->noise)) {
			snprintf(part, sizeof(part),
				 ", noise of %zu baseline runs %.1f%%", m->nr_baseline,
				 m->noise * 100);
			len = add(buf, size, len, part);
		}
		len = add(buf, size, len, ")");
	}
	if (*m->why) {
		len = add(buf, size, len, "; ");
		add(buf, size, len, m->why);
	}
}

size_t mh_verdict_nr_growth(const struct mh_verdict *v, size_t max)
{
	double least = 4096, first = 0;
	size_t n = 0;

	if (v->growth.nr)
		first = v->growth.v[0].value - v->growth.v[0].baseline;
	/* A page here and there beside the culprit is noise. */
	if (first / 50 > least)
		least = first / 50;
	while (n < max && n < v->growth.nr &&
	       v->growth.v[n].value - v->growth.v[n].baseline >= least)
		n++;
	return n;
}

void mh_verdict_workload(char *buf, size_t size, const struct mh_verdict *v)
{
	if (v->wait_status == -1)
		*buf = '\0';
	else if (WIFSIGNALED(v->wait_status))
		snprintf(buf, size, "the workload was killed by signal %d",
			 WTERMSIG(v->wait_status));
	else
		snprintf(buf, size, "the workload ended with status %d",
			 WEXITSTATUS(v->wait_status));
}

int mh_verdict_repeated(const struct mh_verdict *v, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (!strcmp(v->metrics.v[j].name, v->metrics.v[i].name))
			return 1;
	return 0;
}
