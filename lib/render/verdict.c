/* SPDX-License-Identifier: MIT */
/* Words of a verdict that several formats use. */
#include "render/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* A value or limit of a metric, which is a share for some budgets. */
static const char *amount_of(char buf[MH_TEXT_MAX], const struct mh_verdict_metric *m,
			     double v)
{
	return m->of_rss ? mh_text_percent(buf, v) : mh_verdict_amount(buf, m->name, v);
}

void mh_verdict_title(char *buf, size_t size, const struct mh_verdict_metric *m)
{
	char limit[MH_TEXT_MAX];

	if (m->budget)
		snprintf(buf, size, "%s%s%s", m->name, m->op,
			 amount_of(limit, m, m->limit));
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

	snprintf(buf, size, "%s%s (limit %s%s)", amount_of(a, m, m->value),
		 m->of_rss ? " of the resident memory" : "",
		 strcmp(m->op, "<=") ? m->op : "", amount_of(b, m, m->limit));
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

const char *mh_verdict_place(char buf[MH_VERDICT_PLACE], const struct mh_growth *g)
{
	const char *slash = g->file ? strrchr(g->file, '/') : NULL;

	if (!g->file)
		*buf = '\0';
	else
		snprintf(buf, MH_VERDICT_PLACE, " %.80s:%u",
			 slash && slash[1] ? slash + 1 : g->file, (unsigned)g->line);
	return buf;
}

const char *mh_verdict_path(const char *path)
{
	static const char *const roots[] = { "GITHUB_WORKSPACE", "CI_PROJECT_DIR" };
	size_t i, len;

	for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		const char *root = getenv(roots[i]);

		len = root ? strlen(root) : 0;
		if (len && !strncmp(path, root, len) && path[len] == '/')
			return path + len + 1;
	}
	return path;
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
		if (!strcmp(v->metrics.v[j].name, v->metrics.v[i].name) &&
		    !v->metrics.v[j].of_rss)
			return 1;
	return 0;
}
