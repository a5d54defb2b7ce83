/* SPDX-License-Identifier: MIT */
/* Generated code by the jitdump file that a JIT compiler writes: names, lines, times. */
#ifndef MEMHEAT_SYMBOL_JITDUMP_H
#define MEMHEAT_SYMBOL_JITDUMP_H

#include <stdio.h>

#include "symbol/names.h"

struct mh_jit_line {
	uint64_t offset;  /* in the function's code */
	const char *file; /* lent by names */
	uint32_t line, discriminator;
};

struct mh_jit_code {
	struct mh_range addr;
	struct mh_range time_ns; /* from its load or move; end: it was moved away */
	uint32_t order;          /* in the file */
	const char *name;        /* lent by names */
	uint64_t index;          /* the file's own number of the function */
	size_t line, nr_lines;   /* in lines, by offset */
};

struct mh_jitdump {
	struct mh_jit_code *v; /* by address */
	size_t nr, cap;
	uint64_t *reach; /* the highest end up to each */
	struct {
		struct mh_jit_line *v;
		size_t nr, cap;
	} lines;
};

/*
 * Add what a file tells; damaged from some byte on, or not a jitdump file: what stood
 * before. Files may be added until mh_jitdump_index(), look-ups work from then on.
 * Negative: out of memory.
 */
int mh_jitdump_read(struct mh_jitdump *out, FILE *f, struct mh_names *names);
int mh_jitdump_index(struct mh_jitdump *d);
void mh_jitdump_fini(struct mh_jitdump *d);

/* What was at @addr at that time: of loads that overlap the last one before it. */
const struct mh_jit_code *mh_jitdump_find(const struct mh_jitdump *d, uint64_t addr,
					  uint64_t time_ns);
/* NULL: not known. @offset: in the code. */
const struct mh_jit_line *mh_jitdump_line(const struct mh_jitdump *d,
					  const struct mh_jit_code *code,
					  uint64_t offset);

#endif
