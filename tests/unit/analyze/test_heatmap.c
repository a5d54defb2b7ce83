/* SPDX-License-Identifier: MIT */
/* Heatmaps of small traces, exactly; and properties of random ones. */
#include "fixture.h"

#include <math.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)

/* 20 checks of one process; snapshots of 100 ns from 1000 on. */
static void add_region(struct fixture *fx, unsigned snap, unsigned pid, uint64_t start,
		       uint64_t end, unsigned nr)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "region time=%u source=1 start_ns=%u pid=%u start=%llu end=%llu "
		 "nr_accesses=%u max_accesses=20",
		 1100 + 100 * snap, 1000 + 100 * snap, pid, (unsigned long long)start,
		 (unsigned long long)end, nr);
	fixture_add(fx, line);
}

static void begin_damon(struct fixture *fx)
{
	fixture_begin(fx);
	fixture_add(fx, "meta time=1000 key=source.1.name value=damon:vaddr\n"
			"meta time=1000 key=trace.start_ns value=1000\n");
}

static void expect_plain(struct fixture *fx, const struct mh_session_opts *so,
			 const struct mh_heatmap_opts *ho, const double *mean,
			 const double *max)
{
	struct mh_session *s = fixture_open(fx, so);
	struct mh_heatmap map;
	struct mh_err err = { 0 };
	size_t i;

	if (mh_heatmap_analyze(&map, s, ho, &err))
		fail_msg("%s", err.msg);
	for (i = 0; i < (size_t)map.rows * map.cols; i++) {
		assert_int_equal(isnan(map.mean[i]), isnan(mean[i]));
		assert_int_equal(isnan(map.max[i]), isnan(max[i]));
		if (!isnan(mean[i])) {
			assert_true(fabs(map.mean[i] - mean[i]) < 1e-12);
			assert_true(map.max[i] == max[i]);
		}
	}
	mh_heatmap_fini(&map);
	mh_session_close(s);
}

static void plain_cells_are_area_weighted(void **state)
{
	struct mh_heatmap_opts o = {
		.rows = 2, .cols = 2, .plain = 1, .addr = { 0x10000, 0x14000 }
	};
	/* Rows of 8 KiB, columns of 100 ns, lower row first. */
	const double mean[] = { 0.25, 0, 1, 0.75 }, max[] = { 0.5, 0, 1, 1 };
	struct fixture fx;

	(void)state;
	begin_damon(&fx);
	add_region(&fx, 0, 7, 0x10000, 0x11000, 10);
	add_region(&fx, 0, 7, 0x11000, 0x12000, 0);
	add_region(&fx, 0, 7, 0x12000, 0x14000, 20);
	add_region(&fx, 1, 7, 0x10000, 0x12000, 0);
	add_region(&fx, 1, 7, 0x12000, 0x13000, 10);
	add_region(&fx, 1, 7, 0x13000, 0x14000, 20);
	expect_plain(&fx, NULL, &o, mean, max);
	fixture_end(&fx);
}

static void mean_is_over_the_observed_part(void **state)
{
	struct mh_heatmap_opts o = {
		.rows = 1, .cols = 3, .plain = 1, .addr = { 0x10000, 0x14000 }
	};
	/* A quarter of the row is covered; nothing covers the second interval. */
	const double mean[] = { 0.5, NAN, 0 }, max[] = { 0.5, NAN, 0 };
	struct fixture fx;

	(void)state;
	begin_damon(&fx);
	add_region(&fx, 0, 7, 0x11000, 0x12000, 10);
	add_region(&fx, 2, 7, 0x10000, 0x14000, 0);
	expect_plain(&fx, NULL, &o, mean, max);
	fixture_end(&fx);
}

static void damo_cells_are_diluted(void **state)
{
	struct mh_heatmap_opts o = { .rows = 1,
				     .cols = 1,
				     .plain = 1,
				     .cells_damo = 1,
				     .addr = { 0x10000, 0x14000 } };
	const double mean[] = { 0.125 }, max[] = { 0.5 };
	struct fixture fx;

	(void)state;
	begin_damon(&fx);
	add_region(&fx, 0, 7, 0x11000, 0x12000, 10);
	expect_plain(&fx, NULL, &o, mean, max);
	fixture_end(&fx);
}

