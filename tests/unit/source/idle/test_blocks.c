/* SPDX-License-Identifier: MIT */
/* The pass over the bitmap, on a bitmap that behaves as the kernel's does. */
#include "../../test.h"

#include <stdlib.h>

#include "fake_bitmap.h"

struct tracker {
	struct idle_blocks blocks;
	struct idle_io io;
	struct mh_err err;
};

static struct fake_bitmap *fake;

static int setup(void **state)
{
	(void)state;
	fake = malloc(sizeof(*fake));
	fake_init(fake);
	return fake ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(fake);
	return 0;
}

static void want(struct tracker *t, uint64_t first, uint64_t end)
{
	for (; first < end; first++)
		assert_int_equal(mh_idle_blocks_want(&t->blocks, first, 1, &t->err), 0);
}

/* A scan of page frames [first, end). */
static void scan(struct tracker *t, uint64_t first, uint64_t end)
{
	t->io = fake_io(fake);
	mh_idle_blocks_begin(&t->blocks);
	want(t, first, end);
	if (mh_idle_blocks_scan(&t->blocks, &t->io, &t->err))
		fail_msg("%s", t->err.msg);
}

static enum idle_state state_of(struct tracker *t, uint64_t pfn)
{
	return mh_idle_blocks_state(&t->blocks, pfn);
}

static void tells_touched_frames_after_arming(void **state)
{
	struct tracker t = { 0 };
	uint64_t pfn;

	(void)state;
	scan(&t, 100, 70000);
	for (pfn = 100; pfn < 70000; pfn++)
		assert_int_equal(state_of(&t, pfn), IDLE_UNARMED);
	for (pfn = 1000; pfn < 5096; pfn++)
		fake_touch(fake, pfn);
	fake_touch(fake, 69999);
	scan(&t, 100, 70000);
	for (pfn = 100; pfn < 70000; pfn++)
		assert_int_equal(state_of(&t, pfn),
				 (pfn >= 1000 && pfn < 5096) || pfn == 69999
					 ? IDLE_ACCESSED
					 : IDLE_IDLE);
	assert_int_equal(state_of(&t, 99), IDLE_UNTRACKED);
	assert_int_equal(state_of(&t, 1u << 30), IDLE_UNTRACKED);
	assert_true(fake->longest <= FAKE_MAX_READ);
	assert_int_equal(fake->nr_reads, 6);
	/* Reading armed them again. */
	scan(&t, 100, 70000);
	for (pfn = 100; pfn < 70000; pfn++)
		assert_int_equal(state_of(&t, pfn), IDLE_IDLE);
	mh_idle_blocks_fini(&t.blocks);
}

static void short_reads_are_read_on(void **state)
{
	struct tracker t = { 0 };

	(void)state;
	fake->max_read = 24;
	scan(&t, 0, 4096);
	fake_touch(fake, 4095);
	scan(&t, 0, 4096);
	assert_int_equal(state_of(&t, 4094), IDLE_IDLE);
	assert_int_equal(state_of(&t, 4095), IDLE_ACCESSED);
	mh_idle_blocks_fini(&t.blocks);
}

static void a_last_partial_word_is_untracked(void **state)
{
	struct tracker t = { 0 };
	uint64_t last = FAKE_PFNS - 64;

	(void)state;
	fake->end -= 8;
	scan(&t, last - 64, FAKE_PFNS);
	scan(&t, last - 64, FAKE_PFNS);
	assert_int_equal(state_of(&t, last - 1), IDLE_IDLE);
	assert_int_equal(state_of(&t, last), IDLE_UNTRACKED);
	assert_int_equal(t.blocks.nr_other, 64);
	/* Nothing but such a word: no write, no failure. */
	scan(&t, last, FAKE_PFNS);
	assert_int_equal(state_of(&t, last), IDLE_UNTRACKED);
	mh_idle_blocks_fini(&t.blocks);
}

