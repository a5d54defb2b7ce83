/* SPDX-License-Identifier: MIT */
/* Runs, environments and verdicts: names, look-ups, release. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "base/vec.h"

void mh_run_object_fini(struct mh_run_object *o)
{
	free(o->key);
	free(o->mapping);
	free(o->file);
}

void mh_run_fini(struct mh_run *run)
{
	size_t i;

	for (i = 0; i < run->objects.nr; i++)
		mh_run_object_fini(&run->objects.v[i]);
	free(run->objects.v);
	free(run->metrics.v);
	memset(run, 0, sizeof(*run));
}

void mh_runs_fini(struct mh_runs *runs)
{
	size_t i;

	for (i = 0; i < runs->nr; i++)
		mh_run_fini(&runs->v[i]);
	free(runs->v);
	memset(runs, 0, sizeof(*runs));
}

double mh_run_value(const struct mh_run *run, const char *metric)
{
	size_t i;

	for (i = 0; i < run->metrics.nr; i++) {
		if (!strcmp(run->metrics.v[i].name, metric))
			return run->metrics.v[i].value;
	}
	return NAN;
}

const char *mh_metric_unit(const char *metric)
{
	return strncmp(metric, "promo.", 6) ? "bytes" : "bytes/s";
}

/* ---- environments ---- */

static void tell(char *why, size_t size, const char *what, const char *a, const char *b)
{
	size_t len = strlen(why);

	snprintf(why + len, size - len, "%s%s '%s' and '%s'", len ? ", " : "", what, a,
		 b);
}

/* What is not known on one side is no difference. */
static int differs(char *why, size_t size, const char *what, const char *a, const char *b)
{
	if (!*a || !*b || !strcmp(a, b))
		return 0;
	tell(why, size, what, a, b);
	return 1;
}

static int differs_u64(char *why, size_t size, const char *what, uint64_t a, uint64_t b,
		       double scale, const char *unit, double tolerance)
{
	char x[48], y[48];
	double ratio;

	if (!a || !b)
		return 0;
	ratio = (double)a / (double)b;
	if (ratio <= 1 + tolerance && ratio >= 1 / (1 + tolerance))
		return 0;
	snprintf(x, sizeof(x), "%g%s", (double)a * scale, unit);
	snprintf(y, sizeof(y), "%g%s", (double)b * scale, unit);
	tell(why, size, what, x, y);
	return 1;
}

enum mh_environment_match mh_environment_compare(const struct mh_environment *a,
						 const struct mh_environment *b,
						 char *why, size_t size)
{
	int other, near;

	*why = '\0';
	other = differs(why, size, "source", a->source, b->source);
	other |= differs_u64(why, size, "window", a->window_ns, b->window_ns, 1e-9, " s",
			     0.1);
	other |= differs_u64(why, size, "page size", a->page_size, b->page_size, 1,
			     " bytes", 0);
	other |= differs(why, size, "THP", a->thp, b->thp);
	other |= differs(why, size, "architecture", a->arch, b->arch);
	if (other)
		return MH_ENVIRONMENT_OTHER;
	near = differs(why, size, "kernel", a->kernel, b->kernel);
	near |= differs(why, size, "CPU", a->cpu, b->cpu);
	return near ? MH_ENVIRONMENT_NEAR : MH_ENVIRONMENT_SAME;
}

/* ---- verdicts ---- */

const char *mh_verdict_name(enum mh_verdict_kind kind)
{
	static const char *const names[] = { "pass", "improved", "warn", "inconclusive",
					     "fail" };

	return names[kind];
}

void mh_verdict_fini(struct mh_verdict *v)
{
	size_t i;

	for (i = 0; i < v->growth.nr; i++) {
		free(v->growth.v[i].key);
		free(v->growth.v[i].file);
	}
	free(v->growth.v);
	free(v->metrics.v);
	free(v->notes.v);
	memset(v, 0, sizeof(*v));
}

int mh_verdict_note(struct mh_verdict *v, bool warning, const char *fmt, ...)
{
	struct mh_verdict_note *note = mh_vec_push(&v->notes);
	va_list ap;

	if (!note)
		return -1;
	note->warning = warning;
	va_start(ap, fmt);
	vsnprintf(note->text, sizeof(note->text), fmt, ap);
	va_end(ap);
	return 0;
}

size_t mh_verdict_nr_failed(const struct mh_verdict *v)
{
	size_t i, n = 0;

	for (i = 0; i < v->metrics.nr; i++)
		n += v->metrics.v[i].kind == MH_VERDICT_FAIL;
	return n;
}