static void the_busiest_process_gives_the_plain_range(void **state)
{
	struct mh_heatmap_opts o = { .rows = 1, .cols = 1, .plain = 1 };
	struct mh_session *s;
	struct mh_heatmap map;
	struct fixture fx;

	(void)state;
	begin_damon(&fx);
	add_region(&fx, 0, 7, 0x10000, 0x20000, 1);
	add_region(&fx, 0, 9, 0x50000, 0x51000, 20);
	add_region(&fx, 0, 9, 0x60000, 0x68000, 2);
	add_region(&fx, 0, 9, 0x68000, 0x70000, 20);
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_heatmap_analyze(&map, s, &o, NULL), MH_OK);
	assert_int_equal(map.addr.start, 0x60000);
	assert_int_equal(map.addr.end, 0x70000);
	assert_int_equal(map.bands[0].pid, 9);
	assert_int_equal(map.unit, MH_UNIT_HIT_RATIO);
	mh_heatmap_fini(&map);
	mh_session_close(s);
	fixture_end(&fx);
}

static void filters_are_filtered_input(void **state)
{
	struct mh_heatmap_opts o = {
		.rows = 2, .cols = 2, .plain = 1, .addr = { 0x10000, 0x12000 }
	};
	const double all[] = { 0.1, 0.3, 0.5, 0.9 };
	const double hot[] = { NAN, NAN, 0.5, 0.9 };
	const double late[] = { 0.3, 0.3, 0.9, 0.9 };
	const uint32_t seven = 7;
	struct mh_session_opts rate = { .min_rate = 0.5 }, skip = { .skip = 1 };
	struct mh_session_opts pid = { .filter = { .pids = &seven, .nr_pids = 1 } };
	struct mh_session_opts time = { .filter = { .time_ns = { 100, 200 } } };
	struct fixture fx;

	(void)state;
	begin_damon(&fx);
	add_region(&fx, 0, 7, 0x10000, 0x11000, 2);
	add_region(&fx, 0, 7, 0x11000, 0x12000, 10);
	add_region(&fx, 0, 8, 0x10000, 0x12000, 20);
	add_region(&fx, 1, 7, 0x10000, 0x11000, 6);
	add_region(&fx, 1, 7, 0x11000, 0x12000, 18);
	expect_plain(&fx, &pid, &o, all, all);
	pid.min_rate = rate.min_rate;
	expect_plain(&fx, &pid, &o, hot, hot);
	pid.min_rate = 0;
	pid.skip = skip.skip;
	expect_plain(&fx, &pid, &o, late, late);
	pid.skip = 0;
	pid.filter.time_ns = time.filter.time_ns;
	expect_plain(&fx, &pid, &o, late, late);
	fixture_end(&fx);
}

static void bands_follow_mappings(void **state)
{
	struct mh_heatmap_opts o = { .rows = 4, .cols = 4 };
	struct fixture fx;
	struct mh_session *s;
	char *text;

	(void)state;
	begin_damon(&fx);
	fixture_add(&fx, "task time=1000 op=found pid=7 tid=7 comm=prog\n"
			 "map time=1000 op=add pid=7 start=0x100000 end=0x102000 prot=3 "
			 "path=[heap]\n"
			 "map time=1000 op=add pid=7 start=0x7f0000000000 "
			 "end=0x7f0000002000 prot=3\n"
			 "map time=1200 op=remove pid=7 start=0x7f0000000000 "
			 "end=0x7f0000002000");
	/* One region runs over the hole, as DAMON's do. */
	add_region(&fx, 0, 7, 0x100000, 0x101000, 20);
	add_region(&fx, 0, 7, 0x101000, 0x7f0000001000, 0);
	add_region(&fx, 0, 7, 0x7f0000001000, 0x7f0000002000, 10);
	add_region(&fx, 2, 7, 0x100000, 0x7f0000002000, 0);
	add_region(&fx, 3, 7, 0x100000, 0x101000, 20);
	add_region(&fx, 3, 7, 0x101000, 0x7f0000002000, 0);
	s = fixture_open(&fx, NULL);
	text = heatmap_text(s, &o);
	assert_string_equal(
		text,
		"time 0-400 unit hit_ratio max 1\n"
		"band rows 3+1 7f0000000000-7f0000002000 bytes 8192 gap 139637975670784 "
		"share 0.2000 [anon]\n"
		"band rows 0+3 100000-102000 bytes 8192 gap 0 share 0.8000 [heap]\n"
		"|5?  |\n"
		"|.?..|\n"
		"|9?.9|\n"
		"|9?.9|\n");
	free(text);
	mh_session_close(s);
	fixture_end(&fx);
}

