/* SPDX-License-Identifier: MIT */
/* What samples tell of pages that they did not see. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "analyze/unseen.h"
#include "test.h"

static void by_hand(void **state)
{
	static const struct {
		uint64_t n, seen, once, twice;
		double total, low, high;
	} cases[] = {
		/* T 1/4, variance 2 (1/8 + 1/8 + 1/64): K 18.93
		 */
		{ 8, 4, 1, 2, 4.25, 4, 9 },
		/* T 1, variance 2 (1/2 + 1 + 1/4): K 11.06 */
		{ 60, 20, 2, 2, 21, 20, 32 },
		/* T 50, variance 25 (2 + 8 + 4): K 2.0329 */
		{ 300, 120, 50, 25, 170, 144, 222 },
		/* T 800,000, variance 100,000 (8 + 64 + 64): K 1.0090759 */
		{ 3000000, 1000000, 400000, 100000, 1800000, 1792804, 1807261 },
		/* No pair: T 6, variance 6 + 4 x 49 / 4 - 256 / 40: K 6.1208 */
		{ 4, 4, 4, 0, 10, 4, 41 },
		/* All often: P e^-3 */
		{ 30, 10, 0, 3, 10, 10, 12 },
		/* One sample: P 1/e */
		{ 1, 1, 1, 0, 1, 1, 4 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mh_unseen u = mh_unseen_estimate(cases[i].n, cases[i].seen,
							cases[i].once, cases[i].twice);

		assert_true(u.coverage == 1 - (double)cases[i].once / (double)cases[i].n);
		assert_true(u.total == cases[i].total);
		assert_true(u.low == cases[i].low);
		assert_true(u.high == cases[i].high);
	}
}

static uint64_t next(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#define PAGES  500
#define ROUNDS 1000

/* One round: @n samples of PAGES pages, of which the first half are @more times as
 * likely.
 */
static struct mh_unseen draw(uint64_t *seed, uint64_t n, uint64_t more)
{
	uint64_t hits[PAGES] = { 0 }, times[3] = { 0 }, i;

	for (i = 0; i < n; i++) {
		uint64_t half = next(seed) % (more + 1) == more;

		hits[half * (PAGES / 2) + next(seed) % (PAGES / 2)]++;
	}
	for (i = 0; i < PAGES; i++)
		times[hits[i] < 2 ? hits[i] : 2] += hits[i] <= 2;
	for (n = 0, i = 0; i < PAGES; i++)
		n += hits[i];
	return mh_unseen_estimate(n, PAGES - times[0], times[1], times[2]);
}

/* As often as it says, of pages that are all as likely or nearly so. */
static void holds_the_truth(void **state)
{
	static const struct {
		uint64_t n, more;
		double width; /* at most, of the mean interval */
	} cases[] = {
		{ 250, 1, 400 }, { 500, 1, 200 },  { 1000, 1, 80 }, { 2000, 1, 30 },
		{ 4000, 1, 10 }, { 1000, 2, 100 }, { 2000, 3, 60 },
	};
	uint64_t seed = 1;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned nr_in = 0;
		double width = 0;

		for (k = 0; k < ROUNDS; k++) {
			struct mh_unseen u = draw(&seed, cases[i].n, cases[i].more);

			assert_true(u.low <= u.total && u.total <= u.high);
			nr_in += u.low <= PAGES && PAGES <= u.high;
			width += (u.high - u.low) / ROUNDS;
		}
		/* 95 % of them, nearly: the interval is an approximation. */
		assert_in_range(nr_in, ROUNDS * 90 / 100, ROUNDS * 995 / 1000);
		assert_true(width < cases[i].width);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(holds_the_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
