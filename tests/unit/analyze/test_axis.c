/* SPDX-License-Identifier: MIT */
/* Axes: bins without division are the bins with it. */
#include "test.h"

#include <math.h>

#include "analyze/axis.h"

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint32_t by_division(const struct mh_axis *a, uint64_t x)
{
	return (uint32_t)((unsigned __int128)(x - a->span.start) * a->bins /
			  mh_range_len(a->span));
}

static void check_at(const struct mh_axis *a, uint64_t x)
{
	if (x >= a->span.start && x < a->span.end)
		assert_int_equal(mh_axis_bin(a, x), by_division(a, x));
}

static void bins_are_exact(void **state)
{
	unsigned i, k;

	(void)state;
	for (i = 0; i < 20000; i++) {
		uint64_t len = (random64() >> 16 >> random64() % 47) + 1;
		uint64_t start = random64() >> 20;
		struct mh_axis a;

		mh_axis_init(&a, (struct mh_range){ start, start + len },
			     1 + (uint32_t)(random64() % 16384));
		for (k = 0; k < 8; k++) {
			uint32_t bin = (uint32_t)(random64() % a.bins);
			uint64_t edge = mh_axis_edge(&a, bin);

			check_at(&a, start + random64() % len);
			check_at(&a, edge);
			check_at(&a, edge - 1);
			check_at(&a, edge + 1);
		}
		check_at(&a, start);
		check_at(&a, start + len - 1);
	}
}

/* Past 2^48 a bin may be one low at an edge, never high and never out of range. */
static void huge_spans_stay_in_range(void **state)
{
	struct mh_axis a;
	unsigned i;

	(void)state;
	mh_axis_init(&a, (struct mh_range){ 0, UINT64_MAX }, 1080);
	assert_int_equal(mh_axis_bin(&a, 0), 0);
	assert_int_equal(mh_axis_bin(&a, UINT64_MAX - 1), 1079);
	for (i = 0; i < 10000; i++) {
		uint64_t x = random64();
		uint32_t bin = mh_axis_bin(&a, x), exact = by_division(&a, x);

		assert_true(bin == exact || bin + 1 == exact);
	}
}

static void covers_add_up(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		uint64_t len = random64() % 100000 + 1, x0, x1;
		struct mh_axis a;
		double sum = 0;
		uint32_t bin;

		mh_axis_init(&a, (struct mh_range){ 500, 500 + len },
			     1 + (uint32_t)(random64() % 300));
		x0 = 500 + random64() % len;
		x1 = x0 + 1 + random64() % (500 + len - x0);
		for (bin = 0; bin < a.bins; bin++) {
			double cover = mh_axis_cover(&a, bin, x0, x1);

			assert_true(cover >= 0 && cover <= 1);
			/* Only the bins from the first byte's to the last byte's. */
			assert_int_equal(cover > 0, bin >= mh_axis_bin(&a, x0) &&
							    bin <= mh_axis_last(&a, x1));
			sum += cover;
		}
		assert_true(fabs(sum * (double)len / a.bins - (double)(x1 - x0)) < 1e-6);
	}
}

static void edges_are_known(void **state)
{
	struct mh_axis a;

	(void)state;
	mh_axis_init(&a, (struct mh_range){ 100, 110 }, 4);
	assert_int_equal(mh_axis_edge(&a, 0), 100);
	assert_int_equal(mh_axis_edge(&a, 1), 103); /* 102.5 */
	assert_int_equal(mh_axis_edge(&a, 4), 110);
	assert_true(mh_axis_cover(&a, 0, 102, 103) == 0.2);
	assert_true(mh_axis_cover(&a, 1, 102, 103) == 0.2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_are_exact),
		cmocka_unit_test(huge_spans_stay_in_range),
		cmocka_unit_test(covers_add_up),
		cmocka_unit_test(edges_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
