/* SPDX-License-Identifier: MIT */
/*
 * Kdamonds of our own on a model of the kernel's files: what is written in which order,
 * who is refused, and that nothing of another's is ever touched.
 */
#include "../../test.h"

#include <unistd.h>

#include "source/damon/control.h"
#include "source/damon/holder.h"
#include "tests/fake/damon.h"

static const pid_t pid42 = 42;

static struct damon_params vaddr_params(void)
{
	return (struct damon_params){ .operations = "vaddr",
				      .sample_us = 5000,
				      .aggr_us = 100000,
				      .update_us = 200000,
				      .nr_regions_min = 10,
				      .nr_regions_max = 1000,
				      .pids = &pid42,
				      .nr_pids = 1 };
}

static size_t nr_written(const struct fake_damon *f, const char *path, const char *value)
{
	size_t i, nr = 0;

	for (i = 0; i < f->nr_writes; i++)
		nr += !strcmp(f->writes[i].path, path) &&
		      (!value || !strcmp(f->writes[i].value, value));
	return nr;
}

static void start(struct damon_control *c, struct fake_damon *f,
		  const struct damon_params *p)
{
	struct mh_err err;
	pid_t kdamond;

	assert_status(mh_damon_setup(c, &f->fs, p, &err), MH_OK, &err);
	assert_status(mh_damon_on(c, p, &kdamond, &err), MH_OK, &err);
	assert_int_equal(kdamond, f->pid);
}

static void assert_clean(struct fake_damon *f)
{
	char path[PATH_MAX];

	assert_string_equal(fake_find(f, DAMON_KDAMONDS "/nr_kdamonds"), "0");
	assert_false(f->running);
	snprintf(path, sizeof(path), "%s/run/memheat/damon.state", f->fs.root);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_life(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	p.sample_us = 200000; /* above the kernel's default of --aggr */
	p.aggr_us = 4000000;
	p.nr_regions_min = 2000;
	p.nr_regions_max = 5000;
	start(&c, &f, &p);
	assert_true(mh_damon_is_on(&c));
	assert_string_equal(fake_find(&f, DAMON_CONTEXT "/targets/0/pid_target"), "42");
	assert_string_equal(
		fake_find(&f, DAMON_CONTEXT "/monitoring_attrs/intervals/aggr_us"),
		"4000000");
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
	assert_int_equal(mh_damon_teardown(&c, NULL), MH_OK); /* once is enough */
}

/* Below the kernel's defaults, so that the other one of a pair has to go first. */
static void test_small_values(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	p.sample_us = 100;
	p.aggr_us = 2000;
	p.nr_regions_min = 3;
	p.nr_regions_max = 5;
	start(&c, &f, &p);
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

static void test_busy(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	f.busy = 20;
	start(&c, &f, &p);
	assert_int_equal(f.nr_waits, 20);
	f.busy = 3;
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
	f.busy = 1000000;
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ESYS, &err, "busy");
}

/* Somebody else's, as another tool would set it up. */
static void make_foreign(struct fake_damon *f)
{
	fake_count(f, DAMON_KDAMONDS "/nr_kdamonds", "1");
	fake_count(f, DAMON_OWN "/contexts/nr_contexts", "1");
	fake_set(f, DAMON_CONTEXT "/operations", "paddr");
	assert_int_equal(fake_state(f, "on"), 0);
}

static void test_foreign_is_left_alone(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	make_foreign(&f);
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err,
		     "taken by kdamond 500 (paddr), set up through sysfs");
	assert_non_null(strstr(err.msg, "damon:attach"));
	mh_damon_teardown(&c, NULL);
	assert_int_equal(f.nr_writes, 0);
	/* One that is off is another's too. */
	assert_int_equal(fake_state(&f, "off"), 0);
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err, "taken by");
	assert_int_equal(f.nr_writes, 0);
}

