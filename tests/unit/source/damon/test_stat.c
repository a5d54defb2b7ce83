/* SPDX-License-Identifier: MIT */
/*
 * The module's parameters as files below a folder of our own: the kernels of 6.17 and
 * 6.18 differ in what they tell of memory that is in use.
 */
#include "../../test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/damon/damon.h"

#define PARAMETERS "/sys/module/damon_stat/parameters"

struct seen {
	size_t nr_rows, nr_snapshots;
	struct mh_event row[100]; /* of the last snapshot */
	uint64_t last_ns, bandwidth;
	char aggr_us[32], intervals[32], map[64];
	uint64_t map_end;
};

static int keep(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct seen *s = arg;

	(void)err;
	switch ((int)ev->kind) {
	case MH_EV_REGION:
		if (ev->time_ns != s->last_ns) {
			s->nr_snapshots++;
			s->nr_rows = 0;
		}
		s->last_ns = ev->time_ns;
		assert_in_range(s->nr_rows, 0, 99);
		s->row[s->nr_rows++] = *ev;
		break;
	case MH_EV_STAT:
		if (!strcmp(ev->stat.name, "damon.memory_bandwidth"))
			s->bandwidth = ev->stat.value;
		break;
	case MH_EV_META:
		if (strstr(ev->meta.key, ".aggr_us"))
			snprintf(s->aggr_us, sizeof(s->aggr_us), "%s", ev->meta.value);
		if (strstr(ev->meta.key, ".intervals"))
			snprintf(s->intervals, sizeof(s->intervals), "%s",
				 ev->meta.value);
		break;
	case MH_EV_MAP:
		snprintf(s->map, sizeof(s->map), "%s", ev->map.path);
		s->map_end = ev->map.end;
		break;
	}
	return MH_OK;
}

/* ---- the tree ---- */

static char root[PATH_MAX / 4];

static void put(const char *path, const char *text)
{
	char full[PATH_MAX], *slash;
	FILE *out;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	out = fopen(full, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* The lower half of memory is hot for @hot_ms, the rest idle for 100, 200, ... ms. */
static void put_percentiles(int hot_ms, int more_ms)
{
	char text[2048] = "";
	int i;

	for (i = 0; i <= 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d",
			 i ? "," : "", i <= 50 ? hot_ms : (i - 50) * 100 + more_ms);
	strcat(text, "\n");
	put(PARAMETERS "/memory_idle_ms_percentiles", text);
}

static int make_tree(void **state)
{
	static int nr;
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(root, sizeof(root), "%s/stat.%d.%d", tmp ? tmp : "/tmp", (int)getpid(),
		 nr++);
	put("/proc/iomem", "00001000-0009ffff : System RAM\n"
			   "00100000-064fffff : System RAM\n"
			   "  01000000-01ffffff : Kernel code\n");
	put(PARAMETERS "/enabled", "Y\n");
	put(PARAMETERS "/estimated_memory_bandwidth", "123456789\n");
	return 0;
}

static const struct mh_target machine = { .type = MH_TARGET_SYSTEM };

static struct mh_source *open_here(struct seen *seen)
{
	struct mh_source_opts opts = { .sysroot = root, .polled = { 1000000, 0 } };
	struct mh_source *src = NULL;
	struct mh_err err;

	assert_status(
		mh_source_damon_stat.open(&src, 7, &machine, &opts, keep, seen, &err),
		MH_OK, &err);
	return src;
}

static int step(struct mh_source *src, struct seen *seen)
{
	struct mh_err err;
	int ret;

	usleep(1500);
	ret = mh_source_damon_stat.step(src, 0, keep, seen, &err);
	assert_true(ret >= 0);
	return ret;
}

/* ---- tests ---- */

static void test_newer(void **state)
{
	struct seen seen = { 0 };
	struct mh_source *src;
	uint64_t first_ns;
	size_t i;

	(void)state;
	put(PARAMETERS "/aggr_interval_us", "100000\n");
	put_percentiles(-700, 0);
	src = open_here(&seen);
	assert_string_equal(seen.aggr_us, "100000");
	assert_string_equal(seen.intervals, "recorded");
	assert_string_equal(seen.map, "[System RAM by idle time]");
	assert_int_equal(seen.map_end, 0x6400000); /* the largest range only */
	assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_rows, 100);
	assert_int_equal(seen.bandwidth, 123456789);
	for (i = 0; i < 100; i++) {
		const struct mh_ev_region *r = &seen.row[i].region;

		assert_int_equal(seen.row[i].source, 7);
		assert_int_equal(r->pid, 0);
		assert_int_equal(r->start, 0x6400000 / 100 * i);
		assert_int_equal(r->end, 0x6400000 / 100 * (i + 1));
		assert_int_equal(r->max_accesses, 1);
		assert_int_equal(r->nr_accesses, i < 50);
		/* Of 700 ms and of 100, 200, ... ms one interval is under way. */
		assert_int_equal(r->age, i < 50 ? 6 : i - 50);
	}
	assert_true(seen.row[0].region.start_ns == seen.last_ns - 100000000);

	/* Not renewed: the same snapshot is not told twice. */
	assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_snapshots, 1);
	first_ns = seen.last_ns;
	put_percentiles(-1200, 500);
	assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_snapshots, 2);
	assert_int_equal(seen.row[0].region.age, 11);
	assert_int_equal(seen.row[99].region.age, 54);
	assert_true(seen.row[0].region.start_ns == first_ns);

	put(PARAMETERS "/enabled", "N\n");
	assert_int_equal(step(src, &seen), MH_END);
	mh_source_damon_stat.close(src);
}

