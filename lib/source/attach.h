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

/* What was warned of already. */
struct mh_warned {
	uint64_t side_lost, malformed;
};

/* Warn of the records that were lost or not understood since the last time. */
void mh_attach_warn(struct mh_warned *w, const struct mh_sampler_totals *totals,
		    const char *name, const struct mh_log *log);

#endif
