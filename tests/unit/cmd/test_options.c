/* SPDX-License-Identifier: MIT */
/* Options from a table: types, groups, errors, permutation, lists, suggestions. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

/* The program's table is main.c's; here there is none. */
const struct mh_cmd *mh_cmd_at(size_t i)
{
	(void)i;
	return NULL;
}

const struct mh_cmd *mh_cmd_find(const char *name)
{
	(void)name;
	return NULL;
}

struct inner {
	uint64_t size;
	struct mh_ids ids;
};

struct state {
	int flag, choice;
	const char *string;
	uint64_t time_ns, count;
	double ratio, numbers[2];
	struct mh_range addr;
	uint32_t extent[2];
	struct mh_strings list;
	struct inner inner;
};

#define AT(member) .offset = offsetof(struct state, member)

static const char *const choices[] = { "auto", "always", "never", NULL };

static const struct mh_option inner_options[] = {
	{ "size", 's', MH_OPT_SIZE, "SIZE", "a size",
	  .offset = offsetof(struct inner, size) },
	{ "ids", 0, MH_OPT_IDS, "ID,...", "ids", .offset = offsetof(struct inner, ids) },
	{ 0 },
};

static const struct mh_option options[] = {
	{ "flag", 'f', MH_OPT_FLAG, NULL, "a flag", AT(flag) },
	{ "choice", 0, MH_OPT_CHOICE, "WHEN", "a choice", AT(choice),
	  .choices = choices },
	{ .type = MH_OPT_GROUP, .group = inner_options, AT(inner) },
	{ "string", 0, MH_OPT_STRING, "S", "a string", AT(string) },
	{ "time", 0, MH_OPT_TIME, "T", "a time", AT(time_ns), .min = 1000000 },
	{ "count", 'c', MH_OPT_COUNT, "N", "a count", AT(count), .min = 1, .max = 10 },
	{ "ratio", 0, MH_OPT_RATIO, "R", "a share", AT(ratio) },
	{ "numbers", 0, MH_OPT_NUMBERS, "LO:HI", "numbers", AT(numbers) },
	{ "addr", 0, MH_OPT_SIZE_RANGE, "A:B", "addresses", AT(addr) },
	{ "extent", 0, MH_OPT_EXTENT, "WxH", "pixels", AT(extent), .max = 100 },
	{ "list", 0, MH_OPT_LIST, "A,B", "words", AT(list) },
	{ 0 },
};

static struct mh_cmd cmd(int stop)
{
	return (struct mh_cmd){ .name = "try",
				.summary = "try",
				.usage = "",
				.opts = options,
				.stop_at_operand = stop };
}

/* Parse words; stdout and stderr of it go to `said`. */
static char said[4096];

/* The words stay: options and operands borrow them. */
static struct {
	char **v;
	size_t nr, cap;
} words_kept;

static char *keep(const char *word)
{
	char **slot = mh_vec_push(&words_kept);

	assert_non_null(slot);
	*slot = strdup(word);
	assert_non_null(*slot);
	return *slot;
}

static int free_words(void **state)
{
	(void)state;
	while (words_kept.nr)
		free(words_kept.v[--words_kept.nr]);
	free(words_kept.v);
	return 0;
}

