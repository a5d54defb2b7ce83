/* SPDX-License-Identifier: MIT */
/*
 * memheat report: which type, which trace, which form, and where to. A type is in its own
 * file; it makes a view from a session and prints that. Names of types that are not built
 * do not appear anywhere.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "report_access.h"
#include "unwound.h"

#define AT(member) .offset = offsetof(struct mh_report_opts, member)

static const char *const formats[] = { "text", "json", "csv", NULL };
static const char *const cmaps[] = { "inferno", "viridis", "magma", NULL };
static const char *const scales[] = { "auto", "linear", "sqrt", "log", NULL };
static const char *const themes[] = { "dark", "light", NULL };
static const char *const styles[] = { "list", "recency", "temperature", "line", NULL };
static const char *const sort_keys[] = { "address",     "rate",  "age",    "size",
					 "temperature", "share", "weight", "latency",
					 "level",       "tlb",   "snoop",  "lock",
					 NULL };
static const char *const splits[] = { "none", "process", "thread", "cpu", "node", NULL };
static const char *const cell_rules[] = { "area", "damo", NULL };

static const char *const hot_by[] = { "symbol", "mapping", "site", "type",
				      "page",   "line",    NULL };

static const struct mh_option report_options[] = {
	{ "output", 'o', MH_OPT_FILE, "FILE",
	  "write a file; its suffix says the form: .txt .json .csv .png .svg",
	  AT(output) },
	{ "format", 0, MH_OPT_CHOICE, "FORM", "text, json or csv; default text",
	  AT(format), .choices = formats },
	{ .type = MH_OPT_GROUP, .group = mh_filter_options, AT(filters) },
	{ .type = MH_OPT_GROUP, .group = mh_cache_option, AT(filters) },
	{ "writes", 0, MH_OPT_FLAG, NULL,
	  "written pages in place of accessed ones (record --writes)", AT(writes) },
	{ "width", 0, MH_OPT_COUNT, "N",
	  "characters per line; default the terminal's, or 80", AT(width), .min = 40,
	  .max = 1000 },
	{ "height", 0, MH_OPT_COUNT, "N", "lines of the map; default the terminal's",
	  AT(height), .min = 4, .max = 1000, .only = "heatmap diff" },
	{ "color", 0, MH_OPT_CHOICE, "WHEN", "auto, always or never; NO_COLOR is kept",
	  AT(color), .choices = mh_color_names },
	{ "no-pager", 0, MH_OPT_FLAG, NULL, "never start $MEMHEAT_PAGER, $PAGER or less",
	  AT(no_pager) },
	{ "threads", 0, MH_OPT_COUNT, "N",
	  "threads that read the trace; default one per CPU, 8 at most", AT(threads),
	  .min = 1, .max = 256 },
	{ "rows", 0, MH_OPT_COUNT, "N", "address bins; default as many as can be shown",
	  AT(rows), .min = 1, .max = 65536, .only = "heatmap diff" },
	{ "cols", 0, MH_OPT_COUNT, "N", "time bins; default as many as can be shown",
	  AT(cols), .min = 1, .max = 65536, .only = "heatmap diff" },
	{ "cmap", 0, MH_OPT_CHOICE, "NAME", "colours: inferno, viridis or magma",
	  AT(cmap), .choices = cmaps, .only = "heatmap diff" },
	{ "scale", 0, MH_OPT_CHOICE, "NAME",
	  "from value to colour: auto, linear, sqrt or log", AT(scale), .choices = scales,
	  .only = "heatmap" },
	{ "range", 0, MH_OPT_NUMBERS, "LO:HI", "values of the first and the last colour",
	  AT(range), .only = "heatmap diff" },
	{ "size", 0, MH_OPT_EXTENT, "WxH", "pixels of a picture; default 1280x720",
	  AT(size_px), .min = 64, .max = 16384, .only = "heatmap diff" },
	{ "theme", 0, MH_OPT_CHOICE, "NAME", "dark or light", AT(theme),
	  .choices = themes, .only = "heatmap diff" },
	{ "no-collapse", 0, MH_OPT_FLAG, NULL,
	  "true scale: draw cold stretches instead of leaving them out", AT(no_collapse),
	  .only = "heatmap diff" },
	{ "cells", 0, MH_OPT_CHOICE, "RULE",
	  "how a cell is made: area (share of its area) or damo (DAMO's rule)", AT(cells),
	  .choices = cell_rules, .only = "heatmap" },
	{ "describe", 0, MH_OPT_FLAG, NULL, "say in a sentence what the picture shows",
	  AT(describe), .only = "heatmap" },
	{ "style", 0, MH_OPT_CHOICE, "NAME",
	  "each snapshot's regions as: list, recency or temperature (bytes by it), line",
	  AT(style), .choices = styles, .only = "regions" },
	{ "sort", 0, MH_OPT_CHOICE, "KEY",
	  "address, rate, age, size or temperature; code: share, weight, latency, level, "
	  "tlb, snoop or lock",
	  AT(sort), .choices = sort_keys, .only = "regions code" },
	{ "children", 0, MH_OPT_FLAG, NULL,
	  "functions with what they called, by call chains (record -g), as perf report",
	  AT(children), .only = "code" },
	{ "split", 0, MH_OPT_CHOICE, "WHAT",
	  "a table for each process, thread, cpu or memory node", AT(split),
	  .choices = splits, .only = "levels" },
	{ "op", 0, MH_OPT_LIST, "OP,...", "only samples of these: load, store, prefetch",
	  AT(ops), .only = "code levels lines" },
	{ "level", 0, MH_OPT_LIST, "LEVEL,...",
	  "only samples served there: l1, l2, l3, ram, remote_ram", AT(levels),
	  .only = "code levels lines" },
	{ "snoop", 0, MH_OPT_LIST, "SNOOP,...", "only samples with this snoop: hitm, fwd",
	  AT(snoops), .only = "code levels lines" },
	{ "tlb", 0, MH_OPT_LIST, "TLB,...",
	  "only samples with this TLB result: miss, walk", AT(tlbs),
	  .only = "code levels lines" },
	{ "lock", 0, MH_OPT_LIST, "YES,...", "only samples that lock, or do not: yes, no",
	  AT(locks), .only = "code levels lines" },
	{ "descending", 0, MH_OPT_FLAG, NULL, "sort from high to low; hot first",
	  AT(descending), .only = "regions" },
	{ "log-bins", 0, MH_OPT_FLAG, NULL, "histograms whose bins double in width",
	  AT(log_bins), .only = "regions" },
	{ "debug-dir", 0, MH_OPT_LIST, "DIR,...",
	  "where debug files are by build-id; default /usr/lib/debug", AT(debug_dirs),
	  .only = "hot code" },
	{ "no-demangle", 0, MH_OPT_FLAG, NULL, "print names of C++ and Rust as linked",
	  AT(no_demangle), .only = "hot code" },
	{ "map", 0, MH_OPT_FLAG, NULL,
	  "a map of what changed instead of the table; -o FILE.png and .svg are that too",
	  AT(map), .only = "diff" },
	{ "by", 0, MH_OPT_CHOICE, "WHAT",
	  "a row per symbol (variable or allocation site; the default), mapping, site, "
	  "type, page, or line of 64 bytes",
	  AT(by), .choices = hot_by, .only = "hot" },
	{ "percentiles", 0, MH_OPT_LIST, "P,...",
	  "which to print; default 0,25,50,75,90,95,99,100", AT(percentiles),
	  .only = "wss" },
	{ "over-time", 0, MH_OPT_FLAG, NULL, "sizes along time instead of percentiles",
	  AT(over_time), .only = "wss" },
	{ "accesses", 0, MH_OPT_COUNT, "N",
	  "memory accesses in the recording, as counted elsewhere: ratios are of them",
	  AT(accesses), .min = 1, .only = "mrc" },
	{ "slo", 0, MH_OPT_RATIO, "SHARE",
	  "of the working set that may come back from far memory per minute; default "
	  "0.2%",
	  AT(slo), .only = "sizing" },
	{ 0 },
};

static const struct mh_report_type *const types[] = {
	&mh_report_summary,   &mh_report_heatmap, &mh_report_wss,
	&mh_report_mappings,  &mh_report_hot,     &mh_report_code,
	&mh_report_footprint, &mh_report_regions, &mh_report_diff,
	&mh_report_cold,      &mh_report_times,   &mh_report_nr_regions,
	&mh_report_mrc,       &mh_report_sizing,  &mh_report_levels,
	&mh_report_lines,
};

#define NR_TYPES (sizeof(types) / sizeof(types[0]))

/* With DAMO's names, in the same order as `types`, for completion and suggestions. */
static const char *const type_words[] = {
	"summary",    "heatmap",     "wss",    "mappings", "hot",   "code",
	"footprint",  "regions",     "diff",   "cold",     "times", "nr_regions",
	"mrc",        "sizing",      "levels", "lines",    "heats", "access",
	"footprints", "record_info", NULL
};

