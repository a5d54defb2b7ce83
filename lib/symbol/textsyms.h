/* SPDX-License-Identifier: MIT */
/* Symbols from text: perf-PID.map files of JIT compilers, and kallsyms. */
#ifndef MEMHEAT_SYMBOL_TEXTSYMS_H
#define MEMHEAT_SYMBOL_TEXTSYMS_H

#include <stdio.h>

#include "symbol/names.h"

struct mh_text_symbol {
	struct mh_range addr;
	uint32_t order;     /* in the file: of two that overlap the later one counts */
	const char *name;   /* lent by names */
	const char *module; /* of the kernel; "" */
};

struct mh_text_symbols {
	struct mh_text_symbol *v; /* by address */
	size_t nr, cap;
	uint64_t *reach; /* the highest end up to each */
};

/* A file in /tmp could be anybody's: only our own, or root's, or any as root; NULL: not
 * there, or not one of these. */
FILE *mh_trusted_open(const char *path);
/* Lines "START SIZE NAME", hexadecimal; others are passed over. A file that is not there
 * gives no symbols. Negative: out of memory. */
int mh_perf_map_read(struct mh_text_symbols *out, const char *path,
		     struct mh_names *names);
/* Lines "ADDRESS TYPE NAME [MODULE]"; a symbol ends where the next begins. */
int mh_kallsyms_read(struct mh_text_symbols *out, const char *path,
		     struct mh_names *names);
void mh_text_symbols_fini(struct mh_text_symbols *s);
const struct mh_text_symbol *mh_text_symbols_find(const struct mh_text_symbols *s,
						  uint64_t addr);

#endif
