/* SPDX-License-Identifier: MIT */
/* How much of each object a run used: see objects.c for what an object is. */
#ifndef MEMHEAT_ANALYZE_OBJECTS_H
#define MEMHEAT_ANALYZE_OBJECTS_H

#include "analyze/moments.h"

/*
 * Fill run->objects. @scan: with its warm-up set; @moments: of the same data.
 */
int mh_objects_run(struct mh_run *run, struct mh_session *s,
		   const struct mh_session_source *src, enum mh_event_kind kind,
		   const struct mh_scan_opts *scan, const struct mh_moments *moments,
		   struct mh_err *err);

#endif
