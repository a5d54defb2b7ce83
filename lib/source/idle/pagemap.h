/* SPDX-License-Identifier: MIT */
/* /proc/PID/pagemap: which page frame each page of an address space is in. */
#ifndef MEMHEAT_SOURCE_IDLE_PAGEMAP_H
#define MEMHEAT_SOURCE_IDLE_PAGEMAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "source/round.h"

/* An entry. */
#define PAGEMAP_PFN_MASK   ((1ull << 55) - 1) /* of a page that is present */
#define PAGEMAP_SOFT_DIRTY (1ull << 55)
#define PAGEMAP_EXCLUSIVE  (1ull << 56) /* no other process maps it */
#define PAGEMAP_FILE       (1ull << 61) /* of a file, or shared memory */
#define PAGEMAP_SWAPPED    (1ull << 62)
#define PAGEMAP_PRESENT    (1ull << 63)

struct pagemap {
	int fd;
	pid_t pid;
	unsigned page_shift;
	bool can_skip;         /* the kernel has PAGEMAP_SCAN */
	uint64_t stall_max_ns; /* longest single call */
};

/* Returns MH_OK; MH_ENOTARGET; MH_EPERM; MH_ESYS. */
int mh_pagemap_open(struct pagemap *pm, const struct round *r, pid_t pid,
		    struct mh_err *err) MH_MUST_CHECK;

/* The first address in [start, end) with a page that is present or swapped, or one before
 * it where the kernel cannot tell; end: there is none. */
uint64_t mh_pagemap_skip_hole(struct pagemap *pm, uint64_t start, uint64_t end);

/* Entries of @nr pages from @start. MH_OK; MH_ENOTARGET when the process has gone. */
int mh_pagemap_read(struct pagemap *pm, uint64_t *entries, uint64_t start, size_t nr,
		    struct mh_err *err) MH_MUST_CHECK;

void mh_pagemap_close(struct pagemap *pm);

#endif
