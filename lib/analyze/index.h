/* SPDX-License-Identifier: MIT */
/* A hash table from 64-bit keys to 32-bit numbers; it only grows. Zeroed: empty. */
#ifndef MEMHEAT_ANALYZE_INDEX_H
#define MEMHEAT_ANALYZE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define MH_INDEX_NONE UINT32_MAX

struct mh_index {
	struct mh_index_slot {
		uint64_t key;
		uint32_t value; /* MH_INDEX_NONE: a free slot */
	} *v;
	size_t nr, cap;
};

/* The number of @key; MH_INDEX_NONE when it is not there. */
uint32_t mh_index_get(const struct mh_index *ix, uint64_t key);
/* Set or replace it. @value: not MH_INDEX_NONE. Negative: out of memory. */
int mh_index_set(struct mh_index *ix, uint64_t key, uint32_t value);
void mh_index_fini(struct mh_index *ix);

#endif
