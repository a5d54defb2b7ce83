/* SPDX-License-Identifier: MIT */
/*
 * memheat export: a trace in the form of another tool, chosen from the library's table.
 * The views that an exporter asks for are made here.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <memheat/analyze.h>
#include <memheat/export.h>

#include "cmd.h"
#include "filters.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "unwound.h"

struct export
{
	struct mh_filters filters;
	const char *output, *module;
};

static const struct mh_option export_options[] = {
	{ .type = MH_OPT_GROUP,
	  .group = mh_filter_options,
	  .offset = offsetof(struct export, filters) },
	{ .type = MH_OPT_GROUP,
	  .group = mh_cache_option,
	  .offset = offsetof(struct export, filters) },
	{ "output", 'o', MH_OPT_FILE, "FILE", "the file to make; default standard output",
	  .offset = offsetof(struct export, output) },
	{ "module", 0, MH_OPT_STRING, "NAME",
	  "hints for this program or library; default the program that was recorded",
	  .offset = offsetof(struct export, module) },
	{ 0 },
};

/* In the order of the library's table, for completion and suggestions. */
static const char *const formats[] = {
	"folded",
	"csv",
	"json",
	"pprof",
	"callgrind",
	"speedscope",
	"perfetto",
	"symbol-order",
	"section-order",
	"linker-script",
	"llvm-data-access",
	"bolt",
	"llvm-sample",
	"gcc-afdo",
	"memprof-heap",
	"prefetch",
	"llvm-prefetch",
	"damos",
	"madvise",
	"damo",
	"perf-data",
	NULL,
};

