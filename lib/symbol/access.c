/* SPDX-License-Identifier: MIT */
/*
 * Types of accesses: code addresses are dealt to units and functions; each function's
 * variables and instructions are read once, and what its wanted instructions access is
 * found by following it.
 */
#include <dwarf.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "symbol/flow.h"
#include "symbol/module.h"

#define TABLES_MAX   ((size_t)8 << 20)
#define FUNCTION_MAX ((uint64_t)1 << 19) /* bytes: larger ones are not followed */
#define TEXT_SIZE    512
#define LOOK_BACK    8
#define CALLEES      256
#define LEAF_MAX     4096 /* bytes of a called function that is looked through */

const char *mh_untyped_words(enum mh_untyped why)
{
	static const char *const words[MH_NR_UNTYPED] = {
		[MH_TYPED] = "typed",
		[MH_UNTYPED_NO_DECODER] = "no capstone to decode instructions with",
		[MH_UNTYPED_SKID] = "code addresses with skid",
		[MH_UNTYPED_NO_CODE] = "no file with the code",
		[MH_UNTYPED_NO_DEBUG] = "no debug information",
		[MH_UNTYPED_PROCESSOR] = "code of another processor",
		[MH_UNTYPED_INSTRUCTION] = "not an instruction that accesses data",
		[MH_UNTYPED_STACK] = "registers saved on the stack",
		[MH_UNTYPED_THREAD] = "data of a thread or CPU",
		[MH_UNTYPED_STRING] = "copied by one instruction",
		[MH_UNTYPED_NO_LOCATION] = "no variable leads there",
		[MH_UNTYPED_OPTIMIZED] = "variables optimized away",
		[MH_UNTYPED_NO_OBJECT] = "pointers to void or to types not defined",
		[MH_UNTYPED_OUTSIDE] = "outside of the pointer's type",
		[MH_UNTYPED_VARIES] = "one of several members",
	};

	return (unsigned)why < MH_NR_UNTYPED ? words[why] : "?";
}

static void all_are(const struct mh_module_access *items, size_t nr, enum mh_untyped why)
{
	size_t i;

	for (i = 0; i < nr; i++)
		items[i].out->why = (uint8_t)why;
}

#ifndef HAVE_CAPSTONE

int mh_module_access_types(struct mh_module *m, struct mh_naming *naming,
			   const struct mh_module_access *items, size_t nr)
{
	(void)m;
	(void)naming;
	all_are(items, nr, MH_UNTYPED_NO_DECODER);
	return 0;
}

#else

struct access {
	struct mh_module *m;
	struct mh_naming *naming;
	struct mh_insn_decoder *decoder;

	/* of the unit in work */
	uint32_t unit;
	struct mh_dw_unit *in; /* with the DIEs; NULL: not to be had */
	struct mh_split split;

	/* of the function in work */
	struct mh_dw_locals locals;
	struct mh_flow_env env;
	struct {
		struct mh_insn *v;
		size_t nr, cap;
	} insns;
	const struct mh_module_access *items;
	size_t nr_items;
	int failed;

	struct callee {
		uint64_t target;
		struct mh_dw_ref type;
		uint16_t clobbers;
	} callees[CALLEES]; /* what was found last, by target */
};

/* ---- surroundings ---- */

static bool covers(struct mh_dw_unit *u, const struct mh_dw_var *var, uint64_t addr,
		   struct mh_dw_ref *type)
{
	struct mh_dw_die die;

	if (!mh_dw_die_read(&die, u, var->die) || !die.abbrev)
		return false;
	*type = mh_dw_type_of(&die);
	return type->unit && addr - var->addr < mh_dw_type_size(*type);
}

static bool variable(void *arg, uint64_t addr, struct mh_dw_ref *type, uint64_t *start)
{
	struct access *a = arg;
	const struct mh_dw_vars *vars = &a->m->vars;
	size_t at, back;

	if (!mh_module_vars(a->m)) {
		a->failed = -1;
		return false;
	}
	at = mh_dw_vars_upto(vars, addr);
	for (back = 0; back < LOOK_BACK && at; back++) {
		const struct mh_dw_var *var = &vars->v[--at];
		struct mh_dw_unit *u = &a->m->dw.units.v[var->unit];

		/* Of split units only the one in work is open. */
		if (!mh_dw_unit_load(u))
			continue;
		if (u->dwo_name)
			u = var->unit == a->unit ? a->in : NULL;
		if (u && covers(u, var, addr, type)) {
			*start = var->addr;
			return true;
		}
	}
	return false;
}

