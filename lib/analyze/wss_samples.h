/* SPDX-License-Identifier: MIT */
/*
 * Working set sizes from samples: the distinct 4 KiB pages seen per window of a second.
 * What was sampled is a part of what was used, so each size is a lower bound. How good a
 * bound is told by the coverage, and by an estimate of the whole (unseen.h).
 */
#ifndef MEMHEAT_ANALYZE_WSS_SAMPLES_H
#define MEMHEAT_ANALYZE_WSS_SAMPLES_H

#include "analyze/wss.h"

/* Fill a zeroed view from the samples of @src. Runs a pass. */
int mh_wss_from_samples(struct mh_wss *out, struct mh_session *s,
			const struct mh_session_source *src, struct mh_err *err);

#endif