static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "heats", "heatmap" },
	{ "access", "regions" },
	{ "footprints", "footprint" },
};

static const struct mh_report_type *find_type(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(word, aliases[i].alias))
			word = aliases[i].name;
	for (i = 0; i < NR_TYPES; i++)
		if (!strcmp(word, types[i]->name))
			return types[i];
	return NULL;
}

/* The first operand is a type, or a trace: what exists or looks like a path is one. */
static int looks_like_file(const char *word)
{
	return !strcmp(word, "-") || strpbrk(word, "./") || access(word, F_OK) == 0;
}

static int unknown_type(const struct mh_cmd *cmd, const char *word)
{
	const char *near = mh_suggest(word, type_words);
	char list[256] = "";
	size_t i, len = 0;

	for (i = 0; i < NR_TYPES; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					i ? ", " : "", types[i]->name);
	if (near)
		return mh_usage(cmd,
				"there is no report '%s'; did you mean '%s'? Types: %s",
				word, near, list);
	return mh_usage(cmd, "there is no report '%s'; types: %s", word, list);
}

static int has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *p = words;

	while ((p = strstr(p, word))) {
		if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return 1;
		p += len;
	}
	return 0;
}

/* Options of other types are a mistake, not a decoration. */
static int check_options(const struct mh_cmd *cmd, const struct mh_args *args,
			 const char *type)
{
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, nr = mh_options_flatten(cmd, flat);

	for (i = 0; i < nr; i++)
		if ((args->given >> i & 1) && flat[i].only &&
		    !has_word(flat[i].only, type))
			return mh_usage(cmd, "--%s is for: %s; not for %s", flat[i].name,
					flat[i].only, type);
	return MH_EXIT_OK;
}

