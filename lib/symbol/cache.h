/* SPDX-License-Identifier: MIT */
/* Names of a module's addresses, kept from one run to the next. */
#ifndef MEMHEAT_SYMBOL_CACHE_H
#define MEMHEAT_SYMBOL_CACHE_H

#include "base/buf.h"
#include "symbol/names.h"

#define MH_CACHE_FILE_MAX  ((size_t)64 << 20)    /* a file never becomes larger */
#define MH_CACHE_TOTAL_MAX ((uint64_t)256 << 20) /* where the options give none */

struct mh_cache_symbol {
	uint64_t vaddr;
	struct mh_symbol symbol; /* only what naming sets */
};

struct mh_cache_type {
	uint64_t vaddr;
	struct mh_access_type type;
};

/* What is known of one module. Its strings and frames are a symtab's names'. */
struct mh_cache {
	uint64_t key; /* of all that the names depend on */
	uint8_t why;  /* enum mh_unnamed of the module */
	bool changed; /* since it was read */
	struct {
		struct mh_cache_symbol *v; /* by vaddr, once mh_cache_sort() was called */
		size_t nr, cap;
	} symbols;
	struct {
		struct mh_cache_type *v;
		size_t nr, cap;
	} types;
};

void mh_cache_fini(struct mh_cache *c);

/* NULL: not known. */
const struct mh_symbol *mh_cache_symbol(const struct mh_cache *c, uint64_t vaddr);
const struct mh_access_type *mh_cache_type(const struct mh_cache *c, uint64_t vaddr);
/* Learn one; false: out of memory. mh_cache_sort() is due before the next look. */
bool mh_cache_symbol_add(struct mh_cache *c, uint64_t vaddr, const struct mh_symbol *s);
bool mh_cache_type_add(struct mh_cache *c, uint64_t vaddr,
		       const struct mh_access_type *t);
void mh_cache_sort(struct mh_cache *c);

/* A running hash, for keys and checksums; no protection against forgery. */
uint64_t mh_cache_hash(uint64_t h, const void *bytes, size_t len);

/* To bytes; out->bad when memory is out. */
void mh_cache_encode(const struct mh_cache *c, struct mh_wbuf *out);
/* From any bytes. False: damaged, of another version, or of another key than c->key; @c
 * is empty then. */
bool mh_cache_decode(struct mh_cache *c, const void *bytes, size_t len,
		     struct mh_names *names);

/*
 * The same with a file called @name in <base>/memheat/symbols. The folders have to be the
 * user's own, else there is nothing to read and nothing is written; so where anything
 * else fails, since names can be made again.
 */
bool mh_cache_read(struct mh_cache *c, const char *base, const char *name,
		   struct mh_names *names);
bool mh_cache_write(const struct mh_cache *c, const char *base, const char *name);
/* Remove the files that were not used for longest until all take at most @max bytes. */
void mh_cache_trim(const char *base, uint64_t max);

#endif
