/* SPDX-License-Identifier: MIT */
/* The tracepoint as kernels describe it: 5.15 without age, 6.x, and one that moved. */
#include "../../test.h"

#include <string.h>

#include <memheat/event.h>

#include "source/damon/format.h"

static const char text_618[] =
	"name: damon_aggregated\nID: 767\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"target_id=%lu nr_regions=%u %lu-%lu: %u %u\", REC->target_id\n";

static struct damon_field field(const char *text, const char *name)
{
	struct damon_field f;

	assert_int_equal(mh_damon_format_field(&f, text, name), MH_OK);
	return f;
}

static void test_fields(void **state)
{
	struct damon_field f = field(text_618, "nr_accesses");

	(void)state;
	assert_int_equal(f.offset, 40);
	assert_int_equal(f.size, 4);
	assert_int_equal(field(text_618, "start").offset, 24);
	/* A name is a whole word: "age" is not the end of another. */
	assert_int_equal(
		mh_damon_format_field(&f, "field:u32 usage;\toffset:8;\tsize:4;", "age"),
		MH_ENOSUP);
	assert_int_equal(mh_damon_format_field(&f, text_618, "probe_hits"), MH_ENOSUP);
	assert_int_equal(
		mh_damon_format_field(&f, "field:int x;\toffset:99999;\tsize:4;", "x"),
		MH_EFORMAT);
	assert_int_equal(mh_damon_format_field(
				 &f, "field:char x[64];\toffset:8;\tsize:64;", "x[64]"),
			 MH_EFORMAT);
}

static struct damon_format make(void)
{
	return (struct damon_format){
		.aggregated_id = 767,
		.tune_id = 768,
		.target = field(text_618, "target_id"),
		.nr_regions = field(text_618, "nr_regions"),
		.start = field(text_618, "start"),
		.end = field(text_618, "end"),
		.nr_accesses = field(text_618, "nr_accesses"),
		.age = field(text_618, "age"),
		.sample_us = { 8, 8 },
	};
}

static void put(uint8_t *raw, size_t at, uint64_t v, size_t size)
{
	memcpy(raw + at, &v, size);
}

static void test_row(void **state)
{
	struct damon_format f = make();
	struct mh_region_row row;
	uint8_t raw[52] = { 0 };
	uint64_t us = 0;

	(void)state;
	put(raw, 0, 767, 2);
	put(raw, 8, 3, 8);
	put(raw, 16, 20, 4);
	put(raw, 24, 0x7f0000000000, 8);
	put(raw, 32, 0x7f0000400000, 8);
	put(raw, 40, 19, 4);
	put(raw, 44, 77, 4);
	assert_int_equal(mh_damon_format_parse(&f, raw, sizeof(raw), &row, &us),
			 DAMON_HIT_REGION);
	assert_int_equal(row.target, 3);
	assert_int_equal(row.nr_regions, 20);
	assert_true(row.start == 0x7f0000000000 && row.end == 0x7f0000400000);
	assert_int_equal(row.nr_accesses, 19);
	assert_int_equal(row.age, 77);
	f.age = (struct damon_field){ 0 };
	assert_int_equal(mh_damon_format_parse(&f, raw, sizeof(raw), &row, &us),
			 DAMON_HIT_REGION);
	assert_int_equal(row.age, MH_NO_AGE);
	/* Cut short, or of another tracepoint: no row. */
	assert_int_equal(mh_damon_format_parse(&f, raw, 40, &row, &us), DAMON_HIT_OTHER);
	assert_int_equal(mh_damon_format_parse(&f, raw, 1, &row, &us), DAMON_HIT_OTHER);
	put(raw, 0, 700, 2);
	assert_int_equal(mh_damon_format_parse(&f, raw, sizeof(raw), &row, &us),
			 DAMON_HIT_OTHER);
}

static void test_tune(void **state)
{
	struct damon_format f = make();
	struct mh_region_row row;
	uint8_t raw[16] = { 0 };
	uint64_t us = 0;

	(void)state;
	put(raw, 0, 768, 2);
	put(raw, 8, 80000, 8);
	assert_int_equal(mh_damon_format_parse(&f, raw, sizeof(raw), &row, &us),
			 DAMON_HIT_TUNE);
	assert_int_equal(us, 80000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_tune),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
