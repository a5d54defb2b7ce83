/* SPDX-License-Identifier: MIT */
/*
 * The program: a table of commands and a dispatcher. Standard output is checked once, at
 * the end, for all of them; a reader that went away (`| head`) ends us by SIGPIPE, which
 * is as silent as it should be.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const struct mh_cmd *const commands[] = {
	&mh_cmd_record,     &mh_cmd_report,  &mh_cmd_annotate, &mh_cmd_check,
	&mh_cmd_baseline,   &mh_cmd_sources, &mh_cmd_info,     &mh_cmd_dump,
	&mh_cmd_import,     &mh_cmd_export,  &mh_cmd_apply,    &mh_cmd_repack,
	&mh_cmd_completion, &mh_cmd_help,    &mh_cmd_version,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct mh_cmd *mh_cmd_at(size_t i)
{
	return i < NR_COMMANDS ? commands[i] : NULL;
}

const struct mh_cmd *mh_cmd_find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown_command(const char *typed)
{
	const char *names[NR_COMMANDS + 1], *near;
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		names[i] = commands[i]->name;
	names[NR_COMMANDS] = NULL;
	near = mh_suggest(typed, names);
	if (!strcmp(typed, "top"))
		return mh_usage(NULL,
				"the name 'top' is reserved: there is no live view yet");
	if (*typed == '-')
		return mh_usage(NULL, "unknown option '%s'; a command comes first",
				typed);
	if (near)
		return mh_usage(NULL, "unknown command '%s'; did you mean '%s'?", typed,
				near);
	return mh_usage(NULL, "unknown command '%s'", typed);
}

/* The words that other programs take in place of ours. */
static const struct mh_cmd *find_command(const char *word)
{
	if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		return &mh_cmd_help;
	if (!strcmp(word, "-V") || !strcmp(word, "--version"))
		return &mh_cmd_version;
	return mh_cmd_find(word);
}

static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* Who failed by it has said so; a closed pipe is nobody's failure. */
	if (status != MH_EXIT_OK)
		return status;
	if (errno != EPIPE)
		mh_say("cannot write to standard output: %s", strerror(errno));
	return MH_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct mh_cmd *cmd;

	/* Characters as the terminal has them; numbers always with a point. */
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		mh_help_first();
		return finish(MH_EXIT_OK);
	}
	cmd = find_command(argv[1]);
	if (!cmd)
		return unknown_command(argv[1]);
	return finish(cmd->run(cmd, argc - 1, argv + 1));
}