/* 6.17: no interval, 0 for whatever is in use. */
static void test_older(void **state)
{
	struct seen seen = { 0 };
	struct mh_source *src;

	(void)state;
	put_percentiles(0, 0);
	src = open_here(&seen);
	assert_string_equal(seen.intervals, "assumed");
	assert_string_equal(seen.aggr_us, "100000");
	assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_rows, 100);
	assert_int_equal(seen.row[49].region.nr_accesses, 1);
	assert_int_equal(seen.row[49].region.age, MH_NO_AGE);
	assert_int_equal(seen.row[50].region.nr_accesses, 0);
	assert_int_equal(seen.row[50].region.age, 0);
	mh_source_damon_stat.close(src);
}

/* Just switched on: zeros are no data, not memory that is in use. */
static void test_nothing_yet(void **state)
{
	struct seen seen = { 0 };
	char text[512] = "0";
	struct mh_source *src;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		strcat(text, ",0");
	put(PARAMETERS "/memory_idle_ms_percentiles", text);
	src = open_here(&seen);
	assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_snapshots, 0);
	put_percentiles(-100, 0);
	assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_snapshots, 1);
	mh_source_damon_stat.close(src);
}

static void test_damage(void **state)
{
	static const char *const wrong[] = { "", "1,2,3\n", "nonsense\n", "5,4" };
	struct mh_source_opts opts = { .sysroot = root };
	struct mh_source *src = NULL;
	struct seen seen = { 0 };
	struct mh_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put(PARAMETERS "/memory_idle_ms_percentiles", wrong[i]);
		assert_fails(mh_source_damon_stat.open(&src, 1, &machine, &opts, keep,
						       &seen, &err),
			     MH_EFORMAT, &err, "percentiles");
		assert_null(src);
	}
}

static void test_probe(void **state)
{
	struct mh_target process = { .type = MH_TARGET_PROCESSES };
	struct mh_source_opts opts = { .sysroot = root };
	struct mh_source *src = NULL;
	struct seen seen = { 0 };
	struct mh_probe probe;
	struct mh_err err;

	(void)state;
	mh_source_damon_stat.probe(&probe, &machine, &opts, &err);
	assert_true(probe.usable);
	mh_source_damon_stat.probe(&probe, &process, &opts, &err);
	assert_false(probe.usable);
	assert_fails(
		mh_source_damon_stat.open(&src, 1, &process, &opts, keep, &seen, &err),
		MH_EINPUT, &err, "-a");
	put(PARAMETERS "/enabled", "N\n");
	mh_source_damon_stat.probe(&probe, &machine, &opts, &err);
	assert_false(probe.usable);
	assert_non_null(strstr(probe.fix, "echo Y"));
	assert_fails(
		mh_source_damon_stat.open(&src, 1, &machine, &opts, keep, &seen, &err),
		MH_ENOSUP, &err, "off");
	opts.sysroot = "/nowhere";
	mh_source_damon_stat.probe(&probe, &machine, &opts, &err);
	assert_false(probe.usable);
	assert_non_null(strstr(probe.reason, "6.17"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_newer, make_tree),
		cmocka_unit_test_setup(test_older, make_tree),
		cmocka_unit_test_setup(test_nothing_yet, make_tree),
		cmocka_unit_test_setup(test_damage, make_tree),
		cmocka_unit_test_setup(test_probe, make_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
