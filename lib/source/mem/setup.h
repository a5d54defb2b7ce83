/* SPDX-License-Identifier: MIT */
/* From the chosen events and the user's wishes to what the kernel is asked for, and
 * whether this machine can do it at all. */
#ifndef MEMHEAT_SOURCE_MEM_SETUP_H
#define MEMHEAT_SOURCE_MEM_SETUP_H

#include "source/mem/event.h"

/*
 * Choose events and check what can be checked by reading.
 *
 * @wide: all processes, not the user's own only
 * Returns MH_OK; MH_ENOSUP, MH_EPERM, MH_EINPUT with words; @out->fix may say more.
 */
int mh_mem_prepare(struct mem_events *out, const struct mh_source_opts *opts, bool wide,
		   struct mh_err *err) MH_MUST_CHECK;

/* What to ask the kernel for. */
void mh_mem_sampler_event(struct mh_sampler_event *out, const struct mem_event *e,
			  const struct mh_source_opts *opts);

/* Samples of kernel mode must be left out by us: the hardware cannot. */
bool mh_mem_filters_modes(const struct mem_event *e, const struct mh_source_opts *opts);

/* Why the hardware interrupts for every sample; NULL: it does not have to. */
const char *mh_mem_interrupts(const struct mem_event *e,
			      const struct mh_source_opts *opts);

int mh_mem_probe(struct mh_probe *out, const struct mh_target *target,
		 const struct mh_source_opts *opts, struct mh_err *err);

#endif
