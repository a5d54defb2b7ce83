/* SPDX-License-Identifier: MIT */
/*
 * What is watched, on a model of the kernel's files: processes that end, whose pid is
 * another's, that have no regions or are elsewhere; all memory; which kdamond of several.
 */
#include "../../test.h"

#include <unistd.h>

#include "source/damon/holder.h"
#include "source/damon/live.h"
#include "tests/fake/damon.h"

struct seen {
	size_t nr_regions, nr_exits, nr_maps;
	uint64_t touched;
	struct mh_range ram[4];
	int node[4];
};

static int keep(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct seen *s = arg;

	(void)err;
	if (ev->kind == MH_EV_REGION) {
		s->nr_regions++;
		if (ev->region.touched != MH_NO_BYTES)
			s->touched += ev->region.touched;
	}
	s->nr_exits += ev->kind == MH_EV_TASK && ev->task.op == MH_TASK_EXIT;
	if (ev->kind == MH_EV_MAP && ev->map.op == MH_MAP_ADD && s->nr_maps < 4) {
		s->ram[s->nr_maps] = (struct mh_range){ ev->map.start, ev->map.end };
		if (sscanf(ev->map.path, "[System RAM node %d]", &s->node[s->nr_maps]) !=
		    1)
			s->node[s->nr_maps] = -1;
	}
	s->nr_maps += ev->kind == MH_EV_MAP;
	return MH_OK;
}

static const pid_t target_pid = 42;
static const struct mh_target one = { .type = MH_TARGET_PROCESSES,
				      .pids = &target_pid,
				      .nr_pids = 1 };
static const struct mh_target machine = { .type = MH_TARGET_SYSTEM };

static struct mh_source *start(struct fake_damon *f, enum damon_mode mode,
			       const struct mh_source_opts *opts, struct seen *seen)
{
	const struct mh_target *target = mode == DAMON_PADDR ? &machine : &one;
	struct mh_source *src = NULL;
	struct mh_err err;

	assert_status(
		mh_damon_open(&src, mode, &f->fs, 1, target, opts, keep, seen, &err),
		MH_OK, &err);
	return src;
}

static int step(struct mh_source *src, struct seen *seen)
{
	uint64_t deadline;
	struct mh_err err;
	int ret;

	src->ops->wait(src, NULL, 0, &deadline);
	while (mh_tell_now_ns() < deadline)
		usleep(1000);
	ret = src->ops->step(src, 0, keep, seen, &err);
	if (ret < 0)
		print_error("%s\n", err.msg);
	return ret;
}

static void expect(struct fake_damon *f, const char *path, const char *value)
{
	const char *have = fake_find(f, path);

	assert_non_null(have);
	assert_string_equal(have, value);
}

static void end(struct fake_damon *f, struct mh_source *src)
{
	src->ops->close(src);
	expect(f, DAMON_KDAMONDS "/nr_kdamonds", "0");
	assert_false(f->running);
}

/* ---- processes ---- */

/* The kernel resolves a pid when it is switched on, and may find another's. */
static void test_reused_before_on(void **state)
{
	struct mh_source_opts opts = { .polled = { 1000000, 3 } };
	struct mh_source *src = NULL;
	struct seen seen = { 0 };
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	f.nr_tried = 2;
	f.reused = 42;
	assert_fails(mh_damon_open(&src, DAMON_VADDR, &f.fs, 1, &one, &opts, keep, &seen,
				   &err),
		     MH_ENOTARGET, &err, "its pid is another's");
	assert_null(src);
	assert_int_equal(seen.nr_regions, 0);
	expect(&f, DAMON_KDAMONDS "/nr_kdamonds", "0");
}

