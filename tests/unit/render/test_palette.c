/* SPDX-License-Identifier: MIT */
/* Colour maps, scales, ticks and labels: what must hold whatever is drawn. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/axis.h"
#include "render/palette.h"

static const enum mh_cmap cmaps[] = { MH_CMAP_INFERNO, MH_CMAP_VIRIDIS, MH_CMAP_MAGMA };

static void test_lightness_rises(void **state)
{
	struct mh_rgb c[256];
	size_t m;
	int i;

	(void)state;
	for (m = 0; m < 3; m++) {
		mh_palette_fill(c, cmaps[m], 0);
		/* 8-bit channels step back by less than any eye sees. */
		for (i = 1; i < 256; i++)
			assert_true(mh_rgb_lightness(c[i]) >
				    mh_rgb_lightness(c[i - 1]) - 0.15);
		for (i = 8; i < 256; i++)
			assert_true(mh_rgb_lightness(c[i]) > mh_rgb_lightness(c[i - 8]));
	}
}

static void test_known_colors(void **state)
{
	struct mh_rgb c[256], l[256];

	(void)state;
	mh_palette_fill(c, MH_CMAP_INFERNO, 0);
	assert_memory_equal(&c[0], "\x00\x00\x04", 3);
	assert_memory_equal(&c[255], "\xfc\xff\xa4", 3);
	mh_palette_fill(l, MH_CMAP_INFERNO, 1);
	assert_memory_equal(&l[0], &c[255], 3);
	mh_palette_fill(c, MH_CMAP_VIRIDIS, 0);
	assert_memory_equal(&c[0], "\x44\x01\x54", 3);
	/* Published value at the middle: 0.127568, 0.566949, 0.550556. */
	assert_true(abs(c[128].r - 33) <= 4 && abs(c[128].g - 145) <= 4 &&
		    abs(c[128].b - 140) <= 4);
}

static void test_256(void **state)
{
	(void)state;
	assert_int_equal(mh_rgb_to_256((struct mh_rgb){ 0, 0, 0 }), 16);
	assert_int_equal(mh_rgb_to_256((struct mh_rgb){ 255, 255, 255 }), 231);
	assert_int_equal(mh_rgb_to_256((struct mh_rgb){ 255, 0, 0 }), 196);
	assert_int_equal(mh_rgb_to_256((struct mh_rgb){ 128, 128, 128 }), 244);
}

static void check_scale(enum mh_unit unit, enum mh_scale kind, double lo, double hi)
{
	struct mh_heatmap map = { .unit = unit, .value_max = 5e6, .value_p999 = 1e6 };
	struct mh_scale_tick ticks[MH_SCALE_TICKS];
	struct mh_color_scale s;
	double top, before = -1;
	unsigned level = 0, next;
	size_t n, i;
	int k;

	mh_color_scale_init(&s, &map, kind, lo, hi);
	top = s.hi;
	assert_true(mh_color_scale_place(&s, s.lo) == 0);
	assert_true(mh_color_scale_place(&s, top) == 1);
	assert_true(mh_color_scale_place(&s, top * 10) == 1);
	assert_int_equal(mh_color_scale_level(&s, 0, 208), 0);
	assert_true(mh_color_scale_level(&s, 1e-300, 208) > 0);
	assert_int_equal(mh_color_scale_level(&s, top, 208), 207);
	for (k = 0; k <= 1000; k++) {
		double v = s.lo + (top - s.lo) * k / 1000,
		       place = mh_color_scale_place(&s, v);

		assert_true(place > before);
		before = place;
		assert_true(fabs(mh_color_scale_value(&s, place) - v) < 1e-6 * top);
		next = mh_color_scale_level(&s, v, 208);
		assert_true(next >= level && next < 208);
		level = next;
	}
	n = mh_color_scale_ticks(&s, ticks);
	assert_true(n >= 2 && n <= MH_SCALE_TICKS);
	assert_true(ticks[0].place == 0 && ticks[n - 1].place == 1);
	for (i = 1; i < n; i++)
		assert_true(ticks[i].place > ticks[i - 1].place);
}

static void test_scales(void **state)
{
	int kind;

	(void)state;
	for (kind = MH_SCALE_AUTO; kind <= MH_SCALE_LOG; kind++) {
		check_scale(MH_UNIT_HIT_RATIO, (enum mh_scale)kind, 0, 0);
		check_scale(MH_UNIT_ACCESSES_PER_S, (enum mh_scale)kind, 0, 0);
		check_scale(MH_UNIT_TOUCHED_RATIO, (enum mh_scale)kind, 0.1, 0.6);
		check_scale(MH_UNIT_FAULTS_PER_S, (enum mh_scale)kind, 10, 1e9);
	}
}

static void test_auto_scale(void **state)
{
	struct mh_heatmap map = { .unit = MH_UNIT_HIT_RATIO,
				  .value_max = 0.2,
				  .value_p999 = 0.1 };
	struct mh_color_scale s;

	(void)state;
	/* Ratios of two pictures can be compared, so no picture's own top counts. */
	mh_color_scale_init(&s, &map, MH_SCALE_AUTO, 0, 0);
	assert_int_equal(s.kind, MH_SCALE_SQRT);
	assert_true(s.hi == 1 && !s.clipped);
	mh_color_scale_init(&s, &map, MH_SCALE_AUTO, 0, 0.1);
	assert_true(s.clipped);
	map.unit = MH_UNIT_FAULTS_PER_S;
	mh_color_scale_init(&s, &map, MH_SCALE_AUTO, 0, 0);
	assert_int_equal(s.kind, MH_SCALE_LOG);
	assert_true(s.hi == 0.1 && s.clipped);
	/* Nothing at all was seen. */
	map.value_max = map.value_p999 = 0;
	mh_color_scale_init(&s, &map, MH_SCALE_AUTO, 0, 0);
	assert_true(s.hi > 0 && !s.clipped);
	map.value_max = map.value_p999 = NAN;
	mh_color_scale_init(&s, &map, MH_SCALE_AUTO, 0, 0);
	assert_true(s.hi > 0 && !s.clipped);
}

