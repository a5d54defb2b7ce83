/* SPDX-License-Identifier: MIT */
/*
 * Which object a memory operand is in. All that may be known of its base register is
 * tried: the variables that are there by their locations, and what was followed. What
 * leads to a struct's member is taken before what leads to a plain number, a variable of
 * an inner scope before one of an outer, a variable before what was followed.
 */
#include "symbol/flow.h"

#include <dwarf.h>

#define CANDIDATES_MAX 24

struct candidates {
	const struct mh_flow_env *env;
	const struct mh_flow_state *s;
	uint64_t pc;
	uint8_t reg;
	unsigned nr;
	struct candidate {
		struct mh_value value;
		int depth;
	} v[CANDIDATES_MAX];
};

static void add(struct candidates *c, struct mh_value value, int depth)
{
	if (c->nr < CANDIDATES_MAX)
		c->v[c->nr++] = (struct candidate){ value, depth };
}

/* What the pointer that is these 8 bytes of a variable points to. */
static struct mh_dw_ref pointed_by(const struct mh_dw_held *h)
{
	struct mh_dw_member m;

	mh_dw_member_find(&m, h->type, (struct mh_dw_offset){ .add = (int64_t)h->at }, 8);
	if (m.reach != MH_DW_REACHED || !m.exact)
		return (struct mh_dw_ref){ NULL, 0 };
	return mh_dw_pointee(m.leaf);
}

/* As the machine does it. */
static int64_t less(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static void add_held(void *arg, const struct mh_dw_held *h)
{
	struct candidates *c = arg;
	struct mh_dw_ref type;

	if (h->reg != c->reg)
		return;
	switch (h->kind) {
	case MH_DW_IN_REGISTER:
		type = pointed_by(h);
		if (type.unit)
			add(c, mh_value_pointer(type, 0), h->depth + 1);
		break;
	case MH_DW_VALUE:
		type = pointed_by(h);
		if (type.unit)
			add(c, mh_value_pointer(type, less(0, h->off)), h->depth + 1);
		break;
	case MH_DW_IN_MEMORY:
		add(c, mh_value_pointer(h->type, less((int64_t)h->at, h->off)),
		    h->depth + 1);
		break;
	default:
		break;
	}
}

static bool is_frame(const struct mh_value *v)
{
	return v->kind == MH_VALUE_FRAME;
}

/* All that a register may be. */
static void collect(struct candidates *c)
{
	if (!is_frame(&c->s->regs[c->reg]))
		mh_dw_locals_at(c->env->locals, c->pc, c->env->fuel, add_held, c);
	add(c, c->s->regs[c->reg], 0);
}

static unsigned pointee_rank(struct mh_dw_ref type)
{
	struct mh_dw_die die;

	if (!mh_dw_type_strip(&die, type))
		return 0;
	switch (die.abbrev->tag) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return mh_dw_type_size(type) ? 2 : 0;
	default:
		return mh_dw_type_size(type) ? 1 : 0;
	}
}

struct mh_value mh_flow_register(const struct mh_flow_env *env,
				 const struct mh_flow_state *s, uint64_t pc, uint8_t reg)
{
	struct candidates c = { .env = env, .s = s, .pc = pc, .reg = reg };
	struct mh_value best = s->regs[reg];
	unsigned rank, best_rank = 0, i;
	int depth = 0;

	if (is_frame(&best) || reg == MH_REG_RSP)
		return best;
	collect(&c);
	for (i = 0; i < c.nr; i++) {
		if (c.v[i].value.kind != MH_VALUE_POINTER)
			continue;
		rank = pointee_rank(c.v[i].value.type);
		if (rank > best_rank || (rank == best_rank && c.v[i].depth > depth)) {
			best_rank = rank;
			best = c.v[i].value;
			depth = c.v[i].depth;
		}
	}
	return best;
}

/* What is to be added to the base. */
static struct mh_value rest(const struct mh_flow_state *s, const struct mh_insn *in,
			    uint8_t index, unsigned scale)
{
	struct mh_value disp = mh_value_constant(in->mem.disp), v;

	if (index == MH_NO_REG)
		return disp;
	v = mh_value_mul(&s->regs[index], scale);
	return mh_value_add(&v, &disp);
}

struct mh_value mh_flow_address(const struct mh_flow_env *env,
				const struct mh_flow_state *s, const struct mh_insn *in)
{
	const struct mh_insn_mem *m = &in->mem;
	struct mh_value out = mh_value_constant(m->disp), v;

	if (m->absolute)
		out.kind = MH_VALUE_STATIC;
	if (m->base != MH_NO_REG) {
		v = mh_flow_register(env, s, in->addr, m->base);
		out = mh_value_add(&v, &out);
	}
	if (m->index != MH_NO_REG) {
		v = m->scale == 1 ? mh_flow_register(env, s, in->addr, m->index)
				  : s->regs[m->index];
		v = mh_value_mul(&v, m->scale);
		out = mh_value_add(&out, &v);
	}
	return out;
}

/* ---- addresses to objects ---- */

struct choice {
	const struct mh_flow_env *env;
	const struct mh_flow_state *s;
	uint8_t size;
	uint64_t pc;
	struct mh_flow_found *out;
	int score, depth; /* of *out */
	uint64_t bytes;
};

