/* SPDX-License-Identifier: MIT */
/*
 * Memory, time and touches that all patterns share.
 *
 * An accessed bit is set when the CPU walks the page table, and whoever clears the bit
 * (clear_refs, DAMON, idle-page tracking) leaves the translation in the TLB. A hot set
 * that fits the TLB would then look idle although it is touched all the time. So that the
 * truth depends on the pattern and not on the CPU, the program flushes its TLB between
 * sweeps
 * (--keep-tlb does not): taking write access from more pages than the kernel flushes one
 * by one makes it flush everything.
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

#define NR_SCRATCH_PAGES 64 /* x86 flushes up to 33 pages one by one */
#define FLUSH_EVERY_NS   ((uint64_t)5000000)

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void quit_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

/* Also polls for the wish to end when ns is 0. */
static void sleep_ns(struct workload *w, uint64_t ns)
{
	struct timespec time = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
	sigset_t set;

	quit_signals(&set);
	if (sigtimedwait(&set, NULL, &time) > 0)
		w->stop = true;
}

void sleep_until(struct workload *w, uint64_t deadline_ns)
{
	uint64_t now;

	while (!w->stop && (now = clock_ns()) < deadline_ns)
		sleep_ns(w, deadline_ns - now);
}

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static char *map(uint64_t size, int advice)
{
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED) {
		fprintf(stderr, "workload: mmap of %llu bytes: %s\n",
			(unsigned long long)size, strerror(errno));
		return NULL;
	}
	madvise(start, size, advice);
	return start;
}

/* By the system call: libnuma is not needed for one. */
static int bind_to_node(struct range range, uint64_t node)
{
	unsigned long mask = node < 64 ? 1ul << node : 0;

	if (syscall(SYS_mbind, range.start, range.end - range.start, MPOL_BIND, &mask,
		    8 * sizeof(mask), 0) == 0)
		return 0;
	fprintf(stderr, "workload: --node %llu: %s\n", (unsigned long long)node,
		strerror(errno));
	return -1;
}

/*
 * A region of small pages. The page after it has no access, so that it is a mapping of
 * its own in smaps and no access to a neighbour counts as one to it.
 */
int region_map(struct workload *w, struct range *out, const char *name, uint64_t size)
{
	char *start = map(size + 2 * w->page, MADV_NOHUGEPAGE);

	if (!start)
		return -1;
	mprotect(start, w->page, PROT_NONE);
	mprotect(start + w->page + size, w->page, PROT_NONE);
	out->start = (uint64_t)(uintptr_t)start + w->page;
	out->end = out->start + size;
	if (w->opt.node && bind_to_node(*out, w->opt.node) < 0)
		return -1;
	truth_region(w, name, "", *out);
	return 0;
}

/* Writes the first byte of each page, in order: no page is left to be the zero page. */
void region_populate(struct workload *w, struct range range)
{
	for (uint64_t at = range.start; at < range.end; at += w->page)
		touch((char *)(uintptr_t)at, true);
}

int populate_and_settle(struct workload *w, struct range range)
{
	w->truth->populate_ns.start = clock_ns();
	region_populate(w, range);
	w->truth->populate_ns.end = clock_ns();
	w->truth->nr_first_touches = (range.end - range.start) / w->page;
	if (w->opt.layout_path && layout_write(w) < 0)
		return -1;
	sleep_until(w, clock_ns() + w->opt.settle_ns);
	return 0;
}

static void scratch_touch(struct workload *w)
{
	for (uint64_t i = 0; i < NR_SCRATCH_PAGES; i++)
		touch(w->scratch + i * w->page, true);
}

static void flush_tlb(struct workload *w)
{
	uint64_t now = clock_ns();

	if (w->opt.keep_tlb || now - w->flushed_ns < FLUSH_EVERY_NS)
		return;
	/* There is nothing to take from pages that a fork has write-protected. */
	if (w->scratch_owner != getpid()) {
		scratch_touch(w);
		w->scratch_owner = getpid();
	}
	mprotect(w->scratch, NR_SCRATCH_PAGES * w->page, PROT_READ);
	mprotect(w->scratch, NR_SCRATCH_PAGES * w->page, PROT_READ | PROT_WRITE);
	w->flushed_ns = now;
}

/* What a pattern does after each burst of touches. */
void burst_end(struct workload *w)
{
	sleep_ns(w, w->opt.think_ns);
	flush_tlb(w);
}

/* One pass over range; *end is where it stopped when the time was up or a signal came. */
static bool sweep(struct workload *w, struct range range, uint64_t deadline_ns,
		  uint64_t *end)
{
	uint64_t nr = 0;

	for (*end = range.start; *end < range.end; *end += w->opt.stride) {
		touch((char *)(uintptr_t)*end, w->opt.write);
		if (++nr % w->opt.burst && *end + w->opt.stride < range.end)
			continue;
		burst_end(w);
		if (w->stop || clock_ns() >= deadline_ns) {
			*end += w->opt.stride;
			return *end >= range.end;
		}
	}
	return true;
}

/*
 * Sweeps over hot until the deadline, for one burst also when it is late, and records it:
 * only what was touched counts.
 */
void touch_phase(struct workload *w, struct range hot, uint64_t deadline_ns)
{
	struct phase phase = { .start_ns = clock_ns(),
			       .deadline_ns = deadline_ns,
			       .pid = getpid(),
			       .nr_hot = 1 };
	uint64_t touched_end = hot.start, end;
	uint64_t unit = w->opt.stride;

	while (!w->stop) {
		if (sweep(w, hot, deadline_ns, &end))
			phase.sweeps++;
		touched_end = end > touched_end ? end : touched_end;
		if (clock_ns() >= deadline_ns)
			break;
	}
	if (touched_end > hot.end)
		touched_end = hot.end;
	phase.end_ns = clock_ns();
	phase.hot[0] = (struct range){ hot.start, touched_end };
	phase.wss_bytes = (touched_end - hot.start + unit - 1) / unit * w->page;
	truth_phase(w, &phase);
}

/* Sums a field of smaps, in bytes, over the mappings that start in range. */
int smaps_sum(uint64_t *out, struct range range, const char *field)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512];
	unsigned long long start, end, kib;
	bool inside = false;
	size_t length = strlen(field);

	if (!file) {
		fprintf(stderr, "workload: /proc/self/smaps: %s\n", strerror(errno));
		return -1;
	}
	*out = 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
			inside = start >= range.start && start < range.end;
		else if (inside && strncmp(line, field, length) == 0 &&
			 sscanf(line + length, ": %llu kB", &kib) == 1)
			*out += kib * KIB;
	}
	fclose(file);
	return 0;
}

/* What the process has resident before its regions are populated: code, libc, stack. */
int overhead_add(struct workload *w)
{
	uint64_t bytes;

	if (smaps_sum(&bytes, (struct range){ 0, UINT64_MAX }, "Rss") < 0)
		return -1;
	__atomic_fetch_add(&w->truth->overhead_bytes, bytes, __ATOMIC_RELAXED);
	return 0;
}

int workload_init(struct workload *w)
{
	sigset_t set;

	quit_signals(&set);
	sigaddset(&set, SIGCHLD); /* waited for beside the others */
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (strcmp(w->opt.pattern, "thp") != 0)
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* heap and stack have no advice */

	if (truth_new(&w->truth, w->opt.nr_phases + NR_WORK_REGIONS, w->opt.nr_phases) <
	    0)
		return -1;
	w->scratch = map(NR_SCRATCH_PAGES * w->page, MADV_NOHUGEPAGE);
	if (!w->scratch)
		return -1;
	scratch_touch(w);
	return 0;
}
