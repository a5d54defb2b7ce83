/* SPDX-License-Identifier: MIT */
/*
 * Blocks on the heap over time, from the heap log: who allocated the memory at an address
 * at a time. A site is the line that asked for it: of a call chain the first frame that
 * is outside of allocators and the containers of the language's library.
 */
#ifndef MEMHEAT_ANALYZE_BLOCKS_H
#define MEMHEAT_ANALYZE_BLOCKS_H

#include <stdbool.h>

#include "analyze/session.h"

struct mh_block {
	uint64_t key;                  /* of the space */
	struct mh_range addr, time_ns; /* time: absolute; end UINT64_MAX: not freed */
	uint32_t site;                 /* index */
};

#define MH_BLOCK_FRAMES 8

/* A function and what it was inlined into, as compilers tell places: lines are counted
 * from where the function is declared. */
struct mh_block_frame {
	char *function; /* owned */
	uint32_t offset, column;
};

/* Sites of different spaces are different ones. */
struct mh_block_site {
	uint64_t key;
	char *function; /* "module+0x1234" where it has no name; "" if nothing is known */
	char *file;     /* "" */
	uint32_t line;
	uint64_t live, peak; /* bytes: at the end, and the most at any time */
	/* Innermost first; none where lines are not known, or a fork made the site. */
	struct mh_block_frame frames[MH_BLOCK_FRAMES];
	uint32_t nr_frames;
};

#define MH_NO_SITE UINT32_MAX

struct mh_block_group; /* blocks of the same place, one after the other */

struct mh_blocks {
	struct {
		struct mh_block *v; /* by key, start, end, time */
		size_t nr, cap;
	} blocks;
	struct {
		struct mh_block_site *v;
		size_t nr, cap;
	} sites;
	struct {
		struct mh_block_group *v;
		size_t nr, cap;
	} groups;
	uint64_t nr_left_out; /* allocations past the limit of blocks */
	bool known;           /* there is a heap log in the trace */
};

/*
 * Read the log; without one there are no blocks.
 *
 * @opts: of names; NULL: defaults
 */
int mh_blocks_read(struct mh_blocks *out, struct mh_session *s,
		   const struct mh_symtab_opts *opts, struct mh_err *err);
void mh_blocks_fini(struct mh_blocks *b);

/* The site of the block that is at an address at a time; MH_NO_SITE. */
uint32_t mh_blocks_site(const struct mh_blocks *b, uint64_t key, uint64_t addr,
			uint64_t time_ns);

/* Of all blocks that were at an address, the site of those that were there longest. */
uint32_t mh_blocks_usual_site(const struct mh_blocks *b, uint64_t key, uint64_t addr);

/* The first bound of any block in @key that is above @addr; UINT64_MAX: none. */
uint64_t mh_blocks_next_bound(const struct mh_blocks *b, uint64_t key, uint64_t addr);

/* Call @fn with each block that overlaps a range of @key at a time. */
void mh_blocks_each(const struct mh_blocks *b, uint64_t key, struct mh_range addr,
		    uint64_t time_ns,
		    void (*fn)(void *arg, const struct mh_block *block, uint64_t bytes),
		    void *arg);

#endif