static const char *suffix(const char *path)
{
	const char *dot = path ? strrchr(path, '.') : NULL;

	return dot && !strchr(dot, '/') ? dot : "";
}

/* The form that -o's suffix names; -1: none. */
static int suffix_format(const char *path)
{
	static const struct {
		const char *suffix;
		enum mh_report_format format;
	} known[] = {
		{ ".txt", MH_REPORT_TEXT }, { ".json", MH_REPORT_JSON },
		{ ".csv", MH_REPORT_CSV },  { ".png", MH_REPORT_PNG },
		{ ".svg", MH_REPORT_SVG },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(suffix(path), known[i].suffix))
			return (int)known[i].format;
	return -1;
}

static int choose_format(struct mh_report *r, const struct mh_cmd *cmd,
			 const struct mh_report_type *type)
{
	const char *path = r->opts->output;
	int by_suffix = suffix_format(path);
	int format = r->opts->format;

	if (!strcmp(suffix(path), ".html"))
		return mh_usage(cmd,
				"pictures in .html are not built yet; use .svg or .png");
	if (by_suffix >= MH_REPORT_PNG && !type->picture)
		return mh_usage(cmd,
				"'%s' has no picture; use .txt, .json or .csv, or "
				"'memheat report heatmap -o %s'",
				type->name, path);
	if (by_suffix >= 0 && format >= 0 && by_suffix != format)
		return mh_usage(cmd, "--format %s does not fit the name %s",
				formats[format], path);
	if (format < 0)
		format = by_suffix;
	if (format < 0 && path && strcmp(path, "-") != 0)
		return mh_usage(cmd,
				"the name %s does not say its form: end it in .txt, "
				".json, .csv, .png or .svg, or give --format",
				path);
	r->format = format < 0 ? MH_REPORT_TEXT : (enum mh_report_format)format;
	return MH_EXIT_OK;
}

static int has_process(const struct mh_maps *maps, uint32_t pid)
{
	size_t i;

	for (i = 0; i < mh_maps_nr_spaces(maps); i++)
		if (mh_maps_space(maps, i)->pid == pid)
			return 1;
	return 0;
}

