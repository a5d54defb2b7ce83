/* SPDX-License-Identifier: MIT */
/* What pages are: of a file or anonymous, and on which NUMA node. */
#ifndef MEMHEAT_SOURCE_IDLE_KINDS_H
#define MEMHEAT_SOURCE_IDLE_KINDS_H

#include <stdbool.h>

#include "source/idle/nodes.h"

/* The pages of one piece, bit by page. */
struct idle_kinds {
	uint64_t start; /* address */
	size_t nr;
	uint32_t pid;
	unsigned page_shift;
	const uint8_t *known; /* pages that it is about */
	const uint8_t *file;
	const uint64_t *entries; /* of pagemap; NULL: frames from first_pfn on */
	uint64_t first_pfn;
};

/* PAGES of the layers "file" and "nodeN"; nodes only where there are several. */
int mh_idle_kinds_tell(const struct idle_kinds *k, const struct idle_nodes *n,
		       const struct round *r, struct mh_err *err);

#endif
