/* SPDX-License-Identifier: MIT */
/* See access.h. */
#include "analyze/access.h"

static bool is_among(uint32_t set, unsigned value)
{
	return !set || set >> value & 1;
}

void mh_accesses_decode(struct mh_accesses *a, uint64_t data_src)
{
	const struct mh_session_opts *o = &a->session->opts;
	const struct mh_mem_access *m = &a->access;

	mh_mem_access_decode(&a->access, data_src);
	a->data_src = data_src;
	a->known = true;
	a->passes =
		is_among(o->access.ops, m->op) && is_among(o->access.levels, m->level) &&
		is_among(o->access.snoops, m->snoop) &&
		is_among(o->access.tlbs, m->tlb) && is_among(o->access.locks, m->lock);
}

bool mh_accesses_filtered(const struct mh_session *s)
{
	const struct mh_session_opts *o = &s->opts;

	return o->access.ops || o->access.levels || o->access.snoops || o->access.tlbs ||
	       o->access.locks;
}