/* A name or number that is nowhere in the trace is a slip, not an empty result. */
static int check_filters(const struct mh_report *r, struct mh_err *err)
{
	const struct mh_filters *f = &r->opts->filters;
	const struct mh_maps *maps = mh_session_maps(r->session);
	size_t i;

	if (!mh_session_at_known(r->session))
		return mh_fail(
			err, MH_EINPUT,
			"--at: no mapping's name contains '%s', and no variable or "
			"allocating function is called so; 'memheat report mappings' "
			"and 'hot' list them",
			f->at);
	for (i = 0; i < f->pids.nr && mh_maps_nr_spaces(maps); i++)
		if (!has_process(maps, f->pids.v[i]))
			return mh_fail(err, MH_EINPUT,
				       "--pid: the trace has no process %u",
				       f->pids.v[i]);
	return MH_OK;
}

static void write_json(FILE *out, const struct mh_report_type *type, const void *view)
{
	char schema[64];
	struct mh_json j;

	snprintf(schema, sizeof(schema), "memheat.%s/1", type->name);
	mh_report_json_begin(&j, out, schema);
	type->json(&j, view);
	mh_report_json_end(&j);
}

static void write_csv(FILE *out, const struct mh_report_type *type, const void *view)
{
	const struct mh_report_rows *rows = &type->rows;
	struct mh_table t;

	if (type->csv) {
		type->csv(out, view);
		return;
	}
	mh_table_begin_csv(&t, out, rows->columns, rows->nr_columns);
	rows->put(&t, view);
	mh_table_end(&t, NULL);
}

static int write_form(FILE *out, const struct mh_report_type *type, const void *view,
		      struct mh_report *r, struct mh_err *err)
{
	if (type->write)
		return type->write(out, view, r, err);
	switch (r->format) {
	case MH_REPORT_TEXT:
		return type->text(out, view, r, err);
	case MH_REPORT_PNG:
	case MH_REPORT_SVG:
		return type->picture(out, view, r, err);
	case MH_REPORT_JSON:
		write_json(out, type, view);
		break;
	case MH_REPORT_CSV:
		write_csv(out, type, view);
		break;
	}
	return MH_OK;
}

/* In one type's storage; then the output; then the words. */
static int analyze_and_write(struct mh_report *r, const struct mh_report_type *type,
			     struct mh_err *err)
{
	struct mh_output out = { 0 };
	struct mh_progress progress;
	int status;
	void *view = calloc(1, type->view_size);

	if (!view)
		return mh_fail_errno(err, "cannot make the report");
	mh_progress_start(&progress, "reading the trace");
	mh_session_on_progress(r->session, mh_progress_update, &progress);
	status = type->analyze(view, r, err);
	mh_progress_end(&progress);
	if (status == MH_OK)
		status = mh_output_open(&out, r->opts->output,
					!r->opts->no_pager && r->format == MH_REPORT_TEXT,
					err);
	if (status == MH_OK)
		status = write_form(out.f, type, view, r, err);
	status = mh_output_close(&out, status, err);
	type->fini(view);
	free(view);
	return status;
}

