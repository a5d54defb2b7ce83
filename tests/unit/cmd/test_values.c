/* SPDX-License-Identifier: MIT */
/* Numbers as typed: what is understood, exactly, and what is refused. */
#include "test.h"

#include <string.h>

#include "cmd/values.h"

typedef int (*parse_u64)(uint64_t *out, const char *s, struct mh_err *err);

struct right {
	const char *s;
	uint64_t v;
};

static void check_right(parse_u64 parse, const struct right *cases, size_t nr)
{
	struct mh_err err;
	uint64_t v;
	size_t i;

	for (i = 0; i < nr; i++) {
		v = 0x5a5a;
		if (parse(&v, cases[i].s, &err) != MH_OK)
			fail_msg("'%s' was refused: %s", cases[i].s, err.msg);
		if (v != cases[i].v)
			fail_msg("'%s' gave %llu", cases[i].s, (unsigned long long)v);
	}
}

static void check_wrong(parse_u64 parse, const char *const *cases, size_t nr)
{
	struct mh_err err;
	uint64_t v;
	size_t i;

	for (i = 0; i < nr; i++) {
		v = 0x5a5a;
		if (parse(&v, cases[i], &err) != MH_EINPUT)
			fail_msg("'%s' was taken as %llu", cases[i],
				 (unsigned long long)v);
		assert_int_equal(v, 0x5a5a);
		assert_non_null(strstr(err.msg, cases[i]));
	}
}

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static void test_sizes(void **state)
{
	static const struct right cases[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "4K", 4096 },
		{ "4k", 4096 },
		{ "4KiB", 4096 },
		{ "1.5G", 1610612736 },
		{ ".5M", 524288 },
		{ "3T", 3298534883328 },
		{ "7B", 7 },
		{ "0x1000", 4096 },
		{ "0X7f2A10000000", 0x7f2a10000000 },
		{ "0xffffffffffffffff", UINT64_MAX },
		{ "0x00000000000000000001", 1 },
		{ "18446744073709551615", UINT64_MAX },
		/* 2^53 + 1: what a double cannot hold */
		{ "9007199254740993", 9007199254740993 },
		{ "16777215.999999999999T", 18446744073709551614ull },
	};

	(void)state;
	check_right(mh_value_size, cases, NR(cases));
}

static void test_wrong_sizes(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"-5",
		"+5",
		"1e999",
		"1e3",
		"12Q",
		"12KK",
		"K",
		".",
		".K",
		"nan",
		"inf",
		"0x",
		"0xg",
		"0x10000000000000000",
		"18446744073709551616",
		"16777216T",
		"99999999999999999999999",
		"1 K",
		" 1",
		"1,5K",
		"4K ",
		"1.00000000000000000000001",
		"7f2a10000000",
	};

	(void)state;
	check_wrong(mh_value_size, cases, NR(cases));
}

static void test_times(void **state)
{
	static const struct right cases[] = {
		{ "0", 0 },
		{ "5", 5000000000 },
		{ "100us", 100000 },
		{ "5ms", 5000000 },
		{ "1.5s", 1500000000 },
		{ "2m", 120000000000 },
		{ "1h", 3600000000000 },
		{ "17ns", 17 },
	};
	static const char *const wrong[] = {
		"",
		"5M",
		"5S",
		"-1s",
		"1e9",
		"s",
		"5d",
		"5 s",
		"18446744073709551616ns",
		"18446744074s",
		"5124096h",
	};

	(void)state;
	check_right(mh_value_time, cases, NR(cases));
	check_wrong(mh_value_time, wrong, NR(wrong));
}

