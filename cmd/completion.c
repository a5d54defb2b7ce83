/* SPDX-License-Identifier: MIT */
/*
 * memheat completion SHELL: a script for bash, zsh or fish, printed from the tables. The
 * words are written into the script, so that pressing <Tab> starts no program.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "options.h"

static const char *const shells[] = { "bash", "zsh", "fish", NULL };

/* Text inside '...' of a shell; @colon: zsh's _arguments takes ':', '[' and ']'. */
static void quoted(const char *s, int colon)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (colon && strchr(":[]", *s))
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static void words(const char *const *list, const char *between)
{
	size_t i;

	for (i = 0; list[i]; i++)
		printf("%s%s", i ? between : "", list[i]);
}

static void command_names(const char *between)
{
	const struct mh_cmd *cmd;
	size_t i;

	for (i = 0; (cmd = mh_cmd_at(i)); i++)
		printf("%s%s", i ? between : "", cmd->name);
}

/* ---- bash: one function; cases by command, then by the option before the word ---- */

static void bash_arguments(const struct mh_option *flat, size_t nr)
{
	size_t i;

	printf("\t\tcase $prev in\n");
	for (i = 0; i < nr; i++) {
		if (flat[i].type == MH_OPT_FLAG)
			continue;
		printf("\t\t--%s", flat[i].name);
		if (flat[i].letter)
			printf(" | -%c", flat[i].letter);
		printf(") ");
		if (flat[i].type == MH_OPT_FILE) {
			printf("COMPREPLY=($(compgen -f -- \"$cur\"))");
		} else if (flat[i].type == MH_OPT_CHOICE) {
			printf("COMPREPLY=($(compgen -W '");
			words(flat[i].choices, " ");
			printf("' -- \"$cur\"))");
		}
		printf("%sreturn ;;\n",
		       flat[i].type == MH_OPT_FILE || flat[i].type == MH_OPT_CHOICE ? "; "
										    : "");
	}
	printf("\t\tesac\n");
}

static void bash_operands(const struct mh_cmd *cmd)
{
	printf("\t\twords='");
	if (cmd->operands == MH_OPERANDS_COMMANDS)
		command_names(" ");
	else if (cmd->words)
		words(cmd->words, " ");
	printf("'\n");
	if (cmd->operands == MH_OPERANDS_FILES ||
	    cmd->operands == MH_OPERANDS_WORDS_FILES)
		printf("\t\tfiles=1\n");
	if (cmd->operands == MH_OPERANDS_EXECUTABLE)
		printf("\t\tfiles=1 programs=1\n");
}

static void bash(void)
{
	const struct mh_cmd *cmd;
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, j, nr;

	printf("# memheat completion for bash; put it into\n"
	       "# ~/.local/share/bash-completion/completions/memheat\n"
	       "_memheat()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - "
	       "1]}\n"
	       "\tlocal options= words= files= programs=\n\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W '");
	command_names(" ");
	printf("' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n");
	for (i = 0; (cmd = mh_cmd_at(i)); i++) {
		nr = mh_options_flatten(cmd, flat);
		printf("\t%s)\n", cmd->name);
		bash_arguments(flat, nr);
		printf("\t\toptions='");
		for (j = 0; j < nr; j++)
			printf("%s--%s", j ? " " : "", flat[j].name);
		printf("'\n");
		bash_operands(cmd);
		printf("\t\t;;\n");
	}
	printf("\tesac\n"
	       "\tcase $cur in\n"
	       "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")); return ;;\n"
	       "\tesac\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "\tif [ -n \"$files\" ]; then\n"
	       "\t\tCOMPREPLY+=($(compgen -f -- \"$cur\"))\n\tfi\n"
	       "\tif [ -n \"$programs\" ]; then\n"
	       "\t\tCOMPREPLY+=($(compgen -c -- \"$cur\"))\n\tfi\n"
	       "}\n"
	       "complete -o filenames -F _memheat memheat\n");
}

/* ---- zsh: _arguments per command ---- */

static void zsh_argument(const struct mh_option *opt)
{
	if (opt->type == MH_OPT_FLAG)
		return;
	printf(":%s:", opt->arg);
	if (opt->type == MH_OPT_FILE)
		printf("_files");
	else if (opt->type == MH_OPT_CHOICE) {
		putchar('(');
		words(opt->choices, " ");
		putchar(')');
	}
}

static void zsh_option(const struct mh_option *opt)
{
	int again = opt->type == MH_OPT_LIST || opt->type == MH_OPT_IDS;

	printf(" \\\n\t\t\t'%s--%s%s[", again ? "*" : "", opt->name,
	       opt->type == MH_OPT_FLAG ? "" : "=");
	quoted(opt->help, 1);
	putchar(']');
	zsh_argument(opt);
	putchar('\'');
	if (!opt->letter)
		return;
	printf(" \\\n\t\t\t'%s-%c%s[", again ? "*" : "", opt->letter,
	       opt->type == MH_OPT_FLAG ? "" : "+");
	quoted(opt->help, 1);
	putchar(']');
	zsh_argument(opt);
	putchar('\'');
}

