/* SPDX-License-Identifier: MIT */
/*
 * The verdict. A metric fails when three things agree: the share by which it grew, the
 * bytes, and the test. Any one of them alone cries wolf: a share of nothing, bytes of a
 * huge program, or a difference of 0.1 % that is perfectly reproducible.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/analyze.h>

#include "analyze/stats.h"
#include "base/vec.h"

struct side {
	double v[MH_RUNS_MAX];
	size_t n;
};

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for a comparison");
}

static int take(struct side *out, const struct mh_runs *runs, const char *metric,
		struct mh_err *err)
{
	size_t i;

	out->n = 0;
	if (!runs)
		return MH_OK;
	if (runs->nr > MH_RUNS_MAX)
		return mh_fail(err, MH_EINPUT,
			       "%zu runs are more than the %d that are compared; "
			       "'memheat baseline prune FILE --last 20' leaves the last "
			       "20",
			       runs->nr, MH_RUNS_MAX);
	for (i = 0; i < runs->nr; i++) {
		double value = mh_run_value(&runs->v[i], metric);

		if (!isnan(value))
			out->v[out->n++] = value;
	}
	return MH_OK;
}

static double median_of(const struct side *side)
{
	struct side copy = *side;

	return mh_stats_median(copy.v, copy.n);
}

static void span_of(struct mh_verdict_metric *m, const struct side *side)
{
	size_t i;

	m->lo = m->hi = NAN;
	for (i = 0; i < side->n; i++) {
		m->lo = fmin(m->lo, side->v[i]);
		m->hi = fmax(m->hi, side->v[i]);
	}
}

static double noise_of(const struct side *side)
{
	struct side copy = *side;
	double median = mh_stats_median(copy.v, copy.n);

	if (copy.n < 2 || !(median > 0))
		return NAN;
	return (copy.v[copy.n - 1] - copy.v[0]) / median;
}

/* ---- one metric ---- */

struct tested {
	double up, down; /* p values */
};

static int measure(struct mh_verdict_metric *m, struct tested *t, const struct side *base,
		   const struct side *now)
{
	struct mh_stats_ratio r;

	m->nr_baseline = base->n;
	m->nr_runs = now->n;
	m->baseline = median_of(base);
	m->value = median_of(now);
	m->noise = noise_of(base);
	span_of(m, now);
	m->p_value = t->up = t->down = NAN;
	if (mh_stats_ratio(&r, base->v, base->n, now->v, now->n, 0.95))
		return -1;
	m->ratio = r.ratio;
	m->ratio_lo = r.lo;
	m->ratio_hi = r.hi;
	if (base->n < MH_RUNS_STATISTIC || now->n < MH_RUNS_STATISTIC)
		return 0;
	t->up = mh_stats_mann_whitney(base->v, base->n, now->v, now->n, 1);
	t->down = mh_stats_mann_whitney(base->v, base->n, now->v, now->n, 0);
	return isnan(t->up) || isnan(t->down) ? -1 : 0;
}

enum change {
	SMALL,
	UNSURE, /* large enough, but it may be noise */
	SURE
};

/* @share: by which it must have changed; @sign: 1 grown, -1 shrunk */
static enum change changed(const struct mh_verdict_metric *m, double share, int sign,
			   double p, const struct mh_verdict_opts *o)
{
	double delta = sign * (m->value - m->baseline);
	int large = sign > 0 ? m->ratio > 1 + share : m->ratio < 1 / (1 + share);

	if (!large || !(delta > o->min_delta))
		return SMALL;
	return isnan(p) || p < o->alpha ? SURE : UNSURE;
}

static void explain_unsure(struct mh_verdict_metric *m, size_t family,
			   const struct mh_verdict_opts *o)
{
	double least = mh_stats_smallest_p(m->nr_baseline, m->nr_runs) * (double)family;

	if (least >= o->alpha)
		snprintf(
			m->why, sizeof(m->why),
			"%zu against %zu runs cannot show a difference of %zu metrics at "
			"alpha %g; record more runs or check fewer metrics",
			m->nr_baseline, m->nr_runs, family, o->alpha);
	else
		snprintf(m->why, sizeof(m->why),
			 "large enough, but it may be noise (p %.3f, alpha %g); record "
			 "more runs",
			 m->p_value, o->alpha);
}

/* A program that waited for a CPU for longer than it ran, in most windows: sizes are
 * lower bounds. */
static bool is_busy(const struct mh_runs *runs)
{
	uint64_t nr = 0, nr_busy = 0;
	size_t i;

	for (i = 0; i < runs->nr; i++) {
		nr += runs->v[i].nr_windows;
		nr_busy += runs->v[i].nr_busy;
	}
	return 2 * nr_busy > nr;
}

