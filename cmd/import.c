/* SPDX-License-Identifier: MIT */
/*
 * memheat import: a trace from what something else recorded. The library knows the
 * formats; here is what happens to the trace when a recording is damaged: what could be
 * read of it is kept and said, and the exit status is a failure.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <memheat/event.h>
#include <memheat/render.h>
#include <memheat/source.h>

#include "cmd.h"
#include "options.h"
#include "trace_output.h"

struct import {
	const char *output;
};

static const struct mh_option import_options[] = {
	{ "output", 'o', MH_OPT_FILE, "FILE", "the trace to make; needed",
	  .offset = offsetof(struct import, output) },
	{ 0 },
};

static const char *const froms[] = { "damo", "perf", "text", NULL };

static bool is_from(const char *word)
{
	size_t i;

	for (i = 0; mh_importer_at(i); i++)
		if (!strcmp(mh_importer_at(i)->name, word))
			return true;
	return false;
}

static void say_read(const struct mh_trace_output *out, const char *output,
		     uint64_t bytes, const struct mh_import_result *result)
{
	char text[MH_TEXT_MAX];
	uint64_t samples = mh_writer_count(out->writer, MH_EV_SAMPLE);

	mh_text_bytes(text, bytes);
	if (samples)
		mh_say("%" PRIu64 " events, %" PRIu64 " of them samples, %s -> %s",
		       result->nr_events, samples, text, output);
	else
		mh_say("%" PRIu64 " events, %s -> %s", result->nr_events, text, output);
}

/* Whether a failure leaves something that is worth a trace. */
static bool is_kept(int status, const struct mh_import_result *result)
{
	return status == MH_EFORMAT && result->nr_events &&
	       !result->importer->all_or_nothing;
}

static int import(const char *path, const char *from, const char *output,
		  struct mh_err *err)
{
	struct mh_import_opts opts = { .log = &mh_log_stderr };
	struct mh_import_result result = { 0 };
	struct mh_trace_output out = { 0 };
	struct mh_err later;
	bool kept;
	int read, status = mh_trace_output_open(&out, output, MH_POLICY_DEFAULT, err);

	if (status != MH_OK)
		return mh_trace_output_close(&out, status, &later);
	read = mh_import(&result, path, from, &opts, mh_writer_sink, out.writer, err);
	kept = is_kept(read, &result);
	if (read == MH_OK || kept)
		status = mh_writer_flush(out.writer, kept ? &later : err);
	if (status == MH_OK && (read == MH_OK || kept))
		say_read(&out, output, mh_writer_bytes(out.writer), &result);
	if (read != MH_OK && !kept)
		status = read;
	status = mh_trace_output_close(&out, status, status < 0 || kept ? &later : err);
	if (kept && status == MH_OK)
		mh_say("the recording is damaged; %s has what could be read of it",
		       output);
	if (kept && status != MH_OK)
		*err = later;
	return read != MH_OK ? read : status;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct import opts = { 0 };
	struct mh_args args;
	struct mh_err err;
	const char *from;
	int status, parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	from = args.argc == 2 ? args.argv[0] : NULL;
	if (from && !is_from(from))
		return mh_usage(cmd, "cannot import from '%s'; known: damo, perf, text",
				from);
	if (args.argc < 1 || args.argc > 2 || (args.argc == 1 && is_from(args.argv[0])))
		return mh_usage(
			cmd, "it needs one input: memheat import [FROM] INPUT -o FILE");
	if (!opts.output)
		return mh_usage(cmd, "it needs a name for the trace: -o FILE");
	status = import(args.argv[args.argc - 1], from, opts.output, &err);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

const struct mh_cmd mh_cmd_import = {
	.name = "import",
	.summary = "make a trace from other recordings",
	.usage = "[FROM] INPUT -o FILE",
	.about =
		"FROM is what INPUT is; it is found from the first bytes when left out:\n"
		"  damo   a record of DAMO: json_compressed, json, perf script text, old "
		"binary\n"
		"  perf   perf.data, as 'perf record' writes it, in a file or a pipe\n"
		"  text   the text that 'memheat dump' prints\n"
		"INPUT may be - for standard input. Of a damaged recording what can be "
		"read\n"
		"is kept, and the exit status is 1.\n",
	.examples =
		"  memheat import perf.data -o memheat.data\n"
		"  memheat import damon.data -o memheat.data\n"
		"  perf record -e page-faults -c 1 -d -o - -- ls | memheat import - -o "
		"ls.data\n"
		"  memheat import text events.txt -o small.data\n"
		"  memheat dump a.data | grep -v ^sample | memheat import text - -o "
		"b.data\n",
	.opts = import_options,
	.operands = MH_OPERANDS_WORDS_FILES,
	.words = froms,
	.run = run,
};
