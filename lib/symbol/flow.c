/* SPDX-License-Identifier: MIT */
/*
 * Following registers through a function: its instructions are cut into blocks, each has
 * the state in which it is entered, and what leaves a block is joined into those that
 * follow until nothing changes. A join keeps what is true on all ways.
 *
 * Blocks that no jump leads to are entered by computed jumps, or are landing pads: they
 * get the join of what computed jumps leave, else of what calls leave.
 *
 * Not handled: stores through pointers into the frame (compilers do not make them to the
 * words that hold spilled registers), vector registers, wrap-around of 32-bit indices.
 */
#include "symbol/flow.h"

#include <stdlib.h>

#define BLOCKS_MAX 16384
#define PASSES_MAX 24

struct block {
	size_t first, end; /* instructions */
	bool has_way_in;
	struct mh_flow_state in;
};

struct flow {
	const struct mh_flow_env *env;
	const struct mh_insn *insns;
	size_t nr;
	struct block *blocks;
	size_t nr_blocks;
	uint32_t *block_of; /* of each instruction that begins one: 1 + index */
	struct mh_flow_state computed, unwound; /* what leads to blocks without a way */
	bool changed;
};

/* ---- states ---- */

static void forget(struct mh_flow_state *s, uint16_t regs, uint32_t symbol)
{
	unsigned i;

	for (i = 0; i < MH_NR_REGS; i++) {
		if (regs >> i & 1)
			s->regs[i] = mh_value_unknown(symbol + i + 1);
	}
}

static struct mh_flow_slot *slot_at(struct mh_flow_state *s, int64_t off)
{
	unsigned i;

	for (i = 0; i < s->nr_slots; i++) {
		if (s->slots[i].off == off)
			return &s->slots[i];
	}
	return NULL;
}

/* Whatever of the frame's words overlaps is not known any more. */
static void slots_drop(struct mh_flow_state *s, int64_t off, uint64_t bytes)
{
	unsigned i, n = 0;

	for (i = 0; i < s->nr_slots; i++) {
		uint64_t at = (uint64_t)s->slots[i].off;

		if ((uint64_t)off - at >= 8 && at - (uint64_t)off >= bytes)
			s->slots[n++] = s->slots[i];
	}
	s->nr_slots = (uint8_t)n;
}

static void slot_set(struct mh_flow_state *s, int64_t off, const struct mh_value *v)
{
	slots_drop(s, off, 8);
	if (mh_value_is_number(v) && v->step == 1)
		return;
	/* The oldest goes: what was spilled last is read again first. */
	if (s->nr_slots == MH_FLOW_SLOTS) {
		memmove(s->slots, s->slots + 1, (MH_FLOW_SLOTS - 1) * sizeof(*s->slots));
		s->nr_slots--;
	}
	s->slots[s->nr_slots++] = (struct mh_flow_slot){ off, *v };
}

/* True: *to knows less than before, or was not reached before. */
static bool join(struct mh_flow_state *to, const struct mh_flow_state *from)
{
	bool changed = false;
	unsigned i, n = 0;

	if (!to->reached) {
		*to = *from;
		to->reached = true;
		return true;
	}
	for (i = 0; i < MH_NR_REGS; i++) {
		struct mh_value v = mh_value_join(&to->regs[i], &from->regs[i]);

		changed |= !mh_value_same(&v, &to->regs[i]);
		to->regs[i] = v;
	}
	for (i = 0; i < to->nr_slots; i++) {
		struct mh_flow_slot slot = to->slots[i];
		const struct mh_flow_slot *other =
			slot_at((struct mh_flow_state *)(uintptr_t)from, slot.off);
		struct mh_value v;

		if (!other)
			continue;
		v = mh_value_join(&slot.value, &other->value);
		changed |= !mh_value_same(&v, &slot.value);
		slot.value = v;
		to->slots[n++] = slot;
	}
	changed |= n != to->nr_slots;
	to->nr_slots = (uint8_t)n;
	return changed;
}

/* ---- one instruction ---- */

static struct mh_value unknown(const struct flow *f, const struct mh_insn *in)
{
	return mh_value_unknown((uint32_t)(in - f->insns + 1) * 32);
}

