/* SPDX-License-Identifier: MIT */
/* Working set sizes, mappings, footprint and summary of small traces, exactly. */
#include "fixture.h"

#include <math.h>

#define SECOND UINT64_C(1000000000)

static void add(struct fixture *fx, const char *source_name)
{
	char line[160];

	fixture_begin(fx);
	snprintf(line, sizeof(line), "meta time=0 key=source.1.name value=%s\n",
		 source_name);
	fixture_add(fx, line);
	fixture_add(fx, "meta time=0 key=trace.start_ns value=0");
}

/* Second @second of pid @pid: [start, start + pages) accessed in @nr of 20 checks. */
static void hits(struct fixture *fx, unsigned second, unsigned jitter_us, unsigned pid,
		 unsigned start, unsigned pages, unsigned nr)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "region time=%llu source=1 start_ns=%llu pid=%u start=0x%x000 "
		 "end=0x%x000 nr_accesses=%u max_accesses=20",
		 (unsigned long long)((second + 1) * SECOND + jitter_us * 1000),
		 (unsigned long long)(second * SECOND + jitter_us * 1000), pid, start,
		 start + pages, nr);
	fixture_add(fx, line);
}

static void touched(struct fixture *fx, unsigned second, unsigned pid, unsigned start,
		    unsigned pages, unsigned nr)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "region time=%llu source=1 start_ns=%llu pid=%u start=0x%x000 "
		 "end=0x%x000 touched=%u",
		 (unsigned long long)((second + 1) * SECOND),
		 (unsigned long long)(second * SECOND), pid, start, start + pages,
		 nr * 4096);
	fixture_add(fx, line);
}

static void gap(struct fixture *fx, unsigned second, unsigned pid)
{
	char line[160];

	snprintf(line, sizeof(line),
		 "gap time=%llu source=1 start_ns=%llu pid=%u "
		 "cause=not_run",
		 (unsigned long long)((second + 1) * SECOND),
		 (unsigned long long)(second * SECOND), pid);
	fixture_add(fx, line);
}

static void analyze(struct fixture *fx, const struct mh_session_opts *o,
		    struct mh_wss *out)
{
	struct mh_session *s = fixture_open(fx, o);
	struct mh_err err = { 0 };

	if (mh_wss_analyze(out, s, &err))
		fail_msg("%s", err.msg);
	mh_session_close(s);
}