/* The subprogram around each address, as a DIE of @u; off 0: none. */
static bool functions_of(struct mh_dw_unit *u, const uint64_t *addrs, size_t nr,
			 uint64_t *dies)
{
	struct mh_dw_scopes scopes = { 0 };
	uint32_t *inner = calloc(nr + 1, sizeof(*inner));
	bool ok = inner && mh_dw_scopes_find(&scopes, u, false, addrs, nr, inner),
	     all = true;
	size_t i;

	for (i = 0; ok && i < nr; i++)
		all = all && inner[i];
	if (ok && !all)
		ok = mh_dw_scopes_find(&scopes, u, true, addrs, nr, inner);
	for (i = 0; ok && i < nr; i++) {
		uint32_t s = inner[i];

		while (s && scopes.v[s - 1].inlined && scopes.v[s - 1].parent)
			s = scopes.v[s - 1].parent;
		dies[i] = s && !scopes.v[s - 1].inlined ? scopes.v[s - 1].die : 0;
	}
	free(scopes.v);
	free(inner);
	return ok;
}

static const uint8_t *code_at(const struct mh_elf *elf, uint64_t vaddr, size_t *len)
{
	size_t i;

	for (i = 0; i < elf->nr_loads; i++) {
		const struct mh_elf_load *l = &elf->loads[i];
		uint64_t off = vaddr - l->vaddr;

		if (vaddr < l->vaddr || off >= l->filesz || l->offset > elf->len ||
		    off >= elf->len - l->offset)
			continue;
		*len = (size_t)(l->filesz - off < elf->len - l->offset - off
					? l->filesz - off
					: elf->len - l->offset - off);
		return elf->image + l->offset + off;
	}
	*len = 0;
	return NULL;
}

static bool decode_one(struct access *a, struct mh_insn *out, uint64_t vaddr)
{
	size_t len;
	const uint8_t *p = code_at(&a->m->elf, vaddr, &len);

	return p && mh_dw_burn(&a->m->fuel, 16) &&
	       mh_decode(a->decoder, out, p, len, vaddr);
}

/* What a function that calls nothing and stays in itself writes; else all it may. */
static uint16_t written(struct access *a, const struct mh_dw_die *function)
{
	struct mh_dw_ranges r = { 0 };
	uint16_t mask = 0;
	struct mh_insn in;
	uint64_t at;

	if (!mh_dw_die_ranges(function, &r))
		a->failed = -1;
	if (r.nr != 1 || mh_range_len(r.v[0]) > LEAF_MAX) {
		free(r.v);
		return MH_CALL_CLOBBERS;
	}
	for (at = r.v[0].start; at < r.v[0].end; at += in.len) {
		if (!decode_one(a, &in, at) || in.op == MH_INSN_CALL ||
		    ((in.op == MH_INSN_JUMP || in.op == MH_INSN_BRANCH) &&
		     (in.target < r.v[0].start || in.target >= r.v[0].end))) {
			mask = MH_CALL_CLOBBERS;
			break;
		}
		mask |= in.clobbers;
	}
	free(r.v);
	return mask & MH_CALL_CLOBBERS;
}

static void find_callee(struct access *a, struct callee *c)
{
	uint32_t number = mh_module_owner(a->m, c->target);
	struct mh_dw_unit *u;
	struct mh_dw_die die;
	uint64_t off = 0;

	if (number == MH_NO_UNIT)
		return;
	u = &a->m->dw.units.v[number];
	if (!mh_dw_unit_load(u))
		return;
	if (u->dwo_name)
		u = number == a->unit ? a->in : NULL;
	if (u && !functions_of(u, &c->target, 1, &off))
		a->failed = -1;
	if (!off || !mh_dw_die_read(&die, u, off) || !die.abbrev)
		return;
	c->type = mh_dw_type_of(&die);
	c->clobbers = written(a, &die);
}

