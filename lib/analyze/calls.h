/* SPDX-License-Identifier: MIT */
/*
 * Who called what sites name: chains of callers as paths in a tree, told apart by address
 * space. A place is in the call, one byte before the address to which it returns.
 */
#ifndef MEMHEAT_ANALYZE_CALLS_H
#define MEMHEAT_ANALYZE_CALLS_H

#include "analyze/numbering.h"
#include "analyze/sites.h"

#define MH_CALL_NONE UINT32_MAX
/* Callers of one sample that are looked at, innermost first; perf records 127. */
#define MH_CALLS_DEPTH 1024

struct mh_call {
	uint64_t key; /* of the space */
	uint64_t ip;
	uint64_t time_ns; /* of a sample */
	uint32_t frame;   /* id */
	uint32_t parent;  /* who called that: its index is smaller; MH_CALL_NONE */
};

struct mh_calls {
	const struct mh_frames *frames; /* NULL: the trace has no call chains */
	uint16_t source;
	struct {
		struct mh_call *v;
		size_t nr, cap;
	} list;
	struct mh_numbering index;
};

/* The call chains of a source; it is MH_OK that there are none. */
int mh_calls_init(struct mh_calls *c, struct mh_session *s,
		  const struct mh_session_source *src, struct mh_err *err);

/* The index of each site's caller, MH_CALL_NONE where it is not known; an array for the
 * caller to free. NULL: out of memory. */
uint32_t *mh_calls_of_all(struct mh_calls *c, const struct mh_site *sites, size_t nr);
void mh_calls_fini(struct mh_calls *c);

#endif