static int make_report(struct mh_report *r, const struct mh_report_type *type,
		       const char *input)
{
	char cache_dir[MH_CACHE_DIR_MAX];
	struct mh_session_opts opts;
	struct mh_err err;
	const char *path = r->opts->output;
	int to_file = path && strcmp(path, "-") != 0;
	int status;

	mh_terminal_look(&r->term, to_file ? -1 : STDOUT_FILENO,
			 (enum mh_color_when)r->opts->color, (uint32_t)r->opts->width);
	mh_filters_naming(&opts, &r->opts->filters, cache_dir);
	opts.threads = (unsigned)r->opts->threads;
	opts.writes = r->opts->writes;
	opts.debug_dirs = mh_report_names(r).debug_dirs;
	status = mh_report_access_filters(&opts, r->opts, &err);
	if (status == MH_OK)
		status = mh_session_open(&r->session, input, &opts, &err);
	if (status == MH_OK)
		status = check_filters(r, &err);
	if (status == MH_OK)
		status = analyze_and_write(r, type, &err);
	if (status == MH_OK)
		mh_say_cut_chains(r->session);
	mh_session_close(r->session);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

/* diff reads two traces; the first is what the other is compared with. */
static int take_other(struct mh_report *r, const struct mh_cmd *cmd, struct mh_args *args)
{
	struct mh_report_opts *opts = r->own;

	if (args->argc + (opts->filters.input != NULL) != 2)
		return mh_usage(cmd, "diff takes two traces: memheat report diff A B");
	opts->other = args->argv[0];
	args->argv++;
	args->argc--;
	return MH_EXIT_OK;
}

/* Regions and code are sorted by different keys; the first one is no wish. */
static int check_sort(const struct mh_cmd *cmd, const struct mh_report_opts *opts,
		      const char *type)
{
	int code = !strcmp(type, "code");

	if (!opts->sort || code == (opts->sort >= MH_SORT_CODE))
		return MH_EXIT_OK;
	return mh_usage(cmd, "the report '%s' is not sorted by %s; keys: %s", type,
			sort_keys[opts->sort],
			code ? "share, weight, latency, level, tlb, snoop, lock"
			     : "address, rate, age, size, temperature");
}

static int run_type(const struct mh_cmd *cmd, struct mh_report *r, struct mh_args *args)
{
	const struct mh_report_type *type = types[0];
	const char *input;
	int status;

	if (args->argc) {
		const struct mh_report_type *named = find_type(args->argv[0]);

		if (!named && !looks_like_file(args->argv[0]))
			return unknown_type(cmd, args->argv[0]);
		if (named) {
			type = named;
			args->argv++;
			args->argc--;
		}
	}
	if (type == &mh_report_diff) {
		status = take_other(r, cmd, args);
		if (status)
			return status;
	}
	input = mh_filters_input(&r->opts->filters, cmd, args->argc, args->argv);
	if (!input)
		return MH_EXIT_USAGE;
	status = check_options(cmd, args, type->name);
	if (status == MH_EXIT_OK)
		status = check_sort(cmd, r->opts, type->name);
	if (status == MH_EXIT_OK)
		status = choose_format(r, cmd, type);
	if (status == MH_EXIT_OK)
		status = make_report(r, type, input);
	return status;
}

/* DAMO's `report record_info` is our `info`, whose options are fewer. */
static int run_info(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "record_info")) {
			memmove(argv + i, argv + i + 1,
				(size_t)(argc - i) * sizeof(*argv));
			return mh_cmd_info.run(&mh_cmd_info, argc - 1, argv);
		}
	}
	return MH_EXIT_USAGE;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct mh_report_opts opts = { .format = -1 };
	struct mh_report r = { .opts = &opts, .own = &opts };
	struct mh_args args;
	int status, parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	if (parsed)
		status = mh_options_exit(parsed);
	else if (args.argc && !strcmp(args.argv[0], "record_info"))
		status = run_info(argc, argv);
	else
		status = run_type(cmd, &r, &args);
	mh_options_fini(cmd, &opts);
	return status;
}

const struct mh_cmd mh_cmd_report = {
	.name = "report",
	.summary = "show what a trace holds: summary, heatmap, working set, mappings",
	.usage = "[TYPE] [FILE] [-o FILE] [--format text|json|csv] [OPTION...]",
	.about = "Types:\n"
		 "  summary    what matters in a few lines (the default)\n"
		 "  heatmap    addresses over time; -o heat.png or heat.svg for a "
		 "picture\n"
		 "  wss        working set sizes: percentiles, histogram, windows\n"
		 "  mappings   heap, stack, libraries: size, share of the accesses, idle "
		 "part\n"
		 "  hot        variables and mappings by their share of the accesses\n"
		 "  code       functions and lines that made the accesses, from samples\n"
		 "  levels     cache levels that served the accesses, with latencies\n"
		 "  lines      cache lines that threads contend for (false sharing)\n"
		 "  footprint  resident memory, swap and huge pages over time\n"
		 "  diff       A B: what grew from one trace to another\n"
		 "  regions    every snapshot's regions, as recorded\n"
		 "  cold       bytes by the time since they were accessed\n"
		 "  times      when regions pass the filters\n"
		 "  nr_regions how many regions snapshots have\n"
		 "  mrc        misses by size of memory\n"
		 "  sizing     how much memory to give, and what could go to a slower "
		 "tier\n"
		 "DAMO's names heats, access, footprints and record_info are "
		 "understood.\n",
	.examples = "  memheat report                              the summary of "
		    "memheat.data\n"
		    "  memheat report heatmap -o heat.png          a picture\n"
		    "  memheat report heatmap --at heap --time 5s:20s\n"
		    "  memheat report wss --skip 20 --format json  without 20 intervals "
		    "of warm-up\n"
		    "  memheat report regions --min-rate 50% --age 10s:\n",
	.opts = report_options,
	.operands = MH_OPERANDS_WORDS_FILES,
	.words = type_words,
	.run = run,
};
