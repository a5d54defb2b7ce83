/* SPDX-License-Identifier: MIT */
/*
 * The clock of perf beside CLOCK_MONOTONIC. Asking the kernel for a clock of our choice
 * would switch off that the hardware writes many samples per interrupt, so samples carry
 * perf's own, and pairs of both clocks are taken now and then.
 */
#ifndef MEMHEAT_SOURCE_MEM_CLOCK_H
#define MEMHEAT_SOURCE_MEM_CLOCK_H

#include <memheat/base.h>

#include "ring/ring.h"

struct mem_clock {
	int fd; /* of an event that tells when our own thread is renamed */
	struct mh_ring ring;
	uint64_t perf_ns, mono_ns; /* the last pair */
	double rate;               /* monotonic ns per perf ns, less 1 */
	uint64_t residual_max_ns;  /* how far a pair was from what the ones before said */
	unsigned nr_pairs;
};

/* Takes the first pair. MH_OK; MH_EPERM, MH_ENOSUP, MH_ESYS, MH_ENOMEM. */
int mh_mem_clock_open(struct mem_clock *c, struct mh_err *err) MH_MUST_CHECK;

/* Take a pair; keeps the old one when none can be had. */
void mh_mem_clock_pair(struct mem_clock *c);

/* What the pairs say for a time of perf. */
uint64_t mh_mem_clock_monotonic(const struct mem_clock *c, uint64_t perf_ns);

/* As mem_clock_pair() does with what it measured; for tests. */
void mh_mem_clock_take(struct mem_clock *c, uint64_t perf_ns, uint64_t mono_ns);

void mh_mem_clock_close(struct mem_clock *c);

#endif
