/* SPDX-License-Identifier: MIT */
/* Puts the events of a sampler onto a target, whatever kind it is, and tells of the
 * processes that are there already. */
#ifndef MEMHEAT_SOURCE_ATTACH_H
#define MEMHEAT_SOURCE_ATTACH_H

#include "ring/sampler.h"
#include "source/tell.h"

struct mh_attach {
	struct mh_sampler *sampler;
	const struct mh_target *target;
	const char *sysroot; /* "" for none */
	const char *name;    /* of the source, for warnings */
	const struct mh_log *log;
	struct mh_tell tell;
};

/* Returns MH_OK; MH_ENOTARGET; MH_EPERM; MH_ENOSUP; MH_ESYS; MH_ENOMEM. */
int mh_attach(const struct mh_attach *a, struct mh_err *err) MH_MUST_CHECK;

#endif
