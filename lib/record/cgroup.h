/* SPDX-License-Identifier: MIT */
/* What the kernel charges to a control group, as STAT "cgroup.*". */
#ifndef MEMHEAT_RECORD_CGROUP_H
#define MEMHEAT_RECORD_CGROUP_H

#include <memheat/base.h>
#include <memheat/event.h>

/* @dir: the group's directory, of version 1 or 2; a group without the memory controller
 * tells nothing. Returns MH_OK; a failure of @fn. */
int mh_cgroup_tell(const char *dir, mh_event_fn fn, void *arg,
		   struct mh_err *err) MH_MUST_CHECK;

#endif
