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

static void hot_row_fini(struct mh_hot_row *r)
{
	uint32_t i;

	free(r->mapping);
	free(r->object);
	free(r->symbol);
	free(r->type);
	free(r->member);
	free(r->file);
	free(r->why);
	for (i = 0; i < r->nr_accessors; i++) {
		free(r->accessors[i].function);
		free(r->accessors[i].file);
	}
}

void mh_hot_fini(struct mh_hot *h)
{
	size_t i;

	if (!h)
		return;
	for (i = 0; i < h->nr_rows; i++)
		hot_row_fini(&h->rows[i]);
	free(h->rows);
	free(h->untyped);
	memset(h, 0, sizeof(*h));
}

void mh_profile_fini(struct mh_profile *p)
{
	if (!p)
		return;
	free(p->modules);
	free(p->maps);
	free(p->codes);
	free(p->callers);
	free(p->loads);
	free(p->objects);
	free(p->rows);
	free(p->symbols);
	if (p->names_free)
		p->names_free(p->names);
	memset(p, 0, sizeof(*p));
}

struct mh_profile_symbol *mh_profile_symbol_at(const struct mh_profile *p, bool code,
					       uint64_t vaddr)
{
	size_t lo = 0, hi = p->nr_symbols;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mh_profile_symbol *s = &p->symbols[mid];

		if ((s->code && !code) || (s->code == code && s->vaddr < vaddr))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < p->nr_symbols && p->symbols[lo].code == code &&
	    p->symbols[lo].vaddr == vaddr)
		return &p->symbols[lo];
	return NULL;
}

void mh_allocs_fini(struct mh_allocs *a)
{
	size_t i;
	uint32_t f;

	if (!a)
		return;
	for (i = 0; i < a->nr_sites; i++)
		for (f = 0; f < a->sites[i].nr_frames; f++)
			free(a->sites[i].frames[f].function);
	free(a->sites);
	memset(a, 0, sizeof(*a));
}

void mh_heat_fini(struct mh_heat *h)
{
	if (!h)
		return;
	free(h->ranges);
	memset(h, 0, sizeof(*h));
}

void mh_summary_fini(struct mh_summary *s)
{
	if (!s)
		return;
	mh_wss_fini(&s->wss);
	mh_mappings_fini(&s->mappings);
	memset(s, 0, sizeof(*s));
}

const char *mh_hot_kind_name(enum mh_hot_kind kind)
{
	static const char *const names[] = { "mapping", "variable", "site",
					     "type",    "page",     "line" };

	return (unsigned)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}
