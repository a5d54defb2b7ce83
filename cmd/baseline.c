/* SPDX-License-Identifier: MIT */
/*
 * memheat baseline: keep runs in a file that `memheat check` compares with. The file is
 * replaced when the new one is whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memheat/baseline.h>
#include <memheat/render.h>

#include "check_runs.h"
#include "cmd.h"
#include "options.h"
#include "output.h"

struct baseline {
	struct mh_run_source runs;
	uint64_t keep_last;
	int force, format;
};

static const char *const formats[] = { "text", "json", "csv", NULL };
static const char *const words[] = { "create", "add", "show", "prune", NULL };

#define AT(member) .offset = offsetof(struct baseline, member)

static const struct mh_option baseline_options[] = {
	{ .type = MH_OPT_GROUP, .group = mh_run_source_options, AT(runs) },
	{ "last", 0, MH_OPT_COUNT, "N", "prune: leave the last N runs", AT(keep_last),
	  .min = 1 },
	{ "force", 'f', MH_OPT_FLAG, NULL,
	  "create: replace a file that exists; add: runs of another environment",
	  AT(force) },
	{ "format", 0, MH_OPT_CHOICE, "FORM", "show: text, json or csv; default text",
	  AT(format), .choices = formats },
	{ 0 },
};

static int broken(const struct mh_err *err)
{
	mh_failed(err);
	return MH_EXIT_FAILED;
}

static int save(const struct mh_runs *runs, const char *path)
{
	struct mh_err err = { 0 };
	struct mh_output out;
	int status = mh_output_open(&out, path, 0, &err);

	if (status == MH_OK)
		mh_baseline_write(out.f, runs);
	if (mh_output_close(&out, status, &err))
		return broken(&err);
	return MH_EXIT_OK;
}

/* ---- create, add ---- */

static int take(struct mh_runs_result *now, const struct mh_cmd *cmd, struct baseline *o,
		int command, int argc, char **argv)
{
	struct mh_err err = { 0 };
	size_t i;
	int code;

	if (!argc)
		return mh_usage(cmd, "name traces, or a command after --");
	for (i = 0; i < o->runs.metrics.nr; i++)
		if (mh_metric_parse(o->runs.metrics.v[i], &err))
			return mh_usage(cmd, "--metric: %s", err.msg);
	code = mh_runs_take(now, &o->runs, &o->runs.metrics, command, argc, argv);
	if (code == MH_EXIT_WORKLOAD && now->wait_status != -1)
		mh_say("the workload failed in run %zu; run it alone to see why",
		       now->runs.nr + 1);
	return code;
}

static int say_written(const char *path, size_t nr)
{
	mh_say("%s: %zu runs%s", path, nr,
	       nr < MH_RUNS_STATISTIC ? "; a test of significance needs 4" : "");
	return MH_EXIT_OK;
}

static int create(const struct mh_cmd *cmd, struct baseline *o, const char *path,
		  int command, int argc, char **argv)
{
	struct mh_runs_result now = { 0 };
	int code;

	if (!o->force && access(path, F_OK) == 0) {
		mh_say("%s exists; add runs with 'memheat baseline add', or replace it "
		       "with --force",
		       path);
		return MH_EXIT_FAILED;
	}
	code = take(&now, cmd, o, command, argc, argv);
	if (code == MH_EXIT_OK)
		code = save(&now.runs, path);
	if (code == MH_EXIT_OK)
		code = say_written(path, now.runs.nr);
	mh_runs_fini(&now.runs);
	return code;
}

/* Move the runs of @from to the end of @to. */
static int append(struct mh_runs *to, struct mh_runs *from)
{
	struct mh_run *v;

	if (!from->nr)
		return 0;
	v = realloc(to->v, (to->nr + from->nr) * sizeof(*v));
	if (!v)
		return -1;
	memcpy(v + to->nr, from->v, from->nr * sizeof(*v));
	to->v = v;
	to->nr += from->nr;
	from->nr = 0;
	return 0;
}

static int join(struct mh_runs *base, struct mh_runs *more, int force)
{
	struct mh_err err = { 0 };
	char why[320];

	switch (mh_environment_compare(&base->env, &more->env, why, sizeof(why))) {
	case MH_ENVIRONMENT_OTHER:
		if (!force) {
			mh_say("these runs are not comparable with the others: %s", why);
			return MH_EXIT_FAILED;
		}
		break;
	case MH_ENVIRONMENT_NEAR:
		mh_say("warning: these runs are from another machine: %s", why);
		break;
	case MH_ENVIRONMENT_SAME:
		break;
	}
	if (append(base, more)) {
		mh_fail_errno(&err, "cannot add runs");
		return broken(&err);
	}
	return MH_EXIT_OK;
}

static int add(const struct mh_cmd *cmd, struct baseline *o, const char *path,
	       int command, int argc, char **argv)
{
	struct mh_runs_result now = { 0 };
	struct mh_runs base = { 0 };
	struct mh_err err = { 0 };
	int code = MH_EXIT_OK;

	if (mh_baseline_read(&base, path, &err))
		return broken(&err);
	code = take(&now, cmd, o, command, argc, argv);
	if (code == MH_EXIT_OK)
		code = join(&base, &now.runs, o->force);
	if (code == MH_EXIT_OK)
		code = save(&base, path);
	if (code == MH_EXIT_OK)
		code = say_written(path, base.nr);
	mh_runs_fini(&now.runs);
	mh_runs_fini(&base);
	return code;
}

/* ---- prune ---- */