static const struct mh_exporter *find(const char *name)
{
	const struct mh_exporter *e;
	size_t i;

	for (i = 0; (e = mh_exporter_at(i)); i++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

static int unknown(const struct mh_cmd *cmd, const char *word)
{
	const char *near = word ? mh_suggest(word, formats) : NULL;
	const struct mh_exporter *e;
	char list[256] = "";
	size_t i, len = 0;

	for (i = 0; (e = mh_exporter_at(i)) && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					i ? ", " : "", e->name);
	if (!word)
		return mh_usage(cmd, "it needs a format: %s", list);
	if (near)
		return mh_usage(cmd, "cannot export to '%s'; did you mean '%s'?", word,
				near);
	return mh_usage(cmd, "cannot export to '%s'; known: %s", word, list);
}

/* Events are written whole: a filter that would do nothing is a mistake. */
static int check_filters(const struct mh_exporter *e, const struct mh_cmd *cmd,
			 const struct mh_args *args)
{
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, nr = mh_options_flatten(cmd, flat);

	if (!(e->needs & MH_EXPORT_EVENTS))
		return MH_EXIT_OK;
	for (i = 0; i < nr; i++) {
		if (args->given >> i & 1 && strcmp(flat[i].name, "input") != 0 &&
		    strcmp(flat[i].name, "output") != 0)
			return mh_usage(cmd,
					"%s is written whole; cut the trace first: "
					"memheat repack --%s ...",
					e->name, flat[i].name);
	}
	return MH_EXIT_OK;
}

/* What an exporter may ask for. */
struct views {
	struct mh_profile profile;
	struct mh_heat heat;
	struct mh_allocs allocs;
	struct mh_wss wss;
	struct mh_heatmap heatmap;
};

static int analyze_time(struct views *v, struct mh_export_input *in, struct mh_session *s,
			struct mh_err *err)
{
	struct mh_heatmap_opts opts = { .rows = 64, .cols = 500 };
	int status = mh_heatmap_analyze(&v->heatmap, s, &opts, err);

	if (status == MH_OK) {
		in->heatmap = &v->heatmap;
		status = mh_wss_analyze(&v->wss, s, err);
		if (status == MH_OK)
			in->wss = &v->wss;
	}
	return status == MH_ENOSUP && in->heatmap ? MH_OK : status;
}

static int analyze(const struct mh_exporter *e, const struct export *o, struct views *v,
		   struct mh_export_input *in, struct mh_session *s, struct mh_err *err)
{
	const struct mh_profile_opts opts = { .module = o->module,
					      .symbols = !!(e->needs & MH_EXPORT_SYMBOLS),
					      .raw = !!(e->needs & MH_EXPORT_SYMBOLS),
					      .loads = !!(e->needs & MH_EXPORT_LOADS),
					      .callers =
						      !!(e->needs & MH_EXPORT_CHAINS) };
	int status = MH_OK;

	if (e->needs & MH_EXPORT_CHAINS)
		status = mh_session_frames(s, &in->frames, err);

	if (status == MH_OK && e->needs & MH_EXPORT_PROFILE) {
		status = mh_profile_analyze(&v->profile, s, &opts, err);
		in->profile = &v->profile;
	}
	if (status == MH_OK && e->needs & MH_EXPORT_HEAT) {
		status = mh_heat_analyze(&v->heat, s, err);
		in->heat = &v->heat;
	}
	if (status == MH_OK && e->needs & MH_EXPORT_ALLOCS) {
		status = mh_allocs_analyze(&v->allocs, s, err);
		in->allocs = &v->allocs;
	}
	if (status == MH_OK && e->needs & MH_EXPORT_TIME)
		status = analyze_time(v, in, s, err);
	return status;
}

static int write_it(const struct mh_exporter *e, const struct export *o,
		    const char *input, struct mh_session *s, struct mh_err *err)
{
	struct views views = { 0 };
	struct mh_export_input in = { .trace = input, .reader = mh_session_reader(s) };
	struct mh_output out = { 0 };
	struct mh_progress progress;
	int status;

	mh_progress_start(&progress, "reading the trace");
	mh_session_on_progress(s, mh_progress_update, &progress);
	status = analyze(e, o, &views, &in, s, err);
	mh_progress_end(&progress);
	if (status == MH_OK)
		status = mh_output_open(&out, o->output, 0, err);
	if (status == MH_OK)
		status = mh_exporter_run(e, out.f, &in, err);
	status = mh_output_close(&out, status, err);
	mh_profile_fini(&views.profile);
	mh_heat_fini(&views.heat);
	mh_allocs_fini(&views.allocs);
	mh_wss_fini(&views.wss);
	mh_heatmap_fini(&views.heatmap);
	return status;
}

static int export(const struct mh_exporter *e, const struct export *o, const char *input,
		  struct mh_err *err)
{
	char cache_dir[MH_CACHE_DIR_MAX];
	struct mh_session_opts opts;
	struct mh_session *s = NULL;
	int status;

	if (e->needs & MH_EXPORT_BINARY && (!o->output || !strcmp(o->output, "-")) &&
	    isatty(STDOUT_FILENO))
		return mh_fail(err, MH_EINPUT, "%s is not for a terminal; give -o a file",
			       e->name);
	mh_filters_naming(&opts, &o->filters, cache_dir);
	opts.threads = 0;
	status = mh_session_open(&s, input, &opts, err);
	if (status == MH_OK)
		status = write_it(e, o, input, s, err);
	if (status == MH_OK)
		mh_say_cut_chains(s);
	mh_session_close(s);
	return status;
}

static int run_with(const struct mh_cmd *cmd, const struct export *o,
		    const struct mh_args *args)
{
	const struct mh_exporter *e = args->argc ? find(args->argv[0]) : NULL;
	const char *input;
	struct mh_err err;
	int status;

	if (!e)
		return unknown(cmd, args->argc ? args->argv[0] : NULL);
	input = mh_filters_input(&o->filters, cmd, args->argc - 1, args->argv + 1);
	if (!input)
		return MH_EXIT_USAGE;
	status = check_filters(e, cmd, args);
	if (status)
		return status;
	status = export(e, o, input, &err);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct export opts = { 0 };
	struct mh_args args;
	int status, parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	status = parsed ? mh_options_exit(parsed) : run_with(cmd, &opts, &args);
	mh_options_fini(cmd, &opts);
	return status;
}

const struct mh_cmd mh_cmd_export = {
	.name = "export",
	.summary = "write a trace in the form of another tool",
	.usage = "FORMAT [FILE] [-i FILE] [-o FILE] [OPTION...]",
	.about = "Formats:\n"
		 "  folded           stacks that end in data, for flamegraph.pl and "
		 "speedscope\n"
		 "  csv              a row per place in the source and object\n"
		 "  json             the same with a schema version\n"
		 "  pprof            profile.proto for pprof, Parca and Pyroscope\n"
		 "  callgrind        for callgrind_annotate and KCachegrind\n"
		 "  speedscope       for speedscope\n"
		 "  perfetto         working set and heat over time for Perfetto (Chrome "
		 "JSON)\n"
		 "  symbol-order     functions and variables, hot first, for lld\n"
		 "  section-order    the same for gold\n"
		 "  linker-script    the same for GNU ld\n"
		 "  llvm-data-access accesses of variables for clang 22\n"
		 "  bolt             memory events for llvm-bolt -reorder-data\n"
		 "  llvm-sample      execution counts for clang -fprofile-sample-use\n"
		 "  gcc-afdo         the same for gcc -fauto-profile\n"
		 "  memprof-heap     hot and cold allocation sites for clang 22\n"
		 "  prefetch         loads that miss: share, latency, stride (CSV)\n"
		 "  llvm-prefetch    prefetch hints for clang 14 to 19\n"
		 "  damos            schemes for DAMO, with thresholds from the trace\n"
		 "  madvise          ranges of running processes with advice, for "
		 "memheat apply\n"
		 "  damo             DAMO's record (json_compressed) from DAMON's "
		 "regions\n"
		 "  perf-data        perf.data for perf script and perf report\n",
	.examples = "  memheat export folded -i memheat.data | flamegraph.pl >heat.svg\n"
		    "  memheat export damo -i memheat.data -o damon.data\n"
		    "  memheat export perf-data -i memheat.data -o perf.data\n",
	.opts = export_options,
	.operands = MH_OPERANDS_WORDS_FILES,
	.words = formats,
	.run = run,
};
