/* SPDX-License-Identifier: MIT */
/*
 * memheat import: a trace from what something else recorded. Here is `text`, the language
 * of `memheat dump`: the way back, and the way to write a small trace by hand.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <memheat/event.h>
#include <memheat/render.h>

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

static const char *const froms[] = { "text", NULL };

struct text_input {
	FILE *f;
	const char *name;
	char *line;
	size_t cap;
	uint64_t nr; /* lines */
	struct mh_event_scratch scratch;
};

static int add_line(struct text_input *in, struct mh_writer *w, uint64_t *nr_events,
		    struct mh_err *err)
{
	struct mh_event ev;
	struct mh_err why;
	int status = mh_event_parse(&ev, in->line, &in->scratch, &why);

	if (status == MH_END)
		return MH_OK;
	if (status != MH_OK)
		return mh_fail(err, status, "%s:%" PRIu64 ": %.400s", in->name, in->nr,
			       why.msg);
	++*nr_events;
	return mh_writer_add(w, &ev, err);
}

static int add_lines(struct text_input *in, struct mh_writer *w, uint64_t *nr_events,
		     struct mh_err *err)
{
	int status = MH_OK;
	ssize_t len;

	while (status == MH_OK && (len = getline(&in->line, &in->cap, in->f)) >= 0) {
		in->nr++;
		if (memchr(in->line, '\0', (size_t)len))
			return mh_fail(err, MH_EFORMAT,
				       "%s:%" PRIu64 ": there is a zero byte; this is no "
				       "text of 'memheat dump'",
				       in->name, in->nr);
		if (len && in->line[len - 1] == '\n')
			in->line[len - 1] = '\0';
		status = add_line(in, w, nr_events, err);
	}
	if (status == MH_OK && ferror(in->f))
		return mh_fail_errno(err, "cannot read %s", in->name);
	return status;
}

static int open_input(struct text_input *in, const char *path, struct mh_err *err)
{
	struct stat st;

	memset(in, 0, sizeof(*in));
	in->name = strcmp(path, "-") ? path : "standard input";
	in->f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!in->f)
		return mh_fail_errno(err, "cannot read %s", path);
	if (fstat(fileno(in->f), &st) == 0 && S_ISDIR(st.st_mode))
		return mh_fail(err, MH_EINPUT, "%s is a directory, not a file to import",
			       path);
	return MH_OK;
}

static void close_input(struct text_input *in)
{
	if (in->f && in->f != stdin)
		fclose(in->f);
	free(in->line);
	mh_event_scratch_fini(&in->scratch);
}

static int import_text(const char *path, const char *output, struct mh_err *err)
{
	struct mh_trace_output out = { 0 };
	struct text_input in;
	uint64_t nr_events = 0, bytes = 0;
	char text[MH_TEXT_MAX];
	int status = open_input(&in, path, err);

	if (status == MH_OK)
		status = mh_trace_output_open(&out, output, MH_POLICY_DEFAULT, err);
	if (status == MH_OK)
		status = add_lines(&in, out.writer, &nr_events, err);
	if (status == MH_OK)
		status = mh_writer_flush(out.writer, err);
	if (status == MH_OK)
		bytes = mh_writer_bytes(out.writer);
	status = mh_trace_output_close(&out, status, err);
	if (status == MH_OK)
		mh_say("%" PRIu64 " events, %s -> %s", nr_events,
		       mh_text_bytes(text, bytes), output);
	close_input(&in);
	return status;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct import opts = { 0 };
	struct mh_args args;
	struct mh_err err;
	int status, parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	if (args.argc == 2 && strcmp(args.argv[0], "text") != 0)
		return mh_usage(cmd, "cannot import from '%s'; known: text",
				args.argv[0]);
	if (args.argc < 1 || args.argc > 2 ||
	    (args.argc == 1 && !strcmp(args.argv[0], "text")))
		return mh_usage(cmd,
				"it needs one input: memheat import text INPUT -o FILE");
	if (!opts.output)
		return mh_usage(cmd, "it needs a name for the trace: -o FILE");
	status = import_text(args.argv[args.argc - 1], opts.output, &err);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

const struct mh_cmd mh_cmd_import = {
	.name = "import",
	.summary = "make a trace from other recordings",
	.usage = "[FROM] INPUT -o FILE",
	.about = "FROM is what INPUT is:\n"
		 "  text   the text that 'memheat dump' prints\n"
		 "INPUT may be - for standard input.\n",
	.examples = "  memheat import text events.txt -o small.data\n"
		    "  memheat dump a.data | grep -v ^sample | memheat import text - -o "
		    "b.data\n",
	.opts = import_options,
	.operands = MH_OPERANDS_WORDS_FILES,
	.words = froms,
	.run = run,
};
