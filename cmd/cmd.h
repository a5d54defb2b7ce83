/* SPDX-License-Identifier: MIT */
/*
 * What a subcommand is, and the few things that all of them share: exit codes and how to
 * speak to a person.
 *
 * One subcommand is one file: file name = symbol = word typed. It defines a
 * `const struct mh_cmd mh_cmd_<name>`, which is declared below and listed in main.c. Its
 * state is a struct on the stack of run(); there are no mutable globals.
 */
#ifndef MEMHEAT_CMD_H
#define MEMHEAT_CMD_H

#include <stddef.h>

#include <memheat/base.h>

struct mh_option;

enum mh_exit {
	MH_EXIT_OK = 0,
	MH_EXIT_FAILED = 1,
	MH_EXIT_USAGE = 2,
	MH_EXIT_INCONCLUSIVE = 3, /* check: and told to fail on it */
	MH_EXIT_WORKLOAD = 4,     /* check: the workload itself failed */
	MH_EXIT_NO_SOURCE = 77, /* check: no source works here; a skip for test runners */
	MH_EXIT_RECORDING = 125,    /* record: the recording itself failed */
	MH_EXIT_NOT_RUNNABLE = 126, /* record: the command is there, but cannot be run */
	MH_EXIT_NOT_FOUND = 127,    /* record: there is no such command */
	MH_EXIT_SIGNAL = 128        /* record: + number of the signal that ended it */
};

/* What the operands of a command are; for completion. */
enum mh_operands {
	MH_OPERANDS_NONE,
	MH_OPERANDS_FILES,
	MH_OPERANDS_WORDS,       /* one of `words` */
	MH_OPERANDS_WORDS_FILES, /* one of `words`, then files; or files alone */
	MH_OPERANDS_COMMANDS,    /* one of memheat's commands */
	MH_OPERANDS_EXECUTABLE   /* a program and its arguments, which are not ours */
};

struct mh_cmd {
	const char *name;
	const char *summary;  /* one line, lower case, no full stop */
	const char *usage;    /* what follows "memheat NAME "; further forms after '\n' */
	const char *about;    /* paragraphs for --help; NULL: none */
	const char *examples; /* lines for --help, ready to print; NULL: none */
	const struct mh_option *opts; /* ended by a zeroed one; NULL: only --help */
	enum mh_operands operands;
	const char *const *words; /* ended by NULL; NULL: none */
	/* Options end at the first operand, which begins another program's words. */
	int stop_at_operand;
	/* @argv: argv[0] is the command's name. Returns an enum mh_exit. */
	int (*run)(const struct mh_cmd *cmd, int argc, char **argv);
};

/* The table, in the order in which help lists it; NULL past the end. */
const struct mh_cmd *mh_cmd_at(size_t i);
const struct mh_cmd *mh_cmd_find(const char *name);

extern const struct mh_cmd mh_cmd_annotate;
extern const struct mh_cmd mh_cmd_apply;
extern const struct mh_cmd mh_cmd_baseline;
extern const struct mh_cmd mh_cmd_check;
extern const struct mh_cmd mh_cmd_completion;
extern const struct mh_cmd mh_cmd_dump;
extern const struct mh_cmd mh_cmd_export;
extern const struct mh_cmd mh_cmd_help;
extern const struct mh_cmd mh_cmd_import;
extern const struct mh_cmd mh_cmd_info;
extern const struct mh_cmd mh_cmd_record;
extern const struct mh_cmd mh_cmd_repack;
extern const struct mh_cmd mh_cmd_report;
extern const struct mh_cmd mh_cmd_sources;
extern const struct mh_cmd mh_cmd_version;

/* ---- speaking: to standard error, each one line "memheat: ..." ---- */

void mh_say(const char *fmt, ...) MH_PRINTF(1, 2);

/* What failed, in the words of the level that knows; returns MH_EXIT_FAILED. */
int mh_failed(const struct mh_err *err);

/* Wrong usage: what is right, then where help is; returns MH_EXIT_USAGE. @cmd: or NULL */
int mh_usage(const struct mh_cmd *cmd, const char *fmt, ...) MH_PRINTF(2, 3);

/* The library's notices, as they come; quiet: warnings only. */
extern const struct mh_log mh_log_stderr, mh_log_quiet;

/* ---- help: made from the tables ---- */

/* `memheat` alone; `-h`; `--help` and `memheat help NAME`. */
void mh_help_first(void);
void mh_help_short(const struct mh_cmd *cmd);
void mh_help_long(const struct mh_cmd *cmd);

/* The word of @words (ended by NULL) that @typed may have meant; NULL: none is near. */
const char *mh_suggest(const char *typed, const char *const *words);

#endif