/* The 8 bytes that an operand holds. */
static struct mh_value loaded(const struct flow *f, const struct mh_flow_state *s,
			      const struct mh_insn *in)
{
	struct mh_flow_found found;
	struct mh_value addr = mh_flow_address(f->env, s, in);
	const struct mh_flow_slot *slot;
	struct mh_dw_ref type;

	if (in->width != 8)
		return unknown(f, in);
	if (addr.kind == MH_VALUE_FRAME && !addr.step) {
		slot = slot_at((struct mh_flow_state *)(uintptr_t)s, addr.add);
		if (slot && !mh_value_is_number(&slot->value))
			return slot->value;
	}
	mh_flow_operand(&found, f->env, s, in);
	if (found.outcome == MH_FLOW_FOUND && found.member.exact) {
		type = mh_dw_pointee(found.member.leaf);
		if (type.unit)
			return mh_value_pointer(type, 0);
	}
	return unknown(f, in);
}

/* A register as a source; of half of one only a number is left. */
static struct mh_value source(const struct flow *f, const struct mh_flow_state *s,
			      const struct mh_insn *in, uint8_t reg)
{
	struct mh_value v;

	if (reg == MH_NO_REG)
		return in->has_imm ? mh_value_constant(in->imm) : unknown(f, in);
	if (in->width == 8)
		return mh_flow_register(f->env, s, in->addr, reg);
	v = s->regs[reg];
	return in->width == 4 && mh_value_is_number(&v) ? v : unknown(f, in);
}

static struct mh_value arithmetic(const struct flow *f, const struct mh_flow_state *s,
				  const struct mh_insn *in)
{
	struct mh_value a, b;

	switch (in->op) {
	case MH_INSN_ADD:
		a = source(f, s, in, in->dst);
		b = in->has_mem ? loaded(f, s, in) : source(f, s, in, in->src);
		return mh_value_add(&a, &b);
	case MH_INSN_SUB:
		a = source(f, s, in, in->dst);
		b = source(f, s, in, in->src);
		return mh_value_sub(&a, &b);
	case MH_INSN_MUL:
		a = in->has_mem ? unknown(f, in) : source(f, s, in, in->src);
		return mh_value_mul(&a, in->imm);
	case MH_INSN_SHIFT_LEFT:
		a = source(f, s, in, in->dst);
		return in->imm >= 0 && in->imm < 32
			       ? mh_value_mul(&a, (int64_t)1 << in->imm)
			       : unknown(f, in);
	case MH_INSN_CHOOSE:
		a = source(f, s, in, in->dst);
		b = in->has_mem ? loaded(f, s, in) : source(f, s, in, in->src);
		return mh_value_join(&a, &b);
	case MH_INSN_LEA:
		a = mh_flow_address(f->env, s, in);
		return in->width == 8 || mh_value_is_number(&a) ? a : unknown(f, in);
	default:
		return in->has_mem ? loaded(f, s, in) : source(f, s, in, in->src);
	}
}

static void store(const struct flow *f, struct mh_flow_state *s, const struct mh_insn *in)
{
	struct mh_value addr = mh_flow_address(f->env, s, in), v;

	if (addr.kind != MH_VALUE_FRAME)
		return;
	if (addr.step) {
		s->nr_slots = 0;
		return;
	}
	v = source(f, s, in, in->src);
	if (in->op == MH_INSN_STORE && in->mem.size == 8)
		slot_set(s, addr.add, &v);
	else
		slots_drop(s, addr.add, in->mem.size ? in->mem.size : 64);
}

static void move_stack(struct mh_flow_state *s, int64_t by)
{
	struct mh_value n = mh_value_constant(by);

	s->regs[MH_REG_RSP] = mh_value_add(&s->regs[MH_REG_RSP], &n);
}

static void push(const struct flow *f, struct mh_flow_state *s, const struct mh_insn *in)
{
	struct mh_value v =
		in->src == MH_NO_REG ? unknown(f, in) : source(f, s, in, in->src);
	const struct mh_value *sp = &s->regs[MH_REG_RSP];

	move_stack(s, -8);
	if (sp->kind == MH_VALUE_FRAME && !sp->step)
		slot_set(s, sp->add, &v);
}

static struct mh_value popped(const struct flow *f, struct mh_flow_state *s,
			      const struct mh_insn *in)
{
	const struct mh_value *sp = &s->regs[MH_REG_RSP];
	const struct mh_flow_slot *slot = NULL;
	struct mh_value v = unknown(f, in);

	if (sp->kind == MH_VALUE_FRAME && !sp->step)
		slot = slot_at(s, sp->add);
	if (slot)
		v = slot->value;
	move_stack(s, 8);
	return v;
}

