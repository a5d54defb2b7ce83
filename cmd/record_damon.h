/* SPDX-License-Identifier: MIT */
/* The options of `memheat record` that concern DAMON, and the addresses to watch. */
#ifndef MEMHEAT_RECORD_DAMON_H
#define MEMHEAT_RECORD_DAMON_H

#include <memheat/record.h>

#include "options.h"

#define RECORD_RANGES_MAX  64
#define RECORD_FILTERS_MAX 16

struct record_damon {
	uint64_t sample_ns, aggr_ns, update_ns;
	const char *regions, *intervals, *snapshot; /* as typed; NULL: not given */
	struct mh_strings addr;
	struct mh_range ranges[RECORD_RANGES_MAX]; /* of addr */
	struct mh_strings page_filter; /* cut into words by record_damon_apply() */
	struct mh_page_filter filters[RECORD_FILTERS_MAX]; /* of page_filter */
};

extern const struct mh_option record_damon_options[];

/* Put what was typed into @opts; its ranges and filters are lent by
 * @damon. MH_EINPUT with words. */
int record_damon_apply(struct record_damon *damon, struct mh_record_opts *opts,
		       struct mh_err *err) MH_MUST_CHECK;

#endif
