/* SPDX-License-Identifier: MIT */
/* Exact p values and ratios against a naive enumeration; Holm; the verdict's rules. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <memheat/analyze.h>

#include "analyze/stats.h"
#include "analyze/stats_vectors.h"

static void test_vectors(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		struct mh_stats_ratio r;
		double up = mh_stats_mann_whitney(v->x, v->n, v->y, v->n, 1);
		double down = mh_stats_mann_whitney(v->x, v->n, v->y, v->n, 0);

		assert_int_equal(mh_stats_ratio(&r, v->x, v->n, v->y, v->n, 0.95), 0);
		if (fabs(up - v->up) > 1e-12 || fabs(down - v->down) > 1e-12 ||
		    fabs(r.ratio - v->ratio) > 1e-12)
			fail_msg("vector %zu: p %.17g %.17g ratio %.17g, want %.17g "
				 "%.17g %.17g",
				 i, up, down, r.ratio, v->up, v->down, v->ratio);
	}
}

/* The published least p values, and the interval that leaves out two ratios at each end
 * for 5 against 5. */
static void test_known(void **state)
{
	const double x[] = { 1, 2, 3, 4, 5 }, y[] = { 10, 20, 30, 40, 50 };
	struct mh_stats_ratio r;

	(void)state;
	assert_true(fabs(mh_stats_mann_whitney(x, 3, y, 3, 1) - 1.0 / 20) < 1e-15);
	assert_true(fabs(mh_stats_mann_whitney(x, 4, y, 4, 1) - 1.0 / 70) < 1e-15);
	assert_true(fabs(mh_stats_mann_whitney(x, 5, y, 5, 1) - 1.0 / 252) < 1e-15);
	assert_true(fabs(mh_stats_smallest_p(5, 5) - 1.0 / 252) < 1e-15);
	assert_true(mh_stats_mann_whitney(x, 5, y, 5, 0) == 1);
	assert_int_equal(mh_stats_ratio(&r, x, 5, y, 5, 0.95), 0);
	assert_true(r.ratio == 10);
	assert_true(fabs(r.lo - 10.0 / 3) < 1e-12); /* 2, 2.5, 3.33 */
	assert_true(r.hi == 30);                    /* 50, 40, 30 */
	assert_int_equal(mh_stats_ratio(&r, x, 3, y, 3, 0.95), 0);
	assert_true(isnan(r.lo) && isnan(r.hi));
	assert_true(isnan(mh_stats_mann_whitney(x, 0, y, 3, 1)));
}

static void test_many(void **state)
{
	double x[MH_RUNS_MAX], y[MH_RUNS_MAX], p;
	size_t i;

	(void)state;
	for (i = 0; i < MH_RUNS_MAX; i++) {
		x[i] = (double)(2 * i);
		y[i] = (double)(2 * i + 1);
	}
	/* p of "at least" and "at most" overlap in the observed value alone. */
	p = mh_stats_mann_whitney(x, MH_RUNS_MAX, y, MH_RUNS_MAX, 1);
	assert_true(p > 0.3 && p < 0.5);
	assert_true(mh_stats_mann_whitney(x, MH_RUNS_MAX, y, MH_RUNS_MAX, 0) > 1 - p);
}

static void test_zero(void **state)
{
	const double none[] = { 0, 0, 0, 0 }, some[] = { 1, 1, 1, 1 };
	struct mh_stats_ratio r;

	(void)state;
	assert_int_equal(mh_stats_ratio(&r, none, 4, some, 4, 0.95), 0);
	assert_true(isinf(r.ratio));
	assert_int_equal(mh_stats_ratio(&r, none, 4, none, 4, 0.95), 0);
	assert_true(r.ratio == 1);
}

static void test_holm(void **state)
{
	double p[] = { 0.04, NAN, 0.01, 0.03 };

	(void)state;
	assert_int_equal(mh_stats_holm(p, 4), 0);
	assert_true(fabs(p[2] - 0.03) < 1e-15);
	assert_true(fabs(p[3] - 0.06) < 1e-15);
	assert_true(fabs(p[0] - 0.06) < 1e-15); /* not below the one before */
	assert_true(isnan(p[1]));
}

/* ---- the verdict ---- */

#define MIB 1048576.0

static void fill(struct mh_runs *runs, const double *values, size_t n)
{
	size_t i;

	memset(runs, 0, sizeof(*runs));
	runs->v = calloc(n, sizeof(*runs->v));
	runs->nr = n;
	for (i = 0; i < n; i++) {
		struct mh_run *run = &runs->v[i];

		run->metrics.v = calloc(1, sizeof(*run->metrics.v));
		run->metrics.nr = 1;
		strcpy(run->metrics.v[0].name, "wss.p50");
		run->metrics.v[0].value = values[i] * MIB;
	}
}

static enum mh_verdict_kind judge(const double *base, const double *now, size_t n,
				  int both)
{
	char name[] = "wss.p50", *names[] = { name };
	struct mh_verdict_opts opts = { .fail = 0.05,
					.warn = 0.02,
					.min_delta = 2 * MIB,
					.alpha = 0.05,
					.both = both,
					.metrics = names,
					.nr_metrics = 1 };
	struct mh_err err = { 0 };
	struct mh_runs a, b;
	struct mh_verdict v;
	enum mh_verdict_kind kind;

	fill(&a, base, n);
	fill(&b, now, n);
	assert_status(mh_verdict_compare(&v, &a, &b, &opts, &err), MH_OK, &err);
	kind = v.kind;
	mh_verdict_fini(&v);
	mh_runs_fini(&a);
	mh_runs_fini(&b);
	return kind;
}

static void test_verdicts(void **state)
{
	const double base[] = { 100, 101, 102, 103, 104 };
	const double more[] = { 110, 111, 112, 113, 114 };
	const double slightly[] = { 105, 105.5, 106, 106.5, 107 };
	const double spread[] = { 90, 100, 112, 130, 140 };
	const double small[] = { 1, 1.01, 1.02, 1.03, 1.04 };
	const double small_more[] = { 1.5, 1.51, 1.52, 1.53, 1.54 };

	(void)state;
	assert_int_equal(judge(base, base, 5, 0), MH_VERDICT_PASS);
	assert_int_equal(judge(base, more, 5, 0), MH_VERDICT_FAIL);
	assert_int_equal(judge(more, base, 5, 0), MH_VERDICT_IMPROVED);
	assert_int_equal(judge(more, base, 5, 1), MH_VERDICT_FAIL);
	assert_int_equal(judge(base, slightly, 5, 0), MH_VERDICT_WARN);
	/* A large share that may be noise, and a large share of nothing. */
	assert_int_equal(judge(base, spread, 5, 0), MH_VERDICT_INCONCLUSIVE);
	assert_int_equal(judge(small, small_more, 5, 0), MH_VERDICT_PASS);
	/* Too few for a test: thresholds alone. */
	assert_int_equal(judge(base, more, 3, 0), MH_VERDICT_FAIL);
	assert_int_equal(judge(base, base, 3, 0), MH_VERDICT_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_known),
		cmocka_unit_test(test_many),    cmocka_unit_test(test_zero),
		cmocka_unit_test(test_holm),    cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