static void check_times(struct mh_range r, unsigned most)
{
	struct mh_tick t[64];
	size_t n = mh_axis_time(t, 64, r, most), i;
	uint64_t step = n > 1 ? t[1].at - t[0].at : 0;

	assert_true(n <= most && n <= 64);
	for (i = 0; i < n; i++) {
		assert_true(t[i].at >= r.start && t[i].at <= r.end);
		if (i) {
			assert_int_equal(t[i].at - t[i - 1].at, step);
			assert_string_not_equal(t[i].text, t[i - 1].text);
		}
		if (step)
			assert_int_equal(t[i].at % step, 0);
	}
	if (most >= 8 && mh_range_len(r) >= 10)
		assert_true(n >= 2);
}

static void test_time_ticks(void **state)
{
	struct mh_tick t[64];
	uint64_t len;
	unsigned most;

	(void)state;
	for (most = 1; most < 20; most++) {
		for (len = 1; len < UINT64_MAX / 7; len = len * 3 + 1) {
			check_times((struct mh_range){ 0, len }, most);
			check_times((struct mh_range){ len / 3, len }, most);
			check_times((struct mh_range){ UINT64_MAX - len, UINT64_MAX },
				    most);
		}
	}
	assert_int_equal(mh_axis_time(t, 64, (struct mh_range){ 0, 56800000000 }, 8), 6);
	assert_string_equal(t[1].text, "10 s");
	mh_axis_time(t, 64, (struct mh_range){ 0, 400000000 }, 5);
	assert_string_equal(t[1].text, "100 ms");
	mh_axis_time(t, 64, (struct mh_range){ 0, 600000000000 }, 8);
	assert_string_equal(t[1].text, "2:00");
	mh_axis_time(t, 64, (struct mh_range){ 0, 7200000000000 }, 6);
	assert_string_equal(t[1].text, "0:30:00");
	assert_int_equal(mh_axis_time(t, 64, (struct mh_range){ 5, 5 }, 8), 0);
}

static void test_offset_ticks(void **state)
{
	struct mh_tick t[64];
	uint64_t bytes;
	unsigned most;
	size_t n, i;

	(void)state;
	for (most = 1; most < 20; most++) {
		for (bytes = 1; bytes < UINT64_MAX / 3; bytes = bytes * 2 + 1) {
			n = mh_axis_offsets(t, 64, bytes, most);
			assert_true(n <= most);
			assert_true(bytes < 2 || n > 0);
			assert_true(n == 0 || !(t[0].at & (t[0].at - 1)));
			for (i = 0; i < n; i++)
				assert_true(t[i].at == (i + 1) * t[0].at &&
					    t[i].at < bytes);
		}
	}
	n = mh_axis_offsets(t, 64, 206353203, 8);
	assert_int_equal(n, 6);
	assert_string_equal(t[0].text, "+32 MiB");
	assert_true(mh_axis_offsets(t, 64, UINT64_MAX, 8) <= 8);
}

static void test_labels_do_not_overlap(void **state)
{
	struct mh_label l[40];
	unsigned seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 500; round++) {
		size_t nr = (size_t)round % 40 + 1, shown, i, seen = 0;
		double at = 100, end = 100 + round, last = -1;

		for (i = 0; i < nr; i++) {
			seed = seed * 1103515245u + 12345u;
			at += (seed >> 16) % 12;
			l[i] = (struct mh_label){ .wish = at,
						  .weight = (seed >> 8) % 100 };
		}
		shown = mh_axis_spread(l, nr, 100, end, 14);
		for (i = 0; i < nr; i++) {
			if (!l[i].shown)
				continue;
			seen++;
			assert_true(l[i].at - 7 >= 100 - 1e-9 &&
				    l[i].at + 7 <= end + 1e-9);
			assert_true(last < 0 || l[i].at - last >= 14 - 1e-9);
			last = l[i].at;
		}
		assert_int_equal(seen, shown);
		assert_true(shown == nr || (double)(shown + 1) * 14 > round);
	}
}

static void test_heavy_labels_stay(void **state)
{
	struct mh_label l[3] = { { .wish = 1, .weight = 1 },
				 { .wish = 2, .weight = 5 },
				 { .wish = 3, .weight = 3 } };

	(void)state;
	assert_int_equal(mh_axis_spread(l, 3, 0, 21, 10), 2);
	assert_false(l[0].shown);
	assert_true(l[1].shown && l[2].shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lightness_rises),
		cmocka_unit_test(test_known_colors),
		cmocka_unit_test(test_256),
		cmocka_unit_test(test_scales),
		cmocka_unit_test(test_auto_scale),
		cmocka_unit_test(test_time_ticks),
		cmocka_unit_test(test_offset_ticks),
		cmocka_unit_test(test_labels_do_not_overlap),
		cmocka_unit_test(test_heavy_labels_stay),
	};

	return cmocka_run_group_tests_name("palette", tests, NULL, NULL);
}
