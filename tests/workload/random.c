/* SPDX-License-Identifier: MIT */
/*
 * Patterns from a seeded generator: zipf and first-touch. What was drawn is recorded page
 * by page, so the truth needs neither the generator nor a model.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

/* cdf[i]: how likely a page of rank 0..i is; the rank is the page's place in the region.
 */
static double *zipf_cdf(uint64_t nr_pages, double exponent)
{
	double *cdf = malloc(nr_pages * sizeof(*cdf));
	double sum = 0;

	if (!cdf)
		return NULL;
	for (uint64_t i = 0; i < nr_pages; i++)
		cdf[i] = sum += pow((double)(i + 1), -exponent);
	for (uint64_t i = 0; i < nr_pages; i++)
		cdf[i] /= sum;
	return cdf;
}

static uint64_t zipf_draw(const double *cdf, uint64_t nr_pages, uint64_t *seed)
{
	double u = (double)(random_next(seed) >> 11) * 0x1p-53;
	uint64_t low = 0, high = nr_pages - 1, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (cdf[middle] > u)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void zipf_window(struct workload *w, struct range region, const double *cdf,
			uint64_t *touched, uint64_t *seed, uint64_t deadline_ns)
{
	uint64_t nr_pages = (region.end - region.start) / w->page, page, bit;
	struct phase phase = { .start_ns = clock_ns(),
			       .deadline_ns = deadline_ns,
			       .pid = getpid(),
			       .nr_hot = 1 };

	while (!w->stop && clock_ns() < deadline_ns) {
		for (uint64_t i = 0; i < w->opt.burst; i++) {
			page = zipf_draw(cdf, nr_pages, seed);
			bit = (uint64_t)1 << page % 64;
			touch((char *)(uintptr_t)(region.start + page * w->page),
			      w->opt.write);
			phase.wss_bytes += touched[page / 64] & bit ? 0 : w->page;
			touched[page / 64] |= bit;
		}
		burst_end(w);
	}
	phase.end_ns = clock_ns();
	phase.hot[0] = region;
	phase.touched = touched;
	truth_phase(w, &phase);
}

int run_zipf(struct workload *w)
{
	uint64_t nr_pages = w->opt.total / w->page, nr_words = (nr_pages + 63) / 64;
	uint64_t *touched = calloc(w->opt.nr_phases, nr_words * sizeof(*touched));
	double *cdf = zipf_cdf(nr_pages, w->opt.exponent);
	uint64_t seed = w->opt.seed, start;
	struct range region;

	if (!touched || !cdf) {
		fprintf(stderr, "workload: %s\n", strerror(ENOMEM));
		return -1;
	}
	if (overhead_add(w) < 0 || region_map(w, &region, "total", w->opt.total) < 0 ||
	    populate_and_settle(w, region) < 0) {
		free(touched);
		free(cdf);
		return -1;
	}
	start = clock_ns();
	for (uint64_t i = 0; i < w->opt.nr_phases && !w->stop; i++)
		zipf_window(w, region, cdf, touched + i * nr_words, &seed,
			    start + (i + 1) * w->opt.phase_ns);
	free(cdf);
	return 0;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	return b ? gcd(b, a % b) : a;
}

/* One address in each page: pages in steps that share no factor with their number. */
static void draw_addresses(uint64_t *addresses, struct range region, uint64_t page,
			   uint64_t seed)
{
	uint64_t nr_pages = (region.end - region.start) / page;
	uint64_t step = random_next(&seed) % nr_pages + 1,
		 at = random_next(&seed) % nr_pages;

	while (gcd(step, nr_pages) != 1)
		step++;
	for (uint64_t i = 0; i < nr_pages; i++) {
		addresses[i] = region.start + at * page + random_next(&seed) % page;
		at = (at + step) % nr_pages;
	}
}

int run_first_touch(struct workload *w)
{
	uint64_t nr_pages = w->opt.total / w->page;
	uint64_t *addresses = malloc(nr_pages * sizeof(*addresses));
	struct phase phase = { .pid = getpid(), .nr_hot = 1 };
	uint64_t *nr_touched = &w->truth->nr_first_touches;
	struct range region;

	if (!addresses) {
		fprintf(stderr, "workload: %s\n", strerror(ENOMEM));
		return -1;
	}
	if (region_map(w, &region, "total", w->opt.total) < 0)
		goto fail;
	draw_addresses(addresses, region, w->page, w->opt.seed);
	if (overhead_add(w) < 0 || (w->opt.layout_path && layout_write(w) < 0))
		goto fail;

	sleep_until(w, clock_ns() + w->opt.settle_ns);
	phase.start_ns = clock_ns();
	while (*nr_touched < nr_pages && !w->stop) {
		touch((char *)(uintptr_t)addresses[*nr_touched], w->opt.write);
		if (++*nr_touched % w->opt.burst == 0)
			burst_end(w);
	}
	phase.end_ns = clock_ns();
	phase.hot[0] = region;
	phase.wss_bytes = *nr_touched * w->page;
	phase.sweeps = *nr_touched == nr_pages;
	truth_phase(w, &phase);
	w->first_touches = addresses;
	return 0;
fail:
	free(addresses);
	return -1;
}
