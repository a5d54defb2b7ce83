/* SPDX-License-Identifier: MIT */
/* Chao1 and its interval; the formulas are in the header. */
#include "analyze/unseen.h"

#include <math.h>

#define Z_95 1.959963984540054

static void log_normal(struct mh_unseen *u, double seen, double variance)
{
	double unseen = u->total - seen;
	double k = exp(Z_95 * sqrt(log(1 + variance / (unseen * unseen))));

	u->low = seen + unseen / k;
	u->high = seen + unseen * k;
}

static void nothing_unseen(struct mh_unseen *u, double n, double seen)
{
	double missed = exp(-n / seen), share = 1 - missed;
	double half = Z_95 * sqrt(seen * missed) / share;

	u->low = fmax(seen, seen / share - half);
	u->high = seen / share + half;
}

struct mh_unseen mh_unseen_estimate(uint64_t n, uint64_t seen, uint64_t once,
				    uint64_t twice)
{
	double s = (double)seen, f1 = (double)once, f2 = (double)twice, r = 0;
	double pairs = f1 * (f1 - 1) / 2, variance;
	struct mh_unseen u = { .coverage = 1 - f1 / (double)n };

	if (twice) {
		r = f1 / f2;
		u.total = s + f1 * r / 2;
		variance = f2 * r * r * (0.5 + r + r * r / 4);
	} else {
		u.total = s + pairs;
		variance = pairs + f1 * (2 * f1 - 1) * (2 * f1 - 1) / 4 -
			   f1 * f1 * f1 * f1 / (4 * u.total);
	}
	if (u.total > s)
		log_normal(&u, s, variance);
	else
		nothing_unseen(&u, (double)n, s);
	u.low = floor(u.low);
	u.high = ceil(u.high);
	return u;
}