/* @busy: the new runs' sizes are lower bounds, which growth is proof against, and what
 * shrank is not. */
static void judge(struct mh_verdict_metric *m, const struct tested *t, size_t family,
		  bool busy, const struct mh_verdict_opts *o)
{
	int shrunk = o->both && m->ratio < 1;
	int sign = shrunk ? -1 : 1;
	double p = shrunk ? t->down : t->up;
	enum change fail = changed(m, o->fail, sign, p, o);
	enum change warn = changed(m, o->warn, sign, p, o);

	m->p_value = p;
	if (busy && shrunk && (fail == SURE || warn == SURE)) {
		m->kind = MH_VERDICT_INCONCLUSIVE;
		snprintf(m->why, sizeof(m->why),
			 "smaller, and the machine was busy: that makes sizes smaller");
	} else if (fail == SURE) {
		m->kind = MH_VERDICT_FAIL;
	} else if (fail == UNSURE) {
		m->kind = MH_VERDICT_INCONCLUSIVE;
		explain_unsure(m, family, o);
	} else if (warn == SURE) {
		m->kind = MH_VERDICT_WARN;
	} else if (!busy && !o->both && changed(m, o->fail, -1, t->down, o) == SURE) {
		m->kind = MH_VERDICT_IMPROVED;
		m->p_value = t->down;
	}
}

static void not_there(struct mh_verdict_metric *m, size_t nr_base)
{
	m->kind = MH_VERDICT_INCONCLUSIVE;
	m->ratio = m->ratio_lo = m->ratio_hi = m->p_value = m->noise = NAN;
	if (!nr_base)
		snprintf(m->why, sizeof(m->why),
			 "the baseline has no %s; make it anew with --metric %s", m->name,
			 m->name);
	else
		snprintf(m->why, sizeof(m->why), "the runs have no %s", m->name);
}

static size_t nr_tested(const struct tested *t, size_t n)
{
	size_t i, nr = 0;

	for (i = 0; i < n; i++)
		nr += !isnan(t[i].up);
	return nr;
}

static int correct(struct tested *t, size_t n)
{
	double *p = malloc((n + 1) * sizeof(*p));
	size_t i;
	int failed = !p;

	for (i = 0; !failed && i < n; i++)
		p[i] = t[i].up;
	failed = failed || mh_stats_holm(p, n);
	for (i = 0; !failed && i < n; i++) {
		t[i].up = p[i];
		p[i] = t[i].down;
	}
	failed = failed || mh_stats_holm(p, n);
	for (i = 0; !failed && i < n; i++)
		t[i].down = p[i];
	free(p);
	return failed ? -1 : 0;
}

static int compare_metrics(struct mh_verdict *out, const struct mh_runs *base,
			   const struct mh_runs *now, const struct mh_verdict_opts *o,
			   struct mh_err *err)
{
	struct tested *t = calloc(o->nr_metrics + 1, sizeof(*t));
	size_t i, first = out->metrics.nr, family;
	struct side a, b;
	int ret = t ? MH_OK : no_memory(err);

	for (i = 0; !ret && i < o->nr_metrics; i++) {
		struct mh_verdict_metric *m = mh_vec_push(&out->metrics);

		if (!m) {
			ret = no_memory(err);
			break;
		}
		snprintf(m->name, sizeof(m->name), "%s", o->metrics[i]);
		m->limit = 1 + o->fail;
		ret = take(&a, base, m->name, err);
		if (!ret)
			ret = take(&b, now, m->name, err);
		if (!ret && measure(m, &t[i], &a, &b))
			ret = no_memory(err);
	}
	if (!ret && correct(t, o->nr_metrics))
		ret = no_memory(err);
	family = ret ? 0 : nr_tested(t, o->nr_metrics);
	for (i = 0; !ret && i < o->nr_metrics; i++) {
		struct mh_verdict_metric *m = &out->metrics.v[first + i];

		if (!m->nr_baseline || !m->nr_runs)
			not_there(m, m->nr_baseline);
		else
			judge(m, &t[i], family, is_busy(now), o);
	}
	free(t);
	return ret;
}

/* ---- budgets ---- */

static int holds(double value, const struct mh_budget *b)
{
	if (b->op[0] == '<')
		return b->op[1] ? value <= b->limit : value < b->limit;
	return b->op[1] ? value >= b->limit : value > b->limit;
}

/* Run by run, of its own resident memory. */
static int take_share(struct side *side, const struct mh_runs *now, const char *metric,
		      struct mh_err *err)
{
	size_t i;

