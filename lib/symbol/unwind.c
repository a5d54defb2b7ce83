/* SPDX-License-Identifier: MIT */
/*
 * Call chains out of copied stacks. From the registers of a frame, the tables of the file
 * that has its code tell where the caller's are; memory is read from the copy only.
 *
 * Why not libdw's own walk over frames: it asks a callback for each word, and makes each
 * row of the tables anew. Here a row is made once per address (cfi.c), and a chain costs
 * what its frames' few words cost.
 *
 * Tables and stacks are not trusted. Each frame must lie above the one before it, so a
 * chain is not longer than the copy; where a signal's frame leads elsewhere is followed
 * a few times at most.
 *
 * Not handled: code without tables (a JIT's), a return address that is signed in other
 * bits than those above the address, the alternate stack of a handler of signals.
 */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/vec.h"
#include "event/copies.h"
#include "symbol/cfi.h"
#include "symbol/module.h"

#define FRAMES_MAX  16384 /* 64 KiB of stack have no more than half of it */
#define SIGNALS_MAX 16
#define DEPTH_MAX   64   /* of an expression's stack */
#define STEPS_MAX   1024 /* of an expression */

#define MAP_SLOTS 4096 /* mappings whose file is remembered */

struct file {
	struct mh_module module;
	struct mh_elf debug;
	struct mh_cfi cfi;
	bool has_all;           /* there is no other file to look for tables in */
	enum mh_unwind_end end; /* OUTERMOST: it can be used */
};

struct place {
	const struct mh_mapping *map;
	struct file *file; /* NULL: none */
	uint64_t bias;
	enum mh_unwind_end end; /* OUTERMOST: file and bias hold */
};

struct mh_unwinder {
	const struct mh_maps *maps;
	struct mh_symtab_opts opts;
	struct {
		struct file **v;
		size_t nr, cap;
	} files;
	struct place places[MAP_SLOTS];
	struct {
		uint64_t *v;
		size_t nr, cap;
	} ips;
};

struct machine {
	uint16_t machine;
	uint8_t nr, sp, pc;
	bool sp_may_stay; /* a call leaves nothing on the stack */
	uint64_t pc_mask; /* above are bits that sign the address */
};

static const struct machine machines[] = {
	{ MH_MACHINE_X86_64, 17, 7, 16, false, UINT64_MAX },
	{ MH_MACHINE_AARCH64, 33, 31, 32, true, ((uint64_t)1 << 48) - 1 },
};

/* A frame under way. */
struct walk {
	struct mh_unwinder *u;
	const struct machine *m;
	const struct mh_ev_stack_copy *copy;
	size_t space;
	uint64_t time_ns;
	uint64_t regs[MH_CFI_REGS];
	uint64_t known;           /* registers whose value is, as bits */
	const struct mh_cfi *cfi; /* of the file that has the frame's code */
	enum mh_unwind_end end;
};

const char *mh_unwind_words(enum mh_unwind_end end)
{
	static const char *const words[MH_NR_UNWIND_ENDS] = {
		[MH_UNWIND_OUTERMOST] = "complete",
		[MH_UNWIND_STACK] = "the copied stack ends",
		[MH_UNWIND_UNMAPPED] = "an address without a mapping",
		[MH_UNWIND_ANON] = "code without a file",
		[MH_UNWIND_NO_FILE] = "the file cannot be opened",
		[MH_UNWIND_STALE] = "build-id differs",
		[MH_UNWIND_NO_CFI] = "no unwinding table",
		[MH_UNWIND_BAD_CFI] = "a damaged unwinding table",
		[MH_UNWIND_LOOP] = "a loop",
		[MH_UNWIND_MACHINE] = "a machine that is not known",
	};

	return end < MH_NR_UNWIND_ENDS ? words[end] : NULL;
}

int mh_unwinder_new(struct mh_unwinder **out, const struct mh_maps *maps,
		    const struct mh_symtab_opts *opts, struct mh_err *err)
{
	struct mh_unwinder *u = calloc(1, sizeof(*u));

	*out = u;
	if (!u)
		return mh_fail(err, MH_ENOMEM, "no memory for call chains");
	u->maps = maps;
	if (opts)
		u->opts = *opts;
	return MH_OK;
}

void mh_unwinder_free(struct mh_unwinder *u)
{
	size_t i;

	if (!u)
		return;
	for (i = 0; i < u->files.nr; i++) {
		struct file *f = u->files.v[i];

		mh_cfi_fini(&f->cfi);
		if (f->debug.handle)
			mh_elf_close(&f->debug);
		if (f->module.elf.handle)
			mh_elf_close(&f->module.elf);
		free(f);
	}
	free(u->files.v);
	free(u->ips.v);
	free(u);
}

