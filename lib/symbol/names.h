/* SPDX-License-Identifier: MIT */
/* Strings that results lend: kept once, printable, demangled where they are mangled. */
#ifndef MEMHEAT_SYMBOL_NAMES_H
#define MEMHEAT_SYMBOL_NAMES_H

#include <stdbool.h>

#include "symbol/maps.h"

#define MH_NAME_MAX 4096 /* longer ones are cut and end in "..." */

typedef char *(*mh_demangle_fn)(const char *mangled, char *buf, size_t *len, int *status);

struct mh_names {
	struct mh_maps_strings strings;
	bool raw; /* no demangling */
	bool asked;
	void *library; /* libstdc++, opened at the first mangled name */
	mh_demangle_fn demangle;
	struct {
		struct mh_names_known {
			const char *from, *to;
		} * v; /* open addressing by the address of the raw name */
		size_t nr, cap;
	} known;
	struct mh_names_block {
		struct mh_names_block *next;
		size_t used;
	} * blocks; /* of frames */
};

void mh_names_fini(struct mh_names *names);

/* Each gives NULL when memory is out. */
const char *mh_names_keep(struct mh_names *names, const char *s);
/* A function's or variable's name as a person reads it; remembers @raw's address until
 * mh_names_forget(), which is due before the memory that holds it goes. */
const char *mh_names_readable(struct mh_names *names, const char *raw);
void mh_names_forget(struct mh_names *names);
/* Room for @size bytes, aligned for pointers, until fini. */
void *mh_names_room(struct mh_names *names, size_t size);

/* An upper bound, in characters, of what a C++ name would become. */
uint64_t mh_cxx_name_estimate(const char *mangled);

/* Rust's legacy and v0 mangling into @out. False: not one of them, or malformed. */
bool mh_rust_v0_demangle(const char *mangled, char *out, size_t size);
void mh_rust_legacy_tidy(char *name);

#endif
