/* SPDX-License-Identifier: MIT */
/* Where the variables of one function are, place by place of its code. */
#ifndef MEMHEAT_SYMBOL_LOCATIONS_H
#define MEMHEAT_SYMBOL_LOCATIONS_H

#include "symbol/vars.h"

#define MH_REG_CFA  0xf0 /* the canonical frame address, in place of a register */
#define MH_REG_NONE 0xff

enum mh_dw_place_kind {
	MH_DW_IN_REGISTER, /* the register is the bytes */
	MH_DW_VALUE,       /* the bytes are register + off */
	MH_DW_IN_MEMORY,   /* they are at register + off */
	MH_DW_INDIRECT     /* their address is in memory at register + off */
};

/* Bytes of a variable from one place of code to another. */
struct mh_dw_held {
	uint64_t start, end;
	uint8_t kind, reg;
	uint16_t depth; /* of its scope */
	int64_t off;
	struct mh_dw_ref type; /* of the variable */
	uint64_t at;           /* the bytes begin here in it */
};

/* What a call returns, by the place behind the call. */
struct mh_dw_called {
	uint64_t return_pc;
	struct mh_dw_ref type;
};

struct mh_dw_locals {
	struct mh_dw_ranges ranges; /* of the function's code */
	struct {
		struct mh_dw_held *v;
		size_t nr, cap;
	} held;          /* by start */
	uint64_t *reach; /* of held: the highest end up to each */
	struct {
		struct mh_dw_called *v;
		size_t nr, cap;
	} called; /* by return_pc */
	struct {
		struct mh_range *v;
		size_t nr, cap;
	} scopes; /* where a variable is declared that has no place at all, or holes */
};

/*
 * All that a subprogram's DIE and the blocks and inlined calls in it tell.
 *
 * Returns false when memory is out; what is damaged is left out.
 */
bool mh_dw_locals_read(struct mh_dw_locals *out, struct mh_dw_ref function);
void mh_dw_locals_fini(struct mh_dw_locals *l);

/* Call @fn with what is held at @pc, as long as there is fuel to look for it. */
void mh_dw_locals_at(const struct mh_dw_locals *l, uint64_t pc, struct mh_dw_fuel *fuel,
		     void (*fn)(void *arg, const struct mh_dw_held *held), void *arg);

/* The type that the call before @return_pc gives; no unit: not known. */
struct mh_dw_ref mh_dw_locals_called(const struct mh_dw_locals *l, uint64_t return_pc);

#endif