/* A child that ends while it becomes a target: its slot is given up again. */
static void test_reused_at_commit(void **state)
{
	static const struct mh_target tree = { .type = MH_TARGET_PROCESSES,
					       .pids = &target_pid,
					       .nr_pids = 1,
					       .children = 1 };
	struct mh_source_opts opts = { .polled = { 1000000, 0 } };
	struct seen seen = { 0 };
	struct mh_tell to = { .fn = keep, .arg = &seen, .source = 1 };
	struct mh_source *src = NULL;
	struct fake_damon f;
	struct mh_err err;
	int reused;

	(void)state;
	for (reused = 0; reused < 2; reused++) {
		fake_init(&f);
		assert_status(mh_damon_open(&src, DAMON_VADDR, &f.fs, 1, &tree, &opts,
					    keep, &seen, &err),
			      MH_OK, &err);
		fake_file(&f.fs, "/proc/43/stat",
			  "43 (child) S 42 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 950 0 0 0 "
			  "0 0 0 0\n");
		fake_file(&f.fs, "/proc/42/task/42/children", "43 ");
		to.time_ns = mh_tell_now_ns();
		assert_status(mh_damon_procs_look(&src->procs, &to, false, &err), MH_OK,
			      &err);
		f.reused = reused ? 43 : 0;
		assert_status(mh_damon_slots_follow(src, &to, &err), MH_OK, &err);
		assert_int_equal(f.nr_commits, 1);
		assert_int_equal(src->slots.nr, 2);
		assert_int_equal(src->slots.v[1].since_ns == UINT64_MAX, reused);
		f.reused = 0;
		if (reused)
			fake_file(&f.fs, "/proc/42/task/42/children", " ");
		assert_status(mh_damon_procs_look(&src->procs, &to, false, &err), MH_OK,
			      &err);
		assert_status(mh_damon_slots_follow(src, &to, &err), MH_OK, &err);
		assert_int_equal(src->slots.nr, reused ? 1 : 2);
		assert_int_equal(f.nr_commits, reused ? 2 : 1);
		end(&f, src);
	}
}

/* A target goes as another is added: the kdamond ends, and a new one takes who lives.
 * When nobody has gone, somebody has stopped it. */
static void test_ended_by_commit(void **state)
{
	static const struct mh_target tree = { .type = MH_TARGET_PROCESSES,
					       .pids = &target_pid,
					       .nr_pids = 1,
					       .children = 1 };
	struct mh_source_opts opts = { .polled = { 1000000, 0 } };
	struct seen seen = { 0 };
	struct mh_tell to = { .fn = keep, .arg = &seen, .source = 1 };
	struct mh_source *src = NULL;
	struct fake_damon f;
	struct mh_err err;
	char path[PATH_MAX];
	int gone;

	(void)state;
	for (gone = 0; gone < 2; gone++) {
		fake_init(&f);
		assert_status(mh_damon_open(&src, DAMON_VADDR, &f.fs, 1, &tree, &opts,
					    keep, &seen, &err),
			      MH_OK, &err);
		fake_process(&f, 43, "child", 950);
		fake_file(&f.fs, "/proc/42/task/42/children", "43 ");
		to.time_ns = mh_tell_now_ns();
		assert_status(mh_damon_procs_look(&src->procs, &to, false, &err), MH_OK,
			      &err);
		f.commit_ends = true;
		assert_status(mh_damon_slots_follow(src, &to, &err), MH_OK, &err);
		assert_int_equal(src->slots.nr, 2);
		assert_false(f.running);
		snprintf(path, sizeof(path), "%s/proc/43/stat", f.fs.root);
		if (gone)
			assert_int_equal(unlink(path), 0);
		src->kdamond_start = 1; /* of a thread that is not there any more */
		if (!gone) {
			assert_fails(src->ops->step(src, 0, keep, &seen, &err), MH_ESYS,
				     &err, "somebody has stopped kdamond");
		} else {
			assert_status(src->ops->step(src, 0, keep, &seen, &err), MH_OK,
				      &err);
			assert_true(f.running);
			assert_int_equal(src->slots.nr, 1);
			expect(&f, FAKE_CONTEXT "/targets/0/pid_target", "42");
		}
		end(&f, src);
	}
}