static void test_module(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;
	pid_t kdamond;

	(void)state;
	fake_init(&f);
	fake_set(&f, "/sys/module/damon_stat/parameters/enabled", "Y");
	fake_set(&f, "/sys/module/damon_stat/parameters/kdamond_pid", "500");
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err,
		     "kdamond 500 (paddr) of the module damon_stat");
	assert_int_equal(f.nr_writes, 0);
	/* It comes after we looked: the kernel refuses. */
	fake_set(&f, "/sys/module/damon_stat/parameters/enabled", "N");
	assert_status(mh_damon_setup(&c, &f.fs, &p, &err), MH_OK, &err);
	fake_set(&f, "/sys/module/damon_stat/parameters/enabled", "Y");
	f.module = true;
	assert_fails(mh_damon_on(&c, &p, &kdamond, &err), MH_ENOSUP, &err, "damon_stat");
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

static void test_module_without_pid_is_found(void **state)
{
	struct damon_holder h;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	fake_set(&f, "/sys/module/damon_reclaim/parameters/enabled", "Y");
	assert_status(mh_damon_holder_read(&h, &f.fs, &err), MH_OK, &err);
	assert_int_equal(h.by, DAMON_BY_MODULE);
	assert_int_equal(h.kdamond, FAKE_KDAMOND);
}

/* Linux 5.18: no list of operations, no commit, no regions on request. */
static void test_linux_518(void **state)
{
	static const struct mh_range range = { 0x1000, 0x2000 };
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	f.has_avail = f.has_commit = f.has_tried = f.has_apply_interval = false;
	f.avail = "vaddr\npaddr\n";
	start(&c, &f, &p);
	assert_fails(mh_damon_retarget(&c, &p, &err), MH_ESYS, &err, "state");
	assert_int_equal(err.sys_errno, EINVAL);
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);

	p.polled = true;
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err, "6.2");
	assert_clean(&f);
	p.polled = false;
	p.operations = "fvaddr";
	p.ranges = &range;
	p.nr_ranges = 1;
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err, "fvaddr");
	assert_clean(&f);
}

/* Linux 6.2 to 6.5: tried_regions without total_bytes, no interval to apply at. */
static void test_linux_62(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	f.has_total_bytes = f.has_apply_interval = false;
	p.polled = true;
	start(&c, &f, &p);
	assert_int_equal(
		nr_written(&f, DAMON_CONTEXT "/schemes/0/apply_interval_us", NULL), 0);
	assert_string_equal(
		fake_find(&f, DAMON_CONTEXT "/schemes/0/access_pattern/sz/max"),
		"18446744073709551615");
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

static void test_operations_that_are_not_there(void **state)
{
	static const struct mh_range ram = { 0x100000, 0x40000000 };
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	f.avail = "fvaddr\npaddr\n"; /* vaddr is a part of fvaddr, not a word */
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err,
		     "no vaddr, only: fvaddr, paddr");
	assert_clean(&f);
	/* Physical memory only (without CONFIG_DAMON_VADDR): one line, and paddr works.
	 */
	f.avail = "paddr\n";
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err,
		     "no vaddr, only: paddr");
	assert_null(strchr(err.msg, '\n'));
	assert_clean(&f);
	p.operations = "paddr";
	p.pids = NULL;
	p.nr_pids = 0;
	p.ranges = &ram;
	p.nr_ranges = 1;
	start(&c, &f, &p);
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

