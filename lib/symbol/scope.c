/* SPDX-License-Identifier: MIT */
/*
 * From code addresses of a unit to the functions and inlined calls around them: one walk
 * over the unit's DIEs for all addresses, which leaves out what covers none of them.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "base/vec.h"
#include "symbol/line.h"

#define DEPTH_MAX 256

struct walk {
	struct mh_dw_scopes *scopes;
	struct mh_dw_unit *unit;
	bool whole;
	const uint64_t *addrs;
	size_t nr;
	uint32_t *inner;
	struct mh_dw_ranges ranges;
	uint32_t stack[DEPTH_MAX]; /* scope of each level: 1 + index; 0: none */
	unsigned depth;
};

/* True: one of the addresses is in the ranges; they get @scope if it is one. */
static bool claim(struct walk *w, uint32_t scope)
{
	bool any = false;
	size_t i, a;

	for (i = 0; i < w->ranges.nr; i++) {
		const struct mh_range *r = &w->ranges.v[i];

		a = mh_dw_lower_bound(w->addrs, w->nr, r->start);
		if (a == w->nr || w->addrs[a] >= r->end)
			continue;
		any = true;
		if (!scope)
			return true;
		for (; a < w->nr && w->addrs[a] < r->end; a++) {
			if (!mh_dw_burn(w->unit->dw->fuel, 1))
				return any;
			w->inner[a] = scope;
		}
	}
	return any;
}

static bool add_scope(struct walk *w, const struct mh_dw_die *die, bool inlined)
{
	struct mh_dw_scope *s = mh_vec_push(w->scopes);
	int64_t n;

	if (!s)
		return false;
	s->parent = inlined ? w->stack[w->depth] : 0;
	s->inlined = inlined;
	s->die = die->off;
	if (mh_dw_number(die, MH_DW_CALL_FILE, &n))
		s->call_file = (uint64_t)n;
	if (mh_dw_number(die, MH_DW_CALL_LINE, &n))
		s->call_line = (uint64_t)n;
	if (mh_dw_number(die, MH_DW_CALL_COLUMN, &n))
		s->call_column = (uint64_t)n;
	if (mh_dw_number(die, MH_DW_DISCRIMINATOR, &n))
		s->call_discriminator = (uint64_t)n;
	return true;
}

enum todo {
	DESCEND,
	PASS,  /* go on behind its children */
	FAILED /* out of memory */
};

static enum todo with_ranges(struct walk *w, const struct mh_dw_die *die, uint32_t *scope)
{
	unsigned tag = die->abbrev->tag;

	if (!mh_dw_die_ranges(die, &w->ranges))
		return FAILED;
	*scope = w->stack[w->depth];
	if (!w->ranges.nr) /* a block without code of its own may hold some */
		return w->whole || (tag == DW_TAG_lexical_block && *scope) ? DESCEND
									   : PASS;
	if (!claim(w, 0))
		return w->whole ? DESCEND : PASS;
	if (tag == DW_TAG_lexical_block)
		return DESCEND;
	if (!add_scope(w, die, tag == DW_TAG_inlined_subroutine))
		return FAILED;
	*scope = (uint32_t)w->scopes->nr;
	claim(w, *scope);
	return DESCEND;
}

static enum todo visit(struct walk *w, const struct mh_dw_die *die, uint32_t *scope)
{
	*scope = w->stack[w->depth];
	switch (die->abbrev->tag) {
	case DW_TAG_subprogram:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return with_ranges(w, die, scope);
	case DW_TAG_namespace:
	case DW_TAG_module:
		return DESCEND;
	default:
		return w->whole ? DESCEND : PASS;
	}
}

/* One entry at *off, which then moves on. 0: go on; 1: done or damaged; -1: no memory. */
static int step(struct walk *w, uint64_t *off)
{
	const struct mh_dw_abbrev *a;
	struct mh_dw_die die;
	uint64_t attrs = 0;
	uint32_t scope;
	enum todo todo;
	int what;

	a = mh_dw_peek(w->unit, *off, &attrs, &what);
	if (what < 0)
		return 1;
	if (what > 0) {
		*off = attrs;
		return w->depth-- == 0;
	}
	if (!a->children && a->tag != DW_TAG_subprogram &&
	    a->tag != DW_TAG_inlined_subroutine) {
		*off = mh_dw_skip(w->unit, a, attrs);
		return *off == 0;
	}
	if (!mh_dw_die_read(&die, w->unit, *off))
		return 1;
	todo = visit(w, &die, &scope);
	if (todo == FAILED)
		return -1;
	if (todo == DESCEND && a->children && w->depth + 1 < DEPTH_MAX) {
		w->stack[++w->depth] = scope;
		*off = die.next;
		return 0;
	}
	*off = mh_dw_after(&die);
	return *off == 0;
}

bool mh_dw_scopes_find(struct mh_dw_scopes *scopes, struct mh_dw_unit *u, bool whole,
		       const uint64_t *addrs, size_t nr, uint32_t *inner)
{
	struct walk w = { .scopes = scopes,
			  .unit = u,
			  .whole = whole,
			  .addrs = addrs,
			  .nr = nr,
			  .inner = inner };
	struct mh_dw_die top;
	uint64_t off;
	int ret = 1;

	if (mh_dw_die_read(&top, u, u->die) && top.abbrev && top.abbrev->children) {
		off = top.next;
		while ((ret = step(&w, &off)) == 0)
			;
	}
	free(w.ranges.v);
	return ret > 0;
}
