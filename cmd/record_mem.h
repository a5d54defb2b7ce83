/* SPDX-License-Identifier: MIT */
/* The options of `memheat record` that concern hardware samples. */
#ifndef MEMHEAT_RECORD_MEM_H
#define MEMHEAT_RECORD_MEM_H

#include <memheat/record.h>

#include "options.h"

#define RECORD_EVENTS_MAX 8

struct record_mem {
	const char *events, *cpus, *call_graph; /* as typed; NULL: not given */
	uint64_t freq, ldlat, delay_ns;
	int loads, stores, kernel_only, phys, page_size;
	char text[1024]; /* of events, cut at its commas */
	char *event[RECORD_EVENTS_MAX];
};

extern const struct mh_option record_mem_options[];

/* Put what was typed into @opts, which borrows from @mem. MH_EINPUT with words. */
int record_mem_apply(struct record_mem *mem, struct mh_record_opts *opts,
		     struct mh_err *err) MH_MUST_CHECK;

#endif
