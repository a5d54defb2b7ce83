/* SPDX-License-Identifier: MIT */
/*
 * Call frame information of one file, row by row: where the caller's registers are when
 * the program is at an address. libdw reads the tables; a row is made once and kept,
 * since the same few return addresses come in chain after chain.
 */
#ifndef MEMHEAT_SYMBOL_CFI_H
#define MEMHEAT_SYMBOL_CFI_H

#include "symbol/elf.h"

#define MH_CFI_REGS 33 /* registers that are followed, by DWARF's numbers */

enum mh_cfi_how {
	MH_CFI_UNDEFINED, /* the caller's value is lost; of the return address: no caller
			   */
	MH_CFI_AT_CFA,    /* in memory at CFA + off */
	MH_CFI_CFA_PLUS,  /* it is CFA + off */
	MH_CFI_REG_PLUS,  /* it is register reg + off */
	MH_CFI_EXPR,      /* it is the value of an expression */
	MH_CFI_AT_EXPR    /* in memory where an expression says */
};

struct mh_cfi_op {
	uint64_t number, number2;
	int32_t target; /* of a branch: index of an op; -1: none has that place */
	uint8_t atom;
};

struct mh_cfi_rule {
	uint8_t how; /* enum mh_cfi_how */
	uint8_t of;  /* the register that it is about; not read in a row's cfa */
	uint8_t reg;
	uint16_t nr_ops;
	uint32_t first_op;
	int64_t off;
};

struct mh_cfi_row {
	uint64_t vaddr;
	struct mh_cfi_rule cfa;
	uint32_t first_rule; /* registers without a rule keep their value */
	uint8_t nr_rules;
	uint8_t ra;   /* register whose rule gives the return address */
	bool known;   /* false: no table covers the address */
	bool damaged; /* a table does, but cannot be understood */
	bool signal;  /* the caller was interrupted, it did not call */
};

struct mh_cfi {
	void *eh;                  /* libdw's, of .eh_frame */
	void *frame;               /* of .debug_frame; owned by dw */
	void *dw;                  /* libdw's */
	struct mh_elf *frame_from; /* has .debug_frame, opened when first needed */
	struct {
		struct mh_cfi_row *v;
		size_t nr, cap;
	} rows;
	uint32_t *slots; /* 1 + index of a row by hash of its vaddr; 0: free */
	size_t nr_slots;
	struct {
		struct mh_cfi_rule *v;
		size_t nr, cap;
	} rules;
	struct {
		struct mh_cfi_op *v;
		size_t nr, cap;
	} ops;
};

/*
 * @elf: open, outlives @cfi; its .debug_frame is used where .eh_frame says nothing
 * @debug: its separate debug information, open; NULL: none
 */
void mh_cfi_init(struct mh_cfi *cfi, struct mh_elf *elf, struct mh_elf *debug);
void mh_cfi_fini(struct mh_cfi *cfi);

/* Whether there is any table. */
bool mh_cfi_exists(const struct mh_cfi *cfi);

/* The row of an address of the file. NULL: no memory. Lent until the next call. */
const struct mh_cfi_row *mh_cfi_find(struct mh_cfi *cfi, uint64_t vaddr);

#endif
