/* SPDX-License-Identifier: MIT */
/* Names of generated code, from the files that a process's compiler leaves. */
#ifndef MEMHEAT_SYMBOL_JIT_H
#define MEMHEAT_SYMBOL_JIT_H

#include "symbol/jitdump.h"
#include "symbol/textsyms.h"

struct mh_jits {
	struct {
		struct mh_jit_map {
			uint32_t pid;
			struct mh_text_symbols symbols;
		} * v;
		size_t nr, cap;
	} maps;
	struct {
		struct mh_jit_dump {
			const char *path; /* of the maps, which keep one of each */
			struct mh_jitdump dump;
		} * v;
		size_t nr, cap;
	} dumps;
	struct {
		struct mh_jit_space {
			size_t space, dump; /* dump: SIZE_MAX: it has none */
		} * v;
		size_t nr, cap;
	} spaces;
};

void mh_jits_fini(struct mh_jits *jits);

/*
 * The jitdump file that the space mapped, as its writers do to tell of it, else the perf
 * map of its process. A name gives *out as code, no name its reason.
 * Negative: out of memory.
 */
int mh_jits_name(struct mh_jits *jits, const struct mh_maps *maps,
		 const struct mh_symtab_opts *opts, struct mh_names *names,
		 const struct mh_symbol_query *p, struct mh_symbol *out);

/* The symbol of text that covers the address, as code. */
int mh_text_symbols_name(const struct mh_text_symbols *symbols, uint64_t addr,
			 enum mh_unnamed why_not, struct mh_names *names,
			 struct mh_symbol *out);

#endif