static void cold_runs_collapse(void **state)
{
	struct mh_heatmap_opts o = { .rows = 10, .cols = 1 }, scale = o;
	struct fixture fx;
	struct mh_session *s;
	struct mh_heatmap map;

	(void)state;
	begin_damon(&fx);
	fixture_add(&fx,
		    "map time=1000 op=add pid=7 start=0x40000000 end=0x44000000 prot=3 "
		    "path=[heap]");
	add_region(&fx, 0, 7, 0x40000000, 0x40001000, 20);
	add_region(&fx, 0, 7, 0x40001000, 0x43fff000, 0);
	add_region(&fx, 0, 7, 0x43fff000, 0x44000000, 20);
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_heatmap_analyze(&map, s, &o, NULL), MH_OK);
	assert_int_equal(map.nr_bands, 3);
	assert_int_equal(map.bands[0].addr.end, 0x40200000);
	assert_true(map.bands[1].cold);
	assert_int_equal(map.bands[1].nr_rows, 0);
	assert_int_equal(map.bands[1].bytes, 60 * MIB);
	assert_int_equal(map.bands[2].addr.start, 0x43e00000);
	assert_int_equal(map.bands[0].nr_rows + map.bands[2].nr_rows, 10);
	assert_int_equal(map.nr_spots, 2);
	mh_heatmap_fini(&map);
	scale.no_collapse = 1;
	assert_int_equal(mh_heatmap_analyze(&map, s, &scale, NULL), MH_OK);
	assert_int_equal(map.nr_bands, 1);
	assert_int_equal(map.bands[0].nr_rows, 10);
	mh_heatmap_fini(&map);
	mh_session_close(s);
	fixture_end(&fx);
}

static void many_small_mappings_fold(void **state)
{
	struct mh_heatmap_opts o = { .rows = 60, .cols = 2 };
	struct fixture fx;
	struct mh_session *s;
	struct mh_heatmap map;
	unsigned i;

	(void)state;
	begin_damon(&fx);
	add_region(&fx, 0, 7, 0x40000000, 0x48000000, 20);
	fixture_add(&fx,
		    "map time=1000 op=add pid=7 start=0x40000000 end=0x48000000 prot=3 "
		    "path=[heap]");
	for (i = 0; i < 30; i++) {
		char line[160];

		snprintf(line, sizeof(line),
			 "map time=1000 op=add pid=7 start=0x%x000 end=0x%x000 prot=3 "
			 "path=/lib/l%u.so",
			 0x80000 + 16 * i, 0x80002 + 16 * i, i);
		fixture_add(&fx, line);
	}
	/* Two of them are touched, a little. */
	add_region(&fx, 1, 7, 0x80000000, 0x80002000, 1);
	add_region(&fx, 1, 7, 0x80010000, 0x80012000, 1);
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_heatmap_analyze(&map, s, &o, NULL), MH_OK);
	assert_int_equal(map.nr_bands, 2);
	assert_string_equal(map.bands[0].name, "30 other mappings");
	assert_int_equal(map.bands[0].bytes, 30 * 8 * KIB);
	assert_int_equal(map.bands[0].addr.end, 0);
	assert_true(map.bands[0].nr_rows > 0);
	assert_int_equal(map.bands[0].nr_rows + map.bands[1].nr_rows, 60);
	assert_int_equal(map.nr_outside, 0);
	mh_heatmap_fini(&map);
	mh_session_close(s);
	fixture_end(&fx);
}

static void samples_become_rates(void **state)
{
	struct mh_heatmap_opts o = { .rows = 2, .cols = 4 };
	struct fixture fx;
	struct mh_session *s;
	char *text;
	unsigned i;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, "meta time=1000 key=source.2.name value=faults\n"
			 "meta time=1000 key=trace.start_ns value=1000\n"
			 "map time=1000 op=add pid=7 start=0x100000 end=0x102000 prot=3\n"
			 "gap time=1300 source=2 start_ns=1200 cause=stopped");
	for (i = 0; i < 3; i++)
		fixture_add(&fx, "sample time=1010 source=2 pid=7 tid=7 addr=0x100abc "
				 "flags=1");
	fixture_add(&fx, "sample time=1110 source=2 pid=7 tid=7 addr=0x101fff flags=1\n"
			 "sample time=1120 source=2 pid=7 tid=7 addr=0x900000 flags=1\n"
			 "sample time=1399 source=2 pid=7 tid=7 addr=0x100000 flags=1");
	s = fixture_open(&fx, NULL);
	text = heatmap_text(s, &o);
	/* 3 in 100 ns are 3e7 per s; 0x900000 is in no mapping, and hot enough to show.
	 */
	assert_non_null(strstr(text, "unit faults_per_s"));
	assert_non_null(strstr(text, "[unmapped]"));
	free(text);
	o.plain = 1;
	o.addr = (struct mh_range){ 0x100000, 0x102000 };
	text = heatmap_text(s, &o);
	assert_string_equal(
		text, "time 0-400 unit faults_per_s max 3e+07\n"
		      "band rows 0+2 100000-102000 bytes 8192 gap 0 share 1.0000 pid 7\n"
		      "|.c?.|\n"
		      "|9.?c|\n");
	free(text);
	mh_session_close(s);
	fixture_end(&fx);
}

