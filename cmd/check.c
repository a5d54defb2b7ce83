/* SPDX-License-Identifier: MIT */
/*
 * memheat check: does the program need more memory than it did? Everything that may be
 * wrong with the question is found before the workload runs, which may take minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/analyze.h>
#include <memheat/baseline.h>

#include "check_output.h"
#include "check_runs.h"
#include "cmd.h"
#include "options.h"
#include "values.h"

enum direction {
	UP,
	BOTH
};

enum on_inconclusive {
	ON_PASS,
	ON_WARN,
	ON_FAIL
};

struct check {
	const char *baseline;
	struct mh_strings budgets, formats;
	double fail, warn, alpha;
	uint64_t min_delta;
	int direction, on_inconclusive, allow_incomparable;
	struct mh_run_source runs;
};

static const char *const directions[] = { "up", "both", NULL };
static const char *const on_words[] = { "pass", "warn", "fail", NULL };

#define AT(member) .offset = offsetof(struct check, member)

static const struct mh_option check_options[] = {
	{ "baseline", 0, MH_OPT_FILE, "FILE", "compare with it (see: memheat baseline)",
	  AT(baseline) },
	{ "budget", 0, MH_OPT_LIST, "EXPR",
	  "a limit, as in 'wss.p90<=512MiB' or 'cold.10s<=30%' of the resident memory; "
	  "may "
	  "be given again",
	  AT(budgets) },
	{ .type = MH_OPT_GROUP, .group = mh_run_source_options, AT(runs) },
	{ "fail", 0, MH_OPT_RATIO, "SHARE", "growth that fails; default 5%", AT(fail) },
	{ "warn", 0, MH_OPT_RATIO, "SHARE", "growth that warns; default 2%", AT(warn) },
	{ "min-delta", 0, MH_OPT_SIZE, "SIZE", "growth that never matters; default 2MiB",
	  AT(min_delta) },
	{ "alpha", 0, MH_OPT_RATIO, "P", "level of significance; default 0.05",
	  AT(alpha) },
	{ "direction", 0, MH_OPT_CHOICE, "DIR",
	  "what is a regression: up, or both up and down", AT(direction),
	  .choices = directions },
	{ "on-inconclusive", 0, MH_OPT_CHOICE, "WHAT",
	  "pass, warn or fail when it cannot be told; default warn", AT(on_inconclusive),
	  .choices = on_words },
	{ "allow-incomparable", 0, MH_OPT_FLAG, NULL,
	  "compare runs of unlike sources, windows, pages or machines",
	  AT(allow_incomparable) },
	{ "format", 0, MH_OPT_LIST, "NAME[=FILE],...",
	  "text, json, md, junit, sarif, github, bmf, gha-benchmark, openmetrics",
	  AT(formats) },
	{ 0 },
};

static char *const default_metrics[] = { (char *)(uintptr_t) "wss.p50",
					 (char *)(uintptr_t) "wss.p90",
					 (char *)(uintptr_t) "wss.mean" };

/* What the options come to. */
struct plan {
	struct mh_verdict_opts verdict;
	struct mh_budget *budgets; /* owned */
	struct mh_strings wanted;  /* all metrics; the words are borrowed */
};

static int broken(const struct mh_err *err)
{
	mh_failed(err);
	return MH_EXIT_USAGE;
}

/* ---- the plan ---- */

static int parse_budget(struct mh_budget *b, const char *expr, struct mh_err *err)
{
	size_t len = strcspn(expr, "<>"), op = strspn(expr + len, "<>=");
	const char *value;
	uint64_t limit;

	if (!len || len >= sizeof(b->metric) || !op || op > 2 ||
	    (op == 2 && expr[len + 1] != '='))
		return mh_fail(err, MH_EINPUT,
			       "--budget: '%s' is not METRIC<=SIZE, as in "
			       "'wss.p90<=512MiB'",
			       expr);
	memcpy(b->metric, expr, len);
	b->metric[len] = '\0';
	memcpy(b->op, expr + len, op);
	b->op[op] = '\0';
	value = expr + len + op;
	b->of_rss = *value && value[strlen(value) - 1] == '%';
	if (b->of_rss && mh_value_ratio(&b->limit, value, NULL) != MH_OK)
		return mh_fail(err, MH_EINPUT, "--budget: '%s' is not a percentage",
			       value);
	if (!b->of_rss && mh_value_size(&limit, value, NULL) != MH_OK)
		return mh_fail(err, MH_EINPUT,
			       "--budget: '%s' is neither a size, as in 512M, nor a part "
			       "of the resident memory, as in 30%%",
			       value);
	if (!b->of_rss)
		b->limit = (double)limit;
	if (b->of_rss && !strncmp(b->metric, "promo.", 6))
		return mh_fail(err, MH_EINPUT, "--budget: %s is no part of the memory",
			       b->metric);
	return mh_metric_parse(b->metric, err);
}

