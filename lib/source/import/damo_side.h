/* SPDX-License-Identifier: MIT */
/*
 * What DAMO keeps beside a record: FILE.mem_footprint and FILE.vmas, each second's
 * resident pages and mappings of the targets. They alone tell the pids of targets.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_DAMO_SIDE_H
#define MEMHEAT_SOURCE_IMPORT_DAMO_SIDE_H

#include "source/import/damo.h"

struct damo_side {
	const char *name; /* of the record; borrowed */
	const struct mh_log *log;
	struct {
		uint32_t *v;
		size_t nr, cap;
	} pids;                /* by the index of the target; the caller's to free */
	double first_s;        /* wall clock, of the first look of either; < 0: none */
	bool footprints, vmas; /* the files are there */
};

/* Look what there is beside the record; damaged files are told and left out. */
void mh_damo_side_open(struct damo_side *side, const char *name,
		       const struct mh_log *log);

/*
 * Tell their events (FOOTPRINT, MAP, STAT).
 *
 * @start_ns: of the record: the first look is taken for that moment, unless the record
 * has the wall clock too
 */
int mh_damo_side_give(const struct damo_side *side, uint64_t start_ns, mh_event_fn fn,
		      void *arg, struct mh_err *err) MH_MUST_CHECK;
#endif
