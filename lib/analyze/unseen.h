/* SPDX-License-Identifier: MIT */
/*
 * What a sample of pages tells of those that it did not see: Good and Turing's coverage,
 * 1 - f1 / n, the chance that the next sample hits a page already seen; and Chao's
 * estimate of how many pages there are (Chao1, of A. Chao, "Estimating the population
 * size for capture-recapture data with unequal catchability", Biometrics 43, 1987), with
 * her 95 % interval:
 *
 *	S + f1^2 / (2 f2)                     where f2 > 0, variance
 *	f2 ((f1/f2)^2 / 2 + (f1/f2)^3 + (f1/f2)^4 / 4)
 *	S + f1 (f1 - 1) / 2                   else, variance
 *	f1 (f1 - 1) / 2 + f1 (2 f1 - 1)^2 / 4 - f1^4 / (4 estimate)
 *
 * n samples hit S pages, f1 of them once and f2 twice. The unseen ones, T = estimate - S,
 * are taken as log-normal: from S + T / K to S + T K, where
 * K = exp(1.96 sqrt(ln(1 + variance / T^2))). Where T is 0 there is no such interval;
 * then S is corrected by the share P = exp(-n / S) that as many samples of equally likely
 * pages would miss, S / (1 - P) -+ 1.96 sqrt(S P) / (1 - P), and begins at S at least
 * (Colwell, EstimateS). Intervals are widened to whole pages.
 *
 * The estimate is of the least number of pages: rarely used ones are more than it knows,
 * and the interval tells of chance only.
 */
#ifndef MEMHEAT_ANALYZE_UNSEEN_H
#define MEMHEAT_ANALYZE_UNSEEN_H

#include <stdint.h>

struct mh_unseen {
	double coverage; /* 0..1 */
	double total, low, high;
};

/* @n, @seen: above 0 */
struct mh_unseen mh_unseen_estimate(uint64_t n, uint64_t seen, uint64_t once,
				    uint64_t twice);

#endif
