/* SPDX-License-Identifier: MIT */
/* Percentiles and histograms of bytes. */
#include <math.h>
#include <stdlib.h>

#include <memheat/view.h>

static int by_value(const void *a, const void *b)
{
	const struct mh_weighed *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

void mh_weighed_sort(struct mh_weighed *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), by_value);
}

double mh_weighed_percentile(const struct mh_weighed *v, size_t n, double p)
{
	double all = 0, sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		all += (double)v[i].bytes;
	for (i = 0; i + 1 < n; i++) {
		sum += (double)v[i].bytes;
		if (p < 100 && sum * 100 >= p * all)
			break;
	}
	return v[i].value;
}

/* The bounds of the bins; the last one holds the largest value. */
static size_t make_bins(struct mh_weighed_bin *out, double min, double max, bool log)
{
	double width = log ? trunc((max - min) / 1024) : ceil((max + 1 - min) / 10);
	size_t n = 0;

	if (width < 1)
		width = 1;
	do {
		out[n] = (struct mh_weighed_bin){ .start = min, .end = min + width };
		min += width;
		if (log)
			width *= 2;
		n++;
	} while (n < MH_WEIGHED_BINS && (log ? min <= max : n < 10));
	return n;
}

size_t mh_weighed_histogram(struct mh_weighed_bin out[MH_WEIGHED_BINS],
			    const struct mh_weighed *v, size_t n, bool log)
{
	size_t i, bin = 0, nr;

	if (!n)
		return 0;
	nr = make_bins(out, v[0].value, v[n - 1].value, log);
	for (i = 0; i < n; i++) {
		while (bin + 1 < nr && v[i].value >= out[bin].end)
			bin++;
		out[bin].bytes += v[i].bytes;
	}
	return nr;
}
