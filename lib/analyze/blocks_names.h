/* SPDX-License-Identifier: MIT */
/* Call chains of the heap log to sites. */
#ifndef MEMHEAT_ANALYZE_BLOCKS_NAMES_H
#define MEMHEAT_ANALYZE_BLOCKS_NAMES_H

#include "analyze/blocks.h"

/* One row of a call chain, as recorded. */
struct mh_chain_frame {
	uint32_t id, pid;
	uint16_t depth;
	uint64_t ip, time_ns;
};

struct mh_chains {
	struct {
		struct mh_chain_frame *v;
		size_t nr, cap;
	} frames;
	struct {
		struct chain_site {
			uint32_t id, site;
		} * v; /* by id, once named */
		size_t nr, cap;
	} sites;
};

void mh_chains_fini(struct mh_chains *c);

/* Name all chains at once; sites are added to @out. */
int mh_chains_name(struct mh_chains *c, struct mh_blocks *out, const struct mh_session *s,
		   const struct mh_symtab_opts *opts, struct mh_err *err);

/* The site of a chain; MH_NO_SITE. */
uint32_t mh_chains_site(const struct mh_chains *c, uint32_t id);

#endif