/* Two targets in turn: their sum never changes, and no sorted list may forget it. */
static void targets_are_added_before_sorting(void **state)
{
	struct fixture fx;
	struct mh_wss w;
	unsigned i;

	(void)state;
	add(&fx, "damon:vaddr");
	for (i = 0; i < 10; i++) {
		hits(&fx, i, 0, 7, 0x100, 100, i % 2 ? 20 : 0);
		hits(&fx, i, 300, 8, 0x100, 100, i % 2 ? 0 : 20);
	}
	analyze(&fx, NULL, &w);
	assert_int_equal(w.nr_points, 10);
	assert_int_equal(w.any.n, 10);
	assert_int_equal(mh_wss_percentile(&w.any, 0), 409600);
	assert_int_equal(mh_wss_percentile(&w.any, 100), 409600);
	assert_true(w.any.mean == 409600);
	assert_int_equal(w.window_ns, SECOND);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

static void thresholds_count_hits(void **state)
{
	struct fixture fx;
	struct mh_wss w;

	(void)state;
	add(&fx, "damon:vaddr");
	hits(&fx, 0, 0, 7, 0x100, 1, 1); /* 5 % */
	hits(&fx, 0, 0, 7, 0x101, 2, 4);
	hits(&fx, 0, 0, 7, 0x103, 4, 5); /* 25 % */
	hits(&fx, 0, 0, 7, 0x107, 8, 10);
	hits(&fx, 0, 0, 7, 0x10f, 16, 0);
	analyze(&fx, NULL, &w);
	assert_int_equal(w.nr_thresholds, 4);
	assert_string_equal(w.thresholds[0].name, "any");
	assert_string_equal(w.thresholds[3].name, ">=50%");
	assert_int_equal(w.thresholds[0].sorted[0], 15 * 4096);
	assert_int_equal(w.thresholds[1].sorted[0], 15 * 4096);
	assert_int_equal(w.thresholds[2].sorted[0], 12 * 4096);
	assert_int_equal(w.thresholds[3].sorted[0], 8 * 4096);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

static void no_run_time_is_no_data(void **state)
{
	struct fixture fx;
	struct mh_wss w;

	(void)state;
	add(&fx, "refs");
	touched(&fx, 0, 7, 0x100, 10, 5);
	touched(&fx, 0, 8, 0x100, 10, 2);
	gap(&fx, 1, 7);
	gap(&fx, 1, 8);
	touched(&fx, 2, 7, 0x100, 10, 0);
	gap(&fx, 2, 8);
	gap(&fx, 3, 7);
	touched(&fx, 3, 8, 0x100, 10, 3);
	analyze(&fx, NULL, &w);
	assert_int_equal(w.nr_points, 4);
	assert_int_equal(w.nr_no_data, 1);
	assert_int_equal(w.points[0].bytes, 7 * 4096);
	assert_true(w.points[1].bytes == MH_NO_DATA);
	assert_int_equal(w.points[1].time_ns.start, SECOND);
	assert_int_equal(w.points[2].bytes, 0);
	assert_int_equal(w.points[3].bytes, 3 * 4096);
	assert_int_equal(w.any.n, 3);
	assert_int_equal(w.nr_thresholds, 0);
	/* Counts do not say which bytes: no longer windows, and the reason. */
	assert_int_equal(w.nr_windows, 1);
	assert_non_null(strstr(w.windows_note, "refs"));
	mh_wss_fini(&w);
	fixture_end(&fx);
}

static void windows_are_unions(void **state)
{
	struct fixture fx;
	struct mh_wss w;
	unsigned i;

	(void)state;
	add(&fx, "damon:vaddr");
	/* A page per second moves on, back to the start every 15. */
	for (i = 0; i < 205; i++) {
		hits(&fx, i, 0, 7, 0x100 + i % 15, 1, 20);
		hits(&fx, i, 0, 7, 0x200, 5, 0);
		if (i % 50 == 0)
			fixture_flush(&fx);
	}
	analyze(&fx, NULL, &w);
	assert_int_equal(w.nr_windows, 4);
	assert_string_equal(w.windows[0].name, "1s");
	assert_string_equal(w.windows[1].name, "10s");
	assert_string_equal(w.windows[2].name, "100s");
	assert_string_equal(w.windows[3].name, "all");
	assert_int_equal(w.windows[0].n, 205);
	assert_int_equal(w.windows[1].n, 20);
	assert_int_equal(mh_wss_percentile(&w.windows[1], 0), 10 * 4096);
	assert_int_equal(mh_wss_percentile(&w.windows[1], 100), 10 * 4096);
	assert_int_equal(w.windows[2].n, 2);
	assert_int_equal(w.windows[2].sorted[0], 15 * 4096);
	assert_int_equal(w.windows[3].sorted[0], 15 * 4096);
	assert_int_equal(w.windows_note[0], 0);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

static void pages_are_counted(void **state)
{
	struct fixture fx;
	struct mh_wss w;
	unsigned i;

	(void)state;
	add(&fx, "idle");
	for (i = 0; i < 10; i++) {
		char line[256];

		snprintf(line, sizeof(line),
			 "pages time=%llu source=1 start_ns=%llu pid=7 start=0x100000 "
			 "nr_pages=100 page_shift=12 layer=access accessed=%u+2,50+10",
			 (unsigned long long)((i + 1) * SECOND),
			 (unsigned long long)(i * SECOND), 2 * i);
		fixture_add(&fx, line);
	}
	analyze(&fx, NULL, &w);
	assert_int_equal(w.nr_points, 10);
	assert_int_equal(mh_wss_percentile(&w.any, 50), 12 * 4096);
	assert_int_equal(w.nr_windows, 3);
	assert_int_equal(w.windows[1].sorted[0], 30 * 4096);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

static void skip_leaves_out_the_first(void **state)
{
	struct mh_session_opts o = { .skip = 3 };
	struct fixture fx;
	struct mh_wss w;
	unsigned i;

	(void)state;
	add(&fx, "damon:vaddr");
	for (i = 0; i < 10; i++) {
		hits(&fx, i, 0, 7, 0x100, i + 1, 20);
		hits(&fx, i, 10, 8, 0x100, 100, 0);
	}
	analyze(&fx, &o, &w);
	assert_int_equal(w.nr_skipped, 3);
	assert_int_equal(w.any.n, 7);
	assert_int_equal(w.any.sorted[0], 4 * 4096);
	mh_wss_fini(&w);
	o.skip = 100;
	analyze(&fx, &o, &w);
	assert_int_equal(w.nr_skipped, 10);
	assert_int_equal(w.nr_points, 0);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

static void samples_have_no_working_set(void **state)
{
	struct fixture fx;
	struct mh_session *s;
	struct mh_wss w;
	struct mh_err err = { 0 };

	(void)state;
	add(&fx, "faults");
	fixture_add(&fx, "sample time=5 source=1 pid=7 tid=7 addr=0x100abc flags=1");
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_wss_analyze(&w, s, &err), MH_ENOSUP);
	assert_non_null(strstr(err.msg, "faults"));
	assert_non_null(strstr(err.msg, "refs"));
	mh_session_close(s);
	fixture_end(&fx);
}

static void threads_find_the_same(void **state)
{
	unsigned n, i;

	(void)state;
	for (n = 1; n <= 4; n++) {
		struct mh_session_opts o = { .threads = n };
		struct fixture fx;
		struct mh_wss w;

		add(&fx, "damon:vaddr");
		for (i = 0; i < 60; i++) {
			hits(&fx, i, 0, 7, 0x100, i, 20);
			/* Cut in the middle of a snapshot. */
			if (i % 9 == 0)
				fixture_flush(&fx);
			hits(&fx, i, 0, 7, 0x200, 7, 1);
		}
		analyze(&fx, &o, &w);
		assert_int_equal(w.nr_points, 60);
		for (i = 0; i < 60; i++)
			assert_int_equal(w.points[i].bytes, (i + 7) * 4096);
		mh_wss_fini(&w);
		fixture_end(&fx);
	}
}

static void mappings_are_ranked(void **state)
{
	struct fixture fx;
	struct mh_session *s;
	struct mh_mappings m;
	const struct mh_mapping_row *r;
	unsigned i;

	(void)state;
	add(&fx, "damon:vaddr");
	fixture_add(&fx, "task time=0 op=found pid=7 tid=7 comm=prog\n"
			 "map time=0 op=add pid=7 start=0x100000 end=0x110000 prot=3 "
			 "path=[heap]\n"
			 "map time=0 op=add pid=7 start=0x200000 end=0x240000 prot=3\n"
			 "map time=0 op=add pid=7 start=0x300000 end=0x310000 prot=5 "
			 "path=/lib/libx.so");
	for (i = 0; i < 20; i++) {
		hits(&fx, i, 0, 7, 0x100, 4, i < 5 ? 20 : 0);
		hits(&fx, i, 0, 7, 0x104, 12, 0);
		hits(&fx, i, 0, 7, 0x200, 32, 10);
		hits(&fx, i, 0, 7, 0x220, 32, 0);
		hits(&fx, i, 0, 7, 0x300, 16, 0);
	}
	fixture_add(&fx, "footprint time=5 pid=7 start=0x200000 end=0x240000 rss=8192 "
			 "pss=8192 swap=0 huge=0\n"
			 "footprint time=6 pid=7 start=0x200000 end=0x240000 rss=4096 "
			 "pss=8192 swap=4096 huge=0");
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_mappings_analyze(&m, s, NULL), MH_OK);
	assert_int_equal(m.nr_rows, 3);
	assert_int_equal(m.unit, MH_UNIT_HIT_RATIO);
	r = &m.rows[0];
	assert_string_equal(r->name, "[anon]");
	assert_string_equal(r->comm, "prog");
	assert_int_equal(r->pid, 7);
	assert_int_equal(r->bytes, 0x40000);
	assert_int_equal(r->rss, 8192);
	assert_int_equal(r->swap, 4096);
	assert_int_equal(r->wss_p50, 32 * 4096);
	/* 32 pages x 0.5 x 20 s against 4 pages x 1 x 5 s. */
	assert_true(fabs(r->share - 320.0 / 340) < 1e-12);
	assert_true(r->busy == 1);
	assert_true(r->idle_share == 0.5);
	assert_true(r->hottest == 0.5);
	assert_int_equal(r->hottest_ns, 20 * SECOND);
	assert_int_equal(r->hottest_addr.start, 0x200000);
	assert_int_equal(r->hottest_addr.end, 0x220000);
	r = &m.rows[1];
	assert_string_equal(r->name, "[heap]");
	assert_true(r->busy == 0.25);
	assert_true(r->idle_share == 1);
	assert_int_equal(r->wss_p50, 0);
	assert_int_equal(r->wss_max, 4 * 4096);
	assert_int_equal(r->hottest_ns, 5 * SECOND);
	assert_true(r->rss == MH_NO_DATA);
	r = &m.rows[2];
	assert_string_equal(r->name, "libx.so r-x");
	assert_true(r->share == 0 && r->busy == 0);
	assert_int_equal(m.nr_unmapped, 0);
	mh_mappings_fini(&m);
	mh_session_close(s);
	fixture_end(&fx);
}

/* A loader maps a library whole for an instant: the segments' names count. */
static void the_longest_mapping_gives_the_name(void **state)
{
	struct fixture fx;
	struct mh_session *s;
	struct mh_mappings m;

	(void)state;
	add(&fx, "damon:vaddr");
	fixture_add(&fx, "map time=0 op=add pid=7 start=0x300000 end=0x310000 prot=1 "
			 "path=/lib/libx.so\n"
			 "map time=1 op=add pid=7 start=0x304000 end=0x310000 prot=3 "
			 "path=/lib/libx.so");
	hits(&fx, 0, 0, 7, 0x300, 16, 20);
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_mappings_analyze(&m, s, NULL), MH_OK);
	assert_int_equal(m.nr_rows, 2);
	assert_string_equal(m.rows[0].name, "libx.so rw-");
	assert_int_equal(m.rows[0].bytes, 0xc000);
	assert_true(fabs(m.rows[0].share - 0.75) < 1e-12);
	mh_mappings_fini(&m);
	mh_session_close(s);
	fixture_end(&fx);
}

static void samples_are_shared_out(void **state)
{
	struct fixture fx;
	struct mh_session *s;
	struct mh_mappings m;
	unsigned n;

	(void)state;
	add(&fx, "mem");
	fixture_add(
		&fx,
		"map time=0 op=add pid=7 start=0x100000 end=0x110000 prot=3 "
		"path=[heap]\n"
		"map time=0 op=add pid=7 start=0x800000 end=0xc00000 prot=3\n"
		"sample time=1 source=1 pid=7 tid=7 addr=0x100abc flags=1 period=3\n");
	fixture_flush(&fx);
	fixture_add(&fx,
		    "sample time=2 source=1 pid=7 tid=7 addr=0x100abc flags=1 period=3\n"
		    "sample time=3 source=1 pid=7 tid=7 addr=0xa00000 flags=1 period=2\n"
		    "sample time=999 source=1 pid=7 tid=7 addr=0x500000 flags=1 "
		    "period=2");
	for (n = 1; n <= 2; n++) {
		struct mh_session_opts o = { .threads = n };

		s = fixture_open(&fx, &o);
		assert_int_equal(mh_mappings_analyze(&m, s, NULL), MH_OK);
		assert_int_equal(m.unit, MH_UNIT_ACCESSES_PER_S);
		assert_string_equal(m.rows[0].name, "[heap]");
		/* The sample in no mapping is hot enough for a row: 2 of 10. */
		assert_int_equal(m.nr_rows, 3);
		assert_true(fabs(m.rows[0].share - 0.6) < 1e-12);
		assert_true(fabs(m.rows[0].hottest - 6e9 / 1000) < 1e-3);
		assert_true(isnan(m.rows[0].busy));
		mh_mappings_fini(&m);
		mh_session_close(s);
	}
	fixture_end(&fx);
}

static void footprints_are_summed(void **state)
{
	struct fixture fx;
	struct mh_session *s;
	struct mh_footprint f;

	(void)state;
	add(&fx, "refs");
	fixture_add(&fx, "footprint time=1000 pid=7 rss=100 pss=50 swap=1 huge=0\n"
			 "footprint time=1010 pid=8 rss=200 pss=60 swap=0 huge=0\n"
			 "footprint time=1010 pid=8 start=0x1000 end=0x2000 rss=77\n"
			 "footprint time=2000 pid=7 rss=110 pss=50 swap=1 huge=0\n"
			 "footprint time=3000 pid=7 rss=120 pss=50 swap=1 huge=0\n"
			 "footprint time=3005 pid=8 rss=300 pss=18446744073709551615");
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_footprint_analyze(&f, s, NULL), MH_OK);
	assert_int_equal(f.nr_points, 3);
	assert_int_equal(f.points[0].rss, 300);
	assert_int_equal(f.points[0].pss, 110);
	assert_int_equal(f.points[0].nr_processes, 2);
	assert_int_equal(f.points[1].rss, 110);
	assert_int_equal(f.points[2].rss, 420);
	/* Half of them is no sum. */
	assert_true(f.points[2].pss == MH_NO_DATA);
	assert_int_equal(f.points[2].time_ns, 3000);
	mh_footprint_fini(&f);
	mh_session_close(s);
	fixture_end(&fx);
}

static void the_summary_agrees_with_its_parts(void **state)
{
	struct fixture fx;
	struct mh_session *s;
	struct mh_summary sum;
	struct mh_wss w;
	unsigned i;

	(void)state;
	add(&fx, "damon:vaddr");
	fixture_add(&fx, "map time=0 op=add pid=7 start=0x100000 end=0x200000 prot=3 "
			 "path=[heap]\n"
			 "map time=0 op=add pid=7 start=0x900000 end=0xa00000 prot=0\n"
			 "footprint time=5 pid=7 rss=81920");
	for (i = 0; i < 30; i++)
		hits(&fx, i, 0, 7, 0x100, i == 17 ? 200 : 50, 20);
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_summary_analyze(&sum, s, NULL), MH_OK);
	assert_int_equal(mh_wss_analyze(&w, s, NULL), MH_OK);
	assert_int_equal(sum.wss.any.n, w.any.n);
	assert_memory_equal(sum.wss.any.sorted, w.any.sorted, w.any.n * sizeof(uint64_t));
	assert_int_equal(sum.wss.nr_windows, w.nr_windows);
	assert_int_equal(sum.peak_at_ns, 17 * SECOND);
	assert_int_equal(sum.mapped_bytes, 0x100000);
	assert_int_equal(sum.rss_p50, 81920);
	assert_string_equal(sum.mappings.rows[0].name, "[heap]");
	mh_wss_fini(&w);
	mh_summary_fini(&sum);
	mh_session_close(s);
	fixture_end(&fx);
}