/* ---- files ---- */

static bool is_vdso(const struct mh_mapping *map)
{
	return !strcmp(map->path, "[vdso]");
}

/* Ours stands for the recorded one only if it is known to be the same. */
static void open_vdso(struct file *f)
{
	char hex[2 * MH_BUILD_ID_MAX + 1];
	const void *image;
	size_t len = mh_vdso_image(&image);
	struct mh_err err;

	f->end = MH_UNWIND_NO_FILE;
	f->has_all = true;
	if (!len || mh_elf_open_memory(&f->module.elf, image, len, &err))
		return;
	mh_hex(hex, f->module.elf.build_id, f->module.elf.build_id_len);
	f->end = !*f->module.build_id || strcmp(hex, f->module.build_id) != 0
			 ? MH_UNWIND_STALE
			 : MH_UNWIND_OUTERMOST;
}

static void open_mapped(struct mh_unwinder *u, struct file *f)
{
	if (mh_module_find(&f->module, &u->opts))
		f->end = MH_UNWIND_OUTERMOST;
	else
		f->end = f->module.why == MH_UNNAMED_STALE ? MH_UNWIND_STALE
							   : MH_UNWIND_NO_FILE;
}

/*
 * A stripped file still has its .eh_frame, be it only of the few objects that the linker
 * adds; .debug_frame may be apart. That is looked for when something is missing: it may
 * have to come over the network. False: there is no more than before, and rows that were
 * found stay; else they are to be found anew.
 */
static bool find_rest(struct mh_unwinder *u, struct file *f)
{
	char found[MH_PATH_MAX];
	struct mh_cfi all;

	if (f->has_all || f->cfi.frame_from)
		return false;
	f->has_all = true;
	if (!mh_debug_find(&f->debug, found, &f->module.elf, f->module.dir_path,
			   &u->opts))
		return false;
	mh_cfi_init(&all, &f->module.elf, &f->debug);
	if (!all.frame_from) {
		mh_cfi_fini(&all);
		return false;
	}
	mh_cfi_fini(&f->cfi);
	f->cfi = all;
	return true;
}

/* NULL: out of memory. Paths and build-ids are kept once by the maps. */
static struct file *file_of(struct mh_unwinder *u, const struct mh_mapping *map)
{
	struct file *f, **to;
	size_t i;

	for (i = 0; i < u->files.nr; i++)
		if (u->files.v[i]->module.path == map->path &&
		    u->files.v[i]->module.build_id == map->build_id)
			return u->files.v[i];
	f = calloc(1, sizeof(*f));
	to = f ? mh_vec_push(&u->files) : NULL;
	if (!to) {
		free(f);
		return NULL;
	}
	*to = f;
	f->module.path = map->path;
	f->module.build_id = map->build_id;
	if (is_vdso(map))
		open_vdso(f);
	else
		open_mapped(u, f);
	if (f->end == MH_UNWIND_OUTERMOST)
		mh_cfi_init(&f->cfi, &f->module.elf, NULL);
	if (f->end == MH_UNWIND_OUTERMOST && !mh_cfi_exists(&f->cfi))
		find_rest(u, f);
	return f;
}

/* False: out of memory. */
static bool find_place(struct mh_unwinder *u, struct place *p,
		       const struct mh_mapping *map)
{
	*p = (struct place){ .map = map, .end = MH_UNWIND_ANON };
	if (*map->path != '/' && !is_vdso(map))
		return true;
	p->file = file_of(u, map);
	if (!p->file) {
		p->map = NULL;
		return false;
	}
	p->end = p->file->end;
	if (p->end == MH_UNWIND_OUTERMOST && !mh_cfi_exists(&p->file->cfi))
		p->end = MH_UNWIND_NO_CFI;
	if (p->end == MH_UNWIND_OUTERMOST &&
	    !mh_elf_bias(&p->file->module.elf, map, &p->bias))
		p->end = MH_UNWIND_NO_CFI;
	return true;
}

