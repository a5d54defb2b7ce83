/* SPDX-License-Identifier: MIT */
/* A synthetic ring: wrap-around, what is given back and when, headers that cannot be. */
#include "test.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "ring/ring.h"

#define SIZE 256

struct fake {
	struct perf_event_mmap_page page;
	uint8_t data[SIZE];
	struct mh_ring ring;
};

static int setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));

	*state = f;
	return !f || mh_ring_init(&f->ring, &f->page, f->data, SIZE, NULL);
}

static int teardown(void **state)
{
	struct fake *f = *state;

	mh_ring_fini(&f->ring);
	free(f);
	return 0;
}

/* Writes as the kernel does: bytes around the end, then the head. */
static void put(struct fake *f, uint32_t type, uint16_t size, uint8_t fill)
{
	struct perf_event_header h = { .type = type, .size = size };
	uint8_t bytes[SIZE];
	size_t i;

	memset(bytes, fill, sizeof(bytes));
	memcpy(bytes, &h, sizeof(h));
	for (i = 0; i < size; i++)
		f->data[(f->page.data_head + i) % SIZE] = bytes[i];
	f->page.data_head += size;
}

static void expect(struct fake *f, uint16_t size, uint8_t fill)
{
	const uint8_t *record;
	size_t len, i;

	assert_int_equal(mh_ring_next(&f->ring, &record, &len), MH_OK);
	assert_int_equal(len, size);
	for (i = sizeof(struct perf_event_header); i < len; i++)
		assert_int_equal(record[i], fill);
}

static void expect_end(struct fake *f)
{
	const uint8_t *record;
	size_t len;

	assert_int_equal(mh_ring_next(&f->ring, &record, &len), MH_END);
}

static void test_empty(void **state)
{
	struct fake *f = *state;

	mh_ring_begin(&f->ring);
	expect_end(f);
}

static void test_every_wrap(void **state)
{
	struct fake *f = *state;
	unsigned i;

	/* 40 does not divide 256: the cut falls everywhere, in headers too. */
	for (i = 0; i < 1000; i++) {
		put(f, PERF_RECORD_SAMPLE, 40, (uint8_t)i);
		mh_ring_begin(&f->ring);
		expect(f, 40, (uint8_t)i);
		expect_end(f);
		assert_int_equal(f->page.data_tail, f->page.data_head);
	}
}

static void test_ends_where_it_began(void **state)
{
	struct fake *f = *state;

	put(f, PERF_RECORD_SAMPLE, 16, 1);
	mh_ring_begin(&f->ring);
	put(f, PERF_RECORD_SAMPLE, 16, 2);
	expect(f, 16, 1);
	expect_end(f);
	mh_ring_begin(&f->ring);
	expect(f, 16, 2);
	expect_end(f);
}

static void test_gives_room_back_while_reading(void **state)
{
	struct fake *f = *state;
	unsigned i;

	for (i = 0; i < 4; i++)
		put(f, PERF_RECORD_SAMPLE, 64, (uint8_t)i);
	mh_ring_begin(&f->ring);
	expect(f, 64, 0);
	assert_int_equal(f->page.data_tail, 0); /* still lent */
	expect(f, 64, 1);
	assert_int_equal(f->page.data_tail, 64);
	expect(f, 64, 2);
	expect(f, 64, 3);
	expect_end(f);
	assert_int_equal(f->page.data_tail, 256);
}

static void check_skips(struct fake *f)
{
	const uint8_t *record;
	size_t len;

	mh_ring_begin(&f->ring);
	assert_int_equal(mh_ring_next(&f->ring, &record, &len), MH_EFORMAT);
	assert_int_equal(f->page.data_tail, f->page.data_head);
	put(f, PERF_RECORD_SAMPLE, 24, 9);
	mh_ring_begin(&f->ring);
	expect(f, 24, 9);
	expect_end(f);
}

static void test_header_of_size_zero(void **state)
{
	struct fake *f = *state;

	put(f, PERF_RECORD_SAMPLE, 16, 0);
	memset(f->data, 0, 16);
	check_skips(f);
}

static void test_header_beyond_head(void **state)
{
	struct fake *f = *state;

	put(f, PERF_RECORD_SAMPLE, 16, 0);
	((struct perf_event_header *)(void *)f->data)->size = 24;
	check_skips(f);
}

static void test_head_beyond_ring(void **state)
{
	struct fake *f = *state;

	f->page.data_head = SIZE + 8;
	check_skips(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_where_it_began, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_gives_room_back_while_reading, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_header_of_size_zero, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_header_beyond_head, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head_beyond_ring, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
