/* SPDX-License-Identifier: MIT */
/* Where a control group is in its hierarchy. */
#ifndef MEMHEAT_SOURCE_MGLRU_GROUP_H
#define MEMHEAT_SOURCE_MGLRU_GROUP_H

#include <stdbool.h>

#include <memheat/base.h>

/*
 * The path below the mount of the hierarchy that @dir is in, "/" at least, by
 * /proc/self/mountinfo.
 *
 * *out: the caller frees it
 * Returns MH_OK; MH_ENOTARGET: in none; MH_ESYS; MH_ENOMEM.
 */
int mh_lru_group_path(char **out, const char *sysroot, const char *dir,
		      struct mh_err *err) MH_MUST_CHECK;

/* Whether @path is @group or below it. */
bool mh_lru_group_has(const char *group, const char *path);

#endif
