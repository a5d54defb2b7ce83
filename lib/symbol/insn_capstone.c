/* SPDX-License-Identifier: MIT */
/*
 * Instructions of x86-64, by capstone. What is not told apart here changes the registers
 * that capstone says it writes, and nothing is known of them afterwards.
 *
 * The library is loaded by who first decodes: its tables hold 77,000 addresses that the
 * loader corrects, which took the half of the start of every command.
 *
 * Not handled: other processors; their code has no types of accesses.
 */
#include "symbol/insn.h"

#include <capstone/capstone.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/base.h>

#define TEXT_OF(x)    #x
#define SONAME(major) "libcapstone.so." TEXT_OF(major)

/* Declared as the headers do. */
struct capstone {
	__typeof__(&cs_open) open;
	__typeof__(&cs_close) close;
	__typeof__(&cs_option) option;
	__typeof__(&cs_malloc) malloc;
	__typeof__(&cs_free) free;
	__typeof__(&cs_disasm_iter) disasm_iter;
	__typeof__(&cs_regs_access) regs_access;
	__typeof__(&cs_insn_group) insn_group;
};

struct mh_insn_decoder {
	struct capstone lib;
	csh handle;
	cs_insn *insn;
};

static bool capstone_load(struct capstone *lib)
{
	void *library =
		dlopen(SONAME(CS_API_MAJOR), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const struct {
		const char *name;
		void *to;
	} calls[] = {
		{ "cs_open", &lib->open },
		{ "cs_close", &lib->close },
		{ "cs_option", &lib->option },
		{ "cs_malloc", &lib->malloc },
		{ "cs_free", &lib->free },
		{ "cs_disasm_iter", &lib->disasm_iter },
		{ "cs_regs_access", &lib->regs_access },
		{ "cs_insn_group", &lib->insn_group },
	};
	bool whole = library != NULL;
	size_t i;

	for (i = 0; whole && i < sizeof(calls) / sizeof(*calls); i++) {
		void *call = dlsym(library, calls[i].name);

		memcpy(calls[i].to, &call, sizeof(call));
		whole = call != NULL;
	}
	if (library)
		dlclose(library);
	return whole;
}

int mh_insn_decoder_new(struct mh_insn_decoder **out)
{
	struct mh_insn_decoder *d = calloc(1, sizeof(*d));
	int status = MH_ENOMEM;

	*out = NULL;
	if (!d)
		return status;
	if (!capstone_load(&d->lib) ||
	    d->lib.open(CS_ARCH_X86, CS_MODE_64, &d->handle) != CS_ERR_OK) {
		free(d);
		return MH_ENOSUP;
	}
	d->lib.option(d->handle, CS_OPT_DETAIL, CS_OPT_ON);
	d->insn = d->lib.malloc(d->handle);
	if (!d->insn) {
		mh_insn_decoder_free(d);
		return status;
	}
	*out = d;
	return MH_OK;
}

void mh_insn_decoder_free(struct mh_insn_decoder *d)
{
	if (!d)
		return;
	if (d->insn)
		d->lib.free(d->insn, 1);
	d->lib.close(&d->handle);
	free(d);
}

/* A register's DWARF number and how many of its bytes are meant. */
static uint8_t reg_of(unsigned reg, uint8_t *bytes)
{
	static const struct {
		uint16_t r64, r32, r16, r8, r8h;
	} regs[MH_NR_REGS] = {
		{ X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH },
		{ X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH },
		{ X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH },
		{ X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH },
		{ X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL, 0 },
		{ X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL, 0 },
		{ X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL, 0 },
		{ X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL, 0 },
		{ X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B, 0 },
		{ X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B, 0 },
		{ X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B, 0 },
		{ X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B, 0 },
		{ X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B, 0 },
		{ X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B, 0 },
		{ X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B, 0 },
		{ X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B, 0 },
	};
	uint8_t i;

	for (i = 0; reg && i < MH_NR_REGS; i++) {
		*bytes = regs[i].r64 == reg                        ? 8
			 : regs[i].r32 == reg                      ? 4
			 : regs[i].r16 == reg                      ? 2
			 : regs[i].r8 == reg || regs[i].r8h == reg ? 1
								   : 0;
		if (*bytes)
			return i;
	}
	*bytes = 0;
	return MH_NO_REG;
}

static void take_mem(struct mh_insn *out, const cs_insn *in, const cs_x86_op *op)
{
	uint8_t bytes;

	out->has_mem = true;
	out->mem = (struct mh_insn_mem){ .base = reg_of(op->mem.base, &bytes),
					 .index = reg_of(op->mem.index, &bytes),
					 .scale = (uint8_t)op->mem.scale,
					 .size = op->size,
					 .disp = op->mem.disp };
	if (op->mem.base == X86_REG_RIP) {
		out->mem.absolute = true;
		out->mem.disp =
			(int64_t)((uint64_t)op->mem.disp + in->address + in->size);
	}
	if (op->mem.segment == X86_REG_FS || op->mem.segment == X86_REG_GS)
		out->access = MH_ACCESS_THREAD;
	else
		out->access = MH_ACCESS_OPERAND;
	out->reads = op->access & CS_AC_READ;
	out->writes = op->access & CS_AC_WRITE;
}

/* Two operands of which one may be memory. */
static void take_two(struct mh_insn *out, const cs_x86 *x)
{
	uint8_t bytes;

	if (x->op_count < 2)
		return;
	if (x->operands[0].type == X86_OP_REG)
		out->dst = reg_of(x->operands[0].reg, &out->width);
	if (x->operands[1].type == X86_OP_REG) {
		out->src = reg_of(x->operands[1].reg, &bytes);
		/* Of a narrower source or a vector nothing is known. */
		if (out->src != MH_NO_REG && x->operands[0].type == X86_OP_REG &&
		    bytes < out->width && bytes < 4)
			out->src = MH_NO_REG;
		else if (x->operands[0].type == X86_OP_MEM)
			out->width = bytes;
	} else if (x->operands[1].type == X86_OP_IMM) {
		out->has_imm = true;
		out->imm = x->operands[1].imm;
	}
}

static bool is_float_move(unsigned id)
{
	return id == X86_INS_MOVSD || id == X86_INS_MOVSS;
}

static void classify_move(struct mh_insn *out, const cs_x86 *x, enum mh_insn_op op)
{
	take_two(out, x);
	if (out->has_mem && x->operands[0].type == X86_OP_MEM) {
		out->op = op == MH_INSN_MOVE ? MH_INSN_STORE : MH_INSN_OTHER;
		return;
	}
	if (out->dst == MH_NO_REG)
		return;
	if (out->has_mem || out->src != MH_NO_REG || out->has_imm)
		out->op = op;
	if (out->has_mem && op != MH_INSN_MOVE && op != MH_INSN_CHOOSE &&
	    op != MH_INSN_ADD)
		out->op = MH_INSN_OTHER;
}

static void classify_mul(struct mh_insn *out, const cs_x86 *x)
{
	uint8_t bytes;

	if (x->op_count != 3 || x->operands[0].type != X86_OP_REG ||
	    x->operands[1].type == X86_OP_IMM || x->operands[2].type != X86_OP_IMM)
		return;
	out->op = MH_INSN_MUL;
	out->dst = reg_of(x->operands[0].reg, &out->width);
	if (x->operands[1].type == X86_OP_REG)
		out->src = reg_of(x->operands[1].reg, &bytes);
	out->has_imm = true;
	out->imm = x->operands[2].imm;
}

static void classify_stack(struct mh_insn *out, const cs_x86 *x, enum mh_insn_op op)
{
	out->op = op;
	if (!out->has_mem)
		out->access = MH_ACCESS_STACK;
	if (x->op_count != 1 || x->operands[0].type != X86_OP_REG)
		return;
	if (op == MH_INSN_PUSH)
		out->src = reg_of(x->operands[0].reg, &out->width);
	else
		out->dst = reg_of(x->operands[0].reg, &out->width);
}

static void classify_jump(struct mh_insn *out, const cs_x86 *x, enum mh_insn_op op)
{
	out->op = op;
	if (x->op_count == 1 && x->operands[0].type == X86_OP_IMM)
		out->target = (uint64_t)x->operands[0].imm;
	if (op == MH_INSN_CALL && !out->has_mem)
		out->access = MH_ACCESS_STACK;
}

static void classify(struct mh_insn *out, const struct mh_insn_decoder *d,
		     const cs_insn *in)
{
	const cs_x86 *x = &in->detail->x86;

	switch (in->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVSXD:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
		classify_move(out, x, MH_INSN_MOVE);
		break;
	case X86_INS_LEA:
		out->access = MH_ACCESS_NONE;
		take_two(out, x);
		out->op = out->dst == MH_NO_REG ? MH_INSN_OTHER : MH_INSN_LEA;
		break;
	case X86_INS_NOP:
		out->access = MH_ACCESS_NONE;
		out->op = MH_INSN_NOP;
		break;
	case X86_INS_PREFETCHNTA:
	case X86_INS_PREFETCHT0:
	case X86_INS_PREFETCHT1:
	case X86_INS_PREFETCHT2:
	case X86_INS_PREFETCHW:
		out->access = MH_ACCESS_NONE;
		break;
	case X86_INS_ADD:
		classify_move(out, x, MH_INSN_ADD);
		break;
	case X86_INS_SUB:
		classify_move(out, x, MH_INSN_SUB);
		break;
	case X86_INS_INC:
	case X86_INS_DEC:
		if (x->operands[0].type == X86_OP_REG) {
			out->op = MH_INSN_ADD;
			out->dst = reg_of(x->operands[0].reg, &out->width);
			out->has_imm = true;
			out->imm = in->id == X86_INS_INC ? 1 : -1;
		}
		break;
	case X86_INS_XOR: /* how registers are set to 0 */
		if (x->operands[0].type == X86_OP_REG &&
		    x->operands[1].type == X86_OP_REG &&
		    x->operands[0].reg == x->operands[1].reg) {
			out->dst = reg_of(x->operands[0].reg, &out->width);
			out->op = out->dst == MH_NO_REG ? MH_INSN_OTHER : MH_INSN_MOVE;
			out->has_imm = true;
		}
		break;
	case X86_INS_IMUL:
		classify_mul(out, x);
		break;
	case X86_INS_SHL:
	case X86_INS_SAL:
		if (x->operands[0].type == X86_OP_REG && x->op_count == 2 &&
		    x->operands[1].type == X86_OP_IMM)
			classify_move(out, x, MH_INSN_SHIFT_LEFT);
		break;
	case X86_INS_CDQE: /* rax from eax */
		out->op = MH_INSN_MOVE;
		out->dst = out->src = MH_REG_RAX;
		out->width = 4;
		break;
	case X86_INS_XCHG:
		take_two(out, x);
		if (!out->has_mem && x->operands[0].reg == x->operands[1].reg) {
			out->op = MH_INSN_NOP;
			break;
		}
		out->op = !out->has_mem && out->src != MH_NO_REG &&
					  out->dst != MH_NO_REG && out->width == 8
				  ? MH_INSN_SWAP
				  : MH_INSN_OTHER;
		break;
	case X86_INS_PUSH:
		classify_stack(out, x, MH_INSN_PUSH);
		break;
	case X86_INS_POP:
		classify_stack(out, x, MH_INSN_POP);
		break;
	case X86_INS_LEAVE:
		out->op = MH_INSN_LEAVE;
		out->access = MH_ACCESS_STACK;
		break;
	case X86_INS_CALL:
		classify_jump(out, x, MH_INSN_CALL);
		break;
	case X86_INS_JMP:
		classify_jump(out, x, MH_INSN_JUMP);
		break;
	case X86_INS_RET:
		out->op = MH_INSN_END;
		out->access = MH_ACCESS_STACK;
		break;
	case X86_INS_UD2:
	case X86_INS_HLT:
	case X86_INS_INT3:
		out->op = MH_INSN_END;
		break;
	default:
		if (d->lib.insn_group(d->handle, in, CS_GRP_JUMP))
			classify_jump(out, x, MH_INSN_BRANCH);
		else if (in->id >= X86_INS_CMOVA && in->id <= X86_INS_CMOVS)
			classify_move(out, x, MH_INSN_CHOOSE);
		break;
	}
}

static bool is_string(const cs_insn *in, const cs_x86 *x)
{
	switch (in->id) {
	case X86_INS_MOVSB:
	case X86_INS_MOVSW:
	case X86_INS_MOVSD:
	case X86_INS_MOVSQ:
	case X86_INS_CMPSB:
	case X86_INS_CMPSW:
	case X86_INS_CMPSD:
	case X86_INS_CMPSQ:
		return x->op_count == 2 && x->operands[0].type == X86_OP_MEM &&
		       x->operands[1].type == X86_OP_MEM;
	default:
		return false;
	}
}

static uint16_t clobbers(const struct mh_insn_decoder *d, const cs_insn *in)
{
	cs_regs reads, writes;
	uint8_t nr_reads = 0, nr_writes = 0, bytes, i, reg;
	uint16_t mask = 0;

	if (d->lib.regs_access(d->handle, in, reads, &nr_reads, writes, &nr_writes))
		return 0xffff & ~(1u << MH_REG_RSP);
	for (i = 0; i < nr_writes; i++) {
		reg = reg_of(writes[i], &bytes);
		if (reg != MH_NO_REG)
			mask |= (uint16_t)(1u << reg);
	}
	return mask;
}

bool mh_decode(struct mh_insn_decoder *d, struct mh_insn *out, const uint8_t *bytes,
	       size_t len, uint64_t addr)
{
	const uint8_t *at = bytes;
	const cs_x86 *x;
	size_t left = len > 16 ? 16 : len;
	uint64_t next = addr;
	uint8_t i;

	*out = (struct mh_insn){ .addr = addr, .dst = MH_NO_REG, .src = MH_NO_REG };
	if (!d->lib.disasm_iter(d->handle, &at, &left, &next, d->insn))
		return false;
	x = &d->insn->detail->x86;
	out->len = (uint8_t)d->insn->size;
	for (i = 0; i < x->op_count; i++) {
		if (x->operands[i].type == X86_OP_MEM)
			take_mem(out, d->insn, &x->operands[i]);
	}
	if (is_string(d->insn, x))
		out->access = MH_ACCESS_STRING;
	else if (!is_float_move(d->insn->id))
		classify(out, d, d->insn);
	out->clobbers = clobbers(d, d->insn);
	if (out->dst != MH_NO_REG)
		out->clobbers |= (uint16_t)(1u << out->dst);
	if (out->op == MH_INSN_SWAP)
		out->clobbers |= (uint16_t)(1u << out->src);
	return true;
}