static void test_goal(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;
	size_t i, tuned = 0, committed = 0;

	(void)state;
	fake_init(&f);
	p.goal.on = true;
	p.goal.access_bp = 400;
	p.goal.aggrs = 3;
	p.goal.sample_min_us = 5000;
	p.goal.sample_max_us = 10000000;
	assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err,
		     "leave out --auto-intervals");
	assert_clean(&f);

	f.has_goal = true;
	f.tuned_sample_us = 80000;
	start(&c, &f, &p);
	assert_string_equal(fake_find(&f, DAMON_CONTEXT "/monitoring_attrs/intervals/"
							"intervals_goal/max_sample_us"),
			    "10000000");
	/* A commit must not put the first intervals back. */
	f.nr_writes = 0;
	assert_status(mh_damon_retarget(&c, &p, &err), MH_OK, &err);
	for (i = 0; i < f.nr_writes; i++) {
		if (!strcmp(f.writes[i].value, "update_tuned_intervals"))
			tuned = i + 1;
		if (!strcmp(f.writes[i].value, "commit"))
			committed = i + 1;
	}
	assert_true(tuned && tuned < committed);
	assert_string_equal(
		fake_find(&f, DAMON_CONTEXT "/monitoring_attrs/intervals/sample_us"),
		"80000");
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

static void test_targets(void **state)
{
	static const pid_t pids[] = { 42, 43, 44 };
	static const struct mh_range ranges[] = { { 0x1000, 0x2000 },
						  { 0x3000, 0x4000 } };
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	fake_process(&f, 43, "target", 901);
	fake_process(&f, 44, "target", 902);
	start(&c, &f, &p);
	p.pids = pids;
	p.nr_pids = 3;
	assert_status(mh_damon_retarget(&c, &p, &err), MH_OK, &err);
	assert_int_equal(f.nr_commits, 1);
	assert_string_equal(fake_find(&f, DAMON_CONTEXT "/targets/2/pid_target"), "44");
	/* One has ended meanwhile: said so, and nothing is broken. */
	f.target_ended = true;
	p.pids = (const pid_t[]){ 42, 43, 4711 };
	assert_fails(mh_damon_retarget(&c, &p, &err), MH_ENOTARGET, &err, "ended");
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);

	f.target_ended = false;
	p.operations = "paddr";
	p.pids = NULL;
	p.nr_pids = 0;
	p.ranges = ranges;
	p.nr_ranges = 2;
	start(&c, &f, &p);
	assert_string_equal(fake_find(&f, DAMON_CONTEXT "/targets/0/regions/1/end"),
			    "16384");
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

