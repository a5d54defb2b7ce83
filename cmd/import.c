/* SPDX-License-Identifier: MIT */
/*
 * memheat import: a trace from what something else recorded. Here is `text`, the language
 * of `memheat dump`: the way back, and the way to write a small trace by hand. The other
 * importers are in a table; what FROM leaves open, the first bytes of the input tell.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/event.h>
#include <memheat/import.h>
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

static const struct mh_importer *const importers[] = { &mh_import_damo };

#define NR_IMPORTERS (sizeof(importers) / sizeof(importers[0]))

/* `text`, then the importers' names. */
static const char *const froms[] = { "text", "damo", NULL };

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

static int import_text(struct mh_import_input *input, struct mh_writer *w,
		       uint64_t *nr_events, struct mh_err *err)
{
	struct text_input in = { .f = input->f, .name = input->name };
	int status = add_lines(&in, w, nr_events, err);

	free(in.line);
	mh_event_scratch_fini(&in.scratch);
	return status;
}

/* ---- others' recordings ---- */

struct counted {
	struct mh_writer *writer;
	uint64_t nr;
};

static int add_event(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct counted *to = arg;

	to->nr++;
	return mh_writer_add(to->writer, ev, err);
}

static int import_other(const struct mh_importer *from, struct mh_import_input *in,
			struct mh_writer *w, uint64_t *nr_events, struct mh_err *err)
{
	struct mh_import_opts opts = { .log = &mh_log_stderr };
	struct counted to = { .writer = w };
	int status = from->run(in, &opts, add_event, &to, err);

	*nr_events = to.nr;
	return status;
}

/* By name, or by the first bytes; NULL: text. */
static const struct mh_importer *choose(const char *from,
					const struct mh_import_input *in)
{
	size_t i;

	for (i = 0; i < NR_IMPORTERS; i++)
		if (from ? !strcmp(from, importers[i]->name)
			 : importers[i]->recognize(in->head, in->nr_head))
			return importers[i];
	return NULL;
}

static int import(const char *from, const char *path, const char *output,
		  struct mh_err *err)
{
	struct mh_trace_output out = { 0 };
	struct mh_import_input in = { 0 };
	const struct mh_importer *importer;
	uint64_t nr_events = 0, bytes = 0;
	char text[MH_TEXT_MAX];
	int status = mh_import_open(&in, path, err);

	if (status != MH_OK)
		return status;
	importer = choose(from, &in);
	status = mh_trace_output_open(&out, output, MH_POLICY_DEFAULT, err);
	if (status == MH_OK)
		status = importer ? import_other(importer, &in, out.writer, &nr_events,
						 err)
				  : import_text(&in, out.writer, &nr_events, err);
	if (status == MH_OK)
		status = mh_writer_flush(out.writer, err);
	if (status == MH_OK)
		bytes = mh_writer_bytes(out.writer);
	status = mh_trace_output_close(&out, status, err);
	if (status == MH_OK)
		mh_say("%" PRIu64 " events, %s -> %s", nr_events,
		       mh_text_bytes(text, bytes), output);
	mh_import_close(&in);
	return status;
}

static int is_from(const char *word)
{
	size_t i;

	for (i = 0; froms[i]; i++)
		if (!strcmp(word, froms[i]))
			return 1;
	return 0;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct import opts = { 0 };
	struct mh_args args;
	struct mh_err err;
	int status, parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	if (args.argc == 2 && !is_from(args.argv[0]))
		return mh_usage(cmd, "cannot import from '%s'; known: text, damo",
				args.argv[0]);
	if (args.argc < 1 || args.argc > 2 || (args.argc == 1 && is_from(args.argv[0])))
		return mh_usage(cmd,
				"it needs one input: memheat import %s INPUT -o FILE",
				args.argc == 1 ? args.argv[0] : "[FROM]");
	if (!opts.output)
		return mh_usage(cmd, "it needs a name for the trace: -o FILE");
	status = import(args.argc == 2 ? args.argv[0] : NULL, args.argv[args.argc - 1],
			opts.output, &err);
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
		"FROM is what INPUT is, found from its first bytes when left out:\n"
		"  text   the text that 'memheat dump' prints\n"
		"  damo   a record of DAMO: json_compressed, json, perf script text, old "
		"binary\n"
		"INPUT may be - for standard input.\n",
	.examples = "  memheat import damon.data -o memheat.data\n"
		    "  memheat import text events.txt -o small.data\n"
		    "  memheat dump a.data | grep -v ^sample | memheat import text - -o "
		    "b.data\n",
	.opts = import_options,
	.operands = MH_OPERANDS_WORDS_FILES,
	.words = froms,
	.run = run,
};
