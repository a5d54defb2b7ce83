/* SPDX-License-Identifier: MIT */
/*
 * memheat help: everything here is printed from the tables of commands and options, so
 * that it cannot lag behind them. The manual pages say more; scripts compare their lists
 * with --list and --options.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "options.h"

struct help {
	int list;
	int options;
};

static const struct mh_option help_options[] = {
	{ .name = "list",
	  .type = MH_OPT_FLAG,
	  .offset = offsetof(struct help, list),
	  .help = "name and summary of every command, a tab between; for scripts" },
	{ .name = "options",
	  .type = MH_OPT_FLAG,
	  .offset = offsetof(struct help, options),
	  .help = "options of COMMAND: letter, name, argument, help; for scripts" },
	{ 0 },
};

/* The usage lines of a command: one per form. */
static void print_usage(const struct mh_cmd *cmd)
{
	const char *form = cmd->usage;
	const char *lead = "usage: ";

	for (;;) {
		size_t len = strcspn(form, "\n");

		printf("%smemheat %s%s%.*s\n", lead, cmd->name, len ? " " : "", (int)len,
		       form);
		if (!form[len])
			return;
		form += len + 1;
		lead = "       ";
	}
}

/* Fill lines of 80 columns, the further ones indented by @column. */
static void print_filled(const char *text, int column)
{
	int at = column;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > column && at + 1 + len > 79) {
			printf("\n%*s", column, "");
			at = column;
		} else if (at > column) {
			putchar(' ');
			at++;
		}
		printf("%.*s", len, text);
		at += len;
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}

#define HELP_COLUMN 28

static void print_option(const struct mh_option *opt)
{
	char text[512];
	int n;

	if (opt->letter)
		n = printf("  -%c, --%s", opt->letter, opt->name);
	else
		n = printf("      --%s", opt->name);
	if (opt->arg)
		n += printf(" %s", opt->arg);
	if (n > HELP_COLUMN - 2) {
		putchar('\n');
		n = 0;
	}
	printf("%*s", HELP_COLUMN - n, "");
	snprintf(text, sizeof(text), "%s%s%s%s", opt->help, opt->only ? " [" : "",
		 opt->only ? opt->only : "", opt->only ? "]" : "");
	print_filled(text, HELP_COLUMN);
}

static void print_options(const struct mh_cmd *cmd)
{
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, nr = mh_options_flatten(cmd, flat);

	printf("\nOptions:\n");
	for (i = 0; i < nr; i++)
		print_option(&flat[i]);
}

void mh_help_short(const struct mh_cmd *cmd)
{
	print_usage(cmd);
	print_options(cmd);
}

void mh_help_long(const struct mh_cmd *cmd)
{
	print_usage(cmd);
	printf("\nmemheat %s - %s\n", cmd->name, cmd->summary);
	if (cmd->about)
		printf("\n%s", cmd->about);
	print_options(cmd);
	if (cmd->examples)
		printf("\nExamples:\n%s", cmd->examples);
	printf("\nMore: man memheat-%s\n", cmd->name);
}

void mh_help_first(void)
{
	printf("memheat " MEMHEAT_VERSION " - which memory a program really uses: hot "
	       "ranges, working set, heatmaps\n"
	       "\n"
	       "  memheat record -- ./app       record the accesses of a command\n"
	       "  memheat report                what was found, in a few lines\n"
	       "  memheat report heatmap        address over time (-o heat.png for a "
	       "picture)\n"
	       "\n"
	       "  memheat sources               what this machine can record\n"
	       "  memheat help                  all commands\n"
	       "  memheat help COMMAND          what a command does, with examples\n");
}

static void print_commands(void)
{
	const struct mh_cmd *cmd;
	size_t i;

	printf("usage: memheat COMMAND [ARGUMENT...]\n\nCommands:\n");
	for (i = 0; (cmd = mh_cmd_at(i)); i++)
		printf("  %-11s %s\n", cmd->name, cmd->summary);
	printf("\nmemheat help COMMAND, or memheat COMMAND --help, says more.\n"
	       "Sizes take K M G T (1024), times us ms s m h, ranges A:B.\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage; record exits as its "
	       "command.\n"
	       "\nMore: man memheat\n");
}

static void list_commands(void)
{
	const struct mh_cmd *cmd;
	size_t i;

	for (i = 0; (cmd = mh_cmd_at(i)); i++)
		printf("%s\t%s\n", cmd->name, cmd->summary);
}

static void list_options(const struct mh_cmd *cmd)
{
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, nr = mh_options_flatten(cmd, flat);

	for (i = 0; i < nr; i++) {
		if (flat[i].letter)
			putchar(flat[i].letter);
		printf("\t%s\t%s\t%s\n", flat[i].name, flat[i].arg ? flat[i].arg : "",
		       flat[i].help);
	}
}

static int help_on(const struct mh_cmd *self, const struct help *h, const char *name)
{
	const struct mh_cmd *cmd = mh_cmd_find(name);

	if (!cmd)
		return mh_usage(self, "there is no command '%s'", name);
	if (h->options)
		list_options(cmd);
	else
		mh_help_long(cmd);
	return MH_EXIT_OK;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct help h = { 0 };
	struct mh_args args;
	int parsed;

	/* `memheat --help` comes here with that word as the name. */
	parsed = mh_options_parse(cmd, &h, &args, argc, argv);
	if (parsed)
		return mh_options_exit(parsed);
	if (args.argc > 1)
		return mh_usage(cmd, "one command at a time");
	if (h.list)
		list_commands();
	else if (args.argc)
		return help_on(cmd, &h, args.argv[0]);
	else if (h.options)
		return mh_usage(cmd, "--options needs the name of a command");
	else
		print_commands();
	return MH_EXIT_OK;
}

const struct mh_cmd mh_cmd_help = {
	.name = "help",
	.summary = "list the commands, or explain one",
	.usage = "[COMMAND]\n--list\n--options COMMAND",
	.examples = "  memheat help report           what report does, and its options\n",
	.opts = help_options,
	.operands = MH_OPERANDS_COMMANDS,
	.run = run,
};