/* NULL: w->end says why, or it is still OUTERMOST: out of memory. */
static const struct mh_cfi_row *row_at(struct walk *w, uint64_t pc)
{
	const struct mh_mapping *map = mh_maps_find(w->u->maps, w->space, pc, w->time_ns);
	const struct mh_cfi_row *row;
	struct place *p;

	if (!map) {
		w->end = MH_UNWIND_UNMAPPED;
		return NULL;
	}
	p = &w->u->places[(uintptr_t)map / sizeof(*map) % MAP_SLOTS];
	if (p->map != map && !find_place(w->u, p, map))
		return NULL;
	if (p->end != MH_UNWIND_OUTERMOST) {
		w->end = p->end;
		return NULL;
	}
	w->cfi = &p->file->cfi;
	row = mh_cfi_find(&p->file->cfi, pc - p->bias);
	if (row && !row->known && find_rest(w->u, p->file))
		row = mh_cfi_find(&p->file->cfi, pc - p->bias);
	if (!row)
		return NULL;
	if (row->known && !row->damaged)
		return row;
	w->end = row->known ? MH_UNWIND_BAD_CFI : MH_UNWIND_NO_CFI;
	return NULL;
}

/* ---- values ---- */

static bool load(struct walk *w, uint64_t addr, size_t size, uint64_t *value)
{
	uint64_t at = addr - w->copy->sp;

	*value = 0;
	if (size <= w->copy->stack.len && at <= w->copy->stack.len - size) {
		memcpy(value, w->copy->stack.p + at, size);
		return true;
	}
	w->end = addr >= w->copy->sp ? MH_UNWIND_STACK : MH_UNWIND_BAD_CFI;
	return false;
}

static bool reg(struct walk *w, uint64_t number, uint64_t *value)
{
	if (number < w->m->nr && w->known >> number & 1) {
		*value = w->regs[number];
		return true;
	}
	w->end = MH_UNWIND_BAD_CFI;
	return false;
}

struct stack {
	uint64_t v[DEPTH_MAX];
	size_t nr;
};

static bool push(struct stack *s, uint64_t v)
{
	if (s->nr == DEPTH_MAX)
		return false;
	s->v[s->nr++] = v;
	return true;
}

static bool pop(struct stack *s, uint64_t *v)
{
	*v = s->nr ? s->v[--s->nr] : 0;
	return s->nr < DEPTH_MAX;
}

static bool binary(struct stack *s, uint8_t atom)
{
	uint64_t a, b;

	if (s->nr < 2)
		return false;
	pop(s, &b);
	pop(s, &a);
	switch (atom) {
	case DW_OP_plus:
		return push(s, a + b);
	case DW_OP_minus:
		return push(s, a - b);
	case DW_OP_mul:
		return push(s, a * b);
	case DW_OP_and:
		return push(s, a & b);
	case DW_OP_or:
		return push(s, a | b);
	case DW_OP_xor:
		return push(s, a ^ b);
	case DW_OP_shl:
		return push(s, b < 64 ? a << b : 0);
	case DW_OP_shr:
		return push(s, b < 64 ? a >> b : 0);
	case DW_OP_shra:
		return push(s, (uint64_t)((int64_t)a >> (b < 64 ? b : 63)));
	case DW_OP_eq:
		return push(s, a == b);
	case DW_OP_ne:
		return push(s, a != b);
	case DW_OP_lt:
		return push(s, (int64_t)a < (int64_t)b);
	case DW_OP_le:
		return push(s, (int64_t)a <= (int64_t)b);
	case DW_OP_gt:
		return push(s, (int64_t)a > (int64_t)b);
	case DW_OP_ge:
		return push(s, (int64_t)a >= (int64_t)b);
	case DW_OP_div:
		return b && b != UINT64_MAX &&
		       push(s, (uint64_t)((int64_t)a / (int64_t)b));
	case DW_OP_mod:
		return b && push(s, a % b);
	default:
		return false;
	}
}

static bool arrange(struct stack *s, const struct mh_cfi_op *op)
{
	uint64_t *top = s->v + s->nr, t;

	switch (op->atom) {
	case DW_OP_dup:
		return s->nr && push(s, top[-1]);
	case DW_OP_drop:
		return s->nr && pop(s, &t);
	case DW_OP_over:
		return s->nr > 1 && push(s, top[-2]);
	case DW_OP_pick:
		return op->number < s->nr && push(s, top[-1 - (int64_t)op->number]);
	case DW_OP_swap:
		if (s->nr < 2)
			return false;
		t = top[-1];
		top[-1] = top[-2];
		top[-2] = t;
		return true;
	case DW_OP_rot:
		if (s->nr < 3)
			return false;
		t = top[-1];
		top[-1] = top[-2];
		top[-2] = top[-3];
		top[-3] = t;
		return true;
	default:
		return binary(s, op->atom);
	}
}