static void call(const struct flow *f, struct mh_flow_state *s, const struct mh_insn *in)
{
	struct mh_dw_ref type = mh_dw_locals_called(f->env->locals, in->addr + in->len);

	/* Compilers know what functions of the same file leave alone. */
	forget(s,
	       in->target ? f->env->clobbered(f->env->arg, in->target) : MH_CALL_CLOBBERS,
	       (uint32_t)(in - f->insns + 1) * 32);
	if (!type.unit && in->target)
		type = f->env->returned(f->env->arg, in->target);
	type = mh_dw_pointee(type);
	if (type.unit)
		s->regs[MH_REG_RAX] = mh_value_pointer(type, 0);
}

/* What the state is behind an instruction. */
static void step(const struct flow *f, struct mh_flow_state *s, const struct mh_insn *in)
{
	uint32_t symbol = (uint32_t)(in - f->insns + 1) * 32;
	struct mh_value v;

	switch (in->op) {
	case MH_INSN_CALL:
		call(f, s, in);
		return;
	case MH_INSN_PUSH:
		push(f, s, in);
		return;
	case MH_INSN_POP:
		v = popped(f, s, in);
		if (in->dst != MH_NO_REG)
			s->regs[in->dst] = v;
		return;
	case MH_INSN_LEAVE:
		s->regs[MH_REG_RSP] = s->regs[MH_REG_RBP];
		s->regs[MH_REG_RBP] = popped(f, s, in);
		return;
	case MH_INSN_SWAP:
		v = s->regs[in->dst];
		s->regs[in->dst] = s->regs[in->src];
		s->regs[in->src] = v;
		return;
	case MH_INSN_OTHER:
	case MH_INSN_NOP:
	case MH_INSN_STORE:
	case MH_INSN_JUMP:
	case MH_INSN_BRANCH:
	case MH_INSN_END:
		if (in->has_mem && in->writes)
			store(f, s, in);
		forget(s, in->clobbers, symbol);
		return;
	default:
		v = arithmetic(f, s, in);
		forget(s, in->clobbers, symbol);
		s->regs[in->dst] = v;
	}
}

/* ---- blocks ---- */

static bool ends_block(const struct mh_insn *in)
{
	return in->op == MH_INSN_JUMP || in->op == MH_INSN_BRANCH ||
	       in->op == MH_INSN_END;
}

