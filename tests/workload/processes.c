/* SPDX-License-Identifier: MIT */
/*
 * Patterns of several processes: antiphase and server. Every process records its phases
 * in the shared truth. A child ends with its parent (PR_SET_PDEATHSIG), also when that is
 * killed.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

static pid_t fork_child(void)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		fprintf(stderr, "workload: fork: %s\n", strerror(errno));
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

/* Passes a wish to end on to the child. */
static int wait_child(struct workload *w, pid_t child)
{
	sigset_t set;
	int signal, status;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (w->stop)
		kill(child, SIGTERM);
	while (waitpid(child, &status, WNOHANG) == 0) {
		signal = sigwaitinfo(&set, NULL);
		if (signal == SIGINT || signal == SIGTERM) {
			w->stop = true;
			kill(child, SIGTERM);
		}
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	fprintf(stderr, "workload: process %d ended with status %#x\n", (int)child,
		(unsigned)status);
	return -1;
}

/* Phases of the parity `mine` are touched through, the others slept through. */
static void touch_every_second(struct workload *w, struct range region, uint64_t mine,
			       uint64_t start)
{
	struct range hot = { region.start, region.start + w->opt.hot };

	for (uint64_t i = 0; i < w->opt.nr_phases && !w->stop; i++) {
		uint64_t end = start + (i + 1) * w->opt.phase_ns;

		if (i % 2 == mine)
			touch_phase(w, hot, end);
		else
			sleep_until(w, end);
	}
}

static int map_and_populate(struct workload *w, struct range *out, const char *name,
			    uint64_t size)
{
	if (overhead_add(w) < 0 || region_map(w, out, name, size) < 0)
		return -1;
	region_populate(w, *out);
	__atomic_fetch_add(&w->truth->nr_first_touches, size / w->page, __ATOMIC_RELAXED);
	return 0;
}

static int antiphase_child(struct workload *w, int peer)
{
	struct range region;
	uint64_t start;

	if (map_and_populate(w, &region, "second", w->opt.total) < 0 ||
	    write(peer, "r", 1) != 1 ||
	    read(peer, &start, sizeof(start)) != (ssize_t)sizeof(start))
		return 1;
	sleep_until(w, start);
	touch_every_second(w, region, 1, start);
	return 0;
}

/* Both are populated before the first phase; its time is the parent's to say. */
static int antiphase_parent(struct workload *w, int peer)
{
	struct range region;
	uint64_t start;
	char ready;

	w->truth->populate_ns.start = clock_ns();
	if (map_and_populate(w, &region, "first", w->opt.total) < 0 ||
	    read(peer, &ready, 1) != 1)
		return -1;
	w->truth->populate_ns.end = clock_ns();
	if (w->opt.layout_path && layout_write(w) < 0)
		return -1;
	start = clock_ns() + w->opt.settle_ns;
	if (write(peer, &start, sizeof(start)) != (ssize_t)sizeof(start))
		return -1;
	sleep_until(w, start);
	touch_every_second(w, region, 0, start);
	return 0;
}

int run_antiphase(struct workload *w)
{
	int pair[2], status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		fprintf(stderr, "workload: socketpair: %s\n", strerror(errno));
		return -1;
	}
	child = fork_child();
	if (child < 0)
		return -1;
	close(pair[child != 0]);
	if (child == 0)
		_exit(antiphase_child(w, pair[1]));
	status = antiphase_parent(w, pair[0]);
	close(pair[0]);
	if (status < 0)
		w->stop = true;
	return wait_child(w, child) < 0 ? -1 : status;
}

static int worker(struct workload *w)
{
	struct range region;

	if (region_map(w, &region, "request", w->opt.hot) < 0)
		return 1;
	__atomic_fetch_add(&w->truth->nr_first_touches, w->opt.hot / w->page,
			   __ATOMIC_RELAXED);
	region_populate(w, region);
	touch_phase(w, region, clock_ns() + w->opt.phase_ns);
	return 0;
}

/* The parent's own region is cold, and each worker inherits it without a touch. */
int run_server(struct workload *w)
{
	struct range cache;
	pid_t child;

	if (overhead_add(w) < 0 || region_map(w, &cache, "cache", w->opt.total) < 0 ||
	    populate_and_settle(w, cache) < 0)
		return -1;
	for (uint64_t i = 0; i < w->opt.nr_phases && !w->stop; i++) {
		child = fork_child();
		if (child < 0)
			return -1;
		if (child == 0)
			_exit(worker(w));
		if (wait_child(w, child) < 0)
			return -1;
	}
	return 0;
}
