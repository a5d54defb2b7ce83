/* SPDX-License-Identifier: MIT */
/* What two sources tell of the same mappings and tasks is kept once. */
#include "test.h"

#include "record/seen.h"

static struct mh_event map(uint16_t source, uint64_t time, uint64_t start, uint64_t end)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_MAP);
	ev.source = source;
	ev.time_ns = time;
	ev.map.pid = 7;
	ev.map.start = start;
	ev.map.end = end;
	ev.map.prot = 3;
	ev.map.path = "";
	return ev;
}

static struct mh_event task(uint16_t source, enum mh_task_op op, uint32_t pid)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_TASK);
	ev.source = source;
	ev.task.op = (uint8_t)op;
	ev.task.pid = ev.task.tid = pid;
	return ev;
}

static int see(struct mh_seen *s, struct mh_event ev)
{
	return mh_seen_event(s, &ev, NULL);
}

static void test_same_mapping(void **state)
{
	struct mh_seen s = { .several = true };

	(void)state;
	assert_int_equal(see(&s, map(1, 10, 0x1000, 0x2000)), MH_OK);
	assert_int_equal(see(&s, map(2, 20, 0x1000, 0x2000)), MH_END);
	/* The earlier of two says more. */
	assert_int_equal(see(&s, map(2, 5, 0x1000, 0x2000)), MH_OK);
	/* It grew. */
	assert_int_equal(see(&s, map(2, 30, 0x1000, 0x3000)), MH_OK);
	assert_int_equal(see(&s, map(1, 40, 0x1000, 0x3000)), MH_END);
	mh_seen_fini(&s);
}

static void test_removed_and_back(void **state)
{
	struct mh_seen s = { .several = true };
	struct mh_event remove = map(1, 20, 0x1000, 0x2000);

	(void)state;
	remove.map.op = MH_MAP_REMOVE;
	assert_int_equal(see(&s, map(1, 10, 0x1000, 0x2000)), MH_OK);
	assert_int_equal(see(&s, remove), MH_OK);
	assert_int_equal(see(&s, map(2, 30, 0x1000, 0x2000)), MH_OK);
	mh_seen_fini(&s);
}

static void test_exec_forgets(void **state)
{
	struct mh_seen s = { .several = true };

	(void)state;
	assert_int_equal(see(&s, task(1, MH_TASK_FORK, 7)), MH_OK);
	assert_int_equal(see(&s, map(1, 10, 0x1000, 0x2000)), MH_OK);
	assert_int_equal(see(&s, task(1, MH_TASK_EXEC, 7)), MH_OK);
	assert_int_equal(see(&s, map(1, 20, 0x1000, 0x2000)), MH_OK);
	mh_seen_fini(&s);
}

static void test_many_mappings(void **state)
{
	struct mh_seen s = { .several = true };
	uint64_t i;

	(void)state;
	for (i = 1; i < 20000; i++)
		assert_int_equal(see(&s, map(1, i, i << 12, (i + 1) << 12)), MH_OK);
	for (i = 1; i < 20000; i++)
		assert_int_equal(see(&s, map(2, 1 << 20, i << 12, (i + 1) << 12)),
				 MH_END);
	mh_seen_fini(&s);
}

static void test_one_source_is_not_compared(void **state)
{
	struct mh_seen s = { .several = false };

	(void)state;
	assert_int_equal(see(&s, map(1, 10, 0x1000, 0x2000)), MH_OK);
	assert_int_equal(see(&s, map(1, 20, 0x1000, 0x2000)), MH_OK);
	mh_seen_fini(&s);
}

/* A look before the exec dates what it finds after it: it belongs to the new program. */
static void test_dates_are_not_before_the_program(void **state)
{
	struct mh_seen s = { .several = true };
	struct mh_event fork_ = task(0, MH_TASK_FORK, 7);
	struct mh_event exec_ = task(1, MH_TASK_EXEC, 7);
	struct mh_event early;

	(void)state;
	mh_event_init(&early, MH_EV_MAP);
	early.time_ns = 50;
	early.map.pid = 7;
	early.map.end = 4096;
	assert_true(mh_seen_time(&s, &early) == 50);
	fork_.time_ns = 100;
	exec_.time_ns = 50;
	assert_int_equal(see(&s, fork_), MH_OK);
	assert_true(mh_seen_time(&s, &exec_) == 100);
	assert_true(mh_seen_time(&s, &early) == 100);
	exec_.time_ns = 120;
	assert_int_equal(see(&s, exec_), MH_OK);
	assert_true(mh_seen_time(&s, &early) == 120);
	early.time_ns = 200;
	assert_true(mh_seen_time(&s, &early) == 200);
	mh_seen_fini(&s);
}

