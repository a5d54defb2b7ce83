/* SPDX-License-Identifier: MIT */
/* Release and percentiles of working set sizes. */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

void mh_wss_fini(struct mh_wss *wss)
{
	size_t i;

	if (!wss)
		return;
	free(wss->points);
	free(wss->any.sorted);
	for (i = 0; i < MH_WSS_THRESHOLDS; i++)
		free(wss->thresholds[i].sorted);
	for (i = 0; i < MH_WSS_WINDOWS; i++)
		free(wss->windows[i].sorted);
	memset(wss, 0, sizeof(*wss));
}

uint64_t mh_wss_percentile(const struct mh_wss_series *s, double p)
{
	size_t i;

	mh_assert(p >= 0 && p <= 100);
	if (!s->n)
		return MH_NO_DATA;
	i = (size_t)(p / 100 * (double)s->n);
	return s->sorted[i < s->n ? i : s->n - 1];
}
