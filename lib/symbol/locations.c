/* SPDX-License-Identifier: MIT */
/*
 * Locations of variables: single expressions, .debug_loc of DWARF 2 to 4 and of GNU split
 * DWARF, .debug_loclists of DWARF 5. An expression is understood when it is one register,
 * or memory or a value at a constant distance from one, or pieces of these; all others
 * say nothing here (what a register had at the function's entry, computed values).
 */
#include "symbol/locations.h"

#include <dwarf.h>
#include <stdlib.h>

#include "base/vec.h"

#define DEPTH_MAX 64
#define HELD_MAX  (1 << 18) /* of one function */

struct reading {
	struct mh_dw_locals *out;
	struct mh_dw_fuel *fuel;
	uint8_t frame_reg; /* of the frame base; MH_REG_NONE: not understood */
	int64_t frame_off;
	bool failed; /* out of memory */

	/* of the variable in work */
	struct mh_dw_ref type;
	uint16_t depth;
	bool told; /* it is somewhere */
};

/* ---- expressions ---- */

struct expression {
	uint8_t reg;
	int64_t off;
	enum mh_dw_place_kind kind;
	bool known;
};

static int64_t constant(struct mh_rbuf *b, uint8_t op)
{
	switch (op) {
	case DW_OP_const1u:
		return mh_rbuf_u8(b);
	case DW_OP_const1s:
		return (int8_t)mh_rbuf_u8(b);
	case DW_OP_const2u:
		return mh_rbuf_u16(b);
	case DW_OP_const2s:
		return (int16_t)mh_rbuf_u16(b);
	case DW_OP_const4u:
		return mh_rbuf_u32(b);
	case DW_OP_const4s:
		return (int32_t)mh_rbuf_u32(b);
	case DW_OP_constu:
		return (int64_t)mh_dw_uleb(b);
	default:
		return mh_dw_sleb(b);
	}
}

static int64_t add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* reg + off, plus constants. False: something else. */
static bool sum(struct mh_rbuf *b, struct expression *e)
{
	while (mh_rbuf_left(b)) {
		uint8_t op = *b->p;
		int64_t n;

		if (op == DW_OP_piece || op == DW_OP_stack_value || op == DW_OP_deref)
			return true;
		b->p++;
		if (op == DW_OP_plus_uconst) {
			e->off = add(e->off, (int64_t)mh_dw_uleb(b));
			continue;
		}
		if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
			n = op - DW_OP_lit0;
		else if ((op >= DW_OP_const1u && op <= DW_OP_const4s) ||
			 op == DW_OP_constu || op == DW_OP_consts)
			n = constant(b, op);
		else
			return false;
		op = mh_rbuf_u8(b);
		if (op == DW_OP_plus)
			e->off = add(e->off, n);
		else if (op == DW_OP_minus)
			e->off = (int64_t)((uint64_t)e->off - (uint64_t)n);
		else
			return false;
	}
	return true;
}

/* A place up to the next piece. False: nothing behind it can be understood. */
static bool place(struct mh_rbuf *b, const struct reading *r, struct expression *e)
{
	uint8_t op = mh_rbuf_u8(b);

	*e = (struct expression){ .kind = MH_DW_IN_MEMORY, .known = true };
	if ((op >= DW_OP_reg0 && op <= DW_OP_reg31) || op == DW_OP_regx) {
		uint64_t n = op == DW_OP_regx ? mh_dw_uleb(b) : op - (uint64_t)DW_OP_reg0;

		e->kind = MH_DW_IN_REGISTER;
		e->reg = n < MH_REG_CFA ? (uint8_t)n : MH_REG_NONE;
		return !b->bad;
	}
	if ((op >= DW_OP_breg0 && op <= DW_OP_breg31) || op == DW_OP_bregx) {
		uint64_t n =
			op == DW_OP_bregx ? mh_dw_uleb(b) : op - (uint64_t)DW_OP_breg0;

		e->reg = n < MH_REG_CFA ? (uint8_t)n : MH_REG_NONE;
		e->off = mh_dw_sleb(b);
	} else if (op == DW_OP_fbreg) {
		e->reg = r->frame_reg;
		e->off = add(mh_dw_sleb(b), r->frame_off);
		e->known = r->frame_reg != MH_REG_NONE;
	} else if (op == DW_OP_call_frame_cfa) {
		e->reg = MH_REG_CFA;
	} else {
		return false;
	}
	if (!sum(b, e) || b->bad)
		return false;
	if (mh_rbuf_left(b) && *b->p == DW_OP_stack_value) {
		b->p++;
		e->kind = MH_DW_VALUE;
	} else if (mh_rbuf_left(b) && *b->p == DW_OP_deref) {
		b->p++;
		e->kind = MH_DW_INDIRECT;
		/* The value of what is pointed to, and what is there, differ. */
		if (mh_rbuf_left(b) && *b->p == DW_OP_stack_value) {
			b->p++;
			e->kind = MH_DW_IN_MEMORY;
		}
	}
	return true;
}

