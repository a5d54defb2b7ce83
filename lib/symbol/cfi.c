/* SPDX-License-Identifier: MIT */
/*
 * Rows out of libdw. It gives each rule as a DWARF expression; nearly all are one of a
 * few forms, which are recognized so that whoever follows a chain does not interpret.
 *
 * Not handled: .debug_frame of a file whose addresses were moved after it was made.
 */
#include "symbol/cfi.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define ROWS_MAX (1u << 20) /* then all are forgotten */
#define OPS_MAX  256        /* of one expression */

void mh_cfi_init(struct mh_cfi *cfi, struct mh_elf *elf, struct mh_elf *debug)
{
	*cfi = (struct mh_cfi){ 0 };
	cfi->eh = dwarf_getcfi_elf(elf->handle);
	if (mh_elf_section_find(elf, ".debug_frame") ||
	    mh_elf_section_find(elf, ".zdebug_frame"))
		cfi->frame_from = elf;
	else if (debug && (mh_elf_section_find(debug, ".debug_frame") ||
			   mh_elf_section_find(debug, ".zdebug_frame")))
		cfi->frame_from = debug;
}

void mh_cfi_fini(struct mh_cfi *cfi)
{
	if (cfi->eh)
		dwarf_cfi_end(cfi->eh);
	if (cfi->dw)
		dwarf_end(cfi->dw);
	free(cfi->rows.v);
	free(cfi->rules.v);
	free(cfi->ops.v);
	free(cfi->slots);
	*cfi = (struct mh_cfi){ 0 };
}

bool mh_cfi_exists(const struct mh_cfi *cfi)
{
	return cfi->eh || cfi->frame || cfi->frame_from;
}

/* ---- what libdw says ---- */

/* Where a branch at op @i leads: to the op at that offset. */
static int32_t target_of(const Dwarf_Op *ops, size_t nr, size_t i)
{
	Dwarf_Word to = ops[i].offset + 3 + (Dwarf_Word)(int16_t)ops[i].number;
	size_t k;

	for (k = 0; k < nr; k++)
		if (ops[k].offset == to)
			return (int32_t)k;
	/* Behind the last: the end. */
	return nr && to > ops[nr - 1].offset ? (int32_t)nr : -1;
}

/* False: out of memory. */
static bool keep_ops(struct mh_cfi *cfi, struct mh_cfi_rule *rule, const Dwarf_Op *ops,
		     size_t nr)
{
	size_t i;

	rule->first_op = (uint32_t)cfi->ops.nr;
	rule->nr_ops = (uint16_t)nr;
	for (i = 0; i < nr; i++) {
		struct mh_cfi_op *op = mh_vec_push(&cfi->ops);

		if (!op)
			return false;
		*op = (struct mh_cfi_op){ .number = ops[i].number,
					  .number2 = ops[i].number2,
					  .target = -1,
					  .atom = ops[i].atom };
		if (ops[i].atom == DW_OP_bra || ops[i].atom == DW_OP_skip)
			op->target = target_of(ops, nr, i);
	}
	return true;
}

/* A register plus a number: bregN, bregx. */
static bool is_based(struct mh_cfi_rule *rule, const Dwarf_Op *op)
{
	Dwarf_Word reg = op->number;

	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		reg = op->atom - DW_OP_breg0;
		rule->off = (int64_t)op->number;
	} else if (op->atom == DW_OP_bregx) {
		rule->off = (int64_t)op->number2;
	} else {
		return false;
	}
	rule->reg = (uint8_t)reg;
	return reg < MH_CFI_REGS;
}

/* Another register holds it: regN, regx. */
static bool is_register(struct mh_cfi_rule *rule, const Dwarf_Op *op)
{
	Dwarf_Word reg = op->number;

	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31)
		reg = op->atom - DW_OP_reg0;
	else if (op->atom != DW_OP_regx)
		return false;
	rule->reg = (uint8_t)reg;
	rule->off = 0;
	return reg < MH_CFI_REGS;
}