static void test_target_ended_before_on(void **state)
{
	static const pid_t gone = 4711;
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;
	pid_t kdamond;

	(void)state;
	fake_init(&f);
	p.pids = &gone;
	f.target_ended = true;
	assert_status(mh_damon_setup(&c, &f.fs, &p, &err), MH_OK, &err);
	assert_fails(mh_damon_on(&c, &p, &kdamond, &err), MH_ENOTARGET, &err, "ended");
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

/* The kdamond went with its target: `off` fails in ways that differ by kernel. */
static void test_off_after_the_end(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;
	int old;

	(void)state;
	for (old = 0; old < 2; old++) {
		fake_init(&f);
		f.eperm_off = old;
		start(&c, &f, &p);
		f.running = false;
		fake_set(&f, DAMON_OWN "/state", "off");
		fake_set(&f, DAMON_OWN "/pid", "-1");
		assert_false(mh_damon_is_on(&c));
		assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
		assert_clean(&f);
	}
}

static void test_taken_over(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	start(&c, &f, &p);
	/* Somebody stopped it and started one of their own in its place. */
	fake_set(&f, DAMON_OWN "/pid", "501");
	f.nr_writes = 0;
	assert_fails(mh_damon_teardown(&c, &err), MH_ESYS, &err, "left to them");
	assert_int_equal(f.nr_writes, 0);
	assert_true(f.running);
}

static void test_hang(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;
	pid_t kdamond;

	(void)state;
	fake_init(&f);
	assert_status(mh_damon_setup(&c, &f.fs, &p, &err), MH_OK, &err);
	f.hang = true;
	f.fs.hung = 1; /* as the real one notes its helper */
	assert_fails(mh_damon_on(&c, &p, &kdamond, &err), MH_ESYS, &err, "hangs");
	f.nr_writes = 0;
	assert_fails(mh_damon_teardown(&c, &err), MH_ESYS, &err, "reboot");
	assert_int_equal(f.nr_writes, 0); /* nothing more that could hang */
}

/* ---- what a killed one left ---- */

/* As SIGKILL leaves it: the record stays, the lock goes. */
static void start_and_die(struct fake_damon *f, struct damon_params *p)
{
	struct damon_control c;

	start(&c, f, p);
	close(c.lease.lock_fd);
	f->nr_writes = 0;
}

static enum damon_held_by held_by(struct fake_damon *f)
{
	struct damon_holder h;
	struct mh_err err;

	assert_status(mh_damon_holder_read(&h, &f->fs, &err), MH_OK, &err);
	assert_int_equal(f->nr_writes, 0);
	return h.by;
}

static void test_left_is_removed(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	start_and_die(&f, &p);
	assert_int_equal(held_by(&f), DAMON_LEFT);
	start(&c, &f, &p);
	assert_int_equal(nr_written(&f, DAMON_OWN "/state", "off"), 1);
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

/* Every difference means that it is another's by now. */
static void test_left_but_changed(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c;
	struct fake_damon f;
	struct mh_err err;
	int way;

	(void)state;
	for (way = 0; way < 6; way++) {
		fake_init(&f);
		start_and_die(&f, &p);
		assert_int_equal(held_by(&f), DAMON_LEFT);
		if (way == 0)
			fake_set(&f, "/proc/sys/kernel/random/boot_id", "another");
		else if (way == 1)
			fake_process(&f, FAKE_KDAMOND, "kdamond.0", 2000);
		else if (way == 2)
			fake_set(&f, DAMON_OWN "/pid", "42");
		else if (way == 3)
			fake_set(&f, DAMON_CONTEXT "/monitoring_attrs/intervals/aggr_us",
				 "100001");
		else if (way == 4)
			fake_set(&f, DAMON_CONTEXT "/targets/0/pid_target", "43");
		else
			fake_set(&f, DAMON_KDAMONDS "/nr_kdamonds", "2");
		assert_int_equal(held_by(&f), DAMON_BY_SYSFS);
		assert_fails(mh_damon_setup(&c, &f.fs, &p, &err), MH_ENOSUP, &err,
			     "taken by");
		assert_int_equal(f.nr_writes, 0);
		assert_true(f.running);
	}
}

static void test_record_that_is_cut(void **state)
{
	struct damon_params p = vaddr_params();
	struct fake_damon f;
	char path[PATH_MAX];

	(void)state;
	fake_init(&f);
	start_and_die(&f, &p);
	snprintf(path, sizeof(path), "%s/run/memheat/damon.state", f.fs.root);
	assert_int_equal(truncate(path, 60), 0);
	assert_int_equal(held_by(&f), DAMON_BY_SYSFS);
}

static void test_two_recorders(void **state)
{
	struct damon_params p = vaddr_params();
	struct damon_control c, d;
	struct fake_damon f;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	start(&c, &f, &p);
	f.nr_writes = 0;
	assert_int_equal(held_by(&f), DAMON_BY_US);
	assert_fails(mh_damon_setup(&d, &f.fs, &p, &err), MH_ENOSUP, &err,
		     "of the memheat with pid");
	assert_int_equal(f.nr_writes, 0);
	assert_status(mh_damon_teardown(&c, &err), MH_OK, &err);
	assert_clean(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_small_values),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_foreign_is_left_alone),
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_module_without_pid_is_found),
		cmocka_unit_test(test_linux_518),
		cmocka_unit_test(test_linux_62),
		cmocka_unit_test(test_operations_that_are_not_there),
		cmocka_unit_test(test_goal),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_target_ended_before_on),
		cmocka_unit_test(test_off_after_the_end),
		cmocka_unit_test(test_taken_over),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_left_is_removed),
		cmocka_unit_test(test_left_but_changed),
		cmocka_unit_test(test_record_that_is_cut),
		cmocka_unit_test(test_two_recorders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
