/* SPDX-License-Identifier: MIT */
/* Parts of the WSS and footprint views that the summary uses too. */
#ifndef MEMHEAT_ANALYZE_WSS_H
#define MEMHEAT_ANALYZE_WSS_H

#include "analyze/moments.h"

struct mh_wss_input {
	struct mh_session *s;
	const struct mh_session_source *src;
	enum mh_event_kind kind;
	const struct mh_scan_opts *scan;
	const struct mh_moments *moments;
};

/* Fill a zeroed view from moments that were found. */
int mh_wss_fill(struct mh_wss *out, const struct mh_wss_input *in, struct mh_err *err);

/* Median over time of the RSS of all processes; MH_NO_DATA. */
uint64_t mh_footprint_rss_p50(const struct mh_session *s);

#endif
