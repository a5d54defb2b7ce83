/* SPDX-License-Identifier: MIT */
/*
 * Machine instructions as far as following addresses needs them. Registers have the
 * numbers that DWARF gives them, so nothing here is of one processor.
 */
#ifndef MEMHEAT_SYMBOL_INSN_H
#define MEMHEAT_SYMBOL_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MH_NR_REGS 16
#define MH_NO_REG  0xff

enum mh_insn_op {
	MH_INSN_OTHER, /* only its clobbers count */
	MH_INSN_NOP,   /* also what fills up before what jumps lead to */
	MH_INSN_MOVE,  /* dst = src, or what mem holds */
	MH_INSN_STORE, /* mem = src */
	MH_INSN_LEA,   /* dst = the address of mem */
	MH_INSN_ADD,   /* dst += src, imm or what mem holds */
	MH_INSN_SUB,
	MH_INSN_MUL, /* dst = (src, or what mem holds) * imm */
	MH_INSN_SHIFT_LEFT,
	MH_INSN_CHOOSE, /* dst = dst or src (or mem) */
	MH_INSN_SWAP,
	MH_INSN_PUSH,
	MH_INSN_POP,
	MH_INSN_LEAVE,
	MH_INSN_CALL,
	MH_INSN_JUMP,   /* target 0: computed */
	MH_INSN_BRANCH, /* may go on behind */
	MH_INSN_END     /* return, trap */
};

enum mh_insn_access {
	MH_ACCESS_NONE,
	MH_ACCESS_OPERAND, /* mem is what is read or written */
	MH_ACCESS_STACK,   /* push, pop, call, return */
	MH_ACCESS_STRING,  /* from one register's address to another's */
	MH_ACCESS_THREAD   /* relative to a thread or a CPU */
};

struct mh_insn_mem {
	uint8_t base, index; /* MH_NO_REG: none */
	uint8_t scale, size;
	bool absolute; /* disp is an address of the file (also: relative to this place) */
	int64_t disp;
};

struct mh_insn {
	uint64_t addr, target;
	int64_t imm;
	struct mh_insn_mem mem;
	uint8_t len, op, access;
	uint8_t dst, src; /* MH_NO_REG: none; src none with a value: imm */
	uint8_t width;    /* bytes of dst that are set from it; 8: an address fits */
	bool has_mem, has_imm, reads, writes;
	uint16_t clobbers; /* bit per register that is changed, dst too */
};

#ifdef HAVE_CAPSTONE

struct mh_insn_decoder;

/* MH_ENOMEM; MH_ENOSUP where the library that decodes is not on this machine. */
int mh_insn_decoder_new(struct mh_insn_decoder **out);
void mh_insn_decoder_free(struct mh_insn_decoder *d);

/* One instruction of x86-64 at @addr. False: not one. */
bool mh_decode(struct mh_insn_decoder *d, struct mh_insn *out, const uint8_t *bytes,
	       size_t len, uint64_t addr);

#endif

/* Numbers of x86-64. */
enum {
	MH_REG_RAX = 0,
	MH_REG_RDX = 1,
	MH_REG_RCX = 2,
	MH_REG_RBX = 3,
	MH_REG_RSI = 4,
	MH_REG_RDI = 5,
	MH_REG_RBP = 6,
	MH_REG_RSP = 7
};

/* What a call may change: all but rbx, rbp, rsp, r12 to r15. */
#define MH_CALL_CLOBBERS                                                                 \
	(1u << MH_REG_RAX | 1u << MH_REG_RDX | 1u << MH_REG_RCX | 1u << MH_REG_RSI |     \
	 1u << MH_REG_RDI | 0xfu << 8)

#endif
