/* SPDX-License-Identifier: MIT */
/* What pages are, as the layers of PAGES tell: of which type, and on which NUMA node. */
#ifndef MEMHEAT_ANALYZE_PAGE_KINDS_H
#define MEMHEAT_ANALYZE_PAGE_KINDS_H

#include <stdbool.h>

#include "analyze/numbering.h"
#include "analyze/session.h"

enum mh_page_type {
	MH_PAGE_UNKNOWN,
	MH_PAGE_ANON,
	MH_PAGE_FILE
};
#define MH_NR_PAGE_TYPES 3
#define MH_NR_PAGE_NODES (MH_PAGES_NODES_END - MH_PAGES_NODE0)

struct mh_page_kind {
	uint8_t type; /* enum mh_page_type */
	uint8_t node; /* its number + 1; 0: not known */
};

struct mh_page_kinds {
	struct mh_numbering spaces, chunks;
	struct {
		struct mh_page_kind (*v)[512];
		size_t nr, cap;
	} kinds;         /* by chunk */
	bool any, nodes; /* types, nodes are told */
};

/* What holds at the end of the session's window. @k: zeroed; mh_page_kinds_fini()
 * whatever is returned. */
int mh_page_kinds_read(struct mh_page_kinds *k, struct mh_session *s,
		       const struct mh_session_source *src, struct mh_err *err);

/* The kind of the page at @addr of a space; *end: so far at least it is the same. */
struct mh_page_kind mh_page_kinds_at(const struct mh_page_kinds *k, uint64_t key,
				     uint64_t addr, uint64_t *end);

void mh_page_kinds_fini(struct mh_page_kinds *k);

#endif