static bool unary(struct stack *s, const struct mh_cfi_op *op)
{
	uint64_t *top = s->v + s->nr;

	if (!s->nr)
		return false;
	switch (op->atom) {
	case DW_OP_plus_uconst:
		top[-1] += op->number;
		return true;
	case DW_OP_neg:
		top[-1] = -top[-1];
		return true;
	case DW_OP_not:
		top[-1] = ~top[-1];
		return true;
	case DW_OP_abs:
		top[-1] = (int64_t)top[-1] < 0 ? -top[-1] : top[-1];
		return true;
	default:
		return arrange(s, op);
	}
}

static bool is_constant(uint8_t atom)
{
	return (atom >= DW_OP_const1u && atom <= DW_OP_consts) || atom == DW_OP_addr;
}

/* One operation that does not branch. */
static bool step(struct walk *w, struct stack *s, const struct mh_cfi_op *op,
		 uint64_t cfa)
{
	uint64_t v;

	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push(s, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return reg(w, op->atom - DW_OP_breg0, &v) && push(s, v + op->number);
	if (is_constant(op->atom))
		return push(s, op->number);
	switch (op->atom) {
	case DW_OP_bregx:
		return reg(w, op->number, &v) && push(s, v + op->number2);
	case DW_OP_call_frame_cfa:
		return push(s, cfa);
	case DW_OP_deref:
		return s->nr && pop(s, &v) && load(w, v, 8, &v) && push(s, v);
	case DW_OP_deref_size:
		return s->nr && op->number && op->number <= 8 && pop(s, &v) &&
		       load(w, v, (size_t)op->number, &v) && push(s, v);
	case DW_OP_nop:
		return true;
	default:
		return unary(s, op);
	}
}

static bool evaluate(struct walk *w, const struct mh_cfi_op *ops, size_t nr, uint64_t cfa,
		     uint64_t *value)
{
	struct stack s = { .nr = 0 };
	size_t i = 0, steps;
	uint64_t v;

	w->end = MH_UNWIND_BAD_CFI;
	for (steps = 0; i < nr; steps++) {
		const struct mh_cfi_op *op = &ops[i++];
		bool branch = op->atom == DW_OP_skip || op->atom == DW_OP_bra;

		if (steps == STEPS_MAX || (op->atom == DW_OP_bra && !s.nr))
			return false;
		if (!branch && !step(w, &s, op, cfa))
			return false;
		if (op->atom == DW_OP_bra) {
			pop(&s, &v);
			branch = v != 0;
		}
		if (branch && op->target < 0)
			return false;
		if (branch)
			i = (size_t)op->target;
	}
	if (!s.nr)
		return false;
	pop(&s, value);
	w->end = MH_UNWIND_OUTERMOST;
	return true;
}

/* False: w->end says why. @cfa: not read when the rule is the CFA's own */
static bool apply(struct walk *w, const struct mh_cfi *cfi,
		  const struct mh_cfi_rule *rule, uint64_t cfa, uint64_t *value)
{
	const struct mh_cfi_op *ops = rule->nr_ops ? cfi->ops.v + rule->first_op : NULL;

	switch ((enum mh_cfi_how)rule->how) {
	case MH_CFI_AT_CFA:
		return load(w, cfa + (uint64_t)rule->off, 8, value);
	case MH_CFI_CFA_PLUS:
		*value = cfa + (uint64_t)rule->off;
		return true;
	case MH_CFI_REG_PLUS:
		if (!reg(w, rule->reg, value))
			return false;
		*value += (uint64_t)rule->off;
		return true;
	case MH_CFI_EXPR:
		return evaluate(w, ops, rule->nr_ops, cfa, value);
	case MH_CFI_AT_EXPR:
		return evaluate(w, ops, rule->nr_ops, cfa, value) &&
		       load(w, *value, 8, value);
	case MH_CFI_UNDEFINED:
		break;
	}
	return false;
}

/* ---- frames ---- */

struct caller {
	uint64_t regs[MH_CFI_REGS];
	uint64_t known;
	uint64_t cfa, pc;
	bool none; /* the frame is the outermost */
};

static bool find_caller(struct walk *w, const struct mh_cfi_row *row, struct caller *c)
{
	const struct mh_cfi *cfi = w->cfi;
	bool has_sp = false;
	size_t i;

	if (!apply(w, cfi, &row->cfa, 0, &c->cfa))
		return false;
	memcpy(c->regs, w->regs, sizeof(c->regs));
	c->known = w->known;
	for (i = 0; i < row->nr_rules; i++) {
		const struct mh_cfi_rule *rule = &cfi->rules.v[row->first_rule + i];
		uint64_t bit = (uint64_t)1 << rule->of;

		if (rule->how == MH_CFI_UNDEFINED) {
			c->known &= ~bit;
			c->none |= rule->of == row->ra;
			continue;
		}
		if (!apply(w, cfi, rule, c->cfa, &c->regs[rule->of])) {
			/* Only the return address is needed to go on. */
			if (rule->of == row->ra)
				return false;
			w->end = MH_UNWIND_OUTERMOST;
			c->known &= ~bit;
			continue;
		}
		c->known |= bit;
		has_sp |= rule->of == w->m->sp;
	}
	if (!has_sp) {
		c->regs[w->m->sp] = c->cfa;
		c->known |= (uint64_t)1 << w->m->sp;
	}
	c->pc = c->regs[row->ra] & w->m->pc_mask;
	return true;
}

/* A frame is above the one that it called; on machines that keep the return address in a
 * register it can be as high. */
static bool is_above(const struct walk *w, const struct caller *c, uint64_t cfa_before)
{
	if (c->cfa > cfa_before)
		return true;
	return w->m->sp_may_stay && c->cfa == cfa_before && c->pc != w->regs[w->m->pc];
}

static int walk(struct walk *w, struct mh_err *err)
{
	struct mh_unwinder *u = w->u;
	uint64_t cfa = 0, *ip;
	bool exact = true; /* the pc is where it was interrupted, not a return address */
	unsigned signals = 0;

	for (;;) {
		uint64_t pc = w->regs[w->m->pc];
		const struct mh_cfi_row *row;
		struct caller c = { .none = false };

		ip = mh_vec_push(&u->ips);
		if (!ip)
			return mh_fail(err, MH_ENOMEM, "no memory for call chains");
		*ip = pc;
		row = row_at(w, exact ? pc : pc - 1);
		if (!row && w->end == MH_UNWIND_OUTERMOST)
			return mh_fail(err, MH_ENOMEM, "no memory for call chains");
		/* What was taken for a return address is none: no frame of the chain. */
		if (!row && w->end == MH_UNWIND_UNMAPPED && u->ips.nr > 1)
			u->ips.nr--;
		if (!row)
			break;
		if (!find_caller(w, row, &c) || c.none || !c.pc)
			break;
		if (row->signal && ++signals <= SIGNALS_MAX)
			cfa = 0;
		else if (!is_above(w, &c, cfa))
			w->end = MH_UNWIND_LOOP;
		else
			cfa = c.cfa;
		if (u->ips.nr == FRAMES_MAX)
			w->end = MH_UNWIND_LOOP;
		if (w->end != MH_UNWIND_OUTERMOST)
			break;
		exact = row->signal;
		memcpy(w->regs, c.regs, sizeof(w->regs));
		w->known = c.known | (uint64_t)1 << w->m->pc;
		w->regs[w->m->pc] = c.pc;
	}
	return MH_OK;
}

static const struct machine *machine_of(const struct mh_ev_stack_copy *copy)
{
	size_t i;

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == copy->machine &&
		    copy->regs.len == 8u * machines[i].nr)
			return &machines[i];
	return NULL;
}

int mh_unwind(struct mh_unwinder *u, struct mh_unwound *out, const struct mh_event *ev,
	      struct mh_err *err)
{
	struct walk w = { .u = u,
			  .copy = &ev->stack_copy,
			  .time_ns = ev->time_ns,
			  .end = MH_UNWIND_OUTERMOST };
	long space = mh_maps_space_at(u->maps, ev->stack_copy.pid, ev->time_ns);
	uint64_t *ip;
	int ret = MH_OK;

	u->ips.nr = 0;
	w.m = machine_of(w.copy);
	if (!w.m) {
		w.end = MH_UNWIND_MACHINE;
	} else {
		memcpy(w.regs, w.copy->regs.p, w.copy->regs.len);
		w.known = ((uint64_t)1 << w.m->nr) - 1;
		w.space = (size_t)space;
		if (space >= 0) {
			ret = walk(&w, err);
		} else {
			w.end = MH_UNWIND_UNMAPPED;
			ip = mh_vec_push(&u->ips);
			if (!ip)
				return mh_fail(err, MH_ENOMEM,
					       "no memory for call chains");
			*ip = w.regs[w.m->pc];
		}
	}
	*out = (struct mh_unwound){ u->ips.v, u->ips.nr, w.end };
	return ret;
}
