/* SPDX-License-Identifier: MIT */
/* The JSON writer and the three forms of a table. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/render.h>

static char *text;
static size_t text_len;

static FILE *begin(void)
{
	FILE *f = open_memstream(&text, &text_len);

	assert_non_null(f);
	return f;
}

static void expect(FILE *f, const char *want)
{
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
	text = NULL;
}

static void test_json_nesting(void **state)
{
	FILE *f = begin();
	struct mh_json j;

	(void)state;
	mh_json_init(&j, f);
	mh_json_object(&j);
	mh_json_key(&j, "a");
	mh_json_array(&j);
	mh_json_u64(&j, UINT64_MAX);
	mh_json_array(&j);
	mh_json_end_array(&j);
	mh_json_object(&j);
	mh_json_end_object(&j);
	mh_json_double(&j, 0.1);
	mh_json_end_array(&j);
	mh_json_key(&j, "b");
	mh_json_bool(&j, 1);
	mh_json_key(&j, "c");
	mh_json_bytes(&j, MH_NO_DATA);
	mh_json_key(&j, "d");
	mh_json_double(&j, NAN);
	mh_json_end_object(&j);
	expect(f, "{\"a\":[18446744073709551615,[],{},0.1],\"b\":true,\"c\":null,\"d\":"
		  "null}");
}

static void test_json_deepest(void **state)
{
	FILE *f = begin();
	struct mh_json j;
	char want[2 * 62 + 1];
	unsigned d;

	(void)state;
	mh_json_init(&j, f);
	for (d = 0; d < 62; d++)
		mh_json_array(&j);
	for (d = 0; d < 62; d++)
		mh_json_end_array(&j);
	memset(want, '[', 62);
	memset(want + 62, ']', 62);
	want[124] = '\0';
	expect(f, want);
}

static void test_json_strings(void **state)
{
	FILE *f = begin();
	struct mh_json j;

	(void)state;
	mh_json_init(&j, f);
	mh_json_array(&j);
	mh_json_string(&j, "<&\"\\\n\x01\x7f");
	mh_json_string(&j, "\xff"
			   "é");
	mh_json_string(&j, "");
	mh_json_string(&j, NULL);
	mh_json_end_array(&j);
	expect(f, "[\"<&\\\"\\\\\\n\\u0001\\u007f\",\"\xef\xbf\xbd"
		  "é\",\"\",null]");
}

static const struct mh_table_column columns[] = {
	{ "name", "mapping", MH_CELL_TYPE_TEXT },
	{ "bytes", "size", MH_CELL_TYPE_BYTES },
	{ "idle_ns", "idle", MH_CELL_TYPE_NS },
	{ "share", "share", MH_CELL_TYPE_RATIO },
	{ "start", "address", MH_CELL_TYPE_HEX },
	{ "n", "n", MH_CELL_TYPE_U64 },
	{ "symbol", "symbol", MH_CELL_TYPE_TEXT },
};

static void put_rows(struct mh_table *t)
{
	mh_table_put_text(t, "[heap]");
	mh_table_put_u64(t, 100034150);
	mh_table_put_u64(t, 4100000000);
	mh_table_put_ratio(t, 0.521);
	mh_table_put_u64(t, 0x7f0000);
	mh_table_put_u64(t, 7);
	mh_table_put_text(t, "a,\"b\" \xff");

	mh_table_put_text(t, "日本\x1b");
	mh_table_put_u64(t, MH_NO_DATA);
	mh_table_put_u64(t, MH_NO_DATA);
	mh_table_put_ratio(t, NAN);
	mh_table_put_u64(t, 0);
	mh_table_put_u64(t, UINT64_MAX);
	mh_table_put_text(t, NULL);
	assert_int_equal(mh_table_end(t, NULL), MH_OK);
}

static void test_table_text(void **state)
{
	FILE *f = begin();
	struct mh_table t;

	(void)state;
	mh_table_begin_text(&t, f, 1, columns, 7);
	put_rows(&t);
	expect(f,
	       "mapping       size   idle  share  address                     n  symbol\n"
	       "[heap]    95.4 MiB  4.1 s    52%   7f0000                     7  a,\"b\" "
	       "\\xff\n"
	       "日本\\x1b         -      -      -        0  18446744073709551615  -\n");
}

static void test_table_no_trailing_space(void **state)
{
	static const struct mh_table_column two[] = { { "a", "a", MH_CELL_TYPE_TEXT },
						      { "b", "b", MH_CELL_TYPE_TEXT } };
	static const char *const words[] = { "xx", "", "", "y" };
	FILE *f = begin();
	struct mh_table t;
	size_t i;

	(void)state;
	mh_table_begin_text(&t, f, 1, two, 2);
	for (i = 0; i < 4; i++)
		mh_table_put_text(&t, words[i]);
	assert_int_equal(mh_table_end(&t, NULL), MH_OK);
	expect(f, "a   b\nxx\n    y\n");
}

static void test_table_known_only(void **state)
{
	FILE *f = begin();
	struct mh_table t;

	(void)state;
	mh_table_begin_text(&t, f, 0, columns, 4);
	t.known_only = 1;
	mh_table_put_name(&t, "日本", 7);
	mh_table_put_u64(&t, MH_NO_DATA);
	mh_table_put_u64(&t, 1000);
	mh_table_put_ratio(&t, NAN);
	mh_table_put_words(&t, "%d%s", 1, "st");
	mh_table_put_u64(&t, MH_NO_DATA);
	mh_table_put_u64(&t, MH_NO_DATA);
	mh_table_put_ratio(&t, NAN);
	assert_int_equal(mh_table_end(&t, NULL), MH_OK);
	/* A character that does not fit whole is left out. */
	expect(f, "mapping  idle\n"
		  "         1 us\n"
		  "1st         -\n");
}

