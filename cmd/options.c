/* SPDX-License-Identifier: MIT */
/*
 * Options from a table, over getopt_long(3): it knows permutation, abbreviations and
 * `--name=value`; the table knows types. Long options get the values 256 + index, so that
 * one switch-free loop finds the entry again, and so that getopt's optopt tells which of
 * them had an argument too many.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "options.h"
#include "values.h"

#define LONG_BASE 256

static void flatten(const struct mh_option *opts, size_t offset, struct mh_option *flat,
		    size_t *nr)
{
	for (; opts && opts->type != MH_OPT_END; opts++) {
		if (opts->type == MH_OPT_GROUP) {
			flatten(opts->group, offset + opts->offset, flat, nr);
			continue;
		}
		mh_assert(*nr < MH_OPTIONS_MAX - 1);
		flat[*nr] = *opts;
		flat[*nr].offset += offset;
		++*nr;
	}
}

size_t mh_options_flatten(const struct mh_cmd *cmd, struct mh_option *flat)
{
	size_t nr = 0;

	flatten(cmd->opts, 0, flat, &nr);
	flat[nr] = (struct mh_option){ .name = "help",
				       .letter = 'h',
				       .type = MH_OPT_FLAG,
				       .help = "this help; --help shows examples too" };
	return nr + 1;
}

/* ---- values into the state ---- */

static int add_string(struct mh_strings *list, const char *s, struct mh_err *err)
{
	char **v;

	if (list->nr + 1 >= list->cap) {
		v = realloc(list->v, (list->cap + 8) * sizeof(*v));
		if (!v)
			return mh_fail_errno(err, "cannot keep a list");
		list->v = v;
		list->cap += 8;
	}
	list->v[list->nr] = strdup(s);
	if (!list->v[list->nr])
		return mh_fail_errno(err, "cannot keep a list");
	list->v[++list->nr] = NULL;
	return MH_OK;
}

static int add_id(struct mh_ids *list, const char *s, struct mh_err *err)
{
	uint64_t id;
	uint32_t *v;

	if (mh_value_count(&id, s, NULL) != MH_OK || id > UINT32_MAX)
		return mh_fail(err, MH_EINPUT, "'%s' is not a process or thread id", s);
	if (list->nr == list->cap) {
		v = realloc(list->v, (list->cap + 8) * sizeof(*v));
		if (!v)
			return mh_fail_errno(err, "cannot keep a list");
		list->v = v;
		list->cap += 8;
	}
	list->v[list->nr++] = (uint32_t)id;
	return MH_OK;
}

/* Every element between commas; an empty one is a slip of the fingers, not a value. */
static int add_elements(void *list, const char *arg, int ids, struct mh_err *err)
{
	char *copy = strdup(arg), *rest = copy, *s;
	int status = MH_OK;

	if (!copy)
		return mh_fail_errno(err, "cannot keep a list");
	while (status == MH_OK && (s = strsep(&rest, ",")))
		if (!*s)
			status =
				mh_fail(err, MH_EINPUT, "'%s' has an empty element", arg);
		else
			status = ids ? add_id(list, s, err) : add_string(list, s, err);
	free(copy);
	return status;
}

static int choose(int *out, const struct mh_option *opt, const char *arg,
		  struct mh_err *err)
{
	char names[256] = "";
	size_t i, len = 0;

	for (i = 0; opt->choices[i]; i++) {
		if (!strcmp(opt->choices[i], arg)) {
			*out = (int)i;
			return MH_OK;
		}
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
					i ? ", " : "", opt->choices[i]);
		mh_assert(len < sizeof(names));
	}
	return mh_fail(err, MH_EINPUT, "'%s' is not one of: %s", arg, names);
}

static int in_limits(const struct mh_option *opt, uint64_t v, const char *arg,
		     struct mh_err *err)
{
	if (v < opt->min)
		return mh_fail(err, MH_EINPUT, "%s is too small", arg);
	if (opt->max && v > opt->max)
		return mh_fail(err, MH_EINPUT, "%s is too large", arg);
	return MH_OK;
}

static int set_u64(const struct mh_option *opt, uint64_t *field, const char *arg,
		   int (*parse)(uint64_t *out, const char *s, struct mh_err *err),
		   struct mh_err *err)
{
	uint64_t v;
	int status = parse(&v, arg, err);

