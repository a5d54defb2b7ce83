/* SPDX-License-Identifier: MIT */
/*
 * The statistics of a check: few runs per side, no idea of a distribution. So ranks, and
 * exact: every way to deal the pooled values to two sides is counted.
 */
#ifndef MEMHEAT_ANALYZE_STATS_H
#define MEMHEAT_ANALYZE_STATS_H

#include <stddef.h>

/*
 * Exact one-sided Mann-Whitney test that @y tends to be larger (@larger) or smaller than
 * @x; ties get middle ranks and are conditioned on.
 *
 * Returns the p value; NAN: out of memory, or a side is empty.
 */
double mh_stats_mann_whitney(const double *x, size_t nx, const double *y, size_t ny,
			     int larger);

/* The smallest p that so many values a side can give. */
double mh_stats_smallest_p(size_t nx, size_t ny);

struct mh_stats_ratio {
	double ratio; /* Hodges-Lehmann: median of all y / x; y / 0 is INFINITY */
	double lo,
		hi; /* of the confidence asked for; NAN where so few values give none */
};

/* @confidence: two-sided, e.g. 0.95. Negative: out of memory. */
int mh_stats_ratio(struct mh_stats_ratio *out, const double *x, size_t nx,
		   const double *y, size_t ny, double confidence);

/* Holm's step-down correction of @n p values in place; NANs are left out of the family.
 * Negative: out of memory. */
int mh_stats_holm(double *p, size_t n);

/* The middle value, or the mean of the two; @v is sorted by the call. NAN if empty. */
double mh_stats_median(double *v, size_t n);

#endif