static void test_counts(void **state)
{
	static const struct right cases[] = {
		{ "0", 0 },
		{ "20", 20 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const wrong[] = {
		"", "-1", "1.0", "1.5", "4K", "0x10", "1e3", "18446744073709551616"
	};

	(void)state;
	check_right(mh_value_count, cases, NR(cases));
	check_wrong(mh_value_count, wrong, NR(wrong));
}

static void test_ratios(void **state)
{
	static const char *const wrong[] = {
		"",    "-1",  "1.1", "101%", "1e999", "nan",
		"inf", "5%%", "%",   "5 %",  " 5%",   "five"
	};
	double v = 0;
	size_t i;

	(void)state;
	assert_int_equal(mh_value_ratio(&v, "5%", NULL), MH_OK);
	assert_true(v == 0.05);
	assert_int_equal(mh_value_ratio(&v, "0.25", NULL), MH_OK);
	assert_true(v == 0.25);
	assert_int_equal(mh_value_ratio(&v, "100%", NULL), MH_OK);
	assert_true(v == 1);
	for (i = 0; i < NR(wrong); i++) {
		v = 0.5;
		if (mh_value_ratio(&v, wrong[i], NULL) != MH_EINPUT)
			fail_msg("'%s' was taken as %g", wrong[i], v);
		assert_true(v == 0.5);
	}
}

static void check_range(int (*parse)(struct mh_range *, const char *, struct mh_err *),
			const char *s, uint64_t start, uint64_t end)
{
	struct mh_range r = { 1, 2 };
	struct mh_err err;

	if (parse(&r, s, &err) != MH_OK)
		fail_msg("'%s' was refused: %s", s, err.msg);
	assert_true(r.start == start);
	assert_true(r.end == end);
}

static void test_ranges(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		"5",
		"5:5",
		"6:5",
		"a:b",
		"1:2:3",
		"-1:2",
		"0x10:+",
		"+1:2",
		"0xffffffffffffffff:+1",
		"0xfffffffffffff000:+1T",
	};
	struct mh_range r;
	size_t i;

	(void)state;
	check_range(mh_value_size_range, "0x1000:0x2000", 0x1000, 0x2000);
	check_range(mh_value_size_range, "0x1000:+64M", 0x1000, 0x1000 + (64 << 20));
	check_range(mh_value_size_range, "0x7f0000000000:", 0x7f0000000000, UINT64_MAX);
	check_range(mh_value_size_range, ":4K", 0, 4096);
	check_range(mh_value_time_range, "2s:1m", 2000000000, 60000000000);
	check_range(mh_value_time_range, ":500ms", 0, 500000000);
	check_range(mh_value_time_range, "10:+5", 10000000000, 15000000000);
	for (i = 0; i < NR(wrong); i++) {
		r = (struct mh_range){ 1, 2 };
		if (mh_value_size_range(&r, wrong[i], NULL) != MH_EINPUT)
			fail_msg("'%s' was taken as a range", wrong[i]);
		assert_true(r.start == 1 && r.end == 2);
	}
}

static void test_pairs(void **state)
{
	static const char *const wrong_extents[] = { "",      "1280",  "x",
						     "1280x", "x720",  "1280x720x2",
						     "-1x2",  "1.5x2", "4294967296x1" };
	static const char *const wrong_numbers[] = {
		"", "1", ":", "1:", ":1", "2:1", "1:1", "nan:1", "0:inf", "0:1e999"
	};
	uint32_t wh[2] = { 7, 7 };
	double lohi[2] = { 7, 7 };
	size_t i;

	(void)state;
	for (i = 0; i < NR(wrong_extents); i++)
		if (mh_value_extent(wh, wrong_extents[i], NULL) != MH_EINPUT)
			fail_msg("'%s' was taken", wrong_extents[i]);
	assert_true(wh[0] == 7 && wh[1] == 7);
	for (i = 0; i < NR(wrong_numbers); i++)
		if (mh_value_numbers(lohi, wrong_numbers[i], NULL) != MH_EINPUT)
			fail_msg("'%s' was taken", wrong_numbers[i]);
	assert_true(lohi[0] == 7 && lohi[1] == 7);
	assert_int_equal(mh_value_extent(wh, "1280x720", NULL), MH_OK);
	assert_true(wh[0] == 1280 && wh[1] == 720);
	assert_int_equal(mh_value_numbers(lohi, "-1:50%", NULL), MH_OK);
	assert_true(lohi[0] == -1 && lohi[1] == 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),  cmocka_unit_test(test_wrong_sizes),
		cmocka_unit_test(test_times),  cmocka_unit_test(test_counts),
		cmocka_unit_test(test_ratios), cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
