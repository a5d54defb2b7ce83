/* SPDX-License-Identifier: MIT */
/*
 * Working set sizes over longer windows: the bytes touched at least once in 10, 100 ...
 * intervals, and in all of them. Bytes are counted once per window, so this needs to know
 * which they were: it cannot be had from counts.
 */
#ifndef MEMHEAT_ANALYZE_WINDOWS_H
#define MEMHEAT_ANALYZE_WINDOWS_H

#include "analyze/moments.h"

#define MH_NR_WINDOW_LEVELS 2 /* 10 and 100 intervals; `all` comes on top */

struct mh_window_values {
	uint64_t *v; /* in time order */
	size_t nr, cap;
};

struct mh_windows {
	struct mh_window_values level[MH_NR_WINDOW_LEVELS]; /* whole windows only */
	uint64_t all;
};

int mh_windows_run(struct mh_windows *out, struct mh_session *s,
		   const struct mh_session_source *src, enum mh_event_kind kind,
		   const struct mh_scan_opts *scan, const struct mh_moments *moments,
		   struct mh_err *err);
void mh_windows_fini(struct mh_windows *w);

#endif
