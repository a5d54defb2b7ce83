/* SPDX-License-Identifier: MIT */
/* A hash table from 64-bit keys to 32-bit numbers; it only grows. Zeroed: empty. */
#ifndef MEMHEAT_ANALYZE_NUMBERING_H
#define MEMHEAT_ANALYZE_NUMBERING_H

#include <stddef.h>
#include <stdint.h>

#define MH_NUMBER_NONE UINT32_MAX

struct mh_numbering {
	struct mh_numbering_slot {
		uint64_t key;
		uint32_t value; /* MH_NUMBER_NONE: a free slot */
	} *v;
	size_t nr, cap;
};

/* The number of @key; MH_NUMBER_NONE when it is not there. */
uint32_t mh_numbering_get(const struct mh_numbering *ix, uint64_t key);
/* Set or replace it. @value: not MH_NUMBER_NONE. Negative: out of memory. */
int mh_numbering_set(struct mh_numbering *ix, uint64_t key, uint32_t value);
void mh_numbering_fini(struct mh_numbering *ix);

#endif