static void a_mapping_can_be_asked_for(void **state)
{
	struct mh_session_opts o = { .at = "heap" };
	struct fixture fx;
	struct mh_wss w;

	(void)state;
	add(&fx, "damon:vaddr");
	fixture_add(&fx, "map time=0 op=add pid=7 start=0x100000 end=0x110000 prot=3 "
			 "path=[heap]\n"
			 "map time=0 op=add pid=7 start=0x110000 end=0x150000 prot=3");
	hits(&fx, 0, 0, 7, 0x108, 32, 20);
	analyze(&fx, &o, &w);
	assert_int_equal(w.any.sorted[0], 8 * 4096);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

static void sample_at(struct fixture *fx, uint64_t time_ns, unsigned pid, uint64_t addr)
{
	char line[160];

	snprintf(line, sizeof(line),
		 "sample time=%llu source=1 pid=%u tid=%u addr=0x%llx flags=1",
		 (unsigned long long)time_ns, pid, pid, (unsigned long long)addr);
	fixture_add(fx, line);
}

/*
 * Second 0: pages A x 3, B x 2, C of another process, C; nothing in second 1; second 2:
 * D, E, E's last byte, and one of second 0 that comes late, in a later block.
 */
static void samples_give_lower_bounds(void **state)
{
	struct mh_session_opts o = { .threads = 1 };
	struct fixture fx;
	struct mh_wss w;

	(void)state;
	add(&fx, "mem");
	sample_at(&fx, 10, 7, 0x1000);
	sample_at(&fx, 11, 7, 0x1fff);
	sample_at(&fx, 12, 7, 0x1abc);
	sample_at(&fx, 13, 7, 0x2000);
	sample_at(&fx, 999999999, 7, 0x2fff);
	sample_at(&fx, 14, 8, 0x7f0000003000);
	sample_at(&fx, 15, 7, 0x7f0000003000);
	sample_at(&fx, 16, 7, 0);
	sample_at(&fx, 2 * SECOND, 7, 0xffffffff81000000);
	fixture_flush(&fx);
	sample_at(&fx, 3 * SECOND - 2, 7, 0x5000);
	sample_at(&fx, 3 * SECOND - 1, 7, 0x5fff);
	fixture_flush(&fx);
	sample_at(&fx, 17, 7, 0x7f0000003008);
	analyze(&fx, &o, &w);
	assert_true(w.sampled);
	assert_int_equal(w.window_ns, SECOND);
	assert_int_equal(w.nr_points, 3);
	assert_int_equal(w.nr_no_data, 1);
	assert_int_equal(w.from.nr_samples, 11);
	/* 8 samples; pages of 3, 2, 1 and 2: one once, two twice. */
	assert_int_equal(w.points[0].bytes, 4 * 4096);
	assert_true(fabs(w.points[0].coverage - (1 - 1 / 8.)) < 1e-12);
	assert_int_equal(w.points[0].chao1, 4 * 4096 + 4096 / 4);
	assert_int_equal(w.points[0].chao1_low, 4 * 4096);
	assert_int_equal(w.points[0].chao1_high, 9 * 4096);
	assert_true(w.points[1].bytes == MH_NO_DATA);
	assert_int_equal(w.points[2].bytes, 2 * 4096);
	assert_true(fabs(w.points[2].coverage - 2 / 3.) < 1e-12);
	assert_int_equal(w.points[2].chao1, 2 * 4096 + 4096 / 2);
	assert_true(w.coverage_p50 == w.points[0].coverage);
	assert_int_equal(w.chao1_p50, 4 * 4096 + 4096 / 4);
	assert_int_equal(w.chao1_p50_low, 4 * 4096);
	assert_int_equal(w.chao1_p50_high, 9 * 4096);
	assert_non_null(strstr(w.windows_note, "mem"));
	mh_wss_fini(&w);
	o.skip = 1;
	analyze(&fx, &o, &w);
	assert_int_equal(w.nr_points, 2);
	assert_int_equal(w.nr_skipped, 1);
	assert_int_equal(w.points[1].bytes, 2 * 4096);
	assert_true(fabs(w.points[1].coverage - 2 / 3.) < 1e-12);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

/* No page twice: the form of the estimate that does not divide by that. */
static void samples_without_a_pair(void **state)
{
	struct fixture fx;
	struct mh_wss w;
	unsigned i;

	(void)state;
	add(&fx, "mem");
	for (i = 0; i < 4; i++)
		sample_at(&fx, 10 + i, 7, 0x1000 * (i + 1));
	analyze(&fx, NULL, &w);
	assert_int_equal(w.points[0].bytes, 4 * 4096);
	assert_true(w.points[0].coverage == 0);
	assert_int_equal(w.points[0].chao1, (4 + 4 * 3 / 2) * 4096);
	assert_int_equal(w.points[0].chao1_high, 41 * 4096);
	mh_wss_fini(&w);
	fixture_end(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_added_before_sorting),
		cmocka_unit_test(thresholds_count_hits),
		cmocka_unit_test(no_run_time_is_no_data),
		cmocka_unit_test(windows_are_unions),
		cmocka_unit_test(pages_are_counted),
		cmocka_unit_test(skip_leaves_out_the_first),
		cmocka_unit_test(samples_have_no_working_set),
		cmocka_unit_test(samples_give_lower_bounds),
		cmocka_unit_test(samples_without_a_pair),
		cmocka_unit_test(threads_find_the_same),
		cmocka_unit_test(mappings_are_ranked),
		cmocka_unit_test(the_longest_mapping_gives_the_name),
		cmocka_unit_test(samples_are_shared_out),
		cmocka_unit_test(footprints_are_summed),
		cmocka_unit_test(the_summary_agrees_with_its_parts),
		cmocka_unit_test(a_mapping_can_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