static void hold(struct reading *r, struct mh_range code, const struct expression *e,
		 uint64_t at)
{
	struct mh_dw_held *h;

	if (!e->known || e->reg == MH_REG_NONE || r->out->held.nr >= HELD_MAX ||
	    code.start >= code.end)
		return;
	h = mh_vec_push(&r->out->held);
	if (!h) {
		r->failed = true;
		return;
	}
	r->told = true;
	*h = (struct mh_dw_held){ .start = code.start,
				  .end = code.end,
				  .kind = (uint8_t)e->kind,
				  .reg = e->reg,
				  .depth = r->depth,
				  .off = e->off,
				  .type = r->type,
				  .at = at };
}

static void expression(struct reading *r, struct mh_range code, struct mh_rbuf b)
{
	struct expression e;
	uint64_t at = 0;

	while (mh_rbuf_left(&b)) {
		bool empty = *b.p == DW_OP_piece;

		if (!empty && !place(&b, r, &e))
			return;
		if (!mh_rbuf_left(&b)) {
			if (!empty)
				hold(r, code, &e, at);
			return;
		}
		if (mh_rbuf_u8(&b) != DW_OP_piece)
			return;
		if (!empty)
			hold(r, code, &e, at);
		at += mh_dw_uleb(&b);
		if (b.bad)
			return;
	}
}

/* ---- lists ---- */

static uint64_t base_of(const struct mh_dw_unit *u)
{
	return u->skeleton ? u->skeleton->low_pc : u->low_pc;
}

static void entry(struct reading *r, struct mh_rbuf *b, uint64_t len,
		  struct mh_range code)
{
	const uint8_t *p = mh_rbuf_bytes(b, len);

	if (p && mh_dw_burn(r->fuel, 1 + len / 8))
		expression(r, code, mh_rbuf(p, len));
}

static void list4(struct reading *r, const struct mh_dw_unit *u, uint64_t off)
{
	const struct mh_bytes *sec = &u->dw->loc;
	uint64_t base = base_of(u), max = u->addr_size == 4 ? UINT32_MAX : UINT64_MAX;
	struct mh_rbuf b;

	if (off >= sec->len)
		return;
	b = mh_rbuf(sec->p + off, sec->len - off);
	while (!r->failed && mh_dw_burn(u->dw->fuel, 1)) {
		uint64_t start = mh_dw_uint(&b, u->addr_size);
		uint64_t end = mh_dw_uint(&b, u->addr_size);

		if (b.bad || (!start && !end))
			return;
		if (start == max)
			base = end;
		else
			entry(r, &b, mh_rbuf_u16(&b),
			      (struct mh_range){ base + start, base + end });
	}
}

/* GNU's form in .dwo files before DWARF 5. */
static void list_gnu(struct reading *r, const struct mh_dw_unit *u, uint64_t off)
{
	const struct mh_bytes *sec = &u->dw->loc;
	struct mh_range code = { 0 };
	struct mh_rbuf b;

	if (off >= sec->len)
		return;
	b = mh_rbuf(sec->p + off, sec->len - off);
	while (!r->failed && mh_dw_burn(u->dw->fuel, 1)) {
		switch (mh_rbuf_u8(&b)) {
		case DW_LLE_GNU_start_end_entry:
			if (!mh_dw_address_index(u, mh_dw_uleb(&b), &code.start) ||
			    !mh_dw_address_index(u, mh_dw_uleb(&b), &code.end))
				return;
			break;
		case DW_LLE_GNU_start_length_entry:
			if (!mh_dw_address_index(u, mh_dw_uleb(&b), &code.start))
				return;
			code.end = code.start + mh_rbuf_u32(&b);
			break;
		default:
			return;
		}
		if (b.bad)
			return;
		entry(r, &b, mh_rbuf_u16(&b), code);
	}
}

