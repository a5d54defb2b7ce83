/* SPDX-License-Identifier: MIT */
/* Whether samples stand for executions: see bias.c. */
#ifndef MEMHEAT_ANALYZE_BIAS_H
#define MEMHEAT_ANALYZE_BIAS_H

#include "analyze/session.h"

/* Why counts of samples are not proportional to how often code ran; "" if they are. */
void mh_bias_of(const struct mh_session *s, const struct mh_session_source *src,
		char *why, size_t size);

#endif
