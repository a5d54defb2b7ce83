/* SPDX-License-Identifier: MIT */
/*
 * What the instructions of one function access: what is in the registers is followed from
 * the function's entry along all its jumps, with the variables' locations as signposts.
 */
#ifndef MEMHEAT_SYMBOL_FLOW_H
#define MEMHEAT_SYMBOL_FLOW_H

#include "symbol/insn.h"
#include "symbol/locations.h"
#include "symbol/member.h"
#include "symbol/value.h"

#define MH_FLOW_SLOTS 24 /* words of the stack that are followed */

struct mh_flow_state {
	bool reached;
	uint8_t nr_slots;
	struct mh_value regs[MH_NR_REGS];
	struct mh_flow_slot {
		int64_t off; /* from the frame address */
		struct mh_value value;
	} slots[MH_FLOW_SLOTS];
};

/* What the function stands in. */
struct mh_flow_env {
	const struct mh_dw_locals *locals;
	struct mh_dw_fuel *fuel;
	uint64_t entry;
	bool alone; /* the instructions are some of many: nothing is followed */
	bool fixed; /* the file is where it says: constants may be addresses */
	/* The static variable at an address. False: none. */
	bool (*variable)(void *arg, uint64_t addr, struct mh_dw_ref *type,
			 uint64_t *start);
	/* What the function at an address returns; no unit: not known. */
	struct mh_dw_ref (*returned)(void *arg, uint64_t target);
	/* The registers that the function at an address may change. */
	uint16_t (*clobbered)(void *arg, uint64_t target);
	void *arg;
};

enum mh_flow_outcome {
	MH_FLOW_FOUND,
	MH_FLOW_NO_LOCATION, /* nothing says what the address is */
	MH_FLOW_NO_OBJECT,   /* a pointer to void, or to what is only declared */
	MH_FLOW_OUTSIDE,     /* not in the type that is pointed to */
	MH_FLOW_VARIES       /* one of several members; member.owner is known */
};

struct mh_flow_found {
	enum mh_flow_outcome outcome;
	bool on_stack; /* the address is in the function's frame */
	struct mh_dw_member member;
};

/* An instruction's memory operand, in the state before it. */
void mh_flow_operand(struct mh_flow_found *out, const struct mh_flow_env *env,
		     const struct mh_flow_state *s, const struct mh_insn *in);
/* What is known of a register before @pc, of variables or of the state. */
struct mh_value mh_flow_register(const struct mh_flow_env *env,
				 const struct mh_flow_state *s, uint64_t pc, uint8_t reg);
/* An operand's address by that. */
struct mh_value mh_flow_address(const struct mh_flow_env *env,
				const struct mh_flow_state *s, const struct mh_insn *in);

/*
 * Follow all of a function's instructions, which ascend by address; call @fn for each
 * that accesses an operand, with the state before it. Without memory for the states, or
 * for a function too large, nothing is followed and the variables alone tell.
 */
void mh_flow_run(const struct mh_flow_env *env, const struct mh_insn *insns, size_t nr,
		 void (*fn)(void *arg, size_t i, const struct mh_flow_state *s),
		 void *arg);

#endif