	if (status == MH_OK)
		status = in_limits(opt, v, arg, err);
	if (status == MH_OK)
		*field = v;
	return status;
}

static int set_extent(const struct mh_option *opt, uint32_t *field, const char *arg,
		      struct mh_err *err)
{
	uint32_t v[2];
	int status = mh_value_extent(v, arg, err);

	if (status == MH_OK)
		status = in_limits(opt, v[0], arg, err);
	if (status == MH_OK)
		status = in_limits(opt, v[1], arg, err);
	if (status == MH_OK)
		memcpy(field, v, sizeof(v));
	return status;
}

/* @arg: NULL for a flag, and where `otherwise` stands in (a STRING) */
static int set(const struct mh_option *opt, void *state, char *arg, struct mh_err *err)
{
	static char none[] = "";
	void *field = (char *)state + opt->offset;

	if (!arg && opt->otherwise) {
		*(const char **)field = opt->otherwise;
		return MH_OK;
	}
	arg = arg ? arg : none;
	switch (opt->type) {
	case MH_OPT_FLAG:
		*(int *)field = 1;
		return MH_OK;
	case MH_OPT_STRING:
	case MH_OPT_FILE:
		if (!*arg)
			return mh_fail(err, MH_EINPUT, "its argument is empty");
		*(const char **)field = arg;
		return MH_OK;
	case MH_OPT_SIZE:
		return set_u64(opt, field, arg, mh_value_size, err);
	case MH_OPT_TIME:
		return set_u64(opt, field, arg, mh_value_time, err);
	case MH_OPT_COUNT:
		return set_u64(opt, field, arg, mh_value_count, err);
	case MH_OPT_RATIO:
		return mh_value_ratio(field, arg, err);
	case MH_OPT_SIZE_RANGE:
		return mh_value_size_range(field, arg, err);
	case MH_OPT_TIME_RANGE:
		return mh_value_time_range(field, arg, err);
	case MH_OPT_NUMBERS:
		return mh_value_numbers(field, arg, err);
	case MH_OPT_EXTENT:
		return set_extent(opt, field, arg, err);
	case MH_OPT_LIST:
		return add_elements(field, arg, 0, err);
	case MH_OPT_IDS:
		return add_elements(field, arg, 1, err);
	case MH_OPT_CHOICE:
		return choose(field, opt, arg, err);
	case MH_OPT_END:
	case MH_OPT_GROUP:
		break;
	}
	mh_assert(!"an option's type");
	return MH_EINPUT;
}

/* ---- getopt_long's tables, and its complaints in our words ---- */

struct getopt_tables {
	char letters[2 + 3 * MH_OPTIONS_MAX + 1];
	struct option longs[MH_OPTIONS_MAX + 1];
};

static void make_tables(struct getopt_tables *t, const struct mh_cmd *cmd,
			const struct mh_option *flat, size_t nr)
{
	char *p = t->letters;
	size_t i;

	/* '+': end at the first operand. ':': tell a missing argument apart. */
	if (cmd->stop_at_operand)
		*p++ = '+';
	*p++ = ':';
	for (i = 0; i < nr; i++) {
		int has_arg = flat[i].type != MH_OPT_FLAG;

		if (flat[i].otherwise)
			has_arg = optional_argument;
		t->longs[i] = (struct option){ flat[i].name, has_arg, NULL,
					       LONG_BASE + (int)i };
		if (flat[i].letter)
			*p++ = flat[i].letter;
		if (flat[i].letter && has_arg)
			*p++ = ':';
		if (flat[i].letter && has_arg == optional_argument)
			*p++ = ':';
	}
	*p = '\0';
	t->longs[nr] = (struct option){ 0 };
}

static size_t find(const struct mh_option *flat, size_t nr, int c)
{
	size_t i;

	if (c >= LONG_BASE)
		return (size_t)(c - LONG_BASE);
	for (i = 0; i < nr; i++)
		if (flat[i].letter == c)
			return i;
	return nr;
}

