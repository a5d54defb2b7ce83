/* SPDX-License-Identifier: MIT */
/*
 * Rows into snapshots: the hazards that a stream of a real kernel showed. Rows of two
 * CPUs interleave, the clocks of CPUs differ within one snapshot, rows are missing.
 */
#include "../../test.h"

#include <stdlib.h>

#include "source/snapshot.h"

#define MS 1000000u

struct seen {
	size_t nr, nr_missing[8], nr_rows[8];
	uint64_t target[8], time_ns[8], previous_ns[8], first[8];
};

static int keep(void *arg, const struct mh_snapshot *snap, struct mh_err *err)
{
	struct seen *s = arg;
	size_t i;

	(void)err;
	assert_in_range(s->nr, 0, 7);
	for (i = 1; i < snap->nr; i++)
		assert_true(snap->rows[i - 1].end <= snap->rows[i].start);
	s->target[s->nr] = snap->target;
	s->time_ns[s->nr] = snap->time_ns;
	s->previous_ns[s->nr] = snap->previous_ns;
	s->nr_rows[s->nr] = snap->nr;
	s->first[s->nr] = snap->rows[0].start;
	s->nr_missing[s->nr++] = snap->nr_missing;
	return MH_OK;
}

static void add(struct mh_assembly *a, struct seen *s, uint64_t target, uint64_t time_ns,
		unsigned i, unsigned nr)
{
	struct mh_region_row row = { .time_ns = time_ns,
				     .target = target,
				     .nr_regions = nr,
				     .start = 0x1000 * i,
				     .end = 0x1000 * (i + 1) };
	struct mh_err err;

	assert_status(mh_assembly_add(a, &row, keep, s, &err), MH_OK, &err);
}

static void flush(struct mh_assembly *a, struct seen *s, uint64_t before_ns)
{
	struct mh_err err;

	assert_status(mh_assembly_flush(a, before_ns, keep, s, &err), MH_OK, &err);
}

static void test_whole_snapshots(void **state)
{
	struct mh_assembly a = { .window_ns = 90 * MS };
	struct seen s = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		add(&a, &s, 0, 100 * MS + i * 1000, i, 3);
	assert_int_equal(s.nr, 1); /* whole at once, no row of the next is needed */
	add(&a, &s, 0, 200 * MS, 0, 1);
	assert_int_equal(s.nr, 2);
	assert_int_equal(s.time_ns[0], 100 * MS);
	assert_int_equal(s.previous_ns[0], 0);
	assert_int_equal(s.previous_ns[1], 100 * MS);
	assert_int_equal(s.nr_missing[0] + s.nr_missing[1], 0);
	mh_assembly_fini(&a);
}

/* The file of a recorder with rings per CPU: the tail comes before the head. */
static void test_order_of_rings(void **state)
{
	static const unsigned order[] = { 4, 5, 0, 1, 3, 2 };
	struct mh_assembly a = { .window_ns = 90 * MS };
	struct seen s = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++)
		add(&a, &s, 0, 100 * MS + order[i] * 1000, order[i], 6);
	assert_int_equal(s.nr, 1);
	assert_int_equal(s.nr_rows[0], 6);
	assert_int_equal(s.first[0], 0);
	assert_int_equal(s.time_ns[0], 100 * MS); /* of the earliest row */
	mh_assembly_fini(&a);
}

/* Sorted by time, but one CPU's clock is 1 ms behind: rows interleave. */
static void test_skew(void **state)
{
	struct mh_assembly a = { .window_ns = 90 * MS };
	struct seen s = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		add(&a, &s, 0, 100 * MS + i * 1000, i + 4, 8);
		add(&a, &s, 0, 100 * MS + i * 1000 + 500, i, 8);
	}
	assert_int_equal(s.nr, 1);
	assert_int_equal(s.nr_rows[0], 8);
	mh_assembly_fini(&a);
}

static void test_missing_rows(void **state)
{
	struct mh_assembly a = { .window_ns = 90 * MS };
	struct seen s = { 0 };

	(void)state;
	add(&a, &s, 0, 100 * MS, 0, 4);
	add(&a, &s, 0, 100 * MS + 1000, 1, 4);
	/* Same count, and it would fit into the gap: only its time tells it apart. */
	add(&a, &s, 0, 200 * MS, 2, 4);
	assert_int_equal(s.nr, 1);
	assert_int_equal(s.nr_rows[0], 2);
	assert_int_equal(s.nr_missing[0], 2);
	/* The next with another count ends it as well. */
	add(&a, &s, 0, 200 * MS + 1000, 0, 1);
	assert_int_equal(s.nr, 3);
	assert_int_equal(s.nr_missing[1], 3);
	assert_int_equal(s.nr_missing[2], 0);
	mh_assembly_fini(&a);
}

static void test_targets_apart(void **state)
{
	struct mh_assembly a = { .window_ns = 90 * MS };
	struct seen s = { 0 };
	uint64_t pointer = 0xffff888012345678;

	(void)state;
	add(&a, &s, 0, 100 * MS, 0, 2);
	add(&a, &s, pointer, 100 * MS, 0, 2); /* as Linux 5.15 numbers them */
	add(&a, &s, 0, 100 * MS, 1, 2);
	add(&a, &s, pointer, 100 * MS, 1, 2);
	assert_int_equal(s.nr, 2);
	assert_true(s.target[1] == pointer);
	mh_assembly_fini(&a);
}

static void test_flush(void **state)
{
	struct mh_assembly a = { .window_ns = 90 * MS };
	struct seen s = { 0 };

	(void)state;
	add(&a, &s, 0, 100 * MS, 0, 3);
	flush(&a, &s, 100 * MS);
	assert_int_equal(s.nr, 0); /* more may come */
	flush(&a, &s, 101 * MS);
	assert_int_equal(s.nr, 1);
	assert_int_equal(s.nr_missing[0], 2);
	flush(&a, &s, UINT64_MAX);
	assert_int_equal(s.nr, 1); /* once only */
	mh_assembly_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_snapshots),
		cmocka_unit_test(test_order_of_rings),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_missing_rows),
		cmocka_unit_test(test_targets_apart),
		cmocka_unit_test(test_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
