/* SPDX-License-Identifier: MIT */
/* The index of static variables: every DIE of a unit is passed once. */
#include "symbol/vars.h"

#include <dwarf.h>
#include <stdlib.h>

#include "base/vec.h"

/* One operation that gives an address and nothing else: not TLS, not a register. */
static bool fixed_address(const struct mh_dw_die *die, uint64_t *addr)
{
	const struct mh_dw_value *v = &die->v[MH_DW_LOCATION];
	struct mh_rbuf b;

	if (!mh_dw_has(die, MH_DW_LOCATION) || !v->p || !v->u)
		return false;
	b = mh_rbuf(v->p, v->u);
	switch (mh_rbuf_u8(&b)) {
	case DW_OP_addr:
		*addr = mh_dw_uint(&b, die->unit->addr_size);
		break;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		if (!mh_dw_address_index(die->unit, mh_dw_uleb(&b), addr))
			return false;
		break;
	default:
		return false;
	}
	if (mh_rbuf_left(&b) && *b.p == DW_OP_plus_uconst) {
		b.p++;
		*addr += mh_dw_uleb(&b);
	}
	return !b.bad && !mh_rbuf_left(&b) && *addr > 1;
}

static bool add_var(struct mh_dw_vars *vars, const struct mh_dw_die *die, uint32_t number)
{
	struct mh_dw_var *slot;
	uint64_t addr;

	if (!fixed_address(die, &addr))
		return true;
	slot = mh_vec_push(vars);
	if (!slot)
		return false;
	*slot = (struct mh_dw_var){ addr, die->off, number };
	return true;
}

static bool has_slot(const struct mh_dw_unit *u, const struct mh_dw_abbrev *a,
		     enum mh_dw_slot slot)
{
	unsigned i;

	for (i = 0; i < a->nr; i++) {
		if (u->abbrevs->attrs.v[a->first + i].slot == slot)
			return true;
	}
	return false;
}

static bool is_type(unsigned tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
	       tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_subroutine_type || tag == DW_TAG_array_type;
}

bool mh_dw_vars_add(struct mh_dw_vars *vars, struct mh_dw_unit *u, uint32_t number)
{
	uint64_t off = u->die, attrs = 0;
	struct mh_dw_die die;

	while (off && off < u->end) {
		const struct mh_dw_abbrev *a;
		int what;

		a = mh_dw_peek(u, off, &attrs, &what);
		if (what < 0)
			return true;
		if (what > 0) {
			off = attrs;
		} else if (a->tag == DW_TAG_variable && has_slot(u, a, MH_DW_LOCATION)) {
			if (!mh_dw_die_read(&die, u, off))
				return true;
			if (!add_var(vars, &die, number))
				return false;
			off = die.next;
		} else if (a->children && is_type(a->tag)) {
			if (!mh_dw_die_read(&die, u, off))
				return true;
			off = mh_dw_after(&die);
		} else {
			off = mh_dw_skip(u, a, attrs);
		}
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct mh_dw_var *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return x->die < y->die ? -1 : x->die > y->die;
}

void mh_dw_vars_sort(struct mh_dw_vars *vars)
{
	if (vars->nr)
		qsort(vars->v, vars->nr, sizeof(*vars->v), by_address);
}

size_t mh_dw_vars_upto(const struct mh_dw_vars *vars, uint64_t addr)
{
	size_t lo = 0, hi = vars->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (vars->v[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
