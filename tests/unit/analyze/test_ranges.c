/* SPDX-License-Identifier: MIT */
/* Sets of ranges, and the tables beside them. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/numbering.h"
#include "analyze/lookup.h"
#include "analyze/ranges.h"

static void neighbours_join(void **state)
{
	struct mh_ranges set = { 0 };

	(void)state;
	assert_int_equal(mh_ranges_add(&set, (struct mh_range){ 10, 20 }, 1), 0);
	assert_int_equal(mh_ranges_add(&set, (struct mh_range){ 30, 40 }, 2), 0);
	assert_int_equal(set.nr, 2);
	assert_int_equal(mh_ranges_add(&set, (struct mh_range){ 20, 30 }, 4), 0);
	assert_int_equal(set.nr, 1);
	assert_int_equal(set.v[0].r.start, 10);
	assert_int_equal(set.v[0].r.end, 40);
	assert_true(set.v[0].heat == 7);
	mh_ranges_fini(&set);
}

static void near_ones_join_too(void **state)
{
	struct mh_ranges set = { .join = 5 };

	(void)state;
	assert_int_equal(mh_ranges_add(&set, (struct mh_range){ 10, 20 }, 0), 0);
	assert_int_equal(mh_ranges_add(&set, (struct mh_range){ 26, 30 }, 0), 0);
	assert_int_equal(set.nr, 2);
	assert_int_equal(mh_ranges_add(&set, (struct mh_range){ 0, 5 }, 0), 0);
	assert_int_equal(set.nr, 2);
	assert_int_equal(set.v[0].r.start, 0);
	assert_int_equal(mh_ranges_add(&set, (struct mh_range){ 21, 22 }, 0), 0);
	assert_int_equal(set.nr, 1);
	assert_int_equal(set.v[0].r.end, 30);
	mh_ranges_fini(&set);
}

static void random_unions_agree_with_a_bitmap(void **state)
{
	unsigned seed = 7, round, i;

	(void)state;
	for (round = 0; round < 200; round++) {
		struct mh_ranges set = { 0 };
		char bitmap[300] = { 0 };
		uint64_t bytes = 0;

		for (i = 0; i < 30; i++) {
			unsigned start, end;

			seed = seed * 1103515245 + 12345;
			start = (seed >> 16) % 280;
			end = start + 1 + (seed >> 8) % 12;
			memset(bitmap + start, 1, end - start);
			assert_int_equal(
				mh_ranges_add(&set, (struct mh_range){ start, end }, 1), 0);
		}
		for (i = 0; i < sizeof(bitmap); i++) {
			size_t at = mh_ranges_find(&set, i);

			bytes += (uint64_t)bitmap[i];
			assert_int_equal(bitmap[i],
					 at < set.nr && set.v[at].r.start <= i);
		}
		assert_int_equal(mh_ranges_bytes(&set), bytes);
		for (i = 1; i < set.nr; i++)
			assert_true(set.v[i - 1].r.end < set.v[i].r.start);
		mh_ranges_fini(&set);
	}
}

static void an_index_finds_what_was_set(void **state)
{
	struct mh_numbering ix = { 0 };
	uint64_t i;

	(void)state;
	assert_int_equal(mh_numbering_get(&ix, 5), MH_NUMBER_NONE);
	for (i = 0; i < 5000; i++)
		assert_int_equal(mh_numbering_set(&ix, i << 21, (uint32_t)i), 0);
	assert_int_equal(mh_numbering_set(&ix, 3 << 21, 99), 0);
	assert_int_equal(ix.nr, 5000);
	for (i = 0; i < 5000; i++)
		assert_int_equal(mh_numbering_get(&ix, i << 21), i == 3 ? 99 : i);
	assert_int_equal(mh_numbering_get(&ix, 1), MH_NUMBER_NONE);
	mh_numbering_fini(&ix);
}

static void lookups_agree_with_a_search(void **state)
{
	struct mh_lookup *l = calloc(1, sizeof(*l));
	unsigned seed = 3, i;

	(void)state;
	assert_non_null(l);
	assert_int_equal(mh_lookup_init(l, 100), 0);
	/* Two spaces with 50 stretches of 1 MiB every 3 MiB: guesses are often wrong. */
	for (i = 0; i < 100; i++)
		l->v[i] = (struct mh_stretch){ i / 50, (i % 50) * UINT64_C(3) << 20,
					       1 << 20 };
	for (i = 0; i < 200000; i++) {
		uint64_t addr, key;
		uint32_t want;

		seed = seed * 1103515245 + 12345;
		addr = (seed >> 8) % (160u << 20);
		key = (seed >> 3) % 3;
		want = key < 2 && addr / (3 << 20) < 50 && addr % (3 << 20) < 1 << 20 ?
			       (uint32_t)(key * 50 + addr / (3 << 20)) :
			       MH_LOOKUP_NONE;
		assert_int_equal(mh_lookup_find(l, key, addr), want);
	}
	mh_lookup_fini(l);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_join),
		cmocka_unit_test(near_ones_join_too),
		cmocka_unit_test(random_unions_agree_with_a_bitmap),
		cmocka_unit_test(an_index_finds_what_was_set),
		cmocka_unit_test(lookups_agree_with_a_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
