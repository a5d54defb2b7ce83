/* SPDX-License-Identifier: MIT */
/* Chains come back by their id, whatever the order in which frames were told. */
#include "test.h"

#include "event/frames.h"

static void add(struct mh_frames *f, uint16_t source, uint32_t id, uint32_t parent,
		uint64_t ip)
{
	struct mh_ev_stack frame = { .id = id, .parent = parent, .ip = ip };

	assert_int_equal(mh_frames_add(f, source, &frame), 0);
}

/* Innermost first; 0 ends. */
static void check(const struct mh_frames *f, uint16_t source, uint32_t id,
		  const uint64_t *ips)
{
	const struct mh_stack_frame *at = mh_frames_find(f, source, id);

	for (; *ips; ips++) {
		assert_non_null(at);
		assert_int_equal(at->ip, *ips);
		at = mh_frames_caller(f, at);
	}
	assert_null(at);
}

static void test_chains_of_two_sources(void **state)
{
	static const uint64_t one[] = { 0x30, 0x20, 0x10, 0 }, other[] = { 0x2, 0x1, 0 };
	struct mh_frames f = { 0 };

	(void)state;
	mh_frames_finish(&f);
	assert_null(mh_frames_find(&f, 1, 1));
	add(&f, 2, 2, 1, 0x2);
	add(&f, 2, 1, 0, 0x1);
	add(&f, 1, 3, 2, 0x30);
	add(&f, 1, 1, 0, 0x10);
	add(&f, 1, 2, 1, 0x20);
	add(&f, 1, 2, 1, 0x20); /* told again */
	mh_frames_finish(&f);
	assert_int_equal(f.list.nr, 5);
	check(&f, 1, 3, one);
	check(&f, 2, 2, other);
	assert_null(mh_frames_find(&f, 1, 0));
	assert_null(mh_frames_find(&f, 1, 4));
	assert_null(mh_frames_find(&f, 3, 1));
	assert_int_equal(mh_frames_free_id(&f, 1), 4);
	assert_int_equal(mh_frames_free_id(&f, 3), 1);
	mh_frames_fini(&f);
}

static void test_alias(void **state)
{
	static const uint64_t ips[] = { 0x20, 0x10, 0 };
	struct mh_frames f = { 0 };

	(void)state;
	assert_int_equal(mh_frames_alias(&f, 1, 7, 9), 0);
	assert_int_equal(mh_frames_alias(&f, 1, 10, 7), 0);
	add(&f, 1, 8, 0, 0x10);
	add(&f, 1, 9, 8, 0x20);
	add(&f, 1, 11, 7, 0x30);
	mh_frames_finish(&f);
	check(&f, 1, 7, ips);
	/* Of an alias, and called from one: nothing that can be said. */
	assert_null(mh_frames_find(&f, 1, 10));
	assert_null(mh_frames_caller(&f, mh_frames_find(&f, 1, 11)));
	assert_int_equal(mh_frames_free_id(&f, 1), 12);
	mh_frames_fini(&f);
}

/* What a damaged file may say does not go round in circles. */
static void test_rings_end(void **state)
{
	struct mh_frames f = { 0 };

	(void)state;
	add(&f, 1, 1, 2, 0x10);
	add(&f, 1, 2, 1, 0x20);
	add(&f, 1, 3, 3, 0x30);
	mh_frames_finish(&f);
	assert_null(mh_frames_caller(&f, mh_frames_find(&f, 1, 1)));
	assert_null(mh_frames_caller(&f, mh_frames_find(&f, 1, 3)));
	assert_int_equal(mh_frames_caller(&f, mh_frames_find(&f, 1, 2))->id, 1);
	mh_frames_fini(&f);
}

static void test_caller_of_a_sample(void **state)
{
	const uint64_t kernel = 0xffffffff81000000;
	struct mh_frames f = { 0 };

	(void)state;
	add(&f, 1, 1, 0, 0x10);
	add(&f, 1, 2, 1, 0x20);
	add(&f, 1, 3, 2, kernel + 0x30);
	mh_frames_finish(&f);
	assert_int_equal(mh_frames_caller_of(&f, 1, 2, 0x20)->ip, 0x10);
	/* The interrupt came later than what was sampled. */
	assert_int_equal(mh_frames_caller_of(&f, 1, 2, 0x1c)->ip, 0x10);
	assert_int_equal(mh_frames_caller_of(&f, 1, 3, kernel + 0x30)->ip, 0x20);
	/* The kernel's frames were not recorded. */
	assert_int_equal(mh_frames_caller_of(&f, 1, 2, kernel)->ip, 0x20);
	assert_null(mh_frames_caller_of(&f, 1, 1, 0x10));
	assert_null(mh_frames_caller_of(&f, 1, 0, 0x10));
	mh_frames_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_of_two_sources),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_rings_end),
		cmocka_unit_test(test_caller_of_a_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
