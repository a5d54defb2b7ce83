/* SPDX-License-Identifier: MIT */
/*
 * memheat dump: the events of a trace as text, one per line, in the language that
 * `memheat import text` reads back. What describes the data (META, TASK, MAP) comes
 * first, the data in the order of the file, which is not quite that of time.
 */
#include <inttypes.h>
#include <string.h>

#include <memheat/render.h>

#include "cmd.h"
#include "filters.h"
#include "kinds.h"
#include "options.h"
#include "output.h"
#include "terminal.h"

struct dump {
	struct mh_filters filters;
	struct mh_strings kinds;
	const char *output;
	int no_pager;
};

#define AT(member) .offset = offsetof(struct dump, member)

static const struct mh_option dump_options[] = {
	{ "output", 'o', MH_OPT_FILE, "FILE", "write here instead of to standard output",
	  AT(output) },
	{ "kind", 'k', MH_OPT_LIST, "KIND,...",
	  "only these: meta, map, task, sample, region, pages, footprint, stat, lost, "
	  "gap, stack, heap",
	  AT(kinds) },
	{ .type = MH_OPT_GROUP, .group = mh_filter_options, AT(filters) },
	{ "no-pager", 0, MH_OPT_FLAG, NULL, "never start $MEMHEAT_PAGER, $PAGER or less",
	  AT(no_pager) },
	{ 0 },
};

static int print_event(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	return mh_event_print(arg, ev, err);
}

static void print_header(FILE *out, const char *path, const struct mh_trace_info *info)
{
	char safe[512];
	size_t i;

	mh_text_safe(safe, sizeof(safe), path, 0);
	fprintf(out, "# memheat trace %s\n# uuid ", safe);
	for (i = 0; i < sizeof(info->uuid); i++)
		fprintf(out, "%02x", info->uuid[i]);
	fprintf(out, "\n# bytes %" PRIu64 " blocks %" PRIu64 " complete %s\n",
		info->bytes, info->nr_blocks, info->complete ? "yes" : "no");
}

static int dump(const struct dump *opts, uint32_t kinds, const char *path,
		struct mh_err *err)
{
	struct mh_walk w = { .filters = &opts->filters,
			     .kinds = kinds,
			     .fn = print_event };
	struct mh_output out = { 0 };
	struct mh_reader *r = NULL;
	int status = mh_reader_open(&r, path, err);

	if (status == MH_OK)
		status = mh_walk_at(&w, path, err);
	if (status == MH_OK)
		status = mh_output_open(&out, opts->output, !opts->no_pager, err);
	if (status == MH_OK) {
		print_header(out.f, path, mh_reader_info(r));
		w.reader = r;
		w.arg = out.f;
		status = mh_walk_run(&w, err);
		if (w.nr_damaged)
			mh_say("warning: %" PRIu64 " damaged blocks were left out",
			       w.nr_damaged);
	}
	status = mh_output_close(&out, status, err);
	mh_session_close(w.session);
	mh_reader_close(r);
	return status;
}

static int run_parsed(const struct mh_cmd *cmd, const struct dump *opts,
		      struct mh_args *args)
{
	const char *path = mh_filters_input(&opts->filters, cmd, args->argc, args->argv);
	uint32_t kinds;
	struct mh_err err;
	int status;

	if (!path)
		return MH_EXIT_USAGE;
	if (mh_kinds(&kinds, &opts->kinds, &err) != MH_OK)
		return mh_usage(cmd, "%s", err.msg);
	status = dump(opts, kinds, path, &err);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct dump opts = { 0 };
	struct mh_args args;
	int parsed = mh_options_parse(cmd, &opts, &args, argc, argv);
	int status = parsed ? mh_options_exit(parsed) : run_parsed(cmd, &opts, &args);

	mh_options_fini(cmd, &opts);
	return status;
}

const struct mh_cmd mh_cmd_dump = {
	.name = "dump",
	.summary = "print the events of a trace as text",
	.usage = "[FILE] [-o FILE] [FILTER...]",
	.about = "Times are nanoseconds of CLOCK_MONOTONIC; --time counts from the "
		 "trace's "
		 "start.\n'memheat import text' makes a trace of the text again.\n",
	.examples = "  memheat dump --kind map,task          who was where\n"
		    "  memheat dump --time 2s:3s --at heap   one second of the heap\n"
		    "  memheat dump a.data | memheat import text - -o b.data\n",
	.opts = dump_options,
	.operands = MH_OPERANDS_FILES,
	.run = run,
};
