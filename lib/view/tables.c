/* SPDX-License-Identifier: MIT */
/* Release of the views that are tables. */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

void mh_mappings_fini(struct mh_mappings *m)
{
	if (!m)
		return;
	free(m->rows);
	memset(m, 0, sizeof(*m));
}

void mh_footprint_fini(struct mh_footprint *f)
{
	if (!f)
		return;
	free(f->points);
	memset(f, 0, sizeof(*f));
}

void mh_summary_fini(struct mh_summary *s)
{
	if (!s)
		return;
	mh_wss_fini(&s->wss);
	mh_mappings_fini(&s->mappings);
	memset(s, 0, sizeof(*s));
}