/* Index of the instruction at @addr; nr: none. */
static size_t insn_at(const struct flow *f, uint64_t addr)
{
	size_t lo = 0, hi = f->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (f->insns[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->nr && f->insns[lo].addr == addr ? lo : f->nr;
}

static bool follows(const struct flow *f, size_t i)
{
	return f->insns[i - 1].addr + f->insns[i - 1].len == f->insns[i].addr;
}

/* False: out of memory, or too large. */
static bool cut(struct flow *f)
{
	size_t i, at, nr = 0;

	f->block_of = calloc(f->nr + 1, sizeof(*f->block_of));
	if (!f->block_of)
		return false;
	for (i = 0; i < f->nr; i++) {
		const struct mh_insn *in = &f->insns[i];

		if (!i || ends_block(in - 1) || !follows(f, i))
			f->block_of[i] = 1;
		if (in->target && in->op != MH_INSN_CALL) {
			at = insn_at(f, in->target);
			f->block_of[at] = 1;
		}
	}
	for (i = 0; i < f->nr; i++)
		nr += f->block_of[i];
	if (nr > BLOCKS_MAX)
		return false;
	f->blocks = calloc(nr + 1, sizeof(*f->blocks));
	if (!f->blocks)
		return false;
	for (i = 0; i < f->nr; i++) {
		if (f->block_of[i]) {
			f->blocks[f->nr_blocks].first = i;
			f->block_of[i] = (uint32_t)++f->nr_blocks;
		}
		f->blocks[f->nr_blocks - 1].end = i + 1;
	}
	return true;
}

/* The block that begins at an address; NULL: none, it leaves the function. */
static struct block *block_at(const struct flow *f, uint64_t addr)
{
	size_t i = insn_at(f, addr);

	return i < f->nr && f->block_of[i] ? &f->blocks[f->block_of[i] - 1] : NULL;
}

static void find_ways(struct flow *f)
{
	size_t i;

	for (i = 0; i < f->nr_blocks; i++) {
		const struct mh_insn *last = &f->insns[f->blocks[i].end - 1];
		struct block *to = last->target && last->op != MH_INSN_CALL
					   ? block_at(f, last->target)
					   : NULL;

		if (to)
			to->has_way_in = true;
		if (last->op != MH_INSN_JUMP && last->op != MH_INSN_END)
			to = block_at(f, last->addr + last->len);
		if (to)
			to->has_way_in = true;
	}
}

static void enter(struct flow *f, struct block *b, const struct mh_flow_state *s)
{
	if (b && s->reached && join(&b->in, s))
		f->changed = true;
}

/* From a block's beginning to its end, then on. */
static void run_block(struct flow *f, const struct block *b)
{
	struct mh_flow_state s = b->in;
	const struct mh_insn *last = &f->insns[b->end - 1];
	size_t i;

	for (i = b->first; i < b->end; i++) {
		step(f, &s, &f->insns[i]);
		if (f->insns[i].op == MH_INSN_CALL && join(&f->unwound, &s))
			f->changed = true;
	}
	if (last->op == MH_INSN_JUMP && !last->target) {
		if (join(&f->computed, &s))
			f->changed = true;
		return;
	}
	if (last->op == MH_INSN_END)
		return;
	if (last->op == MH_INSN_JUMP || last->op == MH_INSN_BRANCH)
		enter(f, block_at(f, last->target), &s);
	if (last->op != MH_INSN_JUMP)
		enter(f, block_at(f, last->addr + last->len), &s);
}

static void entry_state(struct mh_flow_state *s)
{
	s->reached = true;
	forget(s, 0xffff, UINT32_MAX - 64);
	s->regs[MH_REG_RSP] = (struct mh_value){ .kind = MH_VALUE_FRAME, .add = -8 };
}

static void nothing_known(struct mh_flow_state *s)
{
	*s = (struct mh_flow_state){ .reached = true };
	forget(s, 0xffff, UINT32_MAX - 32);
}

/* Nothing leads to it: it aligns what follows. */
static bool fills_up(const struct flow *f, const struct block *b)
{
	return f->insns[b->first].op == MH_INSN_NOP;
}

static bool settle(struct flow *f)
{
	int pass;
	size_t i;

	for (pass = 0; pass < PASSES_MAX; pass++) {
		f->changed = false;
		for (i = 0; i < f->nr_blocks; i++) {
			struct block *b = &f->blocks[i];

			if (!mh_dw_burn(f->env->fuel, 4 * (b->end - b->first) + 4))
				return false;
			if (!b->has_way_in && !fills_up(f, b))
				enter(f, b,
				      f->computed.reached ? &f->computed : &f->unwound);
			if (!b->in.reached)
				continue;
			run_block(f, b);
		}
		if (!f->changed)
			return true;
	}
	return false;
}

/* Without states the variables alone still tell of many instructions. */
static void without_states(struct flow *f,
			   void (*fn)(void *arg, size_t i, const struct mh_flow_state *s),
			   void *arg)
{
	struct mh_flow_state s;
	size_t i;

	nothing_known(&s);
	for (i = 0; i < f->nr; i++) {
		if (f->insns[i].access == MH_ACCESS_OPERAND)
			fn(arg, i, &s);
	}
}

static void with_states(const struct flow *f,
			void (*fn)(void *arg, size_t i, const struct mh_flow_state *s),
			void *arg)
{
	size_t i, k;

	for (i = 0; i < f->nr_blocks; i++) {
		struct mh_flow_state s = f->blocks[i].in;

		if (!s.reached)
			nothing_known(&s);
		for (k = f->blocks[i].first; k < f->blocks[i].end; k++) {
			if (f->insns[k].access == MH_ACCESS_OPERAND)
				fn(arg, k, &s);
			step(f, &s, &f->insns[k]);
		}
	}
}

void mh_flow_run(const struct mh_flow_env *env, const struct mh_insn *insns, size_t nr,
		 void (*fn)(void *arg, size_t i, const struct mh_flow_state *s),
		 void *arg)
{
	struct flow f = { .env = env, .insns = insns, .nr = nr };
	bool ok = nr && !env->alone && cut(&f);
	struct block *entry = ok ? block_at(&f, env->entry) : NULL;

	if (ok) {
		find_ways(&f);
		entry = entry ? entry : &f.blocks[0];
		entry->has_way_in = true;
		entry_state(&entry->in);
		ok = settle(&f);
	}
	if (ok)
		with_states(&f, fn, arg);
	else
		without_states(&f, fn, arg);
	free(f.blocks);
	free(f.block_of);
}
