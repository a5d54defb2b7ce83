/* SPDX-License-Identifier: MIT */
/* Lines of long listings are what printf() would make of the same numbers. */
#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/render.h>

struct listing {
	char *text, *want_text;
	size_t len, want_len;
	FILE *out, *want;
	struct mh_listing l;
};

static void begin(struct listing *t)
{
	t->out = open_memstream(&t->text, &t->len);
	t->want = open_memstream(&t->want_text, &t->want_len);
	assert_true(t->out && t->want);
	mh_listing_init(&t->l, t->out);
}

static void compare(struct listing *t)
{
	mh_listing_flush(&t->l);
	assert_int_equal(fclose(t->out), 0);
	assert_int_equal(fclose(t->want), 0);
	assert_int_equal(t->len, t->want_len);
	assert_memory_equal(t->text, t->want_text, t->len);
	free(t->text);
	free(t->want_text);
}

/* Of every length, and their neighbours. */
static uint64_t number(unsigned i)
{
	uint64_t v = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);

	switch (i % 4) {
	case 0:
		return v >> i % 64;
	case 1:
		return UINT64_C(1) << i % 64;
	case 2:
		return (UINT64_C(1) << i % 64) - 1;
	default:
		return v % 3 ? v % 100000 : UINT64_MAX - v % 3;
	}
}

static void put_line(struct listing *t, uint64_t v, uint64_t w)
{
	char size[MH_TEXT_MAX];

	mh_listing_hex(&t->l, v, 17);
	mh_listing_hex(&t->l, w, 0);
	mh_listing_text(&t->l, "|", 1);
	mh_listing_u64(&t->l, v, 4);
	mh_listing_char(&t->l, ',');
	mh_listing_u64(&t->l, w, 0);
	mh_listing_blank(&t->l, 3);
	mh_listing_u64(&t->l, w, MH_LISTING_WIDTH_MAX);
	mh_listing_bytes(&t->l, v, 9);
	mh_listing_bytes(&t->l, w, 12);
	mh_listing_char(&t->l, '\n');
	fprintf(t->want,
		"%-17" PRIx64 "%" PRIx64 "|%4" PRIu64 ",%" PRIu64 "   %32" PRIu64, v, w,
		v, w, w);
	fprintf(t->want, "%9s", mh_text_bytes(size, v));
	fprintf(t->want, "%12s\n", mh_text_bytes(size, w));
}

/* Enough of them for a cell of each kind to be the first that has no room. */
static void test_as_printf(void **state)
{
	struct listing t;
	unsigned i;

	(void)state;
	begin(&t);
	for (i = 0; i < 20000; i++)
		put_line(&t, number(i), number(7 * i + 3));
	compare(&t);
}

static void test_long_text(void **state)
{
	static char text[3 * sizeof(((struct mh_listing *)0)->buf)];
	struct listing t;
	size_t n;

	(void)state;
	memset(text, 'x', sizeof(text));
	begin(&t);
	for (n = 1; n < sizeof(text); n += 1 + n / 3) {
		mh_listing_u64(&t.l, n, 20);
		mh_listing_text(&t.l, text, n);
		fprintf(t.want, "%20zu%.*s", n, (int)n, text);
	}
	compare(&t);
}

static void test_flush_of_nothing(void **state)
{
	struct listing t;

	(void)state;
	begin(&t);
	mh_listing_flush(&t.l);
	compare(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_printf),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_flush_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