	side->n = 0;
	for (i = 0; i < now->nr; i++) {
		double value = mh_run_value(&now->v[i], metric);
		double rss = mh_run_value(&now->v[i], "rss.peak");

		if (!isnan(value) && rss > 0)
			side->v[side->n++] = value / rss;
	}
	return side->n ? MH_OK
		       : mh_fail(err, MH_ENOSUP, "no run has both %s and rss.peak",
				 metric);
}

static int check_budget(struct mh_verdict *out, const struct mh_runs *now,
			const struct mh_budget *b, struct mh_err *err)
{
	struct mh_verdict_metric *m = mh_vec_push(&out->metrics);
	struct side side;
	int ret;

	if (!m)
		return no_memory(err);
	snprintf(m->name, sizeof(m->name), "%s", b->metric);
	snprintf(m->op, sizeof(m->op), "%s", b->op);
	m->budget = true;
	m->limit = b->limit;
	m->baseline = m->ratio = m->ratio_lo = m->ratio_hi = m->p_value = m->noise = NAN;
	m->of_rss = b->of_rss;
	ret = take(&side, now, b->metric, err);
	if (!ret && b->of_rss)
		ret = take_share(&side, now, b->metric, err);
	if (ret)
		return ret;
	m->nr_runs = side.n;
	m->value = median_of(&side);
	span_of(m, &side);
	if (!side.n)
		not_there(m, 1);
	else
		m->kind = holds(m->value, b) ? MH_VERDICT_PASS : MH_VERDICT_FAIL;
	return MH_OK;
}

/* ---- growth by object ---- */