/* As the target ends its pid is given to another: that one is nobody of ours. */
static void test_reused_meanwhile(void **state)
{
	struct mh_source_opts opts = { .polled = { 5000000, 0 } };
	struct seen seen = { 0 };
	struct mh_source *src;
	struct fake_damon f;
	size_t before, i;

	(void)state;
	fake_init(&f);
	fake_file(&f.fs, "/proc/42/maps", "00400000-00800000 r-xp 00000000 08:01 1 /a\n");
	src = start(&f, DAMON_VADDR, &opts, &seen);
	assert_int_equal(seen.nr_maps, 1);
	fake_process(&f, 42, "another", 7777);
	fake_file(&f.fs, "/proc/42/maps", "00500000-00900000 r-xp 00000000 08:01 1 /b\n");
	before = seen.nr_maps;
	for (i = 0; i < 200 && !seen.nr_exits; i++)
		assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_exits, 1);
	for (i = 0; i < 40; i++)
		assert_int_equal(step(src, &seen), MH_OK);
	assert_int_equal(seen.nr_exits, 1);
	assert_int_equal(seen.nr_maps, before);
	/* The kdamond ends with its target, and so do we. */
	f.running = false;
	fake_set(&f, DAMON_OWN "/state", "off");
	fake_set(&f, DAMON_OWN "/pid", "-1");
	for (i = 0; i < 200 && step(src, &seen) == MH_OK; i++)
		;
	assert_in_range(i, 0, 199);
	end(&f, src);
}

/* Nothing is mapped yet, or nothing any more: no rows, and no failure. */
static void test_no_regions(void **state)
{
	struct mh_source_opts opts = { .polled = { 1000000, 3 } };
	struct seen seen = { 0 };
	struct mh_source *src;
	struct fake_damon f;
	int ret;

	(void)state;
	fake_init(&f);
	src = start(&f, DAMON_VADDR, &opts, &seen);
	while ((ret = step(src, &seen)) == MH_OK)
		;
	assert_int_equal(ret, MH_END);
	assert_int_equal(seen.nr_regions, 0);
	assert_int_equal(src->ops->step(src, 1, keep, &seen, NULL), MH_OK);
	end(&f, src);
}

static const char format[] =
	"\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;\n";

/* From a container the kdamond's thread, as DAMON tells it, is nobody or another. */
static void test_other_namespace(void **state)
{
	struct mh_source_opts opts = { 0 };
	struct mh_source *src = NULL;
	struct seen seen = { 0 };
	struct fake_damon f;
	struct mh_err err;
	int way;

	(void)state;
	for (way = 0; way < 2; way++) {
		fake_init(&f);
		f.pid = way ? 42 : 999; /* another process, or none */
		fake_file(&f.fs, "/sys/kernel/tracing/events/damon/damon_aggregated/id",
			  "77\n");
		fake_file(&f.fs,
			  "/sys/kernel/tracing/events/damon/damon_aggregated/format",
			  format);
		assert_fails(mh_damon_open(&src, DAMON_VADDR, &f.fs, 1, &one, &opts, keep,
					   &seen, &err),
			     MH_ENOSUP, &err, "PID namespace");
		assert_null(src);
		expect(&f, DAMON_KDAMONDS "/nr_kdamonds", "0");
		assert_false(f.running);
	}
}

/* ---- memory ---- */

static void make_nodes(struct fake_damon *f)
{
	fake_file(&f->fs, "/proc/iomem",
		  "00001000-0009ffff : System RAM\n000a0000-000fffff : Reserved\n"
		  "00100000-1fffffff : System RAM\n  01000000-01ffffff : Kernel code\n"
		  "30000000-3fffffff : System RAM\n");
	fake_file(&f->fs, "/sys/devices/system/memory/block_size_bytes", "10000000\n");
	fake_file(&f->fs, "/sys/devices/system/memory/memory0/node0/x", "");
	fake_file(&f->fs, "/sys/devices/system/memory/memory1/node1/x", "");
	fake_file(&f->fs, "/sys/devices/system/memory/memory3/node1/x", "");
}

