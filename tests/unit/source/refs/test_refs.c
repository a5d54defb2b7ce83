/* SPDX-License-Identifier: MIT */
/*
 * The source on real children, without privilege: a child touches 8 of 32 MiB, another
 * sleeps, a third ends at once. What is told of them is known beforehand.
 */
#include "../../test.h"

#include "source/refs/refs.h"
#include "source/round.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB      (1024 * 1024)
#define TOTAL    (32 * MIB)
#define HOT      (8 * MIB)
#define INTERVAL 150000000u

struct seen {
	uint64_t start;       /* of the child's mapping */
	uint64_t touched[64]; /* of it, per scan */
	size_t nr_scans;
	size_t nr_regions, nr_maps, nr_not_run, nr_exited, nr_unreadable, nr_stats;
	uint64_t rss;
	uint64_t run_ns, nr_waits; /* summed; how often the wait was told, too */
};

static int look(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct seen *seen = arg;

	(void)err;
	switch (ev->kind) {
	case MH_EV_REGION:
		seen->nr_regions++;
		if (ev->region.start <= seen->start && seen->start < ev->region.end)
			seen->touched[seen->nr_scans++ % 64] = ev->region.touched;
		assert_true(ev->region.start_ns < ev->time_ns);
		break;
	case MH_EV_MAP:
		seen->nr_maps++;
		break;
	case MH_EV_FOOTPRINT:
		if (!ev->footprint.end)
			seen->rss = ev->footprint.rss;
		break;
	case MH_EV_STAT:
		seen->nr_stats++;
		if (!strcmp(ev->stat.name, "window.run_ns"))
			seen->run_ns += ev->stat.value;
		seen->nr_waits += !strcmp(ev->stat.name, "window.wait_ns");
		break;
	case MH_EV_GAP:
		seen->nr_not_run += ev->gap.cause == MH_GAP_NOT_RUN;
		seen->nr_exited += ev->gap.cause == MH_GAP_EXITED;
		seen->nr_unreadable += ev->gap.cause == MH_GAP_UNREADABLE;
		break;
	case MH_EV_META:
	case MH_EV_TASK:
	case MH_EV_SAMPLE:
	case MH_EV_PAGES:
	case MH_EV_LOST:
	case MH_EV_STACK:
	case MH_EV_STACK_COPY:
	case MH_EV_HEAP:
		break;
	}
	return MH_OK;
}

static void touch(volatile char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += 4096)
		p[i]++;
}

