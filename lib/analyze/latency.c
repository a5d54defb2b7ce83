/* SPDX-License-Identifier: MIT */
/* See latency.h. */
#include "analyze/latency.h"

static unsigned bucket_of(uint64_t v)
{
	unsigned bits, low;

	if (v < MH_LATENCY_EXACT)
		return (unsigned)v;
	if (v > UINT32_MAX)
		return MH_LATENCY_BUCKETS - 1;
	bits = 63 - (unsigned)__builtin_clzll(v); /* 6..31 */
	low = (unsigned)(v >> (bits - 5)) & 31;
	return MH_LATENCY_EXACT + (bits - 6) * 32 + low;
}

/* The largest value in bucket @i. */
static uint64_t end_of(unsigned i)
{
	unsigned bits, low;

	if (i < MH_LATENCY_EXACT)
		return i;
	bits = 6 + (i - MH_LATENCY_EXACT) / 32;
	low = (i - MH_LATENCY_EXACT) % 32;
	return (UINT64_C(32) + low + 1) * (UINT64_C(1) << (bits - 5)) - 1;
}

void mh_latency_add(struct mh_latency *l, uint64_t cycles)
{
	l->nr++;
	l->sum += cycles;
	if (cycles > l->max)
		l->max = cycles;
	l->bucket[bucket_of(cycles)]++;
}

void mh_latency_merge(struct mh_latency *into, const struct mh_latency *from)
{
	unsigned i;

	into->nr += from->nr;
	into->sum += from->sum;
	if (from->max > into->max)
		into->max = from->max;
	for (i = 0; i < MH_LATENCY_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

uint64_t mh_latency_percentile(const struct mh_latency *l, double p)
{
	uint64_t rank = (uint64_t)(p / 100 * (double)l->nr), below = 0, end;
	unsigned i;

	if (!l->nr)
		return 0;
	if (rank >= l->nr)
		rank = l->nr - 1;
	for (i = 0; i + 1 < MH_LATENCY_BUCKETS; i++) {
		below += l->bucket[i];
		if (below > rank)
			break;
	}
	end = end_of(i);
	return end < l->max ? end : l->max;
}
