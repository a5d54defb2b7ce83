/* SPDX-License-Identifier: MIT */
/* Memory of any size is zero, whole, and may be given back; what cannot be is NULL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pages.h"

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 1,
					4096,
					MH_HUGE_PAGE / 4 * 3 - 1,
					MH_HUGE_PAGE / 4 * 3,
					MH_HUGE_PAGE,
					MH_HUGE_PAGE + 1,
					3 * MH_HUGE_PAGE - 1 };
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *first = mh_pages_new(sizes[i]);
		unsigned char *second = mh_pages_new(sizes[i]);

		assert_non_null(first);
		assert_non_null(second);
		memset(first, 0xff, sizes[i]);
		for (k = 0; k < sizes[i]; k++)
			assert_int_equal(second[k], 0);
		mh_pages_free(first, sizes[i]);
		memset(second, 0xff, sizes[i]);
		mh_pages_free(second, sizes[i]);
	}
}

static void test_large_ones_are_aligned(void **state)
{
	void *pages = mh_pages_new(MH_HUGE_PAGE);

	(void)state;
	assert_int_equal((uintptr_t)pages % MH_HUGE_PAGE, 0);
	mh_pages_free(pages, MH_HUGE_PAGE);
}

static void test_impossible(void **state)
{
	(void)state;
	assert_null(mh_pages_new(SIZE_MAX));
	assert_null(mh_pages_new(SIZE_MAX / 2));
	mh_pages_free(NULL, 1);
	mh_pages_free(NULL, MH_HUGE_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_large_ones_are_aligned),
		cmocka_unit_test(test_impossible),
	};

	return cmocka_run_group_tests_name("base/pages", tests, NULL, NULL);
}