/* Tells its mapping's address, then touches the hot part until it is killed. */
static void be_busy(int fd)
{
	char *p = mmap(NULL, TOTAL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	uint64_t start = (uint64_t)(uintptr_t)p;

	madvise(p, TOTAL, MADV_NOHUGEPAGE);
	touch(p, TOTAL);
	if (write(fd, &start, sizeof(start)) != sizeof(start))
		_exit(1);
	for (;;) {
		touch(p, HOT);
		usleep(2000);
	}
}

static pid_t fork_child(uint64_t *start)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid)
		be_busy(fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], start, sizeof(*start)), sizeof(*start));
	close(fds[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct mh_source *open_refs(const struct mh_target *target, struct seen *seen)
{
	struct mh_source_opts opts = { .interval_ns = INTERVAL, .overhead = 1 };
	struct mh_source *src;
	struct mh_err err;

	if (mh_source_refs.open(&src, 1, target, &opts, look, seen, &err))
		fail_msg("%s", err.msg);
	return src;
}

static int run(struct mh_source *src, struct seen *seen, unsigned nr_scans)
{
	int status = MH_OK;
	struct mh_err err;

	while (nr_scans-- && !status) {
		status = mh_source_refs.step(src, 0, look, seen, &err);
		if (status < 0)
			fail_msg("%s", err.msg);
		usleep(INTERVAL / 1000 + 2000);
	}
	return status;
}

static void finds_the_hot_bytes_of_a_child(void **state)
{
	uint64_t began_ns = mh_round_now_ns();
	struct seen seen = { 0 };
	pid_t pid = fork_child(&seen.start);
	struct mh_target target = { .pids = &pid, .nr_pids = 1 };
	struct mh_source *src = open_refs(&target, &seen);
	size_t i, good = 0;

	(void)state;
	assert_int_equal(run(src, &seen, 7), MH_OK);
	/* On a loaded machine the child may not get through all of it in an interval;
	 * what must never happen is more than it touches. */
	assert_true(seen.nr_scans >= 4);
	for (i = 0; i < seen.nr_scans; i++) {
		assert_true(seen.touched[i] <= HOT + 16 * 4096);
		good += seen.touched[i] >= HOT;
	}
	assert_true(good >= 2);
	assert_true(seen.rss >= TOTAL);
	assert_true(seen.nr_maps >= 1 && seen.nr_stats >= 8);
	/* One thread cannot run for longer than the time that went by. */
	if (!access("/proc/self/schedstat", R_OK)) {
		assert_true(seen.nr_waits >= 4 && seen.run_ns > 0);
		assert_true(seen.run_ns <= mh_round_now_ns() - began_ns);
	}
	end_child(pid);
	mh_source_refs.close(src);
}

static void a_sleeper_gives_no_data_instead_of_zero(void **state)
{
	struct seen seen = { 0 };
	pid_t pid = fork_child(&seen.start);
	struct mh_target target = { .pids = &pid, .nr_pids = 1 };
	struct mh_source *src;

	(void)state;
	kill(pid, SIGSTOP);
	usleep(50000);
	src = open_refs(&target, &seen);
	run(src, &seen, 4);
	assert_int_equal(seen.nr_regions, 0);
	assert_true(seen.nr_not_run >= 3);
	end_child(pid);
	mh_source_refs.close(src);
}

static void the_end_of_a_target_is_told(void **state)
{
	struct seen seen = { 0 };
	pid_t pid = fork_child(&seen.start);
	struct mh_target target = { .pids = &pid, .nr_pids = 1 };
	struct mh_source *src = open_refs(&target, &seen);

	(void)state;
	assert_int_equal(run(src, &seen, 2), MH_OK);
	end_child(pid);
	assert_int_equal(run(src, &seen, 1), MH_END);
	assert_int_equal(seen.nr_exited, 1);
	mh_source_refs.close(src);
}

static void a_spawned_command_that_was_never_seen_is_a_gap(void **state)
{
	struct seen seen = { 0 };
	pid_t pid = fork();
	struct mh_target target = { .pids = &pid, .nr_pids = 1, .spawned = 1 };
	struct mh_source *src;

	(void)state;
	if (!pid)
		_exit(0);
	src = open_refs(&target, &seen);
	waitpid(pid, NULL, 0);
	assert_true(mh_source_refs.step(src, 1, look, &seen, NULL) >= 0);
	assert_int_equal(seen.nr_regions, 0);
	assert_int_equal(seen.nr_exited, 1);
	mh_source_refs.close(src);
}

static void refuses_intervals_that_the_tlb_would_falsify(void **state)
{
	pid_t self = getpid();
	struct mh_target target = { .pids = &self, .nr_pids = 1 };
	struct mh_source_opts opts = { .interval_ns = 99999999 };
	struct mh_source *src;
	struct mh_err err;

	(void)state;
	assert_int_equal(mh_source_refs.open(&src, 1, &target, &opts, look, NULL, &err),
			 MH_EINPUT);
	assert_non_null(strstr(err.msg, "100 ms"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_hot_bytes_of_a_child),
		cmocka_unit_test(a_sleeper_gives_no_data_instead_of_zero),
		cmocka_unit_test(the_end_of_a_target_is_told),
		cmocka_unit_test(a_spawned_command_that_was_never_seen_is_a_gap),
		cmocka_unit_test(refuses_intervals_that_the_tlb_would_falsify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
