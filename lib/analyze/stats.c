/* SPDX-License-Identifier: MIT */
/*
 * Instead of walking through all C(n+m, m) deals one by one, they are counted by their
 * rank sum: values are taken one after the other, and table[k][s] is the number of ways
 * to have dealt k of them to y with rank sum s. That is the same enumeration, and stays
 * cheap for 64 runs a side. Ranks are doubled, so that middle ranks are whole numbers;
 * counts are doubles, exact up to 2^53 and relatively exact to 1e-13 beyond.
 */
#include "analyze/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double mh_stats_median(double *v, size_t n)
{
	if (!n)
		return NAN;
	qsort(v, n, sizeof(*v), by_value);
	/* Written so that two infinities, or two huge values, do no harm. */
	if (n % 2 || v[n / 2 - 1] == v[n / 2])
		return v[n / 2];
	return v[n / 2 - 1] / 2 + v[n / 2] / 2;
}

/* ---- deals ---- */

struct deals {
	double *count; /* [k * width + sum] */
	size_t width, k;
	double all;
};

/* @rank2: doubled ranks of all @n values; @k of them are dealt to y. */
static int deals_init(struct deals *d, const size_t *rank2, size_t n, size_t k)
{
	size_t i, j, s, sum = 0;

	for (i = 0; i < n; i++)
		sum += rank2[i];
	d->width = sum + 1;
	d->k = k;
	d->count = calloc((k + 1) * d->width, sizeof(*d->count));
	if (!d->count)
		return -1;
	d->count[0] = 1;
	for (i = 0; i < n; i++) {
		for (j = i + 1 < k ? i + 1 : k; j > 0; j--) {
			double *to = d->count + j * d->width;
			const double *from = to - d->width;

			for (s = sum; s >= rank2[i]; s--) {
				to[s] += from[s - rank2[i]];
				if (s == 0)
					break;
			}
		}
	}
	d->all = 0;
	for (s = 0; s <= sum; s++)
		d->all += d->count[k * d->width + s];
	return 0;
}

static double deals_at_least(const struct deals *d, size_t sum)
{
	double n = 0;
	size_t s;

	for (s = sum; s < d->width; s++)
		n += d->count[d->k * d->width + s];
	return n / d->all;
}

static double deals_at_most(const struct deals *d, size_t sum)
{
	double n = 0;
	size_t s;

	for (s = 0; s <= sum && s < d->width; s++)
		n += d->count[d->k * d->width + s];
	return n / d->all;
}

/* Doubled middle rank of @v among all. */
static size_t rank2_of(double v, const double *x, size_t nx, const double *y, size_t ny)
{
	size_t i, below = 0, same = 0;

	for (i = 0; i < nx; i++) {
		below += x[i] < v;
		same += x[i] == v;
	}
	for (i = 0; i < ny; i++) {
		below += y[i] < v;
		same += y[i] == v;
	}
	return 2 * below + same + 1;
}

double mh_stats_mann_whitney(const double *x, size_t nx, const double *y, size_t ny,
			     int larger)
{
	size_t *rank2 = malloc((nx + ny + 1) * sizeof(*rank2)), i, sum = 0;
	struct deals d = { 0 };
	double p = NAN;

	if (!rank2 || !nx || !ny)
		goto out;
	for (i = 0; i < nx; i++)
		rank2[i] = rank2_of(x[i], x, nx, y, ny);
	for (i = 0; i < ny; i++)
		sum += rank2[nx + i] = rank2_of(y[i], x, nx, y, ny);
	if (!deals_init(&d, rank2, nx + ny, ny))
		p = larger ? deals_at_least(&d, sum) : deals_at_most(&d, sum);
out:
	free(d.count);
	free(rank2);
	return p;
}

double mh_stats_smallest_p(size_t nx, size_t ny)
{
	double p = 1;
	size_t i;

	for (i = 1; i <= ny; i++)
		p *= (double)i / (double)(nx + i);
	return p;
}

/* ---- Hodges-Lehmann ---- */

static double divide(double y, double x)
{
	if (x == 0)
		return y == 0 ? 1 : INFINITY;
	return y / x;
}

/*
 * How many ratios to leave out at each end, from the distribution of U without ties;
 * negative: even leaving out none does not give the confidence.
 */
static long ends_of(size_t nx, size_t ny, double tail)
{
	size_t n = nx + ny, i, least = ny * (ny + 1), *rank2 = malloc(n * sizeof(*rank2));
	struct deals d = { 0 };
	long out = -1;

	if (!rank2)
		return -2;
	for (i = 0; i < n; i++)
		rank2[i] = 2 * (i + 1);
	if (deals_init(&d, rank2, n, ny))
		out = -2;
	while (out > -2 && deals_at_most(&d, least + 2 * (size_t)(out + 1)) <= tail)
		out++;
	free(d.count);
	free(rank2);
	return out;
}

int mh_stats_ratio(struct mh_stats_ratio *out, const double *x, size_t nx,
		   const double *y, size_t ny, double confidence)
{
	size_t i, j, n = nx * ny;
	double *r;
	long ends;

	*out = (struct mh_stats_ratio){ NAN, NAN, NAN };
	if (!n)
		return 0;
	r = malloc(n * sizeof(*r));
	ends = ends_of(nx, ny, (1 - confidence) / 2);
	if (!r || ends == -2) {
		free(r);
		return -1;
	}
	for (i = 0; i < nx; i++) {
		for (j = 0; j < ny; j++)
			r[i * ny + j] = divide(y[j], x[i]);
	}
	out->ratio = mh_stats_median(r, n);
	if (ends >= 0) {
		out->lo = r[ends];
		out->hi = r[n - 1 - (size_t)ends];
	}
	free(r);
	return 0;
}

/* ---- several tests at once ---- */

struct placed {
	double p;
	size_t at;
};

static int by_p(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

int mh_stats_holm(double *p, size_t n)
{
	struct placed *v = malloc((n + 1) * sizeof(*v));
	size_t i, nr = 0;
	double least = 0;

	if (!v)
		return -1;
	for (i = 0; i < n; i++) {
		if (!isnan(p[i]))
			v[nr++] = (struct placed){ p[i], i };
	}
	qsort(v, nr, sizeof(*v), by_p);
	for (i = 0; i < nr; i++) {
		double adjusted = v[i].p * (double)(nr - i);

		if (adjusted > 1)
			adjusted = 1;
		if (adjusted > least)
			least = adjusted;
		p[v[i].at] = least;
	}
	free(v);
	return 0;
}
