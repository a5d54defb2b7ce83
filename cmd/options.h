/* SPDX-License-Identifier: MIT */
/*
 * Options from a table. A command describes its options once; parsing, errors, `-h`,
 * `--help`, completion and the check of the manual pages come from that description.
 *
 *	struct state { uint64_t interval_ns; int force; };
 *	static const struct mh_option opts[] = {
 *		{ "interval", 'I', MH_OPT_TIME, "TIME", "length of a scan; default 1s",
 *		  .offset = offsetof(struct state, interval_ns), .min = 1000000 },
 *		{ "force", 0, MH_OPT_FLAG, NULL, "go on all the same",
 *		  .offset = offsetof(struct state, force) },
 *		{ 0 }
 *	};
 *
 * A default is what the state holds before parsing. `-h` and `--help` need no entry.
 */
#ifndef MEMHEAT_OPTIONS_H
#define MEMHEAT_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include <memheat/base.h>

struct mh_cmd;

enum mh_opt_type {
	MH_OPT_END,
	MH_OPT_GROUP,      /* the table `group`, its offsets counted from `offset` */
	MH_OPT_FLAG,       /* int: 1 when given */
	MH_OPT_STRING,     /* const char *, borrowed from argv */
	MH_OPT_FILE,       /* likewise; completed as a file name */
	MH_OPT_SIZE,       /* uint64_t bytes: 4K, 1.5G, 0x1000 */
	MH_OPT_TIME,       /* uint64_t ns: 100us, 5ms, 2s, 1m, 1h; no unit: seconds */
	MH_OPT_COUNT,      /* uint64_t */
	MH_OPT_RATIO,      /* double 0..1: 5%, 0.05 */
	MH_OPT_SIZE_RANGE, /* struct mh_range of addresses: A:B, A:+LEN, A:, :B */
	MH_OPT_TIME_RANGE, /* struct mh_range of ns: likewise */
	MH_OPT_NUMBERS,    /* double[2]: LO:HI, numbers or percent */
	MH_OPT_EXTENT,     /* uint32_t[2]: WxH */
	MH_OPT_LIST,       /* struct mh_strings: commas, and it may be given again */
	MH_OPT_IDS,        /* struct mh_ids: likewise, 32-bit numbers */
	MH_OPT_CHOICE      /* int: index into `choices` */
};

struct mh_strings {
	char **v; /* owned; NULL ends it; NULL: nr is 0 */
	size_t nr, cap;
};

struct mh_ids {
	uint32_t *v; /* owned */
	size_t nr, cap;
};

struct mh_option {
	const char *name; /* long name without dashes */
	char letter;      /* 0: none */
	enum mh_opt_type type;
	const char *arg; /* what help calls its argument; NULL for a flag */
	const char *help;
	size_t offset;              /* into the command's state */
	uint64_t min, max;          /* SIZE, TIME, COUNT, EXTENT; max 0: no limit */
	const char *const *choices; /* ended by NULL; see otherwise */
	const struct mh_option *group;
	/* Argument where the name stands alone; one needs '='. With `choices` the next
	 * word is it too, if it is one of them or begins with one and a comma. */
	const char *otherwise;
	const char *only; /* report: the types it concerns, blanks between; NULL: all */
};

/* What was left after the options, and which options were there. */
struct mh_args {
	int argc;
	char **argv;
	uint64_t given; /* bit i: option i of mh_options_flatten()'s order */
};

#define MH_OPTIONS_MAX 64

/*
 * Parse into @state, which has its defaults already. Wrong usage and help are told here.
 *
 * Returns < 0: wrong usage; 0: go on; > 0: help was printed. In the first and last case
 * run() returns mh_options_exit() of it.
 */
int mh_options_parse(const struct mh_cmd *cmd, void *state, struct mh_args *args,
		     int argc, char **argv) MH_MUST_CHECK;
int mh_options_exit(int parsed);

/* Release the lists in @state. */
void mh_options_fini(const struct mh_cmd *cmd, void *state);

/*
 * The options of a command with groups resolved and --help at the end.
 *
 * @flat: room for MH_OPTIONS_MAX. Returns how many.
 */
size_t mh_options_flatten(const struct mh_cmd *cmd, struct mh_option *flat);

#endif