static void zsh_operands(const struct mh_cmd *cmd)
{
	switch (cmd->operands) {
	case MH_OPERANDS_NONE:
		return;
	case MH_OPERANDS_WORDS:
		printf(" \\\n\t\t\t'1:word:(");
		words(cmd->words, " ");
		printf(")'");
		return;
	case MH_OPERANDS_WORDS_FILES:
		printf(" \\\n\t\t\t'1:word:_alternative \"words\\:word\\:(");
		words(cmd->words, " ");
		printf(")\" \"files\\:file\\:_files\"'");
		printf(" \\\n\t\t\t'*:file:_files'");
		return;
	case MH_OPERANDS_COMMANDS:
		printf(" \\\n\t\t\t'1:command:(");
		command_names(" ");
		printf(")'");
		return;
	case MH_OPERANDS_EXECUTABLE:
		printf(" \\\n\t\t\t'(-)1:program:_command_names -e'"
		       " \\\n\t\t\t'*::argument:_normal'");
		return;
	case MH_OPERANDS_FILES:
		printf(" \\\n\t\t\t'*:file:_files'");
		return;
	}
}

static void zsh(void)
{
	const struct mh_cmd *cmd;
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, j, nr;

	printf("#compdef memheat\n"
	       "# memheat completion for zsh; put it into a folder of $fpath as "
	       "_memheat\n"
	       "_memheat()\n{\n"
	       "\tlocal -a commands\n\tlocal command\n\n\tcommands=(\n");
	for (i = 0; (cmd = mh_cmd_at(i)); i++) {
		printf("\t\t'%s:", cmd->name);
		quoted(cmd->summary, 0);
		printf("'\n");
	}
	printf("\t)\n\tif ((CURRENT == 2)); then\n"
	       "\t\t_describe command commands\n\t\treturn\n\tfi\n"
	       "\tcommand=$words[2]\n"
	       "\tshift words\n\t((CURRENT--))\n"
	       "\tcase $command in\n");
	for (i = 0; (cmd = mh_cmd_at(i)); i++) {
		nr = mh_options_flatten(cmd, flat);
		printf("\t%s)\n\t\t_arguments -s", cmd->name);
		for (j = 0; j < nr; j++)
			zsh_option(&flat[j]);
		zsh_operands(cmd);
		printf("\n\t\t;;\n");
	}
	printf("\tesac\n}\n"
	       "if [ \"$funcstack[1]\" = _memheat ]; then\n\t_memheat \"$@\"\n"
	       "else\n\tcompdef _memheat memheat\nfi\n");
}

/* ---- fish: one line per option ---- */

static void fish_option(const char *name, const struct mh_option *opt)
{
	const char *s;

	printf("complete -c memheat -n '__fish_seen_subcommand_from %s' -l %s", name,
	       opt->name);
	if (opt->letter)
		printf(" -s %c", opt->letter);
	if (opt->type == MH_OPT_FILE)
		printf(" -r -F");
	else if (opt->type != MH_OPT_FLAG)
		printf(" -x");
	if (opt->type == MH_OPT_CHOICE) {
		printf(" -a '");
		words(opt->choices, " ");
		putchar('\'');
	}
	printf(" -d '");
	/* Within quotes fish takes \' where the other shells need '\''. */
	for (s = opt->help; *s; s++)
		printf("%s%c", strchr("'\\", *s) ? "\\" : "", *s);
	printf("'\n");
}

static void fish_command(const struct mh_cmd *cmd)
{
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, nr = mh_options_flatten(cmd, flat);

	printf("complete -c memheat -n __fish_use_subcommand -f -a %s -d '%s'\n",
	       cmd->name, cmd->summary);
	for (i = 0; i < nr; i++)
		fish_option(cmd->name, &flat[i]);
	if (cmd->operands != MH_OPERANDS_FILES &&
	    cmd->operands != MH_OPERANDS_WORDS_FILES &&
	    cmd->operands != MH_OPERANDS_EXECUTABLE)
		printf("complete -c memheat -n '__fish_seen_subcommand_from %s' -f\n",
		       cmd->name);
	if (cmd->words || cmd->operands == MH_OPERANDS_COMMANDS) {
		printf("complete -c memheat -n '__fish_seen_subcommand_from %s' -a '",
		       cmd->name);
		if (cmd->words)
			words(cmd->words, " ");
		else
			command_names(" ");
		printf("'\n");
	}
}

static void fish(void)
{
	const struct mh_cmd *cmd;
	size_t i;

	printf("# memheat completion for fish; put it into\n"
	       "# ~/.config/fish/completions/memheat.fish\n");
	for (i = 0; (cmd = mh_cmd_at(i)); i++)
		fish_command(cmd);
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct mh_args args;
	int parsed = mh_options_parse(cmd, NULL, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	if (args.argc != 1)
		return mh_usage(cmd, "it needs the name of one shell: bash, zsh or fish");
	if (!strcmp(args.argv[0], "bash"))
		bash();
	else if (!strcmp(args.argv[0], "zsh"))
		zsh();
	else if (!strcmp(args.argv[0], "fish"))
		fish();
	else
		return mh_usage(cmd, "'%s' is not one of: bash, zsh, fish", args.argv[0]);
	return MH_EXIT_OK;
}

const struct mh_cmd mh_cmd_completion = {
	.name = "completion",
	.summary = "print a completion script for bash, zsh or fish",
	.usage = "bash|zsh|fish",
	.examples =
		"  memheat completion bash "
		">~/.local/share/bash-completion/completions/memheat\n"
		"  memheat completion zsh >~/.zfunc/_memheat\n"
		"  memheat completion fish >~/.config/fish/completions/memheat.fish\n",
	.operands = MH_OPERANDS_WORDS,
	.words = shells,
	.run = run,
};
