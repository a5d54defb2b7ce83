/* SPDX-License-Identifier: MIT */
/*
 * Working set sizes from samples: the distinct 4 KiB pages seen per window of a second.
 * What was sampled is a part of what was used, so each size is a lower bound. How good a
 * bound is told by Good-Turing's coverage, 1 - f1 / n (the chance that the next sample
 * hits a page already seen), and by Chao's estimate of the whole, S + f1^2 / (2 f2);
 * f1 and f2 are the pages seen once and twice.
 */
#ifndef MEMHEAT_ANALYZE_WSS_SAMPLES_H
#define MEMHEAT_ANALYZE_WSS_SAMPLES_H

#include "analyze/wss.h"

/* Fill a zeroed view from the samples of @src. Runs a pass. */
int mh_wss_from_samples(struct mh_wss *out, struct mh_session *s,
			const struct mh_session_source *src, struct mh_err *err);

#endif