/* CFA plus a number, in memory or, with stack_value, as it is. */
static bool is_at_cfa(struct mh_cfi_rule *rule, const Dwarf_Op *ops, size_t nr)
{
	size_t i = 1;

	if (ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	rule->off = 0;
	if (i < nr && ops[i].atom == DW_OP_plus_uconst)
		rule->off = (int64_t)ops[i++].number;
	rule->how = MH_CFI_AT_CFA;
	if (i < nr && ops[i].atom == DW_OP_stack_value) {
		rule->how = MH_CFI_CFA_PLUS;
		i++;
	}
	return i == nr;
}

/* < 0: no memory; 0: understood; 1: not. */
static int make_rule(struct mh_cfi *cfi, struct mh_cfi_rule *rule, const Dwarf_Op *ops,
		     size_t nr)
{
	if (!nr || nr > OPS_MAX)
		return 1;
	if (is_at_cfa(rule, ops, nr))
		return 0;
	if (nr == 1 && is_register(rule, ops)) {
		rule->how = MH_CFI_REG_PLUS;
		return 0;
	}
	rule->how = MH_CFI_AT_EXPR;
	if (ops[nr - 1].atom == DW_OP_stack_value) {
		rule->how = MH_CFI_EXPR;
		nr--;
	}
	return keep_ops(cfi, rule, ops, nr) ? 0 : -1;
}

static int make_cfa(struct mh_cfi *cfi, struct mh_cfi_row *row, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t nr;

	if (dwarf_frame_cfa(frame, &ops, &nr) || !nr || nr > OPS_MAX)
		return 1;
	if (nr == 1 && is_based(&row->cfa, ops)) {
		row->cfa.how = MH_CFI_REG_PLUS;
		return 0;
	}
	row->cfa.how = MH_CFI_EXPR;
	return keep_ops(cfi, &row->cfa, ops, nr) ? 0 : -1;
}

static int make_register(struct mh_cfi *cfi, struct mh_cfi_row *row, Dwarf_Frame *frame,
			 int reg)
{
	struct mh_cfi_rule rule = { .how = MH_CFI_UNDEFINED, .of = (uint8_t)reg }, *to;
	Dwarf_Op mem[3], *ops = NULL;
	size_t nr = 0;
	int ret = 0;

	if (dwarf_frame_register(frame, reg, mem, &ops, &nr))
		return 1;
	if (!nr && !ops)
		return 0; /* it keeps its value */
	if (nr)
		ret = make_rule(cfi, &rule, ops, nr);
	if (ret)
		return ret;
	to = mh_vec_push(&cfi->rules);
	if (!to)
		return -1;
	*to = rule;
	row->nr_rules++;
	return 0;
}

static int make_row(struct mh_cfi *cfi, struct mh_cfi_row *row, Dwarf_Frame *frame)
{
	bool signal = false;
	int ra = dwarf_frame_info(frame, NULL, NULL, &signal), reg, ret;

	row->known = true;
	row->signal = signal;
	row->first_rule = (uint32_t)cfi->rules.nr;
	if (ra < 0 || ra >= MH_CFI_REGS)
		return 1;
	row->ra = (uint8_t)ra;
	ret = make_cfa(cfi, row, frame);
	for (reg = 0; !ret && reg < MH_CFI_REGS; reg++)
		ret = make_register(cfi, row, frame, reg);
	return ret;
}

/* .debug_frame is looked at last: libdw inflates all debug sections for it. */
static Dwarf_Frame *frame_at(struct mh_cfi *cfi, uint64_t vaddr)
{
	Dwarf_Frame *frame = NULL;

	if (cfi->eh && !dwarf_cfi_addrframe(cfi->eh, vaddr, &frame))
		return frame;
	if (cfi->frame_from) {
		cfi->dw = dwarf_begin_elf(cfi->frame_from->handle, DWARF_C_READ, NULL);
		cfi->frame = cfi->dw ? dwarf_getcfi(cfi->dw) : NULL;
		cfi->frame_from = NULL;
	}
	if (cfi->frame && !dwarf_cfi_addrframe(cfi->frame, vaddr, &frame))
		return frame;
	return NULL;
}

/* ---- rows that were made before ---- */

static uint32_t *slot_of(const struct mh_cfi *cfi, uint64_t vaddr)
{
	size_t i = (size_t)(vaddr * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
		   (cfi->nr_slots - 1);

	while (cfi->slots[i] && cfi->rows.v[cfi->slots[i] - 1].vaddr != vaddr)
		i = (i + 1) & (cfi->nr_slots - 1);
	return &cfi->slots[i];
}

static bool make_room(struct mh_cfi *cfi)
{
	size_t nr = cfi->nr_slots ? cfi->nr_slots : 256, i;

	if (cfi->rows.nr == ROWS_MAX)
		cfi->rows.nr = cfi->rules.nr = cfi->ops.nr = 0;
	else if (cfi->nr_slots && cfi->rows.nr * 2 < cfi->nr_slots)
		return true;
	while (nr <= cfi->rows.nr * 2)
		nr *= 2;
	free(cfi->slots);
	cfi->nr_slots = 0;
	cfi->slots = calloc(nr, sizeof(*cfi->slots));
	if (!cfi->slots)
		return false;
	cfi->nr_slots = nr;
	for (i = 0; i < cfi->rows.nr; i++)
		*slot_of(cfi, cfi->rows.v[i].vaddr) = (uint32_t)i + 1;
	return true;
}

const struct mh_cfi_row *mh_cfi_find(struct mh_cfi *cfi, uint64_t vaddr)
{
	struct mh_cfi_row row = { .vaddr = vaddr }, *to;
	Dwarf_Frame *frame;
	uint32_t *slot;
	int ret = 0;

	if (cfi->nr_slots) {
		slot = slot_of(cfi, vaddr);
		if (*slot)
			return &cfi->rows.v[*slot - 1];
	}
	if (!make_room(cfi))
		return NULL;
	frame = frame_at(cfi, vaddr);
	if (frame)
		ret = make_row(cfi, &row, frame);
	free(frame);
	row.damaged = ret > 0;
	to = ret < 0 ? NULL : mh_vec_push(&cfi->rows);
	if (!to)
		return NULL;
	*to = row;
	*slot_of(cfi, vaddr) = (uint32_t)cfi->rows.nr;
	return to;
}
