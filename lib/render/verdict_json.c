/* SPDX-License-Identifier: MIT */
/* A verdict as JSON of our own schema, and in two forms that benchmark services read. */
#include <math.h>
#include <string.h>

#include <sys/wait.h>

#include "render/verdict.h"

static void key_string(struct mh_json *j, const char *key, const char *s)
{
	mh_json_key(j, key);
	mh_json_string(j, s);
}

static void key_double(struct mh_json *j, const char *key, double v)
{
	mh_json_key(j, key);
	mh_json_double(j, v);
}

static void key_u64(struct mh_json *j, const char *key, uint64_t v)
{
	mh_json_key(j, key);
	mh_json_u64(j, v);
}

static void write_metric(struct mh_json *j, const struct mh_verdict_metric *m)
{
	mh_json_object(j);
	key_string(j, "name", m->name);
	key_string(j, "unit", m->of_rss ? "ratio" : mh_metric_unit(m->name));
	key_double(j, "baseline", m->baseline);
	key_double(j, "value", m->value);
	key_double(j, "value_min", m->lo);
	key_double(j, "value_max", m->hi);
	key_double(j, "ratio", m->ratio);
	key_double(j, "ratio_lo", m->ratio_lo);
	key_double(j, "ratio_hi", m->ratio_hi);
	key_double(j, "p_value", m->p_value);
	key_double(j, "noise", m->noise);
	key_double(j, "limit", m->limit);
	key_string(j, "limit_kind", m->budget ? m->op : "ratio");
	key_u64(j, "baseline_runs", m->nr_baseline);
	key_u64(j, "runs", m->nr_runs);
	key_string(j, "verdict", mh_verdict_name(m->kind));
	key_string(j, "why", m->why);
	mh_json_end_object(j);
}

static void write_environment(struct mh_json *j, const struct mh_environment *env)
{
	mh_json_key(j, "environment");
	mh_json_object(j);
	key_string(j, "source", env->source);
	key_u64(j, "window_ns", env->window_ns);
	key_u64(j, "page_size", env->page_size);
	key_string(j, "thp", env->thp);
	key_string(j, "arch", env->arch);
	key_string(j, "kernel", env->kernel);
	key_string(j, "cpu", env->cpu);
	mh_json_end_object(j);
}

static void write_growth(struct mh_json *j, const struct mh_verdict *v)
{
	size_t i;

	mh_json_key(j, "growth");
	mh_json_array(j);
	for (i = 0; i < v->growth.nr; i++) {
		mh_json_object(j);
		key_string(j, "key", v->growth.v[i].key);
		key_double(j, "baseline", v->growth.v[i].baseline);
		key_double(j, "value", v->growth.v[i].value);
		mh_json_key(j, "file");
		if (v->growth.v[i].file)
			mh_json_string(j, v->growth.v[i].file);
		else
			mh_json_null(j);
		mh_json_key(j, "line");
		if (v->growth.v[i].line)
			mh_json_u64(j, v->growth.v[i].line);
		else
			mh_json_null(j);
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void write_failure(struct mh_json *j, const struct mh_verdict *v)
{
	int status = v->wait_status;

	mh_json_key(j, "workload_exit");
	if (status != -1 && WIFEXITED(status))
		mh_json_u64(j, (uint64_t)WEXITSTATUS(status));
	else
		mh_json_null(j);
	mh_json_key(j, "workload_signal");
	if (status != -1 && WIFSIGNALED(status))
		mh_json_u64(j, (uint64_t)WTERMSIG(status));
	else
		mh_json_null(j);
}

void mh_verdict_json(FILE *out, const struct mh_verdict *v)
{
	struct mh_json j;
	size_t i;

	mh_json_init(&j, out);
	mh_json_object(&j);
	key_string(&j, "schema", "memheat.check/1");
	key_string(&j, "verdict", mh_verdict_name(v->kind));
	key_string(&j, "workload", v->workload);
	write_failure(&j, v);
	key_u64(&j, "baseline_runs", v->nr_baseline);
	key_u64(&j, "runs", v->nr_runs);
	write_environment(&j, &v->env);
	mh_json_key(&j, "metrics");
	mh_json_array(&j);
	for (i = 0; i < v->metrics.nr; i++)
		write_metric(&j, &v->metrics.v[i]);
	mh_json_end_array(&j);
	write_growth(&j, v);
	mh_json_key(&j, "notes");
	mh_json_array(&j);
	for (i = 0; i < v->notes.nr; i++)
		mh_json_string(&j, v->notes.v[i].text);
	mh_json_end_array(&j);
	mh_json_end_object(&j);
	fputc('\n', out);
}

/* ---- services ---- */

/* Both want numbers, of one unit per metric: what was not measured and shares of budgets
 * are left out. */
static int is_given(const struct mh_verdict *v, size_t i)
{
	return isfinite(v->metrics.v[i].value) && !v->metrics.v[i].of_rss &&
	       !mh_verdict_repeated(v, i);
}

void mh_verdict_bmf(FILE *out, const struct mh_verdict *v)
{
	struct mh_json j;
	size_t i;

	mh_json_init(&j, out);
	mh_json_object(&j);
	mh_json_key(&j, *v->workload ? v->workload : "workload");
	mh_json_object(&j);
	for (i = 0; i < v->metrics.nr; i++) {
		const struct mh_verdict_metric *m = &v->metrics.v[i];

		if (!is_given(v, i))
			continue;
		mh_json_key(&j, m->name);
		mh_json_object(&j);
		key_double(&j, "value", m->value);
		key_double(&j, "lower_value", m->lo);
		key_double(&j, "upper_value", m->hi);
		mh_json_end_object(&j);
	}
	mh_json_end_object(&j);
	mh_json_end_object(&j);
	fputc('\n', out);
}

void mh_verdict_gha_benchmark(FILE *out, const struct mh_verdict *v)
{
	struct mh_json j;
	char text[MH_VERDICT_LINE];
	size_t i;

	mh_json_init(&j, out);
	mh_json_array(&j);
	for (i = 0; i < v->metrics.nr; i++) {
		const struct mh_verdict_metric *m = &v->metrics.v[i];

		if (!is_given(v, i))
			continue;
		mh_json_object(&j);
		key_string(&j, "name", m->name);
		key_string(&j, "unit", mh_metric_unit(m->name));
		key_double(&j, "value", m->value);
		snprintf(text, sizeof(text), "%.0f", m->hi - m->lo);
		key_string(&j, "range", text);
		mh_verdict_sentence(text, sizeof(text), m);
		key_string(&j, "extra", text);
		mh_json_end_object(&j);
	}
	mh_json_end_array(&j);
	fputc('\n', out);
}