static void want(struct mh_strings *wanted, char *name)
{
	size_t i;

	for (i = 0; i < wanted->nr; i++)
		if (!strcmp(wanted->v[i], name))
			return;
	wanted->v[wanted->nr++] = name;
}

static char rss_peak[] = "rss.peak";

static int parse_budgets(struct plan *p, const struct check *o, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < o->budgets.nr; i++) {
		ret = parse_budget(&p->budgets[i], o->budgets.v[i], err);
		if (!ret)
			want(&p->wanted, p->budgets[i].metric);
		if (!ret && p->budgets[i].of_rss)
			want(&p->wanted, rss_peak);
	}
	p->verdict.budgets = p->budgets;
	p->verdict.nr_budgets = o->budgets.nr;
	return ret;
}

/* Metrics are compared with a baseline; without one only budgets are left. */
static int parse_metrics(struct plan *p, const struct check *o, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	p->verdict.metrics = o->runs.metrics.nr ? o->runs.metrics.v : default_metrics;
	p->verdict.nr_metrics = o->runs.metrics.nr ? o->runs.metrics.nr : 3;
	for (i = 0; !ret && i < p->verdict.nr_metrics; i++) {
		ret = mh_metric_parse(p->verdict.metrics[i], err);
		if (!ret)
			want(&p->wanted, p->verdict.metrics[i]);
	}
	return ret;
}

static int make_plan(struct plan *p, const struct check *o, struct mh_err *err)
{
	size_t nr = o->budgets.nr + o->runs.metrics.nr + 4;
	int ret;

	p->verdict.fail = o->fail;
	p->verdict.warn = o->warn;
	p->verdict.min_delta = (double)o->min_delta;
	p->verdict.alpha = o->alpha;
	p->verdict.both = o->direction == BOTH;
	p->verdict.allow_incomparable = o->allow_incomparable;
	p->budgets = calloc(nr, sizeof(*p->budgets));
	p->wanted.v = calloc(nr, sizeof(*p->wanted.v));
	if (!p->budgets || !p->wanted.v)
		return mh_fail_errno(err, "cannot plan the check");
	ret = mh_check_formats(&o->formats, err);
	if (!ret && o->warn > o->fail)
		ret = mh_fail(err, MH_EINPUT, "--warn is more than --fail");
	if (!ret)
		ret = parse_budgets(p, o, err);
	return ret ? ret : parse_metrics(p, o, err);
}

static int check_usage(const struct mh_cmd *cmd, const struct check *o, int argc)
{
	if (!o->baseline && !o->budgets.nr)
		return mh_usage(cmd, "give --baseline FILE or --budget EXPR to check "
				     "against");
	if (!argc)
		return mh_usage(cmd, "name traces, or a command after --");
	if (!o->baseline && o->runs.metrics.nr)
		return mh_usage(cmd, "--metric goes with --baseline; a budget names its "
				     "metric itself");
	return MH_EXIT_OK;
}

/* ---- the verdict ---- */

/* "pass" makes nothing of what could not be told; the reason stays readable. */
static void let_pass(struct mh_verdict *v)
{
	size_t i;

	v->kind = v->kind == MH_VERDICT_INCONCLUSIVE ? MH_VERDICT_PASS : v->kind;
	for (i = 0; i < v->metrics.nr; i++)
		if (v->metrics.v[i].kind == MH_VERDICT_INCONCLUSIVE)
			v->metrics.v[i].kind = MH_VERDICT_PASS;
}

static int exit_of(const struct mh_verdict *v, const struct check *o)
{
	if (v->kind == MH_VERDICT_FAIL)
		return MH_EXIT_FAILED;
	if (v->kind == MH_VERDICT_INCONCLUSIVE && o->on_inconclusive == ON_FAIL)
		return MH_EXIT_INCONCLUSIVE;
	return MH_EXIT_OK;
}

static int tell(struct mh_verdict *v, const struct check *o, int code)
{
	struct mh_err err = { 0 };

	if (mh_check_write(v, &o->formats, &err))
		return broken(&err);
	return code;
}