/* A mapped device: its frames may have numbers of more than 32 bits, and are no pages. */
static void frames_beyond_memory_are_untracked(void **state)
{
	const uint64_t device = (UINT64_C(1) << 33) + 77;
	struct tracker t = { 0 };
	int round;

	(void)state;
	for (round = 0; round < 2; round++) {
		t.io = fake_io(fake);
		mh_idle_blocks_begin(&t.blocks);
		want(&t, device, device + 100);
		want(&t, device % 64, device % 64 + 1);
		assert_int_equal(mh_idle_blocks_scan(&t.blocks, &t.io, &t.err), 0);
	}
	assert_int_equal(state_of(&t, device), IDLE_UNTRACKED);
	assert_int_equal(state_of(&t, device % 64), IDLE_IDLE);
	assert_int_equal(t.blocks.nr_other, 100);
	assert_int_equal(fake->nr_writes, 1);
	assert_int_equal(fake->idle[0], UINT64_C(1) << device % 64);
	mh_idle_blocks_fini(&t.blocks);
}

static void tails_follow_their_head(void **state)
{
	struct tracker t = { 0 };
	uint64_t pfn;

	(void)state;
	fake_folio(fake, 1024, 512, FAKE_LRU);
	fake_folio(fake, 2048, 16, FAKE_LRU);
	scan(&t, 1024, 2064);
	fake_touch(fake, 2050);
	scan(&t, 1024, 2064);
	for (pfn = 1024; pfn < 2048; pfn++)
		assert_int_equal(state_of(&t, pfn), IDLE_IDLE);
	for (pfn = 2048; pfn < 2064; pfn++)
		assert_int_equal(state_of(&t, pfn), IDLE_ACCESSED);
	/* Only a tail is wanted: its head is armed and read all the same. */
	scan(&t, 1500, 1501);
	fake_touch(fake, 1024);
	scan(&t, 1500, 1501);
	assert_int_equal(state_of(&t, 1500), IDLE_ACCESSED);
	mh_idle_blocks_fini(&t.blocks);
}

static void pages_without_a_bit_are_untracked(void **state)
{
	struct tracker t = { 0 };

	(void)state;
	fake_folio(fake, 512, 512, FAKE_HUGETLB);
	fake->flags[10] = FAKE_ZERO | FAKE_LRU;
	fake->flags[11] = FAKE_NOPAGE;
	fake->flags[12] = 0;
	scan(&t, 0, 1024);
	scan(&t, 0, 1024);
	assert_int_equal(state_of(&t, 9), IDLE_IDLE);
	assert_int_equal(state_of(&t, 10), IDLE_UNTRACKED);
	assert_int_equal(state_of(&t, 11), IDLE_UNTRACKED);
	assert_int_equal(state_of(&t, 12), IDLE_UNTRACKED);
	assert_int_equal(state_of(&t, 700), IDLE_UNTRACKED);
	assert_int_equal(t.blocks.nr_hugetlb, 512);
	assert_int_equal(t.blocks.nr_other, 3);
	/* On the LRU since the scan before: not armed, so nothing is known. */
	fake->flags[12] = FAKE_LRU;
	scan(&t, 0, 1024);
	assert_int_equal(state_of(&t, 12), IDLE_UNARMED);
	mh_idle_blocks_fini(&t.blocks);
}

/* Pages of both lie in the same words, every other one. */
static void two_trackers_do_not_disturb_each_other(void **state)
{
	struct tracker even = { 0 }, odd = { 0 };
	struct tracker *each[] = { &even, &odd };
	uint64_t pfn;
	int round, i;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 2; i++) {
			struct tracker *t = each[i];

			t->io = fake_io(fake);
			mh_idle_blocks_begin(&t->blocks);
			for (pfn = (uint64_t)i; pfn < 4096; pfn += 2)
				assert_int_equal(
					mh_idle_blocks_want(&t->blocks, pfn, 1, &t->err),
					0);
			assert_int_equal(mh_idle_blocks_scan(&t->blocks, &t->io, &t->err),
					 0);
		}
		if (round == 0) {
			for (pfn = 0; pfn < 4096; pfn++)
				assert_true(fake_is_idle(fake, pfn));
			for (pfn = 0; pfn < 100; pfn++)
				fake_touch(fake, pfn);
			/* The first one scans, and scans: the second's page stays. */
			assert_int_equal(
				mh_idle_blocks_scan(&even.blocks, &even.io, &even.err),
				0);
			assert_false(fake_is_idle(fake, 99));
			fake_touch(fake, 98);
		}
	}
	for (pfn = 0; pfn < 4096; pfn += 2)
		assert_int_equal(state_of(&even, pfn),
				 pfn == 98 ? IDLE_ACCESSED : IDLE_IDLE);
	for (pfn = 1; pfn < 4096; pfn += 2)
		assert_int_equal(state_of(&odd, pfn),
				 pfn < 100 ? IDLE_ACCESSED : IDLE_IDLE);
	mh_idle_blocks_fini(&even.blocks);
	mh_idle_blocks_fini(&odd.blocks);
}

