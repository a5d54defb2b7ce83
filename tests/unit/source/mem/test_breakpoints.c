/* SPDX-License-Identifier: MIT */
/*
 * The source for real, by hardware breakpoints: a child touches known words a known
 * number of times while it is recorded. Every sample has the right address and order, and
 * samples and lost ones together are what the kernel counted, at ring sizes from 8 KiB
 * on, as root and as nobody.
 */
#include "test.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "source/mem/mem.h"

/* Lined up, so that a breakpoint sees one of them alone. */
static struct {
	volatile uint64_t first, second;
} __attribute__((aligned(16))) words;

struct seen {
	uint64_t first, second, other, lost, count, kernel_lost, outside;
	uint64_t since_ns, last_ns, nr_unordered;
	uint32_t pid;
	bool has_kernel_lost, has_event_name;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void see_sample(struct seen *s, const struct mh_event *ev)
{
	const struct mh_ev_sample *m = &ev->sample;

	if (m->addr == (uintptr_t)&words.first && m->event == 0)
		s->first++;
	else if (m->addr == (uintptr_t)&words.second && m->event == 1)
		s->second++;
	else
		s->other++;
	s->other += m->pid != s->pid || !(m->flags & MH_SAMPLE_ADDR) || !m->ip;
	/* Converted times lie within the recording; a millisecond is the clocks' due. */
	if (ev->time_ns + 1000000 < s->since_ns || ev->time_ns > now_ns() + 1000000)
		s->outside++;
}

static int see(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct seen *s = arg;

	(void)err;
	if (ev->kind == MH_EV_SAMPLE)
		see_sample(s, ev);
	else if (ev->kind == MH_EV_LOST && ev->lost.cause == MH_LOST_RING)
		s->lost += ev->lost.count;
	else if (ev->kind == MH_EV_STAT && !strcmp(ev->stat.name, "mem.count"))
		s->count = ev->stat.value;
	else if (ev->kind == MH_EV_STAT && !strcmp(ev->stat.name, "mem.kernel_lost")) {
		s->kernel_lost = ev->stat.value;
		s->has_kernel_lost = true;
	} else if (ev->kind == MH_EV_META && !strcmp(ev->meta.key, "source.7.event.0"))
		s->has_event_name = !strncmp(ev->meta.value, "mem:0x", 6);
	return 0;
}

/* The child waits for a byte, writes and reads the words, and ends. */
static pid_t start_child(int *go, unsigned nr)
{
	int fds[2];
	char byte;
	unsigned i;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fds[1]);
		if (read(fds[0], &byte, 1) == 1) {
			for (i = 0; i < nr; i++) {
				words.first = i;
				(void)words.second;
			}
		}
		_exit(0);
	}
	close(fds[0]);
	*go = fds[1];
	return pid;
}

/* @greedy: drain while it runs; else only at its end, so that a small ring is too small
 */
static void drain(struct mh_source *src, struct seen *s, bool greedy)
{
	struct pollfd p = { .events = POLLIN };
	uint64_t deadline;
	int ret = MH_OK;

	assert_int_equal(mh_source_mem.wait(src, &p.fd, 1, &deadline), 1);
	while (greedy && ret == MH_OK) {
		poll(&p, 1, 20);
		ret = mh_source_mem.step(src, 0, see, s, NULL);
	}
	assert_true(ret >= 0);
	ret = mh_source_mem.step(src, 1, see, s, NULL);
	assert_true(ret >= 0);
}

/* Returns false where the machine has no breakpoints for us. */
static bool record(struct seen *s, uint32_t ring_kib, unsigned nr, bool greedy)
{
	char first[64], second[64], *events[] = { first, second };
	struct mh_source_opts opts = { .ring_kib = ring_kib,
				       .mem = { .events = events, .nr_events = 2 } };
	struct mh_target target = { .type = MH_TARGET_PROCESSES, .nr_pids = 1 };
	struct mh_source *src = NULL;
	struct mh_err err = { 0 };
	int go, status, ret;
	pid_t pid;

	snprintf(first, sizeof(first), "mem:0x%lx/8:w", (unsigned long)&words.first);
	snprintf(second, sizeof(second), "mem:0x%lx/8", (unsigned long)&words.second);
	pid = start_child(&go, nr);
	target.pids = &pid;
	*s = (struct seen){ .pid = (uint32_t)pid, .since_ns = now_ns() };
	ret = mh_source_mem.open(&src, 7, &target, &opts, see, s, &err);
	if (ret) {
		close(go);
		waitpid(pid, NULL, 0);
		print_message("breakpoints do not work here: %s\n", err.msg);
		return false;
	}
	assert_int_equal(write(go, "g", 1), 1);
	close(go);
	if (!greedy)
		assert_int_equal(waitpid(pid, &status, 0), pid);
	drain(src, s, greedy);
	if (greedy)
		assert_int_equal(waitpid(pid, &status, 0), pid);
	mh_source_mem.close(src);
	return true;
}

static void check(const struct seen *s, unsigned nr)
{
	assert_int_equal(s->other, 0);
	assert_int_equal(s->outside, 0);
	assert_true(s->has_event_name);
	assert_int_equal(s->count, 2 * (uint64_t)nr);
	assert_int_equal(s->first + s->second + s->lost, s->count);
	if (s->has_kernel_lost)
		assert_int_equal(s->lost, s->kernel_lost);
}

static void all_sizes(void)
{
	static const uint32_t sizes[] = { 8, 16, 64, 1024 };
	const unsigned nr = 3000;
	struct seen s;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (!record(&s, sizes[i], nr, false))
			skip_because("breakpoints cannot be set here");
		check(&s, nr);
		/* 6000 records of 56 bytes: what must be lost, and what must not. */
		if (sizes[i] <= 16)
			assert_true(s.lost > 0);
		if (sizes[i] == 1024)
			assert_int_equal(s.lost, 0);
	}
	assert_true(record(&s, 64, nr, true));
	check(&s, nr);
}

static void test_as_we_are(void **state)
{
	(void)state;
	all_sizes();
}

static void test_as_nobody(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip_because("not root: test_as_we_are was that");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_we_are) };

		/* Who gave up privilege may not be looked at, unless it allows it. */
		if (setgid(65534) || setuid(65534) || prctl(PR_SET_DUMPABLE, 1))
			_exit(1);
		_exit(cmocka_run_group_tests_name("as nobody", tests, NULL, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Beginning later: what the target did before is not there. */
static void test_delay(void **state)
{
	char first[64], *events[] = { first };
	struct mh_source_opts opts = {
		.mem = { .events = events, .nr_events = 1, .delay_ns = 3600000000000 }
	};
	struct mh_target target = { .type = MH_TARGET_PROCESSES, .nr_pids = 1 };
	struct mh_source *src = NULL;
	struct seen s = { 0 };
	int go;
	pid_t pid;

	(void)state;
	snprintf(first, sizeof(first), "mem:0x%lx/8:w", (unsigned long)&words.first);
	pid = start_child(&go, 10);
	target.pids = &pid;
	if (mh_source_mem.open(&src, 7, &target, &opts, see, &s, NULL)) {
		close(go);
		waitpid(pid, NULL, 0);
		skip_because("breakpoints cannot be set here");
	}
	assert_int_equal(write(go, "g", 1), 1);
	close(go);
	waitpid(pid, NULL, 0);
	drain(src, &s, false);
	mh_source_mem.close(src);
	assert_int_equal(s.first + s.second + s.other + s.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_we_are),
		cmocka_unit_test(test_as_nobody),
		cmocka_unit_test(test_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