static int tell_failure(const struct mh_runs_result *now, const struct check *o)
{
	struct mh_verdict v = { .wait_status = now->wait_status,
				.kind = MH_VERDICT_INCONCLUSIVE,
				.nr_runs = now->runs.nr };
	int code;

	snprintf(v.workload, sizeof(v.workload), "%s", now->runs.workload);
	code = now->wait_status == -1 ? MH_EXIT_WORKLOAD : tell(&v, o, MH_EXIT_WORKLOAD);
	if (now->wait_status != -1)
		mh_say("the workload failed in run %zu; run it alone to see why",
		       now->runs.nr + 1);
	mh_verdict_fini(&v);
	return code;
}

static int judge(struct mh_runs *base, struct mh_runs *now, const struct plan *p,
		 const struct check *o)
{
	struct mh_err err = { 0 };
	struct mh_verdict v;
	int code;

	if (mh_verdict_compare(&v, base, now, &p->verdict, &err))
		return broken(&err);
	code = exit_of(&v, o);
	if (o->on_inconclusive == ON_PASS)
		let_pass(&v);
	code = tell(&v, o, code);
	mh_verdict_fini(&v);
	return code;
}

static int check(const struct check *o, const struct plan *p, int command, int argc,
		 char **argv)
{
	struct mh_runs_result now = { 0 };
	struct mh_runs base = { 0 };
	struct mh_err err = { 0 };
	int code = MH_EXIT_OK;

	if (o->baseline && mh_baseline_read(&base, o->baseline, &err)) {
		code = broken(&err);
		if (err.sys_errno)
			mh_say("make it with: memheat baseline create %s -- COMMAND",
			       o->baseline);
	}
	if (code == MH_EXIT_OK)
		code = mh_runs_take(&now, &o->runs, &p->wanted, command, argc, argv);
	if (code == MH_EXIT_OK)
		code = judge(o->baseline ? &base : NULL, &now.runs, p, o);
	else if (code == MH_EXIT_WORKLOAD)
		code = tell_failure(&now, o);
	mh_runs_fini(&now.runs);
	mh_runs_fini(&base);
	return code;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct check o = { .fail = 0.05,
			   .warn = 0.02,
			   .alpha = 0.05,
			   .min_delta = 2 << 20,
			   .on_inconclusive = ON_WARN,
			   .runs = MH_RUN_SOURCE_DEFAULTS };
	int command = mh_is_command(argc, argv), parsed, code;
	struct plan plan = { 0 };
	struct mh_err err = { 0 };
	struct mh_args args;

	parsed = mh_options_parse(cmd, &o, &args, argc, argv);
	if (parsed) {
		code = mh_options_exit(parsed);
	} else {
		code = check_usage(cmd, &o, args.argc);
		if (code == MH_EXIT_OK && make_plan(&plan, &o, &err))
			code = mh_usage(cmd, "%s", err.msg);
		if (code == MH_EXIT_OK)
			code = check(&o, &plan, command, args.argc, args.argv);
	}
	free(plan.budgets);
	free(plan.wanted.v);
	mh_options_fini(cmd, &o);
	return code;
}

const struct mh_cmd mh_cmd_check = {
	.name = "check",
	.summary = "compare memory use with a baseline or a budget, for CI",
	.usage = "[--baseline FILE] [--budget EXPR]... [option...] -- CMD [ARG...]\n"
		 "[--baseline FILE] [--budget EXPR]... [option...] TRACE...",
	.about =
		"Metrics: wss.p50 wss.p90 wss.mean wss.peak rss.peak pss.peak hot.bytes\n"
		"cold.AGE promo.AGE, as in cold.10s. Not every source gives every one.\n"
		"\n"
		"A metric fails when it grew by more than --fail, by more than "
		"--min-delta,\n"
		"and significantly: by an exact one-sided Mann-Whitney test over the "
		"runs\n"
		"with Holm's correction over the metrics. With fewer than 4 runs a side "
		"there\n"
		"is no test, and thresholds alone decide.\n"
		"\n"
		"Exit: 0 pass, 1 regression or over budget, 2 wrong usage or a damaged\n"
		"file, 3 inconclusive and --on-inconclusive fail, 4 the workload "
		"failed,\n"
		"77 no source works here.\n",
	.examples = "  memheat check --budget 'wss.p90<=512MiB' -- ./bench\n"
		    "  memheat check --baseline wss.json --repeat 5 -- ./bench\n"
		    "  memheat check --baseline wss.json run-*.data\n"
		    "  memheat check --baseline wss.json --format "
		    "junit=wss.xml,md=wss.md,github \\\n"
		    "      -- ./bench\n",
	.opts = check_options,
	.operands = MH_OPERANDS_FILES,
	.run = run,
};