static void test_exact_source_is_believed(void **state)
{
	struct mh_seen s = { .several = true, .exact_tasks = 1 << 2 };

	(void)state;
	assert_int_equal(see(&s, task(0, MH_TASK_FORK, 7)), MH_OK);
	assert_int_equal(see(&s, task(2, MH_TASK_EXEC, 7)), MH_OK);
	assert_int_equal(see(&s, task(1, MH_TASK_EXEC, 7)), MH_END);
	assert_int_equal(see(&s, task(1, MH_TASK_EXIT, 7)), MH_END);
	/* Met by looking, not by events: better than nothing. */
	assert_int_equal(see(&s, task(1, MH_TASK_FOUND, 8)), MH_OK);
	assert_int_equal(see(&s, task(1, MH_TASK_FOUND, 8)), MH_END);
	assert_int_equal(mh_seen_nr_live(&s), 2);
	assert_int_equal(see(&s, task(2, MH_TASK_EXIT, 7)), MH_OK);
	assert_int_equal(see(&s, task(0, MH_TASK_EXIT, 7)), MH_END);
	assert_int_equal(mh_seen_nr_live(&s), 1);
	mh_seen_fini(&s);
}

static void test_pid_used_again(void **state)
{
	struct mh_seen s = { .several = true, .exact_tasks = 1 << 2 };

	(void)state;
	assert_int_equal(see(&s, task(2, MH_TASK_FORK, 7)), MH_OK);
	assert_int_equal(see(&s, map(2, 10, 0x1000, 0x2000)), MH_OK);
	assert_int_equal(see(&s, task(2, MH_TASK_EXIT, 7)), MH_OK);
	assert_int_equal(see(&s, task(2, MH_TASK_FORK, 7)), MH_OK);
	assert_int_equal(see(&s, map(2, 20, 0x1000, 0x2000)), MH_OK);
	assert_int_equal(mh_seen_nr_live(&s), 1);
	mh_seen_fini(&s);
}

static void test_threads_are_no_processes(void **state)
{
	struct mh_seen s = { .several = true };
	struct mh_event thread = task(1, MH_TASK_FORK, 7);

	(void)state;
	thread.task.tid = 70;
	assert_int_equal(see(&s, task(1, MH_TASK_FORK, 7)), MH_OK);
	assert_int_equal(see(&s, map(1, 10, 0x1000, 0x2000)), MH_OK);
	assert_int_equal(see(&s, thread), MH_OK);
	assert_int_equal(see(&s, map(1, 20, 0x1000, 0x2000)), MH_END);
	thread.task.op = MH_TASK_EXIT;
	assert_int_equal(see(&s, thread), MH_OK);
	assert_int_equal(mh_seen_nr_live(&s), 1);
	mh_seen_fini(&s);
}

static void region(struct mh_seen *s, uint32_t pid, uint64_t time, uint64_t touched)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_REGION);
	ev.time_ns = time;
	ev.region.pid = pid;
	ev.region.touched = touched;
	assert_int_equal(mh_seen_event(s, &ev, NULL), MH_OK);
}

static void test_touched(void **state)
{
	struct mh_seen s = { 0 };

	(void)state;
	assert_true(mh_seen_touched(&s) == MH_NO_BYTES);
	region(&s, 7, 10, 4096);
	region(&s, 7, 10, 8192);
	region(&s, 8, 10, 4096);
	assert_int_equal(mh_seen_touched(&s), 16384);
	region(&s, 7, 20, 4096);
	assert_int_equal(mh_seen_touched(&s), 8192);
	mh_seen_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_mapping),
		cmocka_unit_test(test_removed_and_back),
		cmocka_unit_test(test_exec_forgets),
		cmocka_unit_test(test_many_mappings),
		cmocka_unit_test(test_one_source_is_not_compared),
		cmocka_unit_test(test_dates_are_not_before_the_program),
		cmocka_unit_test(test_exact_source_is_believed),
		cmocka_unit_test(test_pid_used_again),
		cmocka_unit_test(test_threads_are_no_processes),
		cmocka_unit_test(test_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
