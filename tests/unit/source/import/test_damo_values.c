/* SPDX-License-Identifier: MIT */
/* The scalars of DAMO's records, as people would write them. */
#include "test.h"

#include "source/import/damo_values.h"

struct whole {
	const char *text;
	uint64_t value;
};

static void counts(void **state)
{
	static const struct whole good[] = {
		{ "0", 0 },
		{ "94,827,419,009,024", UINT64_C(94827419009024) },
		{ "18446623438842320000", UINT64_C(18446623438842320000) },
		{ "18446744073709551615", UINT64_MAX },
		{ "max", UINT64_MAX },
		{ "min", 0 },
		{ "400.000000", 400 },
		{ "1e3", 1000 },
		{ " 7 ", 7 },
	};
	static const char *const bad[] = { "",    "x",  "-1",  "18446744073709551616",
					   "1 x", ",1", "1e99" };
	uint64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(mh_damo_count(&v, good[i].text, strlen(good[i].text)));
		assert_int_equal(v, good[i].value);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mh_damo_count(&v, bad[i], strlen(bad[i])));
}

static void bytes(void **state)
{
	static const struct whole good[] = {
		{ "4096", 4096 },
		{ "1 KiB", 1024 },
		{ "1K", 1024 },
		{ "2 MB", 2 << 20 },
		{ "0 B", 0 },
		{ "31.340 MiB", 32862372 },
		{ "1.5 GiB", UINT64_C(1610612736) },
		{ "1 EiB", UINT64_C(1) << 60 },
		{ "4,294,967,296", UINT64_C(1) << 32 },
	};
	static const char *const bad[] = { "1 XiB", "KiB", "16 EiB", "1 Bi", "1 KiBs" };
	uint64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(mh_damo_bytes(&v, good[i].text, strlen(good[i].text)));
		assert_int_equal(v, good[i].value);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mh_damo_bytes(&v, bad[i], strlen(bad[i])));
}

static void times(void **state)
{
	static const struct whole good[] = {
		{ "539809434100", UINT64_C(539809434100) },
		{ "1 m 3 s", UINT64_C(63000000000) },
		{ "4 h 2 m 1.500 s", UINT64_C(14521500000000) },
		{ "104.599 ms", 104599000 },
		{ "0 ns", 0 },
		{ "2 d", UINT64_C(172800000000000) },
	};
	static const char *const bad[] = { "1 y", "1 m 3", "s", "1 m m", "9999999999 d" };
	uint64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(mh_damo_time(&v, good[i].text, strlen(good[i].text), 1));
		assert_int_equal(v, good[i].value);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mh_damo_time(&v, bad[i], strlen(bad[i]), 1));
	assert_true(mh_damo_time(&v, "5000", 4, 1000));
	assert_int_equal(v, 5000000);
	assert_true(mh_damo_time(&v, "5 ms", 4, 1000));
	assert_int_equal(v, 5000000);
}

static void shares(void **state)
{
	uint64_t bp;
	double v;

	(void)state;
	assert_true(mh_damo_percent(&v, "4 %", 3));
	assert_true(v >= 4 && v <= 4);
	assert_true(mh_damo_percent(&v, "12.5", 4));
	assert_true(v >= 12.5 && v <= 12.5);
	assert_false(mh_damo_percent(&v, "4 bp", 4));
	assert_true(mh_damo_bp(&bp, "4 %", 3));
	assert_int_equal(bp, 400);
	assert_true(mh_damo_bp(&bp, "400.000000", 10));
	assert_int_equal(bp, 400);
	assert_true(mh_damo_bp(&bp, "4 bp", 4));
	assert_int_equal(bp, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(bytes),
		cmocka_unit_test(times),
		cmocka_unit_test(shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