static void periods_weigh_samples(void **state)
{
	struct mh_heatmap_opts o = { .rows = 1, .cols = 1, .plain = 1 };
	struct fixture fx;
	struct mh_session *s;
	struct mh_heatmap map;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, "meta time=1000 key=source.1.name value=mem\n"
			 "meta time=1000 key=trace.start_ns value=1000\n"
			 "map time=1000 op=add pid=7 start=0x100000 end=0x102000 prot=3\n"
			 "sample time=1010 source=1 pid=7 tid=7 addr=0x100abc flags=1 "
			 "period=1000\n"
			 "sample time=1999 source=1 pid=7 tid=7 addr=0x100abc flags=1 "
			 "period=500");
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_heatmap_analyze(&map, s, &o, NULL), MH_OK);
	assert_int_equal(map.unit, MH_UNIT_ACCESSES_PER_S);
	assert_int_equal(map.state[0], MH_CELL_FEW);
	assert_true(fabs(map.mean[0] - 1500 / 1000e-9) < 1);
	assert_null(map.wss_min);
	assert_true(map.wss_p50 == MH_NO_DATA);
	mh_heatmap_fini(&map);
	mh_session_close(s);
	fixture_end(&fx);
}

static void the_strip_has_least_and_most(void **state)
{
	struct mh_heatmap_opts o = { .rows = 1, .cols = 2 };
	struct fixture fx;
	struct mh_session *s;
	struct mh_heatmap map;
	unsigned i;

	(void)state;
	begin_damon(&fx);
	for (i = 0; i < 4; i++) {
		if (i == 2)
			continue;
		add_region(&fx, i, 7, 0x10000, 0x10000 + 0x1000 * (i + 1), 1);
		add_region(&fx, i, 7, 0x10000 + 0x1000 * (i + 1), 0x20000, 0);
	}
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_heatmap_analyze(&map, s, &o, NULL), MH_OK);
	assert_int_equal(map.wss_min[0], 0x1000);
	assert_int_equal(map.wss_max[0], 0x2000);
	assert_int_equal(map.wss_min[1], 0x4000);
	assert_int_equal(map.wss_max[1], 0x4000);
	assert_int_equal(map.wss_peak, 0x4000);
	mh_heatmap_fini(&map);
	mh_session_close(s);
	fixture_end(&fx);
}

/* ---- properties of random snapshots ---- */

struct sums {
	double weighted, area;
};

static void random_trace(struct fixture *fx, unsigned seed, struct sums *want)
{
	unsigned snap;

	begin_damon(fx);
	memset(want, 0, sizeof(*want));
	for (snap = 0; snap < 40; snap++) {
		uint64_t at = 0x100000;

		while (at < 0x140000) {
			uint64_t end;
			unsigned nr;

			seed = seed * 1103515245 + 12345;
			end = at + 0x1000 * (1 + (seed >> 16) % 20);
			end = end < 0x140000 ? end : 0x140000;
			nr = (seed >> 8) % 21;
			if ((seed >> 24) % 5) {
				add_region(fx, snap, 7, at, end, nr);
				want->weighted += nr / 20.0 * (double)(end - at) * 100;
				want->area += (double)(end - at) * 100;
			}
			at = end;
		}
		if (snap % 7 == 0)
			fixture_flush(fx);
	}
}

