/* SPDX-License-Identifier: MIT */
/*
 * One axis of a map: a range cut into equal bins whose edges need not be whole numbers.
 *
 * bin(x) = floor((x - start) * bins / len) by one multiplication and shifts, no division.
 * The multiplier is ceil(bins * 2^s / len). It is exact where 2^s >= len^2, which fits 64
 * bits for len <= 2^48 and bins <= 2^14 (user addresses; 78 hours of ns); beyond, a value
 * right at an edge may fall one bin too low.
 */
#ifndef MEMHEAT_ANALYZE_AXIS_H
#define MEMHEAT_ANALYZE_AXIS_H

#include <memheat/base.h>

struct mh_axis {
	struct mh_range span;
	uint32_t bins;
	uint64_t mul;
	uint8_t pre, post; /* shifts before and, beyond 64, after the product */
};

static inline int mh_bit_length(uint64_t v)
{
	return v ? 64 - __builtin_clzll(v) : 0;
}

static inline void mh_axis_init(struct mh_axis *a, struct mh_range span, uint32_t bins)
{
	uint64_t len = mh_range_len(span);
	int want = mh_bit_length(bins) + 2, bits, shift;
	unsigned __int128 num;

	mh_assert(len > 0 && bins > 0);
	*a = (struct mh_axis){ .span = span, .bins = bins };
	/* A span of fewer units than bins is stretched, so that mul stays below 2^64. */
	bits = mh_bit_length(len);
	if (bits < want)
		a->pre = (uint8_t)(want - bits);
	bits += a->pre;
	shift = 2 * bits > 64 ? 2 * bits : 64;
	if (shift > 63 + bits - mh_bit_length(bins))
		shift = 63 + bits - mh_bit_length(bins);
	if (shift < 64)
		shift = 64;
	if (shift > 126 - mh_bit_length(bins))
		shift = 126 - mh_bit_length(bins);
	a->post = (uint8_t)(shift - 64);
	num = (unsigned __int128)bins << shift;
	a->mul = (uint64_t)(num / ((unsigned __int128)len << a->pre));
	/* Rounding up is right only where it cannot carry past an edge. */
	if (shift >= 2 * bits && num % ((unsigned __int128)len << a->pre))
		a->mul++;
}

/* @x: within the span */
static inline uint32_t mh_axis_bin(const struct mh_axis *a, uint64_t x)
{
	uint64_t d = (x - a->span.start) << a->pre;

	return (uint32_t)((uint64_t)((unsigned __int128)d * a->mul >> 64) >> a->post);
}

/* The last bin that [.., @end) reaches; more than bin(end - 1) where a bin is narrower
 * than one unit. @end: within the span, above its start */
static inline uint32_t mh_axis_last(const struct mh_axis *a, uint64_t end)
{
	uint32_t bin;

	if (end >= a->span.end)
		return a->bins - 1;
	bin = mh_axis_bin(a, end);
	/* An edge right at the end belongs to what follows. */
	if ((unsigned __int128)mh_range_len(a->span) * bin >=
	    (unsigned __int128)(end - a->span.start) * a->bins)
		bin--;
	return bin;
}

/* Share of bin @bin, 0..1, that [@x0, @x1) covers; the range lies within the span. */
static inline double mh_axis_cover(const struct mh_axis *a, uint32_t bin, uint64_t x0,
				   uint64_t x1)
{
	uint64_t len = mh_range_len(a->span);
	unsigned __int128 lo = (unsigned __int128)len * bin, hi = lo + len;
	unsigned __int128 from = (unsigned __int128)(x0 - a->span.start) * a->bins;
	unsigned __int128 to = (unsigned __int128)(x1 - a->span.start) * a->bins;

	if (from > lo)
		lo = from;
	if (to < hi)
		hi = to;
	return hi > lo ? (double)(hi - lo) / (double)len : 0;
}

/* The whole number at or above the lower edge of @bin (bins: the span's end). */
static inline uint64_t mh_axis_edge(const struct mh_axis *a, uint32_t bin)
{
	unsigned __int128 d = (unsigned __int128)mh_range_len(a->span) * bin;

	return a->span.start + (uint64_t)((d + a->bins - 1) / a->bins);
}

#endif
