/* SPDX-License-Identifier: MIT */
/*
 * A hot region in huge pages, of which few bytes are touched: the truth is what the page
 * tables can tell, so a touch counts as many bytes as its page is mapped with. The hot
 * part is a mapping of its own; its AnonHugePages is read when the run ends (a collapse
 * by khugepaged in between counts for the whole run).
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

static uint64_t round_up(uint64_t size)
{
	return (size + HUGE_SIZE - 1) / HUGE_SIZE * HUGE_SIZE;
}

static void advise(struct range range, bool huge)
{
	madvise((void *)(uintptr_t)range.start, range.end - range.start,
		huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

/* Rounded up to whole huge pages, aligned: hot, one without access, cold. */
static int map_hot_and_cold(struct workload *w, struct range *hot, struct range *cold)
{
	uint64_t hot_size = round_up(w->opt.hot);
	uint64_t cold_size = round_up(w->opt.total - w->opt.hot);
	uint64_t size = hot_size + cold_size + 2 * HUGE_SIZE;
	void *start = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED) {
		fprintf(stderr, "workload: mmap: %s\n", strerror(errno));
		return -1;
	}
	hot->start = round_up((uint64_t)(uintptr_t)start);
	hot->end = hot->start + hot_size;
	cold->start = hot->end + HUGE_SIZE;
	cold->end = cold->start + cold_size;
	mprotect((void *)(uintptr_t)hot->start, hot_size, PROT_READ | PROT_WRITE);
	mprotect((void *)(uintptr_t)cold->start, cold_size, PROT_READ | PROT_WRITE);
	truth_region(w, "hot", "", *hot);
	if (cold_size)
		truth_region(w, "cold", "", *cold);
	return 0;
}

/* stride divides a huge page, so what is left in small pages counts evenly. */
static int count_huge(struct workload *w, struct range hot)
{
	struct phase *phase = &w->truth->phases[0];
	uint64_t small;

	if (!phase->sweeps) {
		fprintf(stderr, "workload: thp: no time for one sweep\n");
		return -1;
	}
	if (smaps_sum(&w->anon_huge_bytes, hot, "AnonHugePages") < 0)
		return -1;
	small = hot.end - hot.start - w->anon_huge_bytes;
	phase->wss_bytes = w->anon_huge_bytes + small / w->opt.stride * w->page;
	return 0;
}

int run_thp(struct workload *w)
{
	struct range hot, cold;
	uint64_t start = clock_ns();

	if (overhead_add(w) < 0 || map_hot_and_cold(w, &hot, &cold) < 0)
		return -1;
	advise(hot, w->opt.thp != THP_NEVER);
	advise(cold, w->opt.thp == THP_ALWAYS || w->opt.thp == THP_UNSET);
	region_populate(w, cold);
	if (populate_and_settle(w, hot) < 0)
		return -1;
	w->truth->populate_ns.start = start;
	w->truth->nr_first_touches = 0; /* one per huge page or per small one */
	touch_phase(w, hot, clock_ns() + w->opt.time_ns);
	return count_huge(w, hot);
}
