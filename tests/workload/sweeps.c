/* SPDX-License-Identifier: MIT */
/*
 * Patterns of one process and one region where each phase has one range: static (and
 * short), window, stairs, zigzag, idle. Phases follow each other without a gap: each ends
 * at a time set before the first.
 */
#include <unistd.h>

#include "workload.h"

/* The hot range of phase i, as offsets in the region. */
typedef struct range hot_fn(const struct options *opt, uint64_t page, uint64_t i);

static int run_phases(struct workload *w, hot_fn *hot_of)
{
	struct range region, hot;
	uint64_t start;

	if (overhead_add(w) < 0 || region_map(w, &region, "total", w->opt.total) < 0 ||
	    populate_and_settle(w, region) < 0)
		return -1;
	start = clock_ns();
	for (uint64_t i = 0; i < w->opt.nr_phases && !w->stop; i++) {
		hot = hot_of(&w->opt, w->page, i);
		hot.start += region.start;
		hot.end += region.start;
		touch_phase(w, hot, start + (i + 1) * w->opt.phase_ns);
	}
	return 0;
}

static struct range hot_static(const struct options *opt, uint64_t page, uint64_t i)
{
	(void)page;
	(void)i;
	return (struct range){ 0, opt->hot };
}

/* Starts over at 0 where the next step would leave the region. */
static struct range hot_window(const struct options *opt, uint64_t page, uint64_t i)
{
	uint64_t nr_places = (opt->total - opt->hot) / opt->step + 1;
	uint64_t start = i % nr_places * opt->step;

	(void)page;
	return (struct range){ start, start + opt->hot };
}

static struct range hot_stairs(const struct options *opt, uint64_t page, uint64_t i)
{
	uint64_t height = opt->total / opt->nr_phases / page * page;

	return (struct range){ i * height, (i + 1) * height };
}

static struct range hot_zigzag(const struct options *opt, uint64_t page, uint64_t i)
{
	uint64_t half = opt->total / 2 / page * page;

	return (struct range){ i % 2 * half, (i % 2 + 1) * half };
}

int run_static(struct workload *w)
{
	return run_phases(w, hot_static);
}

int run_window(struct workload *w)
{
	return run_phases(w, hot_window);
}

int run_stairs(struct workload *w)
{
	return run_phases(w, hot_stairs);
}

int run_zigzag(struct workload *w)
{
	return run_phases(w, hot_zigzag);
}

int run_idle(struct workload *w)
{
	struct phase phase = { .pid = getpid() };
	struct range region;

	if (overhead_add(w) < 0 || region_map(w, &region, "total", w->opt.total) < 0 ||
	    populate_and_settle(w, region) < 0)
		return -1;
	phase.start_ns = clock_ns();
	sleep_until(w, phase.start_ns + w->opt.time_ns);
	phase.end_ns = clock_ns();
	truth_phase(w, &phase);
	return 0;
}
