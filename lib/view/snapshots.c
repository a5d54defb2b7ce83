/* SPDX-License-Identifier: MIT */
/* Release of the views that are made from snapshots alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

void mh_cold_fini(struct mh_cold *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->nr_groups; i++)
		free(c->groups[i].buckets);
	free(c->groups);
	free(c->buckets);
	memset(c, 0, sizeof(*c));
}

void mh_mrc_fini(struct mh_mrc *m)
{
	if (!m)
		return;
	free(m->points);
	memset(m, 0, sizeof(*m));
}

/* It owns nothing. */
void mh_sizing_fini(struct mh_sizing *s)
{
	if (s)
		memset(s, 0, sizeof(*s));
}

double mh_mrc_ratio(const struct mh_mrc *m, double bytes)
{
	const struct mh_mrc_point *p = m->points;
	size_t i = 0;
	double a, b;

	if (!m->nr_points || bytes < (double)p[0].bytes)
		return NAN;
	while (i + 1 < m->nr_points && bytes >= (double)p[i + 1].bytes)
		i++;
	if (i + 1 == m->nr_points)
		return p[i].miss_ratio;
	a = (double)p[i].bytes;
	b = (double)p[i + 1].bytes;
	return p[i].miss_ratio +
	       (p[i + 1].miss_ratio - p[i].miss_ratio) * (bytes - a) / (b - a);
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
