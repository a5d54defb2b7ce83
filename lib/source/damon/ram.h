/* SPDX-License-Identifier: MIT */
/* Physical memory: where the RAM is, and which NUMA node it belongs to. */
#ifndef MEMHEAT_SOURCE_DAMON_RAM_H
#define MEMHEAT_SOURCE_DAMON_RAM_H

#include <memheat/base.h>

struct damon_ram {
	struct mh_range range;
	int node; /* -1: the kernel does not say */
};

struct damon_rams {
	struct damon_ram *v; /* ascending, disjoint; neighbours differ in node */
	size_t nr, cap;
};

/* "100000000-63fffffff : System RAM": one line of /proc/iomem. MH_END: not RAM. */
int mh_damon_ram_line(struct mh_range *out, const char *line);

/*
 * All System RAM, cut where the node changes; whole pages.
 *
 * Returns MH_OK; MH_EPERM when addresses are hidden from us; MH_ESYS; MH_ENOMEM.
 */
int mh_damon_ram_read(struct damon_rams *out, const char *sysroot,
		      struct mh_err *err) MH_MUST_CHECK;

/* The largest range of it, as the kernel's DAMON modules choose theirs. */
int mh_damon_ram_largest(struct mh_range *out, const char *sysroot,
			 struct mh_err *err) MH_MUST_CHECK;

#endif
