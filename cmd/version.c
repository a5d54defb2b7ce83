/* SPDX-License-Identifier: MIT */
/* memheat version: one line, which is also what bug reports need first. */
#include <stdio.h>

#include "cmd.h"
#include "options.h"

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct mh_args args;
	int parsed = mh_options_parse(cmd, NULL, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	if (args.argc)
		return mh_usage(cmd, "'%s' is too much: it takes no argument",
				args.argv[0]);
	puts("memheat " MEMHEAT_VERSION);
	return MH_EXIT_OK;
}

const struct mh_cmd mh_cmd_version = {
	.name = "version",
	.summary = "print the version",
	.usage = "",
	.operands = MH_OPERANDS_NONE,
	.run = run,
};
