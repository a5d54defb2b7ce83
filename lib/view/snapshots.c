/* SPDX-License-Identifier: MIT */
/* Release of the views that are made from snapshots alone. */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

void mh_cold_fini(struct mh_cold *c)
{
	if (!c)
		return;
	free(c->buckets);
	memset(c, 0, sizeof(*c));
}

void mh_counts_fini(struct mh_counts *c)
{
	if (!c)
		return;
	free(c->sorted);
	memset(c, 0, sizeof(*c));
}

void mh_times_fini(struct mh_times *t)
{
	if (!t)
		return;
	free(t->ranges);
	memset(t, 0, sizeof(*t));
}
