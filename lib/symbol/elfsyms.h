/* SPDX-License-Identifier: MIT */
/* Tables of ELF symbols by address. */
#ifndef MEMHEAT_SYMBOL_ELFSYMS_H
#define MEMHEAT_SYMBOL_ELFSYMS_H

#include "symbol/elf.h"

struct mh_elf_symbol {
	uint64_t addr, size;
	const char *name; /* in the file's string table */
	const char *file; /* local symbols: the source file's base name; else NULL */
	bool local;
};

struct mh_elf_symbols {
	struct mh_elf_symbol *v; /* by address, one per address */
	size_t nr, cap;
};

struct mh_elf_names {
	struct mh_elf_symbols code, data;
};

/* Add the symbols of .symtab, or of .dynsym where that is missing. @elf must stay open.
 * MH_END: it has neither. */
int mh_elf_names_read(struct mh_elf_names *out, struct mh_elf *elf,
		      struct mh_err *err) MH_MUST_CHECK;
void mh_elf_names_fini(struct mh_elf_names *names);

/* The symbol that covers @addr; one without a size covers up to the next. NULL: none. */
const struct mh_elf_symbol *mh_elf_symbol_find(const struct mh_elf_symbols *s,
					       uint64_t addr);

#endif
