/* SPDX-License-Identifier: MIT */
/* Where DAMON's tracepoints keep their fields, as the kernel that runs describes it. */
#ifndef MEMHEAT_SOURCE_DAMON_FORMAT_H
#define MEMHEAT_SOURCE_DAMON_FORMAT_H

#include <memheat/base.h>

#include "source/snapshot.h"

struct damon_field {
	uint16_t offset, size; /* size 0: this kernel has no such field */
};

/* damon:damon_aggregated and damon:damon_monitor_intervals_tune; id 0: not there. */
struct damon_format {
	uint64_t aggregated_id, tune_id;
	struct damon_field target, nr_regions, start, end, nr_accesses, age;
	struct damon_field sample_us;
};

/* One field of a `format` file's text; MH_ENOSUP when there is none of that name. */
int mh_damon_format_field(struct damon_field *out, const char *text, const char *name);

/*
 * Read the descriptions from tracefs: where it is mounted, or from a mount of our own
 * that nobody else sees.
 *
 * @sysroot: "" for this machine
 * Returns MH_OK; MH_ENOSUP; MH_EPERM; MH_EFORMAT.
 */
int mh_damon_format_read(struct damon_format *out, const char *sysroot,
			 struct mh_err *err) MH_MUST_CHECK;

enum damon_hit {
	DAMON_HIT_OTHER,
	DAMON_HIT_REGION, /* a row, but its time */
	DAMON_HIT_TUNE    /* the sampling interval changed */
};

/* What a tracepoint's fields say. */
enum damon_hit mh_damon_format_parse(const struct damon_format *f, const uint8_t *raw,
				     size_t len, struct mh_region_row *row,
				     uint64_t *sample_us);

#endif