/* Every range is watched, not the largest alone, and each has the name of its node. */
static void test_all_ram(void **state)
{
	static const struct mh_range ranges[] = { { 0x1000, 0xa0000 },
						  { 0x100000, 0x20000000 },
						  { 0x30000000, 0x40000000 } };
	static const struct mh_range named[] = { { 0x1000, 0xa0000 },
						 { 0x100000, 0x10000000 },
						 { 0x10000000, 0x20000000 },
						 { 0x30000000, 0x40000000 } };
	static const int nodes[] = { 0, 0, 1, 1 };
	struct mh_source_opts opts = { .polled = { 1000000, 1 } };
	char path[160], value[32];
	struct seen seen = { 0 };
	struct mh_source *src;
	struct fake_damon f;
	size_t i;

	(void)state;
	fake_init(&f);
	make_nodes(&f);
	src = start(&f, DAMON_PADDR, &opts, &seen);
	expect(&f, DAMON_CONTEXT "/operations", "paddr");
	expect(&f, DAMON_CONTEXT "/targets/nr_targets", "1");
	expect(&f, DAMON_CONTEXT "/targets/0/regions/nr_regions", "3");
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), DAMON_CONTEXT "/targets/0/regions/%zu/start",
			 i);
		snprintf(value, sizeof(value), "%" PRIu64, ranges[i].start);
		expect(&f, path, value);
		snprintf(path, sizeof(path), DAMON_CONTEXT "/targets/0/regions/%zu/end",
			 i);
		snprintf(value, sizeof(value), "%" PRIu64, ranges[i].end);
		expect(&f, path, value);
	}
	assert_int_equal(seen.nr_maps, 4);
	for (i = 0; i < 4; i++) {
		assert_true(seen.ram[i].start == named[i].start &&
			    seen.ram[i].end == named[i].end);
		assert_int_equal(seen.node[i], nodes[i]);
	}
	end(&f, src);
}

/* ---- kernels to come ---- */

/* Linux 7.3: what is used works, and what is not known keeps its default. */
static void test_newest(void **state)
{
	static const struct mh_page_filter filter = { .type = "memcg", .memcg = "/a/b" };
	static const char *const untouched[][2] = {
		{ DAMON_OWN "/refresh_ms", "0" },
		{ DAMON_CONTEXT "/pause", "N" },
		{ DAMON_CONTEXT "/addr_unit", "1" },
		{ DAMON_CONTEXT "/probes/nr_probes", "0" },
		{ DAMON_CONTEXT "/targets/0/obsolete_target", "N" },
		{ DAMON_CONTEXT "/schemes/0/target_nid", "-1" },
		{ DAMON_CONTEXT "/schemes/0/core_filters/nr_filters", "0" },
		{ DAMON_CONTEXT "/schemes/0/dests/nr_dests", "0" },
		{ DAMON_CONTEXT "/schemes/0/quotas/goal_tuner", "consist" },
		{ DAMON_CONTEXT "/schemes/0/stats/max_nr_snapshots", "0" },
	};
	struct mh_source_opts opts = { .polled = { 1000000, 2 },
				       .auto_intervals.on = 1,
				       .filters = &filter,
				       .nr_filters = 1 };
	struct seen seen = { 0 };
	struct mh_source *src;
	struct fake_damon f;
	size_t i;
	int ret;

	(void)state;
	fake_init(&f);
	fake_make_newest(&f);
	f.tuned_sample_us = 40000;
	f.nr_tried = 4;
	src = start(&f, DAMON_VADDR, &opts, &seen);
	expect(&f, DAMON_CONTEXT "/schemes/0/ops_filters/0/memcg_path", "/a/b");
	expect(&f, DAMON_CONTEXT "/monitoring_attrs/intervals/intervals_goal/access_bp",
	       "400");
	for (i = 0; i < sizeof(untouched) / sizeof(untouched[0]); i++)
		expect(&f, untouched[i][0], untouched[i][1]);
	while ((ret = step(src, &seen)) == MH_OK)
		;
	assert_int_equal(ret, MH_END);
	assert_int_equal(seen.nr_regions, 8);
	assert_int_equal(seen.touched, 2 * 2 * 1024); /* sz_filter_passed */
	end(&f, src);
}