/* 0: an entry; 1: none, go on; -1: the end. */
static int bounds5(struct mh_rbuf *b, const struct mh_dw_unit *u, uint64_t *base,
		   struct mh_range *code)
{
	switch (mh_rbuf_u8(b)) {
	case DW_LLE_base_addressx:
		return mh_dw_address_index(u, mh_dw_uleb(b), base) ? 1 : -1;
	case DW_LLE_base_address:
		*base = mh_dw_uint(b, u->addr_size);
		return 1;
	case DW_LLE_GNU_view_pair:
		(void)mh_dw_uleb(b);
		(void)mh_dw_uleb(b);
		return 1;
	case DW_LLE_startx_endx:
		return mh_dw_address_index(u, mh_dw_uleb(b), &code->start) &&
				       mh_dw_address_index(u, mh_dw_uleb(b), &code->end)
			       ? 0
			       : -1;
	case DW_LLE_startx_length:
		if (!mh_dw_address_index(u, mh_dw_uleb(b), &code->start))
			return -1;
		code->end = code->start + mh_dw_uleb(b);
		return 0;
	case DW_LLE_offset_pair:
		code->start = *base + mh_dw_uleb(b);
		code->end = *base + mh_dw_uleb(b);
		return 0;
	case DW_LLE_default_location:
		*code = (struct mh_range){ 0, UINT64_MAX };
		return 0;
	case DW_LLE_start_end:
		code->start = mh_dw_uint(b, u->addr_size);
		code->end = mh_dw_uint(b, u->addr_size);
		return 0;
	case DW_LLE_start_length:
		code->start = mh_dw_uint(b, u->addr_size);
		code->end = code->start + mh_dw_uleb(b);
		return 0;
	default:
		return -1;
	}
}

static void list5(struct reading *r, const struct mh_dw_unit *u, uint64_t off)
{
	const struct mh_bytes *sec = &u->dw->loclists;
	uint64_t base = base_of(u);
	struct mh_rbuf b;

	if (off >= sec->len)
		return;
	b = mh_rbuf(sec->p + off, sec->len - off);
	while (!r->failed && mh_dw_burn(u->dw->fuel, 1)) {
		struct mh_range code = { 0 };
		int what = bounds5(&b, u, &base, &code);

		if (what < 0 || b.bad)
			return;
		if (!what)
			entry(r, &b, mh_dw_uleb(&b), code);
	}
}

static void list_by_index(struct reading *r, const struct mh_dw_unit *u, uint64_t index)
{
	const struct mh_bytes *sec = &u->dw->loclists;
	uint64_t base = u->loclists_base;
	struct mh_rbuf b;

	if (base >= sec->len || index >= (sec->len - base) / u->off_size)
		return;
	b = mh_rbuf(sec->p + base + index * u->off_size, u->off_size);
	list5(r, u, base + mh_dw_uint(&b, u->off_size));
}

/* ---- DIEs ---- */

static void location(struct reading *r, const struct mh_dw_die *die,
		     const struct mh_dw_ranges *scope)
{
	const struct mh_dw_value *v = &die->v[MH_DW_LOCATION];
	const struct mh_dw_unit *u = die->unit;
	size_t i;

	if (v->p) {
		for (i = 0; i < scope->nr && mh_dw_burn(r->fuel, 1 + v->u / 8); i++)
			expression(r, scope->v[i], mh_rbuf(v->p, v->u));
	} else if (v->form == DW_FORM_loclistx) {
		list_by_index(r, u, v->u);
	} else if (u->version >= 5) {
		list5(r, u, v->u);
	} else if (u->dw->split) {
		list_gnu(r, u, v->u);
	} else {
		list4(r, u, v->u);
	}
}

static void variable(struct reading *r, const struct mh_dw_die *die,
		     const struct mh_dw_ranges *scope, unsigned depth)
{
	size_t i;

	r->type = mh_dw_type_of(die);
	r->depth = (uint16_t)depth;
	r->told = false;
	if (mh_dw_has(die, MH_DW_LOCATION) && r->type.unit)
		location(r, die, scope);
	if (r->told)
		return;
	for (i = 0; i < scope->nr && mh_dw_burn(r->fuel, 1); i++) {
		struct mh_range *s = mh_vec_push(&r->out->scopes);

		if (s)
			*s = scope->v[i];
		else
			r->failed = true;
	}
}

static void call(struct reading *r, const struct mh_dw_die *die)
{
	bool old = die->abbrev->tag == DW_TAG_GNU_call_site;
	struct mh_dw_ref ref =
		mh_dw_reference(die, old ? MH_DW_ABSTRACT_ORIGIN : MH_DW_CALL_ORIGIN);
	struct mh_dw_called *c;
	struct mh_dw_die callee;
	uint64_t pc;

	if (!ref.unit || !mh_dw_address(die, old ? MH_DW_LOW_PC : MH_DW_RETURN_PC, &pc) ||
	    !mh_dw_die_read(&callee, ref.unit, ref.off) || !callee.abbrev)
		return;
	c = mh_vec_push(&r->out->called);
	if (c)
		*c = (struct mh_dw_called){ pc, mh_dw_type_of(&callee) };
	else
		r->failed = true;
}

