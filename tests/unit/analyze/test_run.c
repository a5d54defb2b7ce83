/* SPDX-License-Identifier: MIT */
/* Metrics of small traces whose every byte is known. */
#include "fixture.h"

#include <math.h>

static const char head[] =
	"meta time=1 key=trace.start_ns value=1000000000\n"
	"meta time=1 key=host.page_size value=4096\n"
	"meta time=1 key=source.1.interval_ns value=1000000000\n"
	"task time=1000000000 op=exec pid=7 tid=7 comm=prog\n"
	"map time=1000000000 pid=7 op=add start=0x10000 end=0x30000 path=[heap]\n";

/* Interval @i of 1 s: 64 KiB [0x10000, 0x20000), then as much above it. */
static void hits(struct fixture *fx, unsigned i, unsigned low, unsigned high)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "region time=%u000000000 start_ns=%u000000000 source=1 pid=7 "
		 "start=0x10000 end=0x20000 nr_accesses=%u max_accesses=10\n"
		 "region time=%u000000000 start_ns=%u000000000 source=1 pid=7 "
		 "start=0x20000 end=0x30000 nr_accesses=%u max_accesses=10\n",
		 i + 2, i + 1, low, i + 2, i + 1, high);
	fixture_add(fx, text);
}

static int analyze(struct mh_run *run, struct fixture *fx, uint64_t skip_s, char **names,
		   size_t nr, struct mh_err *err)
{
	struct mh_run_opts opts = { .skip_ns = skip_s * 1000000000u,
				    .metrics = names,
				    .nr_metrics = nr };
	struct mh_session_opts none = { 0 };
	struct mh_session *s = fixture_open(fx, &none);
	struct mh_environment env;
	int ret = mh_run_analyze(run, &env, s, &opts, err);

	if (!ret) {
		assert_int_equal(env.window_ns, 1000000000);
		assert_int_equal(env.page_size, 4096);
	}
	mh_session_close(s);
	unlink(fx->path);
	mh_event_scratch_fini(&fx->scratch);
	return ret;
}

static void test_hits(void **state)
{
	char cold[] = "cold.2s", promo[] = "promo.2s", *names[] = { cold, promo };
	struct mh_err err = { 0 };
	struct fixture fx;
	struct mh_run run;
	unsigned i;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, "meta time=1 key=source.1.name value=damon\n");
	fixture_add(&fx, head);
	/* The upper half is touched in intervals 0 and 5 of 8 only. */
	for (i = 0; i < 8; i++)
		hits(&fx, i, 10, i % 5 ? 0 : 2);
	assert_status(analyze(&run, &fx, 0, names, 2, &err), MH_OK, &err);
	assert_true(mh_run_value(&run, "wss.p50") == 65536);
	assert_true(mh_run_value(&run, "wss.peak") == 131072);
	assert_true(mh_run_value(&run, "wss.mean") == (6 * 65536 + 2 * 131072) / 8.0);
	assert_true(mh_run_value(&run, "hot.bytes") == 65536);
	/* Idle for 2 s at the ends of intervals 2, 3, 4 and 7; not in 1, 5, 6. */
	assert_true(mh_run_value(&run, "cold.2s") == 65536);
	/* Once in the 6 s in which it could have happened. */
	assert_true(fabs(mh_run_value(&run, "promo.2s") - 65536 / 6.0) < 1e-6);
	assert_true(isnan(mh_run_value(&run, "rss.peak")));
	assert_int_equal(run.objects.nr, 1);
	assert_string_equal(run.objects.v[0].key, "prog [heap]");
	assert_true(run.objects.v[0].bytes == mh_run_value(&run, "wss.mean"));
	mh_run_fini(&run);
}

static void test_warm_up(void **state)
{
	struct mh_err err = { 0 };
	struct fixture fx;
	struct mh_run run;
	unsigned i;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, "meta time=1 key=source.1.name value=damon\n");
	fixture_add(&fx, head);
	for (i = 0; i < 6; i++)
		hits(&fx, i, 10, i < 2 ? 10 : 0);
	assert_status(analyze(&run, &fx, 2, NULL, 0, &err), MH_OK, &err);
	assert_int_equal(run.nr_windows, 4);
	assert_int_equal(run.nr_skipped, 2);
	assert_true(mh_run_value(&run, "wss.peak") == 65536);
	assert_true(run.objects.v[0].bytes == 65536);
	mh_run_fini(&run);
}

/* Interval @i of 1 s of a program that is watched with refs. */
static void touch(struct fixture *fx, unsigned i, unsigned kib, unsigned rss_kib,
		  unsigned run_ms, unsigned wait_ms)
{
	char text[640];

	snprintf(text, sizeof(text),
		 "region time=%u000000000 start_ns=%u000000000 source=1 pid=7 "
		 "start=0x10000 end=0x30000 touched=%u\n"
		 "footprint time=%u000000000 source=1 pid=7 rss=%u\n"
		 "stat time=%u000000000 source=1 pid=7 name=window.run_ns "
		 "value=%u000000\n"
		 "stat time=%u000000000 source=1 pid=7 name=window.wait_ns "
		 "value=%u000000\n",
		 i + 2, i + 1, kib * 1024, i + 2, rss_kib * 1024, i + 2, run_ms, i + 2,
		 wait_ms);
	fixture_add(fx, text);
}

