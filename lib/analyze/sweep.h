/* SPDX-License-Identifier: MIT */
/*
 * A sweep: the snapshots of one source under all filters, in file order, in one thread.
 * For views that look from one snapshot to the next of the same target.
 */
#ifndef MEMHEAT_ANALYZE_SWEEP_H
#define MEMHEAT_ANALYZE_SWEEP_H

#include "analyze/moments.h"

struct mh_sweep {
	struct mh_session *s;
	const struct mh_session_source *src;
	enum mh_event_kind kind;
	struct mh_scan_opts scan;
	struct mh_places places; /* of --at */
};

/* Choose the source. @what: the view's name. mh_sweep_fini() whatever is returned. */
int mh_sweep_init(struct mh_sweep *w, struct mh_session *s, const char *what,
		  struct mh_err *err);
/* Hand every snapshot and row to @ops with @arg. */
int mh_sweep_run(struct mh_sweep *w, const struct mh_scan_ops *ops, void *arg,
		 struct mh_err *err);
/* The moments of it, by a pass of their own. */
int mh_sweep_moments(struct mh_moments *out, struct mh_sweep *w, struct mh_err *err);
void mh_sweep_fini(struct mh_sweep *w);

#endif
