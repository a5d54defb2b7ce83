/* SPDX-License-Identifier: MIT */
/* A piece of Arm SPE's buffer as samples. */
#ifndef MEMHEAT_SOURCE_MEM_SPE_H
#define MEMHEAT_SOURCE_MEM_SPE_H

#include <memheat/event.h>

#include "ring/sampler.h"

/* What was met, for STAT. */
struct mem_spe {
	bool neoverse; /* its cores number data sources as Arm's own */
	bool user_only, kernel_only;
	uint64_t nr_samples, nr_nonmem, nr_skipped; /* skipped: bytes */
	uint64_t nr_truncated, nr_collisions;       /* pieces that say so */
};

/* Reads the CPU's identification. @sysroot: prefix of /sys */
void mh_mem_spe_init(struct mem_spe *s, const char *sysroot);

/*
 * Hand the loads and stores of a piece to @fn. Their times count back from the piece's,
 * which is that of its last record, by the PMU's own clock; without that clock all have
 * the piece's time.
 */
int mh_mem_spe_samples(struct mem_spe *s, const struct mh_sampler_aux *aux,
		       mh_event_fn fn, void *arg, struct mh_err *err) MH_MUST_CHECK;

#endif