static void begin_touches(struct fixture *fx)
{
	fixture_begin(fx);
	fixture_add(fx, "meta time=1 key=source.1.name value=refs\n");
	fixture_add(fx, head);
}

/* Four windows, of which the last is as told; then maybe the exit. */
static void check_last(unsigned kib, unsigned rss_kib, unsigned run_ms, unsigned wait_ms,
		       bool exits, unsigned nr_left)
{
	struct mh_err err = { 0 };
	struct fixture fx;
	struct mh_run run;
	unsigned i;

	begin_touches(&fx);
	for (i = 0; i < 3; i++)
		touch(&fx, i, 64, 128, 200, 100);
	touch(&fx, 3, kib, rss_kib, run_ms, wait_ms);
	if (exits)
		fixture_add(&fx, "gap time=5100000000 source=1 pid=7 cause=exited "
				 "start_ns=5000000000\n");
	assert_status(analyze(&run, &fx, 0, NULL, 0, &err), MH_OK, &err);
	assert_int_equal(run.nr_windows, nr_left);
	assert_int_equal(run.nr_left_out, 4 - nr_left);
	assert_int_equal(run.nr_no_data, exits ? 1 : 0);
	assert_true(mh_run_value(&run, "wss.mean") ==
		    (3 * 65536 + (nr_left - 3) * kib * 1024.0) / nr_left);
	assert_true(run.objects.v[0].bytes == mh_run_value(&run, "wss.mean"));
	mh_run_fini(&run);
}

static void test_ending(void **state)
{
	(void)state;
	check_last(4, 32, 200, 100, true, 3);  /* it was giving its memory back */
	check_last(4, 128, 200, 100, true, 4); /* it used less of it */
	check_last(4, 32, 200, 100, false, 4); /* it went on after that */
}

static void test_starved(void **state)
{
	(void)state;
	check_last(4, 128, 20, 900, false, 3);   /* it stood in line */
	check_last(4, 128, 20, 10, false, 4);    /* it had nothing to do */
	check_last(4, 128, 190, 700, false, 4);  /* it waited, and ran as ever */
	check_last(64, 128, 600, 900, false, 4); /* four threads on one CPU */
}

/* A run whose every window is like that is a busy machine's, and one window stays. */
static void test_busy(void **state)
{
	struct mh_err err = { 0 };
	struct fixture fx;
	struct mh_run run;
	unsigned i;

	(void)state;
	begin_touches(&fx);
	for (i = 0; i < 3; i++)
		touch(&fx, i, 64, 128, 100, 900);
	assert_status(analyze(&run, &fx, 0, NULL, 0, &err), MH_OK, &err);
	assert_int_equal(run.nr_windows, 3);
	assert_int_equal(run.nr_left_out, 0);
	assert_int_equal(run.nr_busy, 3);
	mh_run_fini(&run);

	begin_touches(&fx);
	touch(&fx, 0, 64, 128, 100, 900);
	touch(&fx, 1, 4, 32, 100, 900);
	fixture_add(&fx, "gap time=3100000000 source=1 pid=7 cause=exited "
			 "start_ns=3000000000\n");
	assert_status(analyze(&run, &fx, 1, NULL, 0, &err), MH_OK, &err);
	assert_int_equal(run.nr_windows, 1);
	assert_true(mh_run_value(&run, "wss.p50") == 4096);
	mh_run_fini(&run);
}

/* Nothing is left after the warm-up; a source that cannot tell. */
static void test_refused(void **state)
{
	char hot[] = "hot.bytes", cold[] = "cold.1s", *names[] = { hot };
	struct mh_err err = { 0 };
	struct fixture fx;
	struct mh_run run;
	int i;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, "meta time=1 key=source.1.name value=damon\n");
	fixture_add(&fx, head);
	hits(&fx, 0, 1, 1);
	assert_fails(analyze(&run, &fx, 2, NULL, 0, &err), MH_ENOSUP, &err, "--skip");

	for (i = 0; i < 2; i++) {
		fixture_begin(&fx);
		fixture_add(&fx, "meta time=1 key=source.1.name value=refs\n");
		fixture_add(&fx, head);
		fixture_add(&fx, "region time=2000000000 start_ns=1000000000 source=1 "
				 "pid=7 start=0x10000 end=0x30000 touched=4096\n"
				 "region time=3000000000 start_ns=2000000000 source=1 "
				 "pid=7 start=0x10000 end=0x30000 touched=4096\n");
		names[0] = i ? cold : hot;
		assert_fails(analyze(&run, &fx, 0, names, 1, &err), MH_ENOSUP, &err,
			     i ? "not which" : "not how often");
	}
}

static void test_names(void **state)
{
	struct mh_err err = { 0 };

	(void)state;
	assert_status(mh_metric_parse("wss.p50", &err), MH_OK, &err);
	assert_status(mh_metric_parse("cold.120s", &err), MH_OK, &err);
	assert_status(mh_metric_parse("promo.5m", &err), MH_OK, &err);
	assert_fails(mh_metric_parse("cold.", &err), MH_EINPUT, &err, "no metric");
	assert_fails(mh_metric_parse("cold.0s", &err), MH_EINPUT, &err, "no metric");
	assert_fails(mh_metric_parse("wss.p51", &err), MH_EINPUT, &err, "no metric");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hits),   cmocka_unit_test(test_warm_up),
		cmocka_unit_test(test_ending), cmocka_unit_test(test_starved),
		cmocka_unit_test(test_busy),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