static void idle_pages_cost_no_more_than_their_bit(void **state)
{
	struct tracker t = { 0 };
	size_t writes;

	(void)state;
	scan(&t, 0, IDLE_BLOCK_PFNS);
	assert_int_equal(fake->nr_flags, IDLE_BLOCK_PFNS);
	fake_touch(fake, 77);
	fake->nr_flags = 0;
	writes = fake->nr_writes;
	scan(&t, 0, IDLE_BLOCK_PFNS);
	assert_int_equal(fake->nr_flags, 1);
	assert_int_equal(fake->nr_writes, writes + 1);
	assert_int_equal(state_of(&t, 77), IDLE_ACCESSED);
	assert_int_equal(state_of(&t, 78), IDLE_IDLE);
	fake->nr_flags = 0;
	scan(&t, 0, IDLE_BLOCK_PFNS);
	assert_int_equal(fake->nr_flags, 0);
	assert_int_equal(state_of(&t, 77), IDLE_IDLE);
	mh_idle_blocks_fini(&t.blocks);
}

/* Freed pages lose their bit, whatever they become. */
static void pages_that_become_a_huge_page(void **state)
{
	struct tracker t = { 0 };
	uint64_t pfn;

	(void)state;
	scan(&t, 0, 2048);
	scan(&t, 0, 2048);
	for (pfn = 512; pfn < 1024; pfn++)
		fake_touch(fake, pfn);
	fake_folio(fake, 512, 512, FAKE_LRU);
	fake->flags[1500] = 0;
	fake_touch(fake, 1500);
	scan(&t, 0, 2048);
	assert_int_equal(state_of(&t, 511), IDLE_IDLE);
	assert_int_equal(state_of(&t, 512), IDLE_ACCESSED);
	assert_int_equal(state_of(&t, 1023), IDLE_ACCESSED);
	assert_int_equal(state_of(&t, 1024), IDLE_IDLE);
	assert_int_equal(state_of(&t, 1500), IDLE_UNTRACKED);
	scan(&t, 0, 2048);
	assert_int_equal(state_of(&t, 512), IDLE_IDLE);
	assert_int_equal(state_of(&t, 1023), IDLE_IDLE);
	/* Split again: each has a bit of its own, as idle as the whole was. */
	for (pfn = 512; pfn < 1024; pfn++) {
		fake->flags[pfn] = FAKE_LRU;
		fake->idle[pfn / 64] |= 1ull << pfn % 64;
	}
	fake_touch(fake, 600);
	scan(&t, 0, 2048);
	assert_int_equal(state_of(&t, 599), IDLE_IDLE);
	assert_int_equal(state_of(&t, 600), IDLE_ACCESSED);
	mh_idle_blocks_fini(&t.blocks);
}

static void windows_are_per_block(void **state)
{
	struct tracker t = { 0 };

	(void)state;
	scan(&t, 0, FAKE_PFNS);
	assert_int_equal(mh_idle_blocks_window_ns(&t.blocks, 0.5), 0);
	scan(&t, 0, FAKE_PFNS);
	assert_int_equal(t.blocks.windows_ns.nr, 3);
	assert_true(mh_idle_blocks_window_ns(&t.blocks, 0.5) > 0);
	assert_true(mh_idle_blocks_window_ns(&t.blocks, 0.99) >=
		    mh_idle_blocks_window_ns(&t.blocks, 0.5));
	mh_idle_blocks_fini(&t.blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_touched_frames_after_arming, setup,
						teardown),
		cmocka_unit_test_setup_teardown(short_reads_are_read_on, setup, teardown),
		cmocka_unit_test_setup_teardown(a_last_partial_word_is_untracked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(frames_beyond_memory_are_untracked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tails_follow_their_head, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_without_a_bit_are_untracked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(two_trackers_do_not_disturb_each_other,
						setup, teardown),
		cmocka_unit_test_setup_teardown(idle_pages_cost_no_more_than_their_bit,
						setup, teardown),
		cmocka_unit_test_setup_teardown(pages_that_become_a_huge_page, setup,
						teardown),
		cmocka_unit_test_setup_teardown(windows_are_per_block, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
