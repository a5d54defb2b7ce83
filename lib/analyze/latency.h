/* SPDX-License-Identifier: MIT */
/*
 * A distribution of latencies: counts in buckets that are exact below 64 cycles and a
 * 32nd of their value wide above.
 */
#ifndef MEMHEAT_ANALYZE_LATENCY_H
#define MEMHEAT_ANALYZE_LATENCY_H

#include <stdint.h>

#define MH_LATENCY_EXACT   64u
#define MH_LATENCY_BUCKETS (MH_LATENCY_EXACT + 26 * 32) /* up to 2^32 cycles */

struct mh_latency {
	uint64_t nr, sum, max;
	uint32_t bucket[MH_LATENCY_BUCKETS];
};

void mh_latency_add(struct mh_latency *l, uint64_t cycles);
void mh_latency_merge(struct mh_latency *into, const struct mh_latency *from);
/* The largest value of the bucket that holds percentile @p (0..100); 0 when empty. */
uint64_t mh_latency_percentile(const struct mh_latency *l, double p);

#endif
