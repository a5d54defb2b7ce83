/* SPDX-License-Identifier: MIT */
/* Physical memory as a target: page frames are told by their own address, under pid 0. */
#ifndef MEMHEAT_SOURCE_IDLE_PHYSICAL_H
#define MEMHEAT_SOURCE_IDLE_PHYSICAL_H

#include "source/idle/space.h"

struct idle_physical {
	struct {
		struct mh_range *v; /* page frames; ascending, within one block each */
		size_t nr, cap;
	} pieces;
	uint64_t *only; /* bit by frame: only these; NULL: all */
	size_t nr_only; /* words */
	uint64_t *told; /* by piece: a sum of what was told of its pages' kinds */
};

/* "System RAM" of /proc/iomem, cut by the target's ranges.
 * Returns MH_OK; MH_ESYS; MH_EPERM; MH_ENOTARGET: nothing is left; MH_ENOMEM. */
int mh_idle_physical_init(struct idle_physical *ram, const char *sysroot,
			  const struct mh_target *target, unsigned page_shift,
			  struct mh_err *err) MH_MUST_CHECK;

/* From now on only frames that are set. */
int mh_idle_physical_choose(struct idle_physical *ram, struct mh_err *err) MH_MUST_CHECK;
void mh_idle_physical_set(struct idle_physical *ram, uint64_t pfn);
void mh_idle_physical_unset(struct idle_physical *ram); /* all */

int mh_idle_physical_want(struct idle_physical *ram, struct idle_scan *scan,
			  struct mh_err *err) MH_MUST_CHECK;

/* @armed_ns: the scan before; 0: there was none, nothing is told. */
int mh_idle_physical_tell(struct idle_physical *ram, struct idle_scan *scan,
			  uint64_t armed_ns, struct mh_err *err) MH_MUST_CHECK;

void mh_idle_physical_fini(struct idle_physical *ram);

#endif
