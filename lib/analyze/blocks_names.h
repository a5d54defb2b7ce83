/* SPDX-License-Identifier: MIT */
/* Call chains of the heap log to sites. */
#ifndef MEMHEAT_ANALYZE_BLOCKS_NAMES_H
#define MEMHEAT_ANALYZE_BLOCKS_NAMES_H

#include "analyze/blocks.h"
#include "analyze/numbering.h"

/*
 * The call chains of the log and who used them: frames are of the whole log, what they
 * mean is a matter of the space that allocated.
 */
struct mh_callers {
	struct {
		struct mh_ev_stack *v; /* by id */
		size_t nr, cap;
	} frames;
	struct {
		struct mh_caller {
			uint64_t key, time_ns; /* of its first allocation */
			uint32_t pid, stack;
			uint32_t site; /* once named */
		} * v;
		size_t nr, cap;
	} callers;
	struct mh_numbering numbers; /* of callers, by stack and key */
};

void mh_block_site_fini(struct mh_block_site *s);
void mh_callers_fini(struct mh_callers *c);

/* Both return negative when out of memory. */
int mh_callers_add_frame(struct mh_callers *c, const struct mh_ev_stack *frame);
int mh_callers_add(struct mh_callers *c, uint64_t key, const struct mh_event *alloc);

/* Name all callers at once; sites are added to @out. */
int mh_callers_name(struct mh_callers *c, struct mh_blocks *out,
		    const struct mh_session *s, const struct mh_symtab_opts *opts,
		    struct mh_err *err);

/* The site of a chain in a space; MH_NO_SITE. */
uint32_t mh_callers_site(const struct mh_callers *c, uint64_t key, uint32_t stack);

#endif