static void test_table_csv(void **state)
{
	FILE *f = begin();
	struct mh_table t;

	(void)state;
	mh_table_begin_csv(&t, f, columns, 7);
	put_rows(&t);
	expect(f, "name,bytes,idle_ns,share,start,n,symbol\n"
		  "[heap],100034150,4100000000,0.521,8323072,7,\"a,\"\"b\"\" "
		  "\xef\xbf\xbd\"\n"
		  "日本\x1b,,,,0,18446744073709551615,\n");
}

static void test_table_json(void **state)
{
	FILE *f = begin();
	struct mh_table t;
	struct mh_json j;

	(void)state;
	mh_json_init(&j, f);
	mh_table_begin_json(&t, &j, columns, 2);
	mh_table_put_text(&t, "[heap]");
	mh_table_put_u64(&t, 100034150);
	mh_table_put_text(&t, NULL);
	mh_table_put_u64(&t, MH_NO_DATA);
	assert_int_equal(mh_table_end(&t, NULL), MH_OK);
	expect(f, "[{\"name\":\"[heap]\",\"bytes\":100034150},"
		  "{\"name\":null,\"bytes\":null}]");
}

static void test_table_members(void **state)
{
	FILE *f = begin();
	struct mh_table t;
	struct mh_json j;

	(void)state;
	mh_json_init(&j, f);
	mh_json_object(&j);
	mh_table_begin_members(&t, &j, columns, 2);
	mh_table_put_text(&t, "[heap]");
	mh_table_put_u64(&t, 4096);
	mh_json_put_bool(&j, "hot", 1);
	mh_json_end_object(&j);
	expect(f, "{\"name\":\"[heap]\",\"bytes\":4096,\"hot\":true}");
}

static void test_table_empty(void **state)
{
	FILE *f = begin();
	struct mh_table t;
	struct mh_json j;

	(void)state;
	mh_json_init(&j, f);
	mh_table_begin_json(&t, &j, columns, 3);
	assert_int_equal(mh_table_end(&t, NULL), MH_OK);
	mh_table_begin_csv(&t, f, columns, 1);
	assert_int_equal(mh_table_end(&t, NULL), MH_OK);
	expect(f, "[]name\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_nesting),
		cmocka_unit_test(test_json_deepest),
		cmocka_unit_test(test_json_strings),
		cmocka_unit_test(test_table_text),
		cmocka_unit_test(test_table_no_trailing_space),
		cmocka_unit_test(test_table_known_only),
		cmocka_unit_test(test_table_csv),
		cmocka_unit_test(test_table_json),
		cmocka_unit_test(test_table_members),
		cmocka_unit_test(test_table_empty),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