/* ---- another's ---- */

static void make_second(struct fake_damon *f)
{
	fake_count(f, DAMON_KDAMONDS "/nr_kdamonds", "2");
	fake_count(f, DAMON_OWN "/contexts/nr_contexts", "1");
	fake_count(f, DAMON_KDAMONDS "/1/contexts/nr_contexts", "1");
	fake_set(f, DAMON_CONTEXT "/operations", "paddr");
	assert_int_equal(fake_state(f, "on"), 0);
	fake_set(f, DAMON_KDAMONDS "/1/state", "on");
	fake_set(f, DAMON_KDAMONDS "/1/pid", "501");
	fake_set(f, DAMON_KDAMONDS "/1/contexts/0/monitoring_attrs/intervals/sample_us",
		 "7000");
	fake_set(f, DAMON_KDAMONDS "/1/contexts/0/monitoring_attrs/intervals/aggr_us",
		 "140000");
	fake_count(f, DAMON_KDAMONDS "/1/contexts/0/targets/nr_targets", "1");
	fake_set(f, DAMON_KDAMONDS "/1/contexts/0/targets/0/pid_target", "42");
}

/* -p chooses among several; all that is said and taken is of the one chosen. */
static void test_attach_to_second(void **state)
{
	static const pid_t kdamonds[] = { 501, 502 };
	struct mh_target target = { .type = MH_TARGET_PROCESSES,
				    .pids = kdamonds,
				    .nr_pids = 1 };
	struct mh_source src;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	make_second(&f);
	src = (struct mh_source){ .fs = &f.fs, .mode = DAMON_ATTACH, .target = target };
	assert_status(mh_damon_attach(&src, &err), MH_OK, &err);
	assert_int_equal(src.kdamond, 501);
	assert_false(src.physical); /* the first one's is */
	assert_string_equal(src.params.operations, "vaddr");
	assert_int_equal(src.stream.sample_us, 7000);
	assert_int_equal(src.stream.aggr_us, 140000);
	assert_int_equal(src.slots.nr, 1);
	assert_int_equal(src.slots.v[0].pid, 42);
	free(src.slots.v);
	free(src.pids.v);

	src = (struct mh_source){ .fs = &f.fs, .mode = DAMON_ATTACH, .target = machine };
	assert_status(mh_damon_attach(&src, &err), MH_OK, &err);
	assert_int_equal(src.kdamond, FAKE_KDAMOND);
	assert_true(src.physical);
	assert_int_equal(src.slots.nr, 0);

	target.pids = &kdamonds[1];
	src = (struct mh_source){ .fs = &f.fs, .mode = DAMON_ATTACH, .target = target };
	assert_fails(mh_damon_attach(&src, &err), MH_EINPUT, &err, "502 is no kdamond");
	assert_int_equal(f.nr_writes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reused_before_on),
		cmocka_unit_test(test_reused_at_commit),
		cmocka_unit_test(test_ended_by_commit),
		cmocka_unit_test(test_reused_meanwhile),
		cmocka_unit_test(test_no_regions),
		cmocka_unit_test(test_other_namespace),
		cmocka_unit_test(test_all_ram),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_attach_to_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
