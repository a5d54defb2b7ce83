/* SPDX-License-Identifier: MIT */
/*
 * The page frames that are charged to a control group, mapped or not: what processes do
 * not map of it is page cache that only read(2) and write(2) use.
 */
#ifndef MEMHEAT_SOURCE_IDLE_CHARGED_H
#define MEMHEAT_SOURCE_IDLE_CHARGED_H

#include "source/idle/physical.h"

struct idle_charged {
	int fd; /* /proc/kpagecgroup */
	const char *sysroot, *cgroup;
	struct {
		uint64_t *v; /* of the group's directory and those below */
		size_t nr, cap;
	} inodes;
	uint64_t *entries; /* one block's */
	struct idle_physical ram;
};

/* @cgroup: its directory, lent. mh_idle_charged_fini() whatever is returned.
 * Returns MH_OK; MH_ENOSUP: the kernel does not tell; MH_ESYS; MH_EPERM; MH_ENOMEM. */
int mh_idle_charged_init(struct idle_charged *c, const char *sysroot, const char *cgroup,
			 unsigned page_shift, struct mh_err *err) MH_MUST_CHECK;

/* Find the group's frames that no process wants, and want them. */
int mh_idle_charged_want(struct idle_charged *c, struct idle_scan *scan,
			 struct mh_err *err) MH_MUST_CHECK;

/* Tell them under pid 0. */
int mh_idle_charged_tell(struct idle_charged *c, struct idle_scan *scan,
			 uint64_t armed_ns, struct mh_err *err) MH_MUST_CHECK;

void mh_idle_charged_fini(struct idle_charged *c);

#endif