static const struct mh_run_object *find(const struct mh_run *run, const char *key)
{
	size_t lo = 0, hi = run->objects.nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(run->objects.v[mid].key, key);

		if (!order)
			return &run->objects.v[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A run that has not got it used 0 bytes of it. */
static double object_median(const struct mh_runs *runs, const char *key)
{
	double v[MH_RUNS_MAX], median;
	size_t i, n = runs->nr < MH_RUNS_MAX ? runs->nr : MH_RUNS_MAX;

	for (i = 0; i < n; i++) {
		const struct mh_run_object *o = find(&runs->v[i], key);

		v[i] = o ? o->bytes : 0;
	}
	median = mh_stats_median(v, n);
	return isnan(median) ? 0 : median;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_growth(const void *a, const void *b)
{
	const struct mh_growth *x = a, *y = b;
	double dx = x->value - x->baseline, dy = y->value - y->baseline;

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* Of functions' blocks rather than of a mapping: what ends like a call. */
static bool is_site(const char *key)
{
	return *key && key[strlen(key) - 1] == ')';
}

static bool has_sites(const struct mh_runs *runs)
{
	size_t i, j;

	for (i = 0; i < runs->nr; i++) {
		for (j = 0; j < runs->v[i].objects.nr; j++) {
			if (is_site(runs->v[i].objects.v[j].key))
				return true;
		}
	}
	return false;
}

/* Where the largest of the runs' objects of this key was allocated. */
static int locate(struct mh_growth *g, const struct mh_runs *now)
{
	const struct mh_run_object *best = NULL;
	size_t i;

	for (i = 0; i < now->nr; i++) {
		const struct mh_run_object *o = find(&now->v[i], g->key);

		if (o && o->file && (!best || o->bytes > best->bytes))
			best = o;
	}
	if (!best)
		return 0;
	g->file = strdup(best->file);
	g->line = best->line;
	return g->file ? 0 : -1;
}

static int by_object_key(const void *a, const void *b)
{
	return strcmp(((const struct mh_run_object *)a)->key,
		      ((const struct mh_run_object *)b)->key);
}

/* Give functions' blocks back to their mappings, for a baseline that knows only those. */
static void without_sites(struct mh_run *run)
{
	size_t i, n = 0;

	for (i = 0; i < run->objects.nr; i++) {
		struct mh_run_object *o = &run->objects.v[i];

		if (!o->mapping)
			continue;
		free(o->key);
		free(o->file);
		o->key = o->mapping;
		o->file = o->mapping = NULL;
	}
	if (run->objects.nr)
		qsort(run->objects.v, run->objects.nr, sizeof(*run->objects.v),
		      by_object_key);
	for (i = 0; i < run->objects.nr; i++) {
		struct mh_run_object *o = &run->objects.v[i];

		if (n && !strcmp(run->objects.v[n - 1].key, o->key)) {
			run->objects.v[n - 1].bytes += o->bytes;
			mh_run_object_fini(o);
		} else {
			run->objects.v[n++] = *o;
		}
	}
	run->objects.nr = n;
}

/* Runs from a baseline's file do not know which mapping a function's blocks were in. */
static bool know_mappings(const struct mh_runs *runs)
{
	size_t i, j;

	for (i = 0; i < runs->nr; i++) {
		for (j = 0; j < runs->v[i].objects.nr; j++) {
			const struct mh_run_object *o = &runs->v[i].objects.v[j];

			if (is_site(o->key) && !o->mapping)
				return false;
		}
	}
	return true;
}

/* Make both sides know of sites, or neither; *comparable says whether that was possible.
 */
static int level(struct mh_verdict *out, struct mh_runs *base, struct mh_runs *now,
		 bool *comparable)
{
	struct mh_runs *richer = has_sites(base) ? base : now;
	size_t i;

	*comparable = true;
	if (has_sites(base) == has_sites(now))
		return 0;
	*comparable = know_mappings(richer);
	if (!*comparable)
		return mh_verdict_note(out, false,
				       "the baseline knows allocation sites and the runs "
				       "do not (no heap log): what grew is not told");
	for (i = 0; i < richer->nr; i++)
		without_sites(&richer->v[i]);
	return mh_verdict_note(out, false,
			       "only one side has a heap log: growth is told by mapping, "
			       "not by allocation site");
}

struct keys {
	const char **v;
	size_t nr, cap;
};

static int add_keys(struct keys *keys, const struct mh_runs *runs)
{
	size_t i, j;

	for (i = 0; i < runs->nr; i++) {
		for (j = 0; j < runs->v[i].objects.nr; j++) {
			const char **key = mh_vec_push(keys);

			if (!key)
				return -1;
			*key = runs->v[i].objects.v[j].key;
		}
	}
	return 0;
}

static size_t nr_refined(const struct mh_runs *runs)
{
	size_t i, nr = 0;

	for (i = 0; i < runs->nr; i++)
		nr += runs->v[i].refined;
	return nr;
}

/* Functions' parts of a mapping differ by how they were told, too. */
static int unlike_refined(struct mh_verdict *out, const struct mh_runs *base,
			  const struct mh_runs *now)
{
	size_t nr = nr_refined(base) + nr_refined(now);

	if (!nr || nr == base->nr + now->nr || !has_sites(base) || !has_sites(now))
		return 0;
	return mh_verdict_note(out, false,
			       "%zu of %zu runs have page faults: what grew within one "
			       "mapping is told less exactly",
			       nr, base->nr + now->nr);
}

int mh_growth_compare(struct mh_verdict *out, struct mh_runs *base, struct mh_runs *now,
		      struct mh_err *err)
{
	struct keys keys = { 0 };
	bool comparable;
	int failed = unlike_refined(out, base, now) || level(out, base, now, &comparable);
	size_t i;

	if (!failed && comparable)
		failed = add_keys(&keys, base) || add_keys(&keys, now);

	if (!failed && keys.nr)
		qsort(keys.v, keys.nr, sizeof(*keys.v), by_key);
	for (i = 0; !failed && i < keys.nr; i++) {
		struct mh_growth *g;

		if (i && !strcmp(keys.v[i], keys.v[i - 1]))
			continue;
		g = mh_vec_push(&out->growth);
		failed = !g || !(g->key = strdup(keys.v[i]));
		if (failed)
			break;
		g->baseline = object_median(base, g->key);
		g->value = object_median(now, g->key);
		failed = locate(g, now);
	}
	free(keys.v);
	/* A row without its key is not for anybody's eyes. */
	if (failed) {
		if (out->growth.nr && !out->growth.v[out->growth.nr - 1].key)
			out->growth.nr--;
		return no_memory(err);
	}
	if (out->growth.nr)
		qsort(out->growth.v, out->growth.nr, sizeof(*out->growth.v), by_growth);
	return MH_OK;
}

/* ---- the whole ---- */

static int compare_environments(struct mh_verdict *out, const struct mh_runs *base,
				const struct mh_runs *now,
				const struct mh_verdict_opts *o, int *comparable)
{
	char why[320];

	*comparable = 1;
	switch (mh_environment_compare(&base->env, &now->env, why, sizeof(why))) {
	case MH_ENVIRONMENT_SAME:
		return 0;
	case MH_ENVIRONMENT_NEAR:
		return mh_verdict_note(out, false,
				       "baseline and runs are from different machines: "
				       "%s",
				       why);
	case MH_ENVIRONMENT_OTHER:
		break;
	}
	if (o->allow_incomparable)
		return mh_verdict_note(
			out, true, "not comparable, and compared all the same: %s", why);
	*comparable = 0;
	out->kind = MH_VERDICT_INCONCLUSIVE;
	return mh_verdict_note(out, true,
			       "not comparable with the baseline: %s; record both alike, "
			       "or make a baseline here",
			       why);
}

static int few_runs(struct mh_verdict *out)
{
	if (out->nr_baseline >= MH_RUNS_STATISTIC && out->nr_runs >= MH_RUNS_STATISTIC)
		return 0;
	return mh_verdict_note(out, false,
			       "no statistics: %zu baseline and %zu new runs, and a test "
			       "needs %d of each; thresholds only",
			       out->nr_baseline, out->nr_runs, MH_RUNS_STATISTIC);
}

/* Windows that a scan's cost lengthened are other windows than those asked for. */
static int long_windows(struct mh_verdict *out, const struct mh_runs *now)
{
	size_t i, nr = 0;
	uint64_t longest = 0;

	for (i = 0; i < now->nr; i++) {
		uint64_t window = now->v[i].median_window_ns;

		nr += (double)window > 1.25 * (double)now->env.window_ns;
		if (window > longest)
			longest = window;
	}
	if (!nr)
		return 0;
	return mh_verdict_note(out, true,
			       "in %zu of %zu runs windows took up to %.3g s instead of "
			       "%.3g s: scans are slow here, take a longer --interval",
			       nr, now->nr, (double)longest * 1e-9,
			       (double)now->env.window_ns * 1e-9);
}

/* Such sizes are a lower bound: with a CPU the program would have got further. */
static int busy_windows(struct mh_verdict *out, const struct mh_runs *now)
{
	uint64_t nr = 0, nr_busy = 0;
	size_t i;

	for (i = 0; i < now->nr; i++) {
		nr += now->v[i].nr_windows;
		nr_busy += now->v[i].nr_busy;
	}
	if (!is_busy(now))
		return 0;
	return mh_verdict_note(out, false,
			       "the machine was busy: in %" PRIu64 " of %" PRIu64
			       " windows the program waited for a CPU for longer than it "
			       "ran, and may use more than was seen; a longer --interval "
			       "helps",
			       nr_busy, nr);
}

/* Growth over such a baseline may be that of the CPU time. */
static int busy_baseline(struct mh_verdict *out, const struct mh_runs *base,
			 const struct mh_runs *now)
{
	if (!is_busy(base) || is_busy(now))
		return 0;
	return mh_verdict_note(
		out, false,
		"the baseline is of a busy machine, and these runs are not: "
		"they may be larger for that; make the baseline anew");
}

static int against_baseline(struct mh_verdict *out, struct mh_runs *base,
			    struct mh_runs *now, const struct mh_verdict_opts *o,
			    struct mh_err *err)
{
	int comparable, ret;

	out->nr_baseline = base->nr;
	/* Series of a service go on under one name, whatever this run's command is. */
	if (*base->workload)
		snprintf(out->workload, sizeof(out->workload), "%s", base->workload);
	if (compare_environments(out, base, now, o, &comparable))
		return no_memory(err);
	if (!comparable)
		return MH_OK;
	if (few_runs(out) || busy_baseline(out, base, now))
		return no_memory(err);
	ret = compare_metrics(out, base, now, o, err);
	return ret ? ret : mh_growth_compare(out, base, now, err);
}

static void add_windows(struct mh_verdict *out, const struct mh_runs *now)
{
	size_t i, j;

	for (i = 0; i < now->nr; i++) {
		for (j = 0; j < MH_LOG2_BUCKETS; j++)
			out->windows_log2[j] += now->v[i].windows_log2[j];
		out->windows_sum += now->v[i].windows_sum;
	}
}

int mh_verdict_compare(struct mh_verdict *out, struct mh_runs *base, struct mh_runs *now,
		       const struct mh_verdict_opts *opts, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	memset(out, 0, sizeof(*out));
	out->wait_status = -1;
	out->env = now->env;
	out->nr_runs = now->nr;
	snprintf(out->workload, sizeof(out->workload), "%s", now->workload);
	add_windows(out, now);
	if (long_windows(out, now) || busy_windows(out, now))
		ret = no_memory(err);
	if (!ret && base)
		ret = against_baseline(out, base, now, opts, err);
	for (i = 0; !ret && i < opts->nr_budgets; i++)
		ret = check_budget(out, now, &opts->budgets[i], err);
	for (i = 0; i < out->metrics.nr; i++) {
		if (out->metrics.v[i].kind > out->kind)
			out->kind = out->metrics.v[i].kind;
	}
	if (ret)
		mh_verdict_fini(out);
	return ret;
}