/* "--interval", or "-I" where that was typed. */
static const char *spelled(char buf[64], const struct mh_option *opt, int c)
{
	if (c < LONG_BASE)
		snprintf(buf, 64, "-%c", opt->letter);
	else
		snprintf(buf, 64, "--%s", opt->name);
	return buf;
}

static void tell_unknown(const struct mh_cmd *cmd, const struct mh_option *flat,
			 size_t nr, const char *typed)
{
	const char *names[MH_OPTIONS_MAX + 1], *near;
	char word[64];
	size_t i, nr_prefix = 0;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed, "="), typed);
	for (i = 0; i < nr; i++) {
		names[i] = flat[i].name;
		nr_prefix += !strncmp(names[i], word + 2, strlen(word + 2));
	}
	names[nr] = NULL;
	near = mh_suggest(word + 2, names);
	if (nr_prefix > 1)
		mh_usage(cmd, "option '%s' is short for several options", word);
	else if (near)
		mh_usage(cmd, "unknown option '%s'; did you mean --%s?", word, near);
	else
		mh_usage(cmd, "unknown option '%s'", word);
}

static void tell_bad(const struct mh_cmd *cmd, const struct mh_option *flat, size_t nr,
		     int c, const char *typed)
{
	size_t i = optopt ? find(flat, nr, optopt) : nr;
	char buf[64];

	if (c == ':' && i < nr)
		mh_usage(cmd, "option %s needs its %s", spelled(buf, &flat[i], optopt),
			 flat[i].arg);
	else if (i < nr)
		mh_usage(cmd, "option %s takes no argument",
			 spelled(buf, &flat[i], optopt));
	else if (optopt)
		mh_usage(cmd, "unknown option '-%c'", optopt);
	else
		tell_unknown(cmd, flat, nr, typed);
}

static int begins_with_choice(const struct mh_option *opt, const char *word)
{
	size_t i, len = strcspn(word, ",");

	for (i = 0; opt->choices && opt->choices[i]; i++)
		if (strlen(opt->choices[i]) == len &&
		    !strncmp(opt->choices[i], word, len))
			return 1;
	return 0;
}

/* The argument of an option; where it may be left out, the next word is looked at. */
static char *argument(const struct mh_option *opt, int argc, char **argv)
{
	if (!optarg && opt->otherwise && optind < argc &&
	    begins_with_choice(opt, argv[optind]))
		return argv[optind++];
	return optarg;
}

int mh_options_parse(const struct mh_cmd *cmd, void *state, struct mh_args *args,
		     int argc, char **argv)
{
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, nr = mh_options_flatten(cmd, flat);
	struct getopt_tables t = { 0 };
	struct mh_err err;
	char buf[64];
	int c;

	make_tables(&t, cmd, flat, nr);
	memset(args, 0, sizeof(*args));
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while ((c = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
		if (c == '?' || c == ':') {
			tell_bad(cmd, flat, nr, c, argv[optind - 1]);
			return -1;
		}
		i = find(flat, nr, c);
		if (i == nr - 1) {
			(c == 'h' ? mh_help_short : mh_help_long)(cmd);
			return 1;
		}
		if (set(&flat[i], state, argument(&flat[i], argc, argv), &err) != MH_OK) {
			mh_usage(cmd, "%s: %s", spelled(buf, &flat[i], c), err.msg);
			return -1;
		}
		args->given |= 1ull << i;
	}
	args->argc = argc - optind;
	args->argv = argv + optind;
	return 0;
}

int mh_options_exit(int parsed)
{
	return parsed < 0 ? MH_EXIT_USAGE : MH_EXIT_OK;
}

void mh_options_fini(const struct mh_cmd *cmd, void *state)
{
	struct mh_option flat[MH_OPTIONS_MAX];
	size_t i, j, nr = mh_options_flatten(cmd, flat);

	for (i = 0; i < nr; i++) {
		void *field = (char *)state + flat[i].offset;

		if (flat[i].type == MH_OPT_LIST) {
			struct mh_strings *list = field;

			for (j = 0; j < list->nr; j++)
				free(list->v[j]);
			free(list->v);
			*list = (struct mh_strings){ 0 };
		} else if (flat[i].type == MH_OPT_IDS) {
			free(((struct mh_ids *)field)->v);
			*(struct mh_ids *)field = (struct mh_ids){ 0 };
		}
	}
}
