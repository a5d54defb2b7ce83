/* SPDX-License-Identifier: MIT */
/* Views: percentiles, units, release, and the heatmap as text. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

static void percentiles_are_damos(void **state)
{
	uint64_t v[] = { 10, 20, 30, 40 };
	struct mh_wss_series s = { .sorted = v, .n = 4 };

	(void)state;
	assert_int_equal(mh_wss_percentile(&s, 0), 10);
	assert_int_equal(mh_wss_percentile(&s, 24.9), 10);
	assert_int_equal(mh_wss_percentile(&s, 25), 20);
	assert_int_equal(mh_wss_percentile(&s, 50), 30);
	assert_int_equal(mh_wss_percentile(&s, 99), 40);
	assert_int_equal(mh_wss_percentile(&s, 100), 40);
	s.n = 0;
	assert_true(mh_wss_percentile(&s, 50) == MH_NO_DATA);
}

static void units_have_names(void **state)
{
	(void)state;
	assert_string_equal(mh_unit_name(MH_UNIT_HIT_RATIO), "accessed in % of checks");
	assert_string_equal(mh_unit_short(MH_UNIT_FAULTS_PER_S), "faults/s");
	assert_string_equal(mh_unit_word(MH_UNIT_TOUCHED_RATIO), "touched_ratio");
}

static void zeroed_views_are_released(void **state)
{
	struct mh_heatmap map = { 0 };
	struct mh_wss wss = { 0 };
	struct mh_mappings m = { 0 };
	struct mh_footprint f = { 0 };
	struct mh_summary s = { 0 };

	(void)state;
	mh_heatmap_fini(&map);
	mh_wss_fini(&wss);
	mh_mappings_fini(&m);
	mh_footprint_fini(&f);
	mh_summary_fini(&s);
	mh_heatmap_fini(NULL);
	mh_wss_fini(NULL);
	mh_mappings_fini(NULL);
	mh_footprint_fini(NULL);
	mh_summary_fini(NULL);
}

static void a_heatmap_prints_its_states(void **state)
{
	double max[] = { NAN, NAN, 0, 0.1, 1, 0.5 };
	uint8_t cells[] = { MH_CELL_UNMAPPED, MH_CELL_NOT_OBSERVED, MH_CELL_ZERO,
			    MH_CELL_VALUE,    MH_CELL_VALUE,	    MH_CELL_FEW };
	struct mh_band band = { .name = "[heap]", .addr = { 0x1000, 0x3000 },
				.nr_rows = 2, .bytes = 8192, .share = 1 };
	struct mh_heatmap map = { .rows = 2, .cols = 3, .mean = max, .max = max,
				  .state = cells, .bands = &band, .nr_bands = 1,
				  .time_ns = { 0, 30 }, .value_max = 1 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	assert_int_equal(mh_heatmap_print(out, &map, NULL), MH_OK);
	fclose(out);
	assert_string_equal(text,
			    "time 0-30 unit hit_ratio max 1\n"
			    "band rows 0+2 1000-3000 bytes 8192 gap 0 share 1.0000 [heap]\n"
			    "|19e|\n"
			    "| ?.|\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_damos),
		cmocka_unit_test(units_have_names),
		cmocka_unit_test(zeroed_views_are_released),
		cmocka_unit_test(a_heatmap_prints_its_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
