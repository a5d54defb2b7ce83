/* SPDX-License-Identifier: MIT */
/* Numbers for a person, bars, and text that strangers chose. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/render.h>

#include "render/text.h"
#include "render/utf8.h"

static void test_bytes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text, *brief;
	} cases[] = {
		{ 0, "0 B", "0" },
		{ 1023, "1023 B", "1023" },
		{ 999, "999 B", "999" },
		{ 4096, "4 KiB", "4K" },
		{ 12288, "12 KiB", "12K" },
		{ 688128, "672 KiB", "672K" },
		{ 100034150, "95.4 MiB", "95.4M" },
		{ 206353203, "196.8 MiB", "196.8M" },
		{ 1310720, "1.25 MiB", "1.25M" },
		{ 1048575, "1 MiB", "1M" },
		{ 1048576 - 65536, "960 KiB", "960K" },
		{ UINT64_MAX - 1, "16 EiB", "16E" },
		{ MH_NO_DATA, "-", "-" },
	};
	char buf[MH_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(mh_text_bytes(buf, cases[i].bytes), cases[i].text);
		assert_string_equal(mh_text_bytes_short(buf, cases[i].bytes),
				    cases[i].brief);
	}
}

/* Digits are put one by one; printf() is what they are to look like. */
static void test_bytes_as_printf(void **state)
{
	char buf[MH_TEXT_MAX], want[MH_TEXT_MAX];
	uint64_t bytes;

	(void)state;
	for (bytes = 1025; bytes < UINT64_C(1) << 48; bytes += 1 + bytes / 997) {
		int shift = (63 - __builtin_clzll(bytes)) / 10 * 10;
		double v = (double)bytes / (double)(UINT64_C(1) << shift);

		if (v == floor(v) || v >= 999.95)
			continue;
		snprintf(want, sizeof(want), "%.*f", v >= 9.995 ? 1 : 2, v);
		mh_text_bytes(buf, bytes);
		*strchr(buf, ' ') = '\0';
		assert_string_equal(buf, want);
	}
}

static void test_ns(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 ns" },
		{ 999, "999 ns" },
		{ 1500, "1.5 us" },
		{ 999999, "1 ms" },
		{ 5000000, "5 ms" },
		{ 999999999, "1 s" },
		{ 4100000000, "4.1 s" },
		{ 56800000000, "56.8 s" },
		{ 119960000000, "2 min 00 s" },
		{ 3599900000000, "1 h 00 min" },
		{ 90000000000000, "1 d 01 h" },
		{ MH_NO_DATA, "-" },
	};
	char buf[MH_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(mh_text_ns(buf, cases[i].ns), cases[i].text);
}

static void test_percent(void **state)
{
	static const struct {
		double ratio;
		const char *text;
	} cases[] = {
		{ 0, "0%" },
		{ 0.42, "42%" },
		{ 1, "100%" },
		{ 0.999999, ">99.99%" },
		{ 0.9999, "99.99%" },
		{ 0.00001, "<0.01%" },
		{ 0.0005, "0.05%" },
		{ 0.009, "0.9%" },
		{ 0.052, "5.2%" },
		{ 12.5, "1250%" },
		{ -0.125, "-12%" },
		{ NAN, "-" },
		{ INFINITY, ">1e15%" },
	};
	char buf[MH_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(mh_text_percent(buf, cases[i].ratio), cases[i].text);
}

static void test_double_reads_back(void **state)
{
	static const double values[] = { 0.1,    1.0 / 3,
					 5e-324, 1.7976931348623157e308,
					 100,    0.30000000000000004,
					 -2.5,   123456789012345678.0 };
	char buf[MH_TEXT_MAX];
	size_t i;

	(void)state;
	assert_string_equal(mh_text_double(buf, 0.1), "0.1");
	assert_string_equal(mh_text_double(buf, 0.30000000000000004),
			    "0.30000000000000004");
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_true(strtod(mh_text_double(buf, values[i]), NULL) == values[i]);
}

static void test_bar(void **state)
{
	char buf[64];

	(void)state;
	mh_text_bar(buf, sizeof(buf), 0.5, 4, 1);
	assert_string_equal(buf, "██");
	mh_text_bar(buf, sizeof(buf), 0.55, 4, 1);
	assert_string_equal(buf, "██▎");
	mh_text_bar(buf, sizeof(buf), 1e-9, 4, 1);
	assert_string_equal(buf, "▏");
	mh_text_bar(buf, sizeof(buf), 7, 3, 0);
	assert_string_equal(buf, "###");
	mh_text_bar(buf, sizeof(buf), NAN, 3, 0);
	assert_string_equal(buf, "");
	/* Never half a character. */
	mh_text_bar(buf, 6, 1, 10, 1);
	assert_string_equal(buf, "█");
}

static void test_spark(void **state)
{
	static const uint64_t values[] = { 0, 10, MH_NO_DATA, 5, 20 };
	char buf[64];

	(void)state;
	mh_text_spark(buf, sizeof(buf), values, 5, 10, 5, 1);
	assert_string_equal(buf, "▁█ ▅█");
	mh_text_spark(buf, sizeof(buf), values, 5, 10, 5, 0);
	assert_string_equal(buf, "09 59");
	/* Fewer characters than values keep the maxima. */
	mh_text_spark(buf, sizeof(buf), values, 5, 20, 1, 0);
	assert_string_equal(buf, "9");
	mh_text_spark(buf, sizeof(buf), values, 0, 20, 3, 0);
	assert_string_equal(buf, "");
	mh_text_spark(buf, sizeof(buf), values, 2, 0, 2, 0);
	assert_string_equal(buf, "00");
}

static void test_hostile_text(void **state)
{
	char buf[128];

	(void)state;
	assert_int_equal(mh_utf8_safe(buf, sizeof(buf), "a\x1b[31m\n", 1), 13);
	assert_string_equal(buf, "a\\x1b[31m\\x0a");
	mh_utf8_safe(buf, sizeof(buf), "\xff\xc0\x80\xed\xa0\x80", 1);
	assert_string_equal(buf, "\\xff\\xc0\\x80\\xed\\xa0\\x80");
	mh_utf8_safe(buf, sizeof(buf),
		     "\xe2\x80\xae"
		     "x\xc2\x9b",
		     1);
	assert_string_equal(buf, "\\u{202e}x\\u{9b}");
	assert_int_equal(mh_utf8_safe(buf, sizeof(buf), "日本", 1), 4);
	assert_int_equal(mh_utf8_safe(buf, sizeof(buf), "é", 0), 6);
	assert_string_equal(buf, "\\u{e9}");
	/* Cut only between characters. */
	mh_utf8_safe(buf, 5, "日本", 1);
	assert_string_equal(buf, "日");
}

static void test_fit(void **state)
{
	char buf[128];
	size_t columns, n;

	(void)state;
	mh_utf8_fit(buf, sizeof(buf), "/usr/lib/libc.so.6", 11, 1);
	assert_string_equal(buf, "/us..c.so.6");
	for (columns = 0; columns < 40; columns++) {
		n = mh_utf8_fit(buf, sizeof(buf), "日本\xff\x1b/usr/lib/x", columns, 1);
		assert_true(n <= columns);
	}
	mh_utf8_fit(buf, sizeof(buf), "[heap]", 6, 1);
	assert_string_equal(buf, "[heap]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bytes_as_printf),
		cmocka_unit_test(test_ns),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_double_reads_back),
		cmocka_unit_test(test_bar),
		cmocka_unit_test(test_spark),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
