/* SPDX-License-Identifier: MIT */
/*
 * memheat sources: what this machine can record with, why not, and what mends it. Found
 * out by reading only.
 */
#include <stdio.h>
#include <string.h>

#include <memheat/render.h>
#include <memheat/source.h>

#include "cmd.h"
#include "options.h"

struct sources {
	int format; /* enum mh_format: text, json */
};

static const char *const formats[] = { "text", "json", NULL };

static const struct mh_option sources_options[] = {
	{ "format", 0, MH_OPT_CHOICE, "FORM", "text or json; default text",
	  .offset = offsetof(struct sources, format), .choices = formats },
	{ 0 },
};

static int widest_name(void)
{
	const struct mh_source_ops *ops;
	int widest = 0;
	size_t i;

	for (i = 0; (ops = mh_source_at(i)); i++) {
		int len = (int)strlen(ops->name);

		widest = len > widest ? len : widest;
	}
	return widest;
}

static void print_text(const struct mh_source_ops *ops, const struct mh_probe *probe,
		       int width)
{
	printf("%-*s  %-3s  %s\n", width, ops->name, probe->usable ? "yes" : "no",
	       ops->summary);
	if (*probe->reason)
		printf("%-*s  %-3s  %s%s\n", width, "", "",
		       probe->usable ? "limited: " : "", probe->reason);
	if (*probe->fix)
		printf("%-*s  %-3s  run: %s\n", width, "", "", probe->fix);
}

static void json_string_or_null(struct mh_json *j, const char *s)
{
	if (*s)
		mh_json_string(j, s);
	else
		mh_json_null(j);
}

static void print_json(struct mh_json *j, const struct mh_source_ops *ops,
		       const struct mh_probe *probe)
{
	mh_json_object(j);
	mh_json_key(j, "name");
	mh_json_string(j, ops->name);
	mh_json_key(j, "usable");
	mh_json_bool(j, probe->usable);
	mh_json_key(j, "reason");
	json_string_or_null(j, probe->reason);
	mh_json_key(j, "fix");
	json_string_or_null(j, probe->fix);
	mh_json_key(j, "summary");
	mh_json_string(j, ops->summary);
	mh_json_end_object(j);
}

static int print_all(struct mh_json *j, struct mh_err *err)
{
	const struct mh_source_opts opts = { 0 };
	const struct mh_source_ops *ops;
	struct mh_probe probe;
	int width = widest_name(), ret;
	size_t i;

	for (i = 0; (ops = mh_source_at(i)); i++) {
		ret = ops->probe(&probe, NULL, &opts, err);
		if (ret)
			return ret;
		if (j)
			print_json(j, ops, &probe);
		else
			print_text(ops, &probe, width);
	}
	return MH_OK;
}

static int print_document(struct mh_err *err)
{
	struct mh_json j;
	int ret;

	mh_json_init(&j, stdout);
	mh_json_object(&j);
	mh_json_key(&j, "schema");
	mh_json_string(&j, "memheat.sources/1");
	mh_json_key(&j, "sources");
	mh_json_array(&j);
	ret = print_all(&j, err);
	mh_json_end_array(&j);
	mh_json_end_object(&j);
	putchar('\n');
	return ret;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct sources opts = { 0 };
	struct mh_err err = { 0 };
	struct mh_args args;
	int parsed = mh_options_parse(cmd, &opts, &args, argc, argv);
	int ret;

	if (parsed)
		return mh_options_exit(parsed);
	if (args.argc)
		return mh_usage(cmd, "'%s' is too much: it takes no argument",
				args.argv[0]);
	ret = opts.format ? print_document(&err) : print_all(NULL, &err);
	return ret ? mh_failed(&err) : MH_EXIT_OK;
}

const struct mh_cmd mh_cmd_sources = {
	.name = "sources",
	.summary = "what this machine can record with, and what mends it where it cannot",
	.usage = "[--format text|json]",
	.opts = sources_options,
	.operands = MH_OPERANDS_NONE,
	.run = run,
};
