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

void mh_code_fini(struct mh_code *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->nr_rows; i++) {
		free(c->rows[i].function);
		free(c->rows[i].file);
		free(c->rows[i].module);
	}
	for (i = 0; i < c->nr_notes; i++)
		free(c->notes[i]);
	free(c->rows);
	free(c->notes);
	memset(c, 0, sizeof(*c));
}

void mh_summary_fini(struct mh_summary *s)
{
	if (!s)
		return;
	mh_wss_fini(&s->wss);
	mh_mappings_fini(&s->mappings);
	memset(s, 0, sizeof(*s));
}
