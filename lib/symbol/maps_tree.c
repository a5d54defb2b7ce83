/* SPDX-License-Identifier: MIT */
/*
 * A segment tree over addresses whose nodes list mappings by time. The mappings are
 * rectangles that do not overlap; those in one node all cover its addresses, so they are
 * disjoint in time and the last that began is the only candidate.
 */
#include <stdlib.h>
#include <string.h>

#include "symbol/maps.h"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_time(const void *a, const void *b)
{
	const struct mh_mapping *x = *(const struct mh_mapping *const *)a;
	const struct mh_mapping *y = *(const struct mh_mapping *const *)b;

	return x->time_ns.start < y->time_ns.start ? -1
						   : x->time_ns.start > y->time_ns.start;
}

/* Index of the leaf with @addr; nr_bounds or more: below or above all. */
static size_t leaf_of(const struct mh_maps_tree *tree, uint64_t addr)
{
	size_t lo = 0, hi = tree->nr_bounds;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (tree->bounds[mid] <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

static int init_bounds(struct mh_maps_tree *tree, const struct mh_mapping *m, size_t nr)
{
	size_t i, n = 0;

	tree->bounds = malloc(2 * nr * sizeof(*tree->bounds));
	if (!tree->bounds)
		return -1;
	for (i = 0; i < nr; i++) {
		tree->bounds[2 * i] = m[i].addr.start;
		tree->bounds[2 * i + 1] = m[i].addr.end;
	}
	qsort(tree->bounds, 2 * nr, sizeof(*tree->bounds), by_value);
	for (i = 0; i < 2 * nr; i++) {
		if (!n || tree->bounds[n - 1] != tree->bounds[i])
			tree->bounds[n++] = tree->bounds[i];
	}
	tree->nr_bounds = n;
	for (tree->nr_leaves = 1; tree->nr_leaves < n;)
		tree->nr_leaves *= 2;
	return 0;
}

/* Visit the nodes that cover the mapping's leaves; @fill: put it in, else count it. */
static void place(struct mh_maps_tree *tree, const struct mh_mapping *m, uint32_t index,
		  uint32_t *fill)
{
	size_t lo = leaf_of(tree, m->addr.start) + tree->nr_leaves;
	size_t hi = leaf_of(tree, m->addr.end) + tree->nr_leaves;

	for (; lo < hi; lo /= 2, hi /= 2) {
		size_t node[2], nr = 0;

		if (lo & 1)
			node[nr++] = lo++;
		if (hi & 1)
			node[nr++] = --hi;
		while (nr--) {
			if (fill)
				tree->items[fill[node[nr]]++] = index;
			else
				tree->begin[node[nr] + 1]++;
		}
	}
}

int mh_maps_tree_init(struct mh_maps_tree *tree, const struct mh_mapping *m, size_t nr)
{
	const struct mh_mapping **order = NULL;
	uint32_t *fill = NULL;
	size_t i, nodes;
	int failed = -1;

	memset(tree, 0, sizeof(*tree));
	if (!nr)
		return 0;
	if (init_bounds(tree, m, nr))
		return -1;
	nodes = 2 * tree->nr_leaves;
	tree->begin = calloc(nodes + 1, sizeof(*tree->begin));
	order = malloc(nr * sizeof(*order));
	fill = malloc(nodes * sizeof(*fill));
	if (!tree->begin || !order || !fill)
		goto out;
	for (i = 0; i < nr; i++) {
		order[i] = &m[i];
		place(tree, &m[i], 0, NULL);
	}
	qsort(order, nr, sizeof(*order), by_time);
	for (i = 0; i < nodes; i++)
		tree->begin[i + 1] += tree->begin[i];
	memcpy(fill, tree->begin, nodes * sizeof(*fill));
	tree->items = malloc((tree->begin[nodes] + 1) * sizeof(*tree->items));
	if (!tree->items)
		goto out;
	for (i = 0; i < nr; i++)
		place(tree, order[i], (uint32_t)(order[i] - m), fill);
	failed = 0;
out:
	free(order);
	free(fill);
	return failed;
}

void mh_maps_tree_fini(struct mh_maps_tree *tree)
{
	free(tree->bounds);
	free(tree->begin);
	free(tree->items);
	memset(tree, 0, sizeof(*tree));
}

const struct mh_mapping *mh_maps_tree_find(const struct mh_maps_tree *tree,
					   const struct mh_mapping *m, uint64_t addr,
					   uint64_t time_ns)
{
	size_t node = leaf_of(tree, addr);

	if (node >= tree->nr_bounds)
		return NULL;
	for (node += tree->nr_leaves; node; node /= 2) {
		size_t lo = tree->begin[node], hi = tree->begin[node + 1];
		size_t first = lo;

		while (lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (m[tree->items[mid]].time_ns.start <= time_ns)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo > first && time_ns < m[tree->items[lo - 1]].time_ns.end)
			return &m[tree->items[lo - 1]];
	}
	return NULL;
}
