/* SPDX-License-Identifier: MIT */
/* The options of `memheat record` that concern DAMON, and the addresses to watch. */
#ifndef MEMHEAT_RECORD_DAMON_H
#define MEMHEAT_RECORD_DAMON_H

#include <memheat/record.h>

#include "options.h"

#define RECORD_RANGES_MAX 64

struct record_damon {
	uint64_t sample_ns, aggr_ns, update_ns;
	const char *regions, *intervals, *snapshot; /* as typed; NULL: not given */
	struct mh_strings addr;
	struct mh_range ranges[RECORD_RANGES_MAX]; /* of addr */
};

extern const struct mh_option record_damon_options[];

/* Put what was typed into @opts; its ranges are lent by @damon. MH_EINPUT with words. */
int record_damon_apply(struct record_damon *damon, struct mh_record_opts *opts,
		       struct mh_err *err) MH_MUST_CHECK;

#endif
