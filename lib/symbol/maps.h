/* SPDX-License-Identifier: MIT */
/* Private parts of mh_maps: strings kept once, and the tree that finds a mapping. */
#ifndef MEMHEAT_SYMBOL_MAPS_H
#define MEMHEAT_SYMBOL_MAPS_H

#include <memheat/symbol.h>

/* Equal strings are kept once and have one address. Zeroed: empty. */
struct mh_maps_strings {
	char **v; /* open addressing */
	size_t nr, cap;
};

/* NULL: out of memory. */
const char *mh_maps_strings_keep(struct mh_maps_strings *s, const char *str);
void mh_maps_strings_fini(struct mh_maps_strings *s);

/* Finds one of many rectangles (address x time) that do not overlap. */
struct mh_maps_tree {
	uint64_t *bounds; /* sorted, distinct: leaf i is [bounds[i], bounds[i + 1]) */
	size_t nr_bounds, nr_leaves; /* leaves: rounded up to a power of two */
	uint32_t *begin; /* of each node's list in items; node 1 is the root */
	uint32_t *items; /* indexes of mappings, by time within a node */
};

/* @m: any order; only their indexes are kept. Negative: out of memory. */
int mh_maps_tree_init(struct mh_maps_tree *tree, const struct mh_mapping *m, size_t nr);
void mh_maps_tree_fini(struct mh_maps_tree *tree);
const struct mh_mapping *mh_maps_tree_find(const struct mh_maps_tree *tree,
					   const struct mh_mapping *m, uint64_t addr,
					   uint64_t time_ns);

#endif
