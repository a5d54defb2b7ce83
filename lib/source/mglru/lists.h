/* SPDX-License-Identifier: MIT */
/*
 * The lists of the multi-gen LRU as ranges of addresses: a list is one control group's
 * anonymous or file pages on one node, and its generations lie one after the other, the
 * youngest first. The addresses are made up; which page is where is not known.
 */
#ifndef MEMHEAT_SOURCE_MGLRU_LISTS_H
#define MEMHEAT_SOURCE_MGLRU_LISTS_H

#include <stdbool.h>

#include "source/mglru/parse.h"
#include "source/round.h"

/* A list's addresses, far above those of any memory. */
#define LRU_LIST_SHIFT 44
#define LRU_LIST_BASE  (1ull << 62)
#define LRU_LISTS_MAX  (1u << 17)

struct lru_list {
	uint64_t memcg;
	char *path;
	unsigned node;
	enum lru_type type;
	uint64_t mapped; /* bytes that were told as its mapping */
	bool met;        /* in the reading under way */
};

struct lru_lists {
	struct {
		struct lru_list *v;
		size_t nr, cap;
	} lists;
	const struct round *round;
	uint64_t start_ns; /* of the interval that is told */
	unsigned page_shift;
	uint64_t bytes, young_bytes; /* of the reading under way */
};

void mh_lru_lists_begin(struct lru_lists *l, const struct round *r, uint64_t start_ns);
/* Tell a node's generations: MAP where it grew, and REGION. */
int mh_lru_lists_tell(struct lru_lists *l, const struct lru_node *n, struct mh_err *err);
/* Tell of the lists that are gone. */
int mh_lru_lists_end(struct lru_lists *l, struct mh_err *err);
void mh_lru_lists_fini(struct lru_lists *l);

#endif
