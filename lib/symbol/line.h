/* SPDX-License-Identifier: MIT */
/* Line programs and scopes: what is at given code addresses of one compilation unit. */
#ifndef MEMHEAT_SYMBOL_LINE_H
#define MEMHEAT_SYMBOL_LINE_H

#include "symbol/dwarf.h"

struct mh_dw_row {
	uint32_t file, line, column, discriminator;
	bool found;
};

/* A line program's header and its tables of directories and files. */
struct mh_dw_line {
	const struct mh_dw_unit *unit;
	struct mh_rbuf program;
	uint16_t version;
	uint8_t min_inst, line_range, opcode_base, addr_size;
	int8_t line_base;
	uint8_t lengths[256];
	struct {
		const char **v;
		size_t nr, cap;
	} dirs;
	struct mh_dw_line_files {
		struct mh_dw_line_file {
			const char *name;
			uint64_t dir;
			const char *path; /* kept by whoever joined it; NULL: not yet */
		} * v;
		size_t nr, cap;
	} files;
};

/* @u: a loaded unit with a stmt_list. False: damaged or none; fini is due either way. */
bool mh_dw_line_open(struct mh_dw_line *line, const struct mh_dw_unit *u);
void mh_dw_line_fini(struct mh_dw_line *line);
/* Decode once and fill rows[i] for addrs[i], which ascend. Rows found stay if the
 * program turns out to be damaged later on. */
void mh_dw_line_run(struct mh_dw_line *line, const uint64_t *addrs, size_t nr,
		    struct mh_dw_row *rows);
/* The entry of a file number, in the numbering of the program's version; NULL. */
struct mh_dw_line_file *mh_dw_line_file(struct mh_dw_line *line, uint64_t number);
/* Join compilation directory, directory and name. False: does not fit. */
bool mh_dw_line_path(const struct mh_dw_line *line, const struct mh_dw_line_file *file,
		     char *buf, size_t size);

/* A function's code, or that of an inlined call. */
struct mh_dw_scope {
	uint32_t parent; /* 1 + index; 0: none */
	bool inlined;
	uint64_t die; /* in the unit that was walked */
	uint64_t call_file, call_line, call_column, call_discriminator;
	uint32_t decl_line; /* once named; 0: not known */
	const char *name;   /* kept by whoever named it; NULL: not yet */
};

struct mh_dw_scopes {
	struct mh_dw_scope *v;
	size_t nr, cap;
};

/*
 * Find the innermost scope of each of @addrs, which ascend: inner[i] is 1 + its index,
 * 0: none. Entries of @inner that are set are kept unless an inner one is found.
 *
 * @whole: look into every DIE, for functions that are nested in others (lambdas)
 * Returns false when memory is out.
 */
bool mh_dw_scopes_find(struct mh_dw_scopes *scopes, struct mh_dw_unit *u, bool whole,
		       const uint64_t *addrs, size_t nr, uint32_t *inner);

/* The first of @nr ascending addresses that is not below @addr; @nr: none. */
static inline size_t mh_dw_lower_bound(const uint64_t *v, size_t nr, uint64_t addr)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (v[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

#endif