static const struct callee *callee(struct access *a, uint64_t target)
{
	size_t i = (size_t)(target * 0x9e3779b97f4a7c15u >> 56) % CALLEES;
	struct callee *c = &a->callees[i];

	if (c->target != target) {
		*c = (struct callee){ .target = target, .clobbers = MH_CALL_CLOBBERS };
		find_callee(a, c);
	}
	return c;
}

static struct mh_dw_ref returned(void *arg, uint64_t target)
{
	return callee(arg, target)->type;
}

static uint16_t clobbered(void *arg, uint64_t target)
{
	return callee(arg, target)->clobbers;
}

/* ---- instructions ---- */

static void decode_range(struct access *a, struct mh_range code)
{
	while (!a->failed && code.start < code.end && mh_dw_burn(&a->m->fuel, 1)) {
		struct mh_insn in, *slot;

		if (!decode_one(a, &in, code.start)) {
			code.start++;
			continue;
		}
		slot = mh_vec_push(&a->insns);
		if (slot)
			*slot = in;
		else
			a->failed = -1;
		code.start += in.len;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct mh_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void decode_function(struct access *a)
{
	struct mh_dw_ranges *r = &a->locals.ranges;
	uint64_t left = FUNCTION_MAX;
	size_t i;

	a->insns.nr = 0;
	a->env.entry = r->nr ? r->v[0].start : 0;
	if (r->nr)
		qsort(r->v, r->nr, sizeof(*r->v), by_start);
	for (i = 0; i < r->nr && mh_range_len(r->v[i]) <= left; i++)
		left -= mh_range_len(r->v[i]);
	a->env.alone = i < r->nr;
	if (!a->env.alone) {
		for (i = 0; i < r->nr; i++)
			decode_range(a, r->v[i]);
		return;
	}
	for (i = 0; i < a->nr_items; i++)
		decode_range(
			a, (struct mh_range){ a->items[i].vaddr, a->items[i].vaddr + 1 });
}

/* ---- results ---- */

static bool has_holes(const struct access *a, uint64_t pc)
{
	size_t i;

	for (i = 0; i < a->locals.scopes.nr && mh_dw_burn(&a->m->fuel, 1); i++) {
		if (pc - a->locals.scopes.v[i].start <
		    mh_range_len(a->locals.scopes.v[i]))
			return true;
	}
	return false;
}

static enum mh_untyped reason(const struct access *a, const struct mh_flow_found *f,
			      uint64_t pc)
{
	if (f->outcome == MH_FLOW_FOUND)
		return MH_TYPED;
	if (f->on_stack)
		return MH_UNTYPED_STACK;
	switch (f->outcome) {
	case MH_FLOW_NO_OBJECT:
		return MH_UNTYPED_NO_OBJECT;
	case MH_FLOW_OUTSIDE:
		return MH_UNTYPED_OUTSIDE;
	case MH_FLOW_VARIES:
		return MH_UNTYPED_VARIES;
	case MH_FLOW_NO_LOCATION:
	case MH_FLOW_FOUND:
	default:
		return has_holes(a, pc) ? MH_UNTYPED_OPTIMIZED : MH_UNTYPED_NO_LOCATION;
	}
}

static void put(struct access *a, struct mh_access_type *out,
		const struct mh_flow_found *f, const struct mh_insn *in)
{
	const char *member = f->member.path;
	char text[TEXT_SIZE];

	out->why = (uint8_t)reason(a, f, in->addr);
	out->size = in->mem.size;
	if (out->why != MH_TYPED && out->why != MH_UNTYPED_VARIES)
		return;
	mh_dw_type_text(mh_dw_type_named(f->member.owner), text, sizeof(text));
	out->type = mh_names_keep(&a->naming->names, text);
	out->type_size = mh_dw_type_size(f->member.owner);
	if (out->why == MH_TYPED)
		out->member = mh_names_keep(&a->naming->names,
					    *member == '.' ? member + 1 : member);
	if (!out->type || !out->member)
		a->failed = -1;
}

/* Items of one instruction stand together. */
static size_t first_item(const struct access *a, uint64_t vaddr)
{
	size_t lo = 0, hi = a->nr_items;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (a->items[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void see(void *arg, size_t i, const struct mh_flow_state *s)
{
	struct access *a = arg;
	const struct mh_insn *in = &a->insns.v[i];
	size_t at = first_item(a, in->addr);
	struct mh_flow_found f;

	if (at == a->nr_items || a->items[at].vaddr != in->addr)
		return;
	mh_flow_operand(&f, &a->env, s, in);
	for (; at < a->nr_items && a->items[at].vaddr == in->addr; at++)
		put(a, a->items[at].out, &f, in);
}

/* What the instruction itself tells. */
static enum mh_untyped by_instruction(struct access *a, uint64_t vaddr)
{
	struct mh_insn in;

	if (!decode_one(a, &in, vaddr))
		return MH_UNTYPED_INSTRUCTION;
	switch (in.access) {
	case MH_ACCESS_STACK:
		return MH_UNTYPED_STACK;
	case MH_ACCESS_STRING:
		return MH_UNTYPED_STRING;
	case MH_ACCESS_THREAD:
		return MH_UNTYPED_THREAD;
	case MH_ACCESS_OPERAND:
		return MH_UNTYPED_NO_LOCATION;
	default:
		return MH_UNTYPED_INSTRUCTION;
	}
}

/* ---- functions, units ---- */

static void one_function(struct access *a, uint64_t die,
			 const struct mh_module_access *items, size_t nr)
{
	const struct mh_dw_ref function = { a->in, die };
	size_t i;

	a->items = items;
	a->nr_items = nr;
	for (i = 0; i < nr; i++)
		items[i].out->why = (uint8_t)by_instruction(a, items[i].vaddr);
	if (mh_dw_locals_read(&a->locals, function))
		decode_function(a);
	else
		a->failed = -1;
	if (!a->failed)
		mh_flow_run(&a->env, a->insns.v, a->insns.nr, see, a);
	mh_dw_locals_fini(&a->locals);
}

struct wanted {
	uint64_t die;
	struct mh_module_access item;
};

static int by_function(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	if (x->die != y->die)
		return x->die < y->die ? -1 : 1;
	return x->item.vaddr < y->item.vaddr ? -1 : x->item.vaddr > y->item.vaddr;
}

static void functions(struct access *a, struct wanted *w, struct mh_module_access *sorted,
		      size_t nr)
{
	size_t i, next;

	qsort(w, nr, sizeof(*w), by_function);
	for (i = 0; i < nr; i++)
		sorted[i] = w[i].item;
	for (i = 0; !a->failed && i < nr; i = next) {
		for (next = i + 1; next < nr && w[next].die == w[i].die; next++)
			;
		if (w[i].die)
			one_function(a, w[i].die, sorted + i, next - i);
		else
			all_are(sorted + i, next - i, MH_UNTYPED_NO_DEBUG);
	}
}

static void open_unit(struct access *a, uint32_t number)
{
	struct mh_module *m = a->m;
	struct mh_dw_unit *u = &m->dw.units.v[number];

	a->unit = number;
	a->in = NULL;
	memset(a->callees, 0, sizeof(a->callees));
	if (!mh_dw_unit_load(u))
		return;
	if (!u->dwo_name) {
		a->in = u;
	} else if (!mh_split_open(&a->split, &m->dwp, u, m->dir_path, NULL)) {
		mh_dwarf_locations(&a->split.dw, a->split.dw.elf ? &a->split.elf : NULL);
		a->in = a->split.unit;
	} else {
		m->incomplete = true;
	}
}

static void close_unit(struct access *a)
{
	if (a->split.unit) {
		mh_names_forget(&a->naming->names);
		mh_split_close(&a->split);
	}
	mh_dwarf_trim(&a->m->dw, TABLES_MAX);
}

static void one_unit(struct access *a, uint32_t number,
		     const struct mh_module_access *items, size_t nr)
{
	struct wanted *w = calloc(nr, sizeof(*w));
	struct mh_module_access *sorted = calloc(nr, sizeof(*sorted));
	uint64_t *addrs = calloc(nr, sizeof(*addrs));
	uint64_t *dies = calloc(nr, sizeof(*dies));
	size_t i;

	a->failed = w && sorted && addrs && dies ? 0 : -1;
	open_unit(a, number);
	for (i = 0; !a->failed && i < nr; i++)
		addrs[i] = items[i].vaddr;
	if (!a->failed && a->in && !functions_of(a->in, addrs, nr, dies))
		a->failed = -1;
	for (i = 0; !a->failed && i < nr; i++)
		w[i] = (struct wanted){ dies[i], items[i] };
	if (!a->failed)
		functions(a, w, sorted, nr);
	close_unit(a);
	free(w);
	free(sorted);
	free(addrs);
	free(dies);
}

/* Items with the unit of each; equal units stand together. */
struct dealt {
	uint32_t unit;
	struct mh_module_access item;
};

static int by_unit(const void *a, const void *b)
{
	const struct dealt *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return x->item.vaddr < y->item.vaddr ? -1 : x->item.vaddr > y->item.vaddr;
}

static void units(struct access *a, const struct mh_module_access *items, size_t nr)
{
	struct dealt *d = calloc(nr, sizeof(*d));
	struct mh_module_access *sorted = calloc(nr, sizeof(*sorted));
	size_t i, next;

	a->failed = d && sorted ? 0 : -1;
	for (i = 0; !a->failed && i < nr; i++)
		d[i] = (struct dealt){ mh_module_owner(a->m, items[i].vaddr), items[i] };
	if (!a->failed)
		qsort(d, nr, sizeof(*d), by_unit);
	for (i = 0; !a->failed && i < nr; i++)
		sorted[i] = d[i].item;
	for (i = 0; !a->failed && i < nr; i = next) {
		for (next = i + 1; next < nr && d[next].unit == d[i].unit; next++)
			;
		if (d[i].unit == MH_NO_UNIT)
			all_are(sorted + i, next - i, MH_UNTYPED_NO_DEBUG);
		else
			one_unit(a, d[i].unit, sorted + i, next - i);
	}
	free(d);
	free(sorted);
}

static void fuel_up(struct mh_module *m, size_t nr)
{
	m->fuel.left = ((uint64_t)1 << 22) + 64 * (uint64_t)(m->elf.len + m->debug.len) +
		       256 * (uint64_t)m->dw.info.len + 8192 * (uint64_t)nr;
}

int mh_module_access_types(struct mh_module *m, struct mh_naming *naming,
			   const struct mh_module_access *items, size_t nr)
{
	struct access a = { .m = m, .naming = naming, .split.elf.fd = -1 };
	int failed, status;

	all_are(items, nr, MH_UNTYPED_NO_DEBUG);
	if (!m->elf.handle) {
		all_are(items, nr, MH_UNTYPED_NO_CODE);
		return 0;
	}
	if (m->elf.machine != EM_X86_64) {
		all_are(items, nr, MH_UNTYPED_PROCESSOR);
		return 0;
	}
	if (!m->has_dwarf)
		return 0;
	fuel_up(m, nr);
	status = mh_insn_decoder_new(&a.decoder);
	if (status == MH_ENOSUP) {
		all_are(items, nr, MH_UNTYPED_NO_DECODER);
		return 0;
	}
	if (status || !mh_module_units(m)) {
		mh_insn_decoder_free(a.decoder);
		return -1;
	}
	mh_dwarf_locations(&m->dw, m->dw.elf == &m->debug ? &m->debug : &m->elf);
	a.env = (struct mh_flow_env){ .locals = &a.locals,
				      .fuel = &m->fuel,
				      .fixed = m->elf.type == ET_EXEC,
				      .variable = variable,
				      .returned = returned,
				      .clobbered = clobbered,
				      .arg = &a };
	units(&a, items, nr);
	failed = a.failed;
	mh_insn_decoder_free(a.decoder);
	free(a.insns.v);
	return failed;
}

#endif