static int parse(struct state *st, struct mh_args *args, int stop,
		 const char *const *words)
{
	struct mh_cmd c = cmd(stop);
	char *argv[32];
	FILE *tmp = tmpfile();
	int argc = 0, result, out = dup(1), err = dup(2);
	size_t n;

	assert_non_null(tmp);
	argv[argc++] = keep("try");
	for (; *words; words++)
		argv[argc++] = keep(*words);
	argv[argc] = NULL;
	fflush(stdout);
	dup2(fileno(tmp), 1);
	dup2(fileno(tmp), 2);
	result = mh_options_parse(&c, st, args, argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	rewind(tmp);
	n = fread(said, 1, sizeof(said) - 1, tmp);
	said[n] = '\0';
	fclose(tmp);
	return result;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_types(void **state)
{
	struct state st = { .choice = 2 };
	struct mh_args args;
	struct mh_cmd c = cmd(0);

	(void)state;
	assert_int_equal(
		parse(&st, &args, 0,
		      WORDS("-f", "--choice=always", "-s", "64M", "--ids", "1,2",
			    "--ids=4294967295", "--string", "-x", "--time=5ms", "-c3",
			    "--ratio", "5%", "--numbers", "0:1", "--addr", "0x1000:+4K",
			    "--extent", "10x20", "--list", "a,b", "--list", "c")),
		0);
	assert_int_equal(st.flag, 1);
	assert_int_equal(st.choice, 1);
	assert_int_equal(st.inner.size, 64 << 20);
	assert_int_equal(st.inner.ids.nr, 3);
	assert_true(st.inner.ids.v[2] == UINT32_MAX);
	assert_string_equal(st.string, "-x");
	assert_int_equal(st.time_ns, 5000000);
	assert_int_equal(st.count, 3);
	assert_true(st.ratio == 0.05);
	assert_true(st.numbers[1] == 1);
	assert_int_equal(st.addr.end, 0x2000);
	assert_int_equal(st.extent[1], 20);
	assert_int_equal(st.list.nr, 3);
	assert_string_equal(st.list.v[2], "c");
	assert_int_equal(args.argc, 0);
	mh_options_fini(&c, &st);
	assert_null(st.list.v);
	assert_int_equal(st.inner.ids.nr, 0);
}

static void test_permutation(void **state)
{
	struct state st = { 0 };
	struct mh_args args;

	(void)state;
	assert_int_equal(parse(&st, &args, 0, WORDS("a", "-f", "b", "--", "-c")), 0);
	assert_int_equal(st.flag, 1);
	assert_int_equal(args.argc, 3);
	assert_string_equal(args.argv[0], "a");
	assert_string_equal(args.argv[2], "-c");

	/* A recorded command's options are its own. */
	st.flag = 0;
	assert_int_equal(parse(&st, &args, 1, WORDS("-c", "2", "ls", "-f")), 0);
	assert_int_equal(st.flag, 0);
	assert_int_equal(args.argc, 2);
	assert_string_equal(args.argv[0], "ls");
	assert_int_equal(parse(&st, &args, 1, WORDS("--", "ls", "-f")), 0);
	assert_int_equal(args.argc, 2);
}

static void test_given(void **state)
{
	struct state st = { 0 };
	struct mh_option flat[MH_OPTIONS_MAX];
	struct mh_cmd c = cmd(0);
	struct mh_args args;
	size_t nr = mh_options_flatten(&c, flat), i;

	(void)state;
	assert_string_equal(flat[nr - 1].name, "help");
	assert_int_equal(parse(&st, &args, 0, WORDS("--size=0", "--ratio=0")), 0);
	for (i = 0; i < nr; i++)
		assert_int_equal(args.given >> i & 1,
				 !strcmp(flat[i].name, "size") ||
					 !strcmp(flat[i].name, "ratio"));
}

static void wrong(const char *const *words, const char *what)
{
	struct state st = { 0 };
	struct mh_cmd c = cmd(0);
	struct mh_args args;
	int parsed = parse(&st, &args, 0, words);

	if (parsed >= 0)
		fail_msg("'%s' was taken", words[0]);
	assert_int_equal(mh_options_exit(parsed), MH_EXIT_USAGE);
	if (!strstr(said, what))
		fail_msg("'%s' says: %s", words[0], said);
	/* One line. */
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	mh_options_fini(&c, &st);
}

static void test_errors(void **state)
{
	(void)state;
	wrong(WORDS("--flga"), "unknown option '--flga'; did you mean --flag?");
	wrong(WORDS("--zzzzzz"), "unknown option '--zzzzzz'");
	wrong(WORDS("--zzzzzz=3"), "unknown option '--zzzzzz'");
	wrong(WORDS("-z"), "unknown option '-z'");
	wrong(WORDS("-fz"), "unknown option '-z'");
	wrong(WORDS("--s=1"), "'--s' is short for several options");
	wrong(WORDS("--size"), "option --size needs its SIZE");
	wrong(WORDS("-s"), "option -s needs its SIZE");
	wrong(WORDS("--flag=1"), "option --flag takes no argument");
	wrong(WORDS("--help=1"), "option --help takes no argument");
	wrong(WORDS("--size=1e999"), "--size: '1e999' is not a size");
	wrong(WORDS("-s", "-5"), "-s: '-5' is not a size");
	wrong(WORDS("--size=18446744073709551616"), "is not a size");
	wrong(WORDS("--size=12Q"), "is not a size");
	wrong(WORDS("--size="), "'' is not a size");
	wrong(WORDS("--string="), "--string: its argument is empty");
	wrong(WORDS("--time=10us"), "--time: 10us is too small");
	wrong(WORDS("--count=0"), "--count: 0 is too small");
	wrong(WORDS("--count=11"), "--count: 11 is too large");
	wrong(WORDS("--extent=101x5"), "too large");
	wrong(WORDS("--ids=1,,2"), "has an empty element");
	wrong(WORDS("--ids=4294967296"), "is not a process or thread id");
	wrong(WORDS("--ids=-1"), "is not a process or thread id");
	wrong(WORDS("--list=,"), "has an empty element");
	wrong(WORDS("--choice=maybe"), "'maybe' is not one of: auto, always, never");
	wrong(WORDS("--choice="), "'' is not one of: auto, always, never");
}

static void test_help(void **state)
{
	struct state st = { 0 };
	struct mh_args args;

	(void)state;
	assert_true(parse(&st, &args, 0, WORDS("--help")) > 0);
	assert_int_equal(mh_options_exit(1), MH_EXIT_OK);
	assert_non_null(strstr(said, "  -s, --size SIZE"));
	assert_true(parse(&st, &args, 0, WORDS("-h")) > 0);
	assert_non_null(strstr(said, "--extent WxH"));
}

static void test_suggestions(void **state)
{
	static const char *const words[] = { "record", "report", "repack", "info", NULL };

	(void)state;
	assert_string_equal(mh_suggest("reprot", words), "report");
	assert_string_equal(mh_suggest("recrod", words), "record");
	assert_string_equal(mh_suggest("inof", words), "info");
	assert_string_equal(mh_suggest("repac", words), "repack");
	assert_null(mh_suggest("", words));
	assert_null(mh_suggest("heatmap", words));
	assert_null(mh_suggest(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_permutation),
		cmocka_unit_test(test_given), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_help),  cmocka_unit_test(test_suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, free_words);
}
