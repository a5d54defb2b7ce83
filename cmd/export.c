/* SPDX-License-Identifier: MIT */
/* memheat export: a trace in the form of another tool, chosen from the library's table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memheat/export.h>

#include "cmd.h"
#include "filters.h"
#include "options.h"

struct export
{
	struct mh_filters filters;
	const char *output;
};

static const struct mh_option export_options[] = {
	{ .type = MH_OPT_GROUP,
	  .group = mh_input_option,
	  .offset = offsetof(struct export, filters) },
	{ "output", 'o', MH_OPT_FILE, "FILE", "the file to make; default standard output",
	  .offset = offsetof(struct export, output) },
	{ 0 },
};

static const char *const formats[] = { "damo", NULL };

static const struct mh_exporter *find(const char *name)
{
	const struct mh_exporter *e;
	size_t i;

	for (i = 0; (e = mh_exporter_at(i)); i++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

/* Beside its place, so that a failure leaves what was there. */
static int write_file(const struct mh_exporter *e, const struct mh_reader *r,
		      const char *path, struct mh_err *err)
{
	static const struct mh_filter all;
	char *temp = NULL;
	FILE *out;
	int status;

	if (asprintf(&temp, "%s.tmp.%ld", path, (long)getpid()) < 0)
		return mh_fail_errno(err, "cannot write %s", path);
	out = fopen(temp, "we");
	if (!out) {
		free(temp);
		return mh_fail_errno(err, "cannot write %s", path);
	}
	status = e->run(out, r, &all, err);
	if (fclose(out) && status == MH_OK)
		status = mh_fail_errno(err, "cannot write %s", path);
	if (status == MH_OK && rename(temp, path))
		status = mh_fail_errno(err, "cannot write %s", path);
	if (status != MH_OK)
		unlink(temp);
	free(temp);
	return status;
}

static int export(const struct mh_exporter *e, const char *input, const char *output,
		  struct mh_err *err)
{
	static const struct mh_filter all;
	struct mh_reader *r = NULL;
	int status;

	if ((!output || !strcmp(output, "-")) && isatty(STDOUT_FILENO))
		return mh_fail(err, MH_EINPUT,
			       "a record is not for a terminal; give -o a file");
	status = mh_reader_open(&r, input, err);
	if (status == MH_OK && output && strcmp(output, "-") != 0)
		status = write_file(e, r, output, err);
	else if (status == MH_OK)
		status = e->run(stdout, r, &all, err);
	mh_reader_close(r);
	return status;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct export opts = { 0 };
	const struct mh_exporter *e;
	const char *input;
	struct mh_args args;
	struct mh_err err;
	int status, parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	if (!args.argc)
		return mh_usage(cmd, "it needs a format: damo");
	e = find(args.argv[0]);
	if (!e)
		return mh_usage(cmd, "cannot export to '%s'; known: damo", args.argv[0]);
	input = mh_filters_input(&opts.filters, cmd, args.argc - 1, args.argv + 1);
	if (!input)
		return MH_EXIT_USAGE;
	status = export(e, input, opts.output, &err);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

const struct mh_cmd mh_cmd_export = {
	.name = "export",
	.summary = "write a trace in the form of another tool",
	.usage = "FORMAT [FILE] [-i FILE] [-o FILE]",
	.about = "Formats:\n"
		 "  damo   DAMO's record (json_compressed) from DAMON's regions\n",
	.examples = "  memheat export damo -i memheat.data -o damon.data\n",
	.opts = export_options,
	.operands = MH_OPERANDS_WORDS_FILES,
	.words = formats,
	.run = run,
};