static int prune(const struct mh_cmd *cmd, const struct baseline *o, const char *path)
{
	struct mh_runs base = { 0 };
	struct mh_err err = { 0 };
	size_t i, n = 0, before;
	int code;

	if (!o->keep_last && !*o->runs.label)
		return mh_usage(cmd, "prune: give --last N or --label TEXT");
	if (mh_baseline_read(&base, path, &err))
		return broken(&err);
	before = base.nr;
	for (i = 0; i < base.nr; i++) {
		struct mh_run *run = &base.v[i];

		if ((o->keep_last && i + o->keep_last < before) ||
		    (*o->runs.label && !strcmp(run->label, o->runs.label)))
			mh_run_fini(run);
		else
			base.v[n++] = *run;
	}
	base.nr = n;
	if (!n) {
		mh_say("that would leave no run in %s", path);
		code = MH_EXIT_FAILED;
	} else {
		code = save(&base, path);
	}
	if (code == MH_EXIT_OK)
		mh_say("%s: %zu of %zu runs left", path, n, before);
	mh_runs_fini(&base);
	return code;
}

/* ---- show ---- */

static void show_environment(const struct mh_runs *runs)
{
	const struct mh_environment *env = &runs->env;
	char window[MH_TEXT_MAX], workload[256], cpu[128];

	mh_text_safe(workload, sizeof(workload), runs->workload, 0);
	mh_text_safe(cpu, sizeof(cpu), env->cpu, 0);
	printf("%s\n%s, window %s, page size %llu, THP %s, %s, %s, %s\n\n", workload,
	       env->source, mh_text_ns(window, env->window_ns),
	       (unsigned long long)env->page_size, *env->thp ? env->thp : "not known",
	       env->arch, env->kernel, cpu);
}

static void put_run(struct mh_table *t, const struct mh_run *run)
{
	size_t i;

	for (i = 0; i < run->metrics.nr; i++) {
		mh_table_put_text(t, run->label);
		mh_table_put_text(t, run->time);
		mh_table_put_text(t, run->metrics.v[i].name);
		mh_table_put_u64(t, (uint64_t)run->metrics.v[i].value);
		mh_table_put_u64(t, run->nr_windows);
	}
}

static int show_table(const struct mh_runs *runs, enum mh_format format,
		      struct mh_err *err)
{
	static const struct mh_table_column columns[] = {
		{ "label", "label", MH_CELL_TYPE_TEXT },
		{ "time", "time", MH_CELL_TYPE_TEXT },
		{ "metric", "metric", MH_CELL_TYPE_TEXT },
		{ "value", "value", MH_CELL_TYPE_BYTES },
		{ "windows", "windows", MH_CELL_TYPE_U64 },
	};
	struct mh_table t;
	size_t i;

	if (format == MH_FORMAT_TEXT)
		mh_table_begin_text(&t, stdout, 1, MH_COLUMNS(columns));
	else
		mh_table_begin_csv(&t, stdout, MH_COLUMNS(columns));
	for (i = 0; i < runs->nr; i++)
		put_run(&t, &runs->v[i]);
	return mh_table_end(&t, err);
}

static int show(const struct baseline *o, const char *path)
{
	struct mh_runs runs;
	struct mh_err err = { 0 };
	int status = mh_baseline_read(&runs, path, &err);

	if (status)
		return broken(&err);
	if (o->format == MH_FORMAT_JSON) {
		mh_baseline_write(stdout, &runs);
	} else {
		if (o->format == MH_FORMAT_TEXT)
			show_environment(&runs);
		status = show_table(&runs, (enum mh_format)o->format, &err);
	}
	mh_runs_fini(&runs);
	return status ? broken(&err) : MH_EXIT_OK;
}

/* ---- */

static int dispatch(const struct mh_cmd *cmd, struct baseline *o, int command, int argc,
		    char **argv)
{
	const char *word = argc ? argv[0] : "";

	if (argc < 2)
		return mh_usage(cmd, "say what to do and with which file: create, add, "
				     "show or prune FILE");
	if (!strcmp(word, "create"))
		return create(cmd, o, argv[1], command, argc - 2, argv + 2);
	if (!strcmp(word, "add"))
		return add(cmd, o, argv[1], command, argc - 2, argv + 2);
	if (strcmp(word, "show") != 0 && strcmp(word, "prune") != 0)
		return mh_usage(cmd, "'%s' is none of create, add, show, prune", word);
	if (argc > 2)
		return mh_usage(cmd, "'%s' is too much: %s takes one file", argv[2],
				word);
	return !strcmp(word, "show") ? show(o, argv[1]) : prune(cmd, o, argv[1]);
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct baseline o = { .runs = MH_RUN_SOURCE_DEFAULTS };
	int command = mh_is_command(argc, argv), code;
	struct mh_args args;
	int parsed = mh_options_parse(cmd, &o, &args, argc, argv);

	if (parsed)
		code = mh_options_exit(parsed);
	else
		code = dispatch(cmd, &o, command, args.argc, args.argv);
	mh_options_fini(cmd, &o);
	return code;
}

const struct mh_cmd mh_cmd_baseline = {
	.name = "baseline",
	.summary = "keep runs that memheat check compares with",
	.usage = "create|add FILE [option...] -- CMD [ARG...]\n"
		 "create|add FILE [option...] TRACE...\n"
		 "show FILE [--format text|json|csv]\n"
		 "prune FILE --last N | --label TEXT",
	.about =
		"FILE is JSON to be committed beside the program's source. It holds the\n"
		"runs' metrics one by one, their environment, and how much of each\n"
		"mapping was used, so that a failing check can name what grew.\n",
	.examples = "  memheat baseline create wss.json --repeat 5 --label main -- "
		    "./bench\n"
		    "  memheat baseline add wss.json run-*.data\n"
		    "  memheat baseline show wss.json\n"
		    "  memheat baseline prune wss.json --last 10\n",
	.opts = baseline_options,
	.operands = MH_OPERANDS_WORDS_FILES,
	.words = words,
	.run = run,
};