static void children(struct reading *r, const struct mh_dw_die *parent,
		     const struct mh_dw_ranges *scope, unsigned depth);

static void child(struct reading *r, const struct mh_dw_die *die,
		  const struct mh_dw_ranges *scope, unsigned depth)
{
	struct mh_dw_ranges own = { 0 };

	switch (die->abbrev->tag) {
	case DW_TAG_variable:
	case DW_TAG_formal_parameter:
		variable(r, die, scope, depth);
		break;
	case DW_TAG_call_site:
	case DW_TAG_GNU_call_site:
		call(r, die);
		break;
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_inlined_subroutine:
		if (!mh_dw_die_ranges(die, &own))
			r->failed = true;
		children(r, die, own.nr ? &own : scope, depth + 1);
		free(own.v);
		break;
	default: /* types, labels, functions nested in this one */
		break;
	}
}

static void children(struct reading *r, const struct mh_dw_die *parent,
		     const struct mh_dw_ranges *scope, unsigned depth)
{
	uint64_t off = parent->abbrev->children ? parent->next : 0;
	struct mh_dw_die die;

	while (off && depth < DEPTH_MAX && !r->failed &&
	       mh_dw_die_read(&die, parent->unit, off) && die.abbrev) {
		child(r, &die, scope, depth);
		off = mh_dw_after(&die);
	}
}

static void frame_base(struct reading *r, const struct mh_dw_die *die)
{
	const struct mh_dw_value *v = &die->v[MH_DW_FRAME_BASE];
	struct expression e;
	struct mh_rbuf b;

	r->frame_reg = MH_REG_NONE;
	if (!mh_dw_has(die, MH_DW_FRAME_BASE) || !v->p)
		return;
	b = mh_rbuf(v->p, v->u);
	if (!place(&b, r, &e) || mh_rbuf_left(&b) || e.kind == MH_DW_INDIRECT)
		return;
	r->frame_reg = e.reg;
	r->frame_off = e.off;
}

static int by_start(const void *a, const void *b)
{
	const struct mh_dw_held *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

static int by_pc(const void *a, const void *b)
{
	const struct mh_dw_called *x = a, *y = b;

	return x->return_pc < y->return_pc ? -1 : x->return_pc > y->return_pc;
}

bool mh_dw_locals_read(struct mh_dw_locals *out, struct mh_dw_ref function)
{
	struct reading r = { .out = out, .fuel = function.unit->dw->fuel };
	struct mh_dw_die die;
	uint64_t reach = 0;
	size_t i;

	*out = (struct mh_dw_locals){ 0 };
	if (!mh_dw_die_read(&die, function.unit, function.off) || !die.abbrev)
		return true;
	if (!mh_dw_die_ranges(&die, &out->ranges))
		return false;
	frame_base(&r, &die);
	children(&r, &die, &out->ranges, 0);
	out->reach = calloc(out->held.nr + 1, sizeof(*out->reach));
	if (!out->reach || r.failed)
		return false;
	if (out->held.nr)
		qsort(out->held.v, out->held.nr, sizeof(*out->held.v), by_start);
	if (out->called.nr)
		qsort(out->called.v, out->called.nr, sizeof(*out->called.v), by_pc);
	for (i = 0; i < out->held.nr; i++) {
		if (out->held.v[i].end > reach)
			reach = out->held.v[i].end;
		out->reach[i] = reach;
	}
	return true;
}

void mh_dw_locals_fini(struct mh_dw_locals *l)
{
	free(l->ranges.v);
	free(l->held.v);
	free(l->reach);
	free(l->called.v);
	free(l->scopes.v);
	*l = (struct mh_dw_locals){ 0 };
}

void mh_dw_locals_at(const struct mh_dw_locals *l, uint64_t pc, struct mh_dw_fuel *fuel,
		     void (*fn)(void *arg, const struct mh_dw_held *held), void *arg)
{
	size_t lo = 0, hi = l->held.nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (l->held.v[mid].start <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo && l->reach[lo - 1] > pc && mh_dw_burn(fuel, 1); lo--) {
		if (pc < l->held.v[lo - 1].end)
			fn(arg, &l->held.v[lo - 1]);
	}
}

struct mh_dw_ref mh_dw_locals_called(const struct mh_dw_locals *l, uint64_t return_pc)
{
	const struct mh_dw_called key = { .return_pc = return_pc };
	const struct mh_dw_called *c = l->called.nr
					       ? bsearch(&key, l->called.v, l->called.nr,
							 sizeof(*l->called.v), by_pc)
					       : NULL;

	return c ? c->type : (struct mh_dw_ref){ NULL, 0 };
}
