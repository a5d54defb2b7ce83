/* SPDX-License-Identifier: MIT */
/* Which NUMA node a page frame belongs to, and bytes by node. */
#ifndef MEMHEAT_SOURCE_IDLE_NODES_H
#define MEMHEAT_SOURCE_IDLE_NODES_H

#include <stdbool.h>

#include "source/round.h"

#define IDLE_NODES_MAX 64

struct idle_node {
	uint32_t id;
	uint64_t observed, accessed; /* bytes of the scan under way */
};

struct idle_nodes {
	struct {
		struct idle_zone *v; /* frames of a node; they may overlap */
		size_t nr, cap;
	} zones;
	struct idle_node nodes[IDLE_NODES_MAX];
	size_t nr_nodes;
};

/* Read /proc/zoneinfo; without it there are no nodes. Returns MH_OK; MH_ENOMEM. */
int mh_idle_nodes_init(struct idle_nodes *n, const char *sysroot,
		       struct mh_err *err) MH_MUST_CHECK;

void mh_idle_nodes_begin(struct idle_nodes *n);

/* The node that a frame is on; MH_NODE_NONE: not known. */
#define MH_NODE_NONE UINT32_MAX
uint32_t mh_idle_nodes_of(const struct idle_nodes *n, uint64_t pfn);

/* META "nodes": their numbers, "0,1"; "" where they are not known. */
int mh_idle_nodes_tell_ids(const struct idle_nodes *n, const struct round *r,
			   struct mh_err *err);

/* Count a page's bytes, and how many of them were accessed; of a frame whose node is not
 * known nothing. */
void mh_idle_nodes_count(struct idle_nodes *n, uint64_t pfn, uint64_t bytes,
			 uint64_t accessed);

/* STAT "idle.nodeN.observed_bytes", "idle.nodeN.accessed_bytes", where there are several
 * nodes. */
int mh_idle_nodes_tell(const struct idle_nodes *n, const struct round *r,
		       struct mh_err *err);

void mh_idle_nodes_fini(struct idle_nodes *n);

#endif