static void nothing_is_lost_in_cells(void **state)
{
	static const uint32_t sizes[][2] = {
		{ 1, 1 }, { 7, 11 }, { 64, 40 }, { 333, 123 }
	};
	unsigned seed, k;

	(void)state;
	for (seed = 1; seed <= 5; seed++) {
		struct fixture fx;
		struct sums want;
		struct mh_session *s;

		random_trace(&fx, seed, &want);
		s = fixture_open(&fx, NULL);
		for (k = 0; k < 4; k++) {
			struct mh_heatmap_opts o = { .rows = sizes[k][0],
						     .cols = sizes[k][1],
						     .plain = 1,
						     .cells_damo = 0,
						     .addr = { 0x100000, 0x140000 } };
			struct mh_heatmap map;
			double cell = 0x40000 * 4000.0 / o.rows / o.cols, sum = 0;
			size_t i;

			assert_int_equal(mh_heatmap_analyze(&map, s, &o, NULL), MH_OK);
			for (i = 0; i < (size_t)o.rows * o.cols; i++) {
				assert_int_equal(isnan(map.mean[i]), isnan(map.max[i]));
				assert_int_equal(isnan(map.mean[i]),
						 map.state[i] <= MH_CELL_NOT_OBSERVED);
				if (isnan(map.mean[i]))
					continue;
				assert_true(map.max[i] >= map.mean[i]);
				assert_int_equal(map.max[i] > 0,
						 map.state[i] >= MH_CELL_VALUE);
			}
			mh_heatmap_fini(&map);
			/* DAMO's rule keeps value x area: it must add up exactly. */
			o.cells_damo = 1;
			o.addr.end = 0x100000 + 0x40000 / o.rows * o.rows;
			if (0x40000 % o.rows || 4000 % o.cols)
				continue;
			assert_int_equal(mh_heatmap_analyze(&map, s, &o, NULL), MH_OK);
			for (i = 0; i < (size_t)o.rows * o.cols; i++)
				sum += isnan(map.mean[i]) ? 0 : map.mean[i] * cell;
			assert_true(fabs(sum - want.weighted) < 1e-9 * want.weighted);
			mh_heatmap_fini(&map);
		}
		mh_session_close(s);
		fixture_end(&fx);
	}
}

static void threads_find_the_same(void **state)
{
	struct mh_heatmap_opts o = { .rows = 50, .cols = 70 };
	unsigned n;
	size_t i;

	(void)state;
	for (n = 2; n <= 5; n++) {
		struct mh_session_opts one = { .threads = 1 }, many = { .threads = n };
		struct mh_heatmap a, b;
		struct fixture fx;
		struct sums want;
		struct mh_session *s;

		random_trace(&fx, n, &want);
		s = fixture_open(&fx, &one);
		assert_int_equal(mh_heatmap_analyze(&a, s, &o, NULL), MH_OK);
		mh_session_close(s);
		s = fixture_open(&fx, &many);
		assert_int_equal(mh_heatmap_analyze(&b, s, &o, NULL), MH_OK);
		mh_session_close(s);
		assert_int_equal(a.nr_bands, b.nr_bands);
		assert_memory_equal(a.state, b.state, (size_t)o.rows * o.cols);
		for (i = 0; i < (size_t)o.rows * o.cols; i++) {
			if (isnan(a.mean[i]))
				continue;
			assert_true(fabs(a.mean[i] - b.mean[i]) < 1e-9);
			assert_true(a.max[i] == b.max[i]);
		}
		assert_memory_equal(a.wss_max, b.wss_max, o.cols * sizeof(*a.wss_max));
		mh_heatmap_fini(&a);
		mh_heatmap_fini(&b);
		fixture_end(&fx);
	}
}

static void a_trace_without_data_says_why(void **state)
{
	struct fixture fx;
	struct mh_session *s;
	struct mh_heatmap map;
	struct mh_err err = { 0 };

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, "meta time=1 key=trace.start_ns value=1\n"
			 "footprint time=5 pid=7 rss=4096");
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_heatmap_analyze(&map, s, NULL, &err), MH_ENOSUP);
	assert_non_null(strstr(err.msg, "holds no accesses"));
	mh_heatmap_fini(&map);
	mh_session_close(s);
	fixture_end(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_cells_are_area_weighted),
		cmocka_unit_test(mean_is_over_the_observed_part),
		cmocka_unit_test(damo_cells_are_diluted),
		cmocka_unit_test(the_busiest_process_gives_the_plain_range),
		cmocka_unit_test(filters_are_filtered_input),
		cmocka_unit_test(bands_follow_mappings),
		cmocka_unit_test(cold_runs_collapse),
		cmocka_unit_test(many_small_mappings_fold),
		cmocka_unit_test(samples_become_rates),
		cmocka_unit_test(periods_weigh_samples),
		cmocka_unit_test(the_strip_has_least_and_most),
		cmocka_unit_test(nothing_is_lost_in_cells),
		cmocka_unit_test(threads_find_the_same),
		cmocka_unit_test(a_trace_without_data_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