static int score_of(const struct mh_dw_member *m)
{
	if (m->reach == MH_DW_REACHED)
		return m->in_struct && *m->path ? 5 : 4;
	if (m->reach == MH_DW_VARIES)
		return m->in_struct ? 3 : 1;
	return m->reach == MH_DW_OUTSIDE ? 2 : 1;
}

static void consider(struct choice *c, struct mh_dw_ref type, struct mh_dw_offset off,
		     int depth)
{
	static const enum mh_flow_outcome outcomes[] = {
		[MH_DW_REACHED] = MH_FLOW_FOUND,
		[MH_DW_OPAQUE] = MH_FLOW_NO_OBJECT,
		[MH_DW_OUTSIDE] = MH_FLOW_OUTSIDE,
		[MH_DW_VARIES] = MH_FLOW_VARIES,
	};
	struct mh_dw_member m;
	uint64_t bytes;
	int score;

	mh_dw_member_find(&m, type, off, c->size);
	/* Words behind a pointer to bytes are of some other type. */
	if (m.reach == MH_DW_REACHED && !m.in_struct && m.leaf_size == 1 && c->size > 1)
		m.reach = MH_DW_OPAQUE;
	score = score_of(&m);
	bytes = mh_dw_type_size(m.owner);
	if (score < c->score || (score == c->score && depth < c->depth) ||
	    (score == c->score && depth == c->depth && bytes <= c->bytes))
		return;
	c->score = score;
	c->depth = depth;
	c->bytes = bytes;
	c->out->member = m;
	c->out->outcome = outcomes[m.reach];
}

static struct mh_dw_offset offset_of(const struct mh_value *v, int64_t from)
{
	return (struct mh_dw_offset){ .add = (int64_t)((uint64_t)v->add + (uint64_t)from),
				      .step = v->step < 0 ? 0 - (uint64_t)v->step
							  : (uint64_t)v->step,
				      .element = v->element };
}

static bool frame_of(const struct mh_flow_state *s, const struct mh_dw_held *h,
		     int64_t *off)
{
	if (h->reg == MH_REG_CFA) {
		*off = h->off;
		return true;
	}
	if (h->reg >= MH_NR_REGS || !is_frame(&s->regs[h->reg]) || s->regs[h->reg].step)
		return false;
	*off = less(s->regs[h->reg].add, less(0, h->off));
	return true;
}

struct in_frame {
	struct choice *c;
	const struct mh_value *addr;
};

/* Variables on the stack that hold the address. */
static void in_frame(void *arg, const struct mh_dw_held *h)
{
	const struct in_frame *f = arg;
	uint64_t bytes = mh_dw_type_size(h->type);
	int64_t at;

	if (h->kind != MH_DW_IN_MEMORY || !frame_of(f->c->s, h, &at))
		return;
	at = less(at, (int64_t)h->at);
	if ((uint64_t)less(f->addr->add, at) >= bytes)
		return;
	consider(f->c, h->type, offset_of(f->addr, less(0, at)), h->depth + 1);
}

static void resolve(struct choice *c, struct mh_value *addr, int depth)
{
	struct mh_dw_ref type;
	uint64_t start;

	if (mh_value_is_number(addr) && c->env->fixed && addr->add >= 0x1000)
		addr->kind = MH_VALUE_STATIC;
	switch (addr->kind) {
	case MH_VALUE_POINTER:
		consider(c, addr->type, offset_of(addr, 0), depth);
		break;
	case MH_VALUE_STATIC:
		if (c->env->variable(c->env->arg, (uint64_t)addr->add, &type, &start))
			consider(c, type, offset_of(addr, less(0, (int64_t)start)),
				 depth);
		break;
	case MH_VALUE_FRAME: {
		struct in_frame f = { c, addr };

		c->out->on_stack = true;
		mh_dw_locals_at(c->env->locals, c->pc, c->env->fuel, in_frame, &f);
		break;
	}
	default:
		break;
	}
}

static void resolve_from(struct choice *c, const struct mh_insn *in, uint8_t base,
			 uint8_t index, unsigned scale)
{
	struct candidates from = {
		.env = c->env, .s = c->s, .pc = in->addr, .reg = base
	};
	struct mh_value more = rest(c->s, in, index, scale), addr;
	unsigned i;

	if (base == MH_NO_REG) {
		if (in->mem.absolute || c->env->fixed)
			more.kind = MH_VALUE_STATIC;
		resolve(c, &more, 0);
		return;
	}
	collect(&from);
	for (i = 0; i < from.nr; i++) {
		addr = mh_value_add(&from.v[i].value, &more);
		resolve(c, &addr, from.v[i].depth);
	}
}

void mh_flow_operand(struct mh_flow_found *out, const struct mh_flow_env *env,
		     const struct mh_flow_state *s, const struct mh_insn *in)
{
	const struct mh_insn_mem *m = &in->mem;
	struct choice c = {
		.env = env, .s = s, .size = m->size, .pc = in->addr, .out = out
	};

	*out = (struct mh_flow_found){ .outcome = MH_FLOW_NO_LOCATION };
	c.score = 0;
	c.depth = -1;
	resolve_from(&c, in, m->base, m->index, m->scale);
	if (m->base != MH_NO_REG && m->index != MH_NO_REG && m->scale == 1)
		resolve_from(&c, in, m->index, m->base, 1);
}
