/* SPDX-License-Identifier: MIT */
/*
 * The file lru_gen of debugfs: how many pages each control group has on each NUMA node in
 * each generation, and how old the generations are.
 *
 *	memcg     1 /
 *	 node     0
 *	         10       5310       1234        567
 *	          sequence number, age in ms, anonymous and file pages; oldest first
 */
#ifndef MEMHEAT_SOURCE_MGLRU_PARSE_H
#define MEMHEAT_SOURCE_MGLRU_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include <memheat/base.h>

#define LRU_GENS_MAX  16 /* the kernel has at most 4 */
#define LRU_PAGES_MAX (1ull << 40)

enum lru_type {
	LRU_ANON,
	LRU_FILE
};

struct lru_gen {
	uint64_t seq, age_ms;
	uint64_t pages[2]; /* enum lru_type */
};

/* One control group's memory on one node. */
struct lru_node {
	uint64_t memcg;
	const char *path; /* of the group, below the mount; "/" */
	unsigned node;
	struct lru_gen gens[LRU_GENS_MAX]; /* oldest first */
	size_t nr;                         /* at least 1 */
};

typedef int (*lru_node_fn)(void *arg, const struct lru_node *n, struct mh_err *err);

/*
 * Hand every node to @fn.
 *
 * @text: modified; the paths point into it
 * Returns MH_OK; MH_EFORMAT, and names the line; a failure of @fn.
 */
int mh_lru_parse(char *text, lru_node_fn fn, void *arg, struct mh_err *err) MH_MUST_CHECK;

/* How long the pages of generation @i have been idle at least, in ms: since the next one
 * began. Those of the youngest may be in use: 0. */
uint64_t mh_lru_idle_ms(const struct lru_node *n, size_t i);

#endif
