/* SPDX-License-Identifier: MIT */
/*
 * Events that sources give while they open, kept until the trace is open: a recording
 * that does not come about must not have moved the previous trace away.
 */
#ifndef MEMHEAT_RECORD_EARLY_H
#define MEMHEAT_RECORD_EARLY_H

#include <memheat/base.h>
#include <memheat/event.h>

struct mh_early {
	struct mh_event *v; /* strings are owned */
	size_t nr, cap;
};

/* Keep a copy; any kind without bitmaps. */
int mh_early_keep(struct mh_early *e, const struct mh_event *ev,
		  struct mh_err *err) MH_MUST_CHECK;

/* Hand all to @fn in order, and forget them. */
int mh_early_replay(struct mh_early *e, mh_event_fn fn, void *arg,
		    struct mh_err *err) MH_MUST_CHECK;

void mh_early_fini(struct mh_early *e);

#endif
