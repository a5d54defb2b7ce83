/* SPDX-License-Identifier: MIT */
/* One watched address space: what is remembered of it from one scan to the next. */
#ifndef MEMHEAT_SOURCE_IDLE_SPACE_H
#define MEMHEAT_SOURCE_IDLE_SPACE_H

#include <memheat/source.h>

#include "source/idle/blocks.h"
#include "source/idle/nodes.h"
#include "source/idle/pagemap.h"
#include "source/vmas.h"
#include "source/watch.h"

/* A piece of a mapping in which pages are, and its pagemap entries. */
struct idle_piece {
	uint64_t start;
	size_t first, nr; /* in entries */
};

/* An address space as one scan saw it; pieces ascend. */
struct idle_view {
	struct {
		struct idle_piece *v;
		size_t nr, cap;
	} pieces;
	struct {
		uint64_t *v;
		size_t nr, cap;
	} entries;
};

struct idle_space {
	struct watched proc;
	bool looked; /* now is of the scan under way */
	bool ran;    /* since it was armed */
	bool kinds;  /* what its pages are has been told up to the scan before */
	struct vmas vmas;
	struct idle_view now, before;
};

/* Bytes, pages and calls of one scan, over all address spaces. */
struct idle_sums {
	uint64_t rss, observed, accessed, exclusive, shared; /* told once each */
	uint64_t anon, anon_accessed, file, file_accessed;   /* likewise */
	uint64_t untracked, unarmed, swapped;                /* at each place */
	uint64_t nr_moved, nr_present, nr_hidden;
	uint64_t stall_max_ns;
};

struct idle_scan {
	const struct round *round;
	unsigned page_shift;
	bool writes;     /* tell of written pages too */
	uint32_t one_in; /* look at one page in so many */
	uint64_t unit;   /* bytes that such a page stands for */
	struct idle_blocks blocks;
	struct idle_nodes nodes;
	struct idle_sums sums;
};

/*
 * Read mappings and pagemap: tell changed mappings, and want the pages of all.
 *
 * Returns MH_OK; MH_ENOTARGET when it ended meanwhile; MH_EPERM; MH_EFORMAT; MH_ENOMEM; a
 * failure of the sink.
 */
int mh_idle_space_look(struct idle_space *p, struct idle_scan *scan,
		       struct mh_err *err) MH_MUST_CHECK;

/* After the blocks' scan: tell what was accessed since the scan before, if there was one
 * and it ran; then the scan is the one before. */
int mh_idle_space_tell(struct idle_space *p, struct idle_scan *scan,
		       struct mh_err *err) MH_MUST_CHECK;

/* Clear the soft-dirty bits of its pages. Same statuses as look(). */
int mh_idle_space_arm_writes(const struct idle_space *p, const struct idle_scan *scan,
			     struct mh_err *err) MH_MUST_CHECK;

/* Whether the page in a frame is looked at: by a hash of the frame, so that a shared page
 * is in all processes or in none, and stays as long as it is not moved. */
static inline bool mh_idle_is_sampled(const struct idle_scan *scan, uint64_t pfn)
{
	uint64_t hash = pfn * 0x9e3779b97f4a7c15u >> 32;

	return scan->one_in <= 1 || hash * scan->one_in >> 32 == 0;
}

/* Add bytes that were observed to the sums by type, and of what was accessed. */
void mh_idle_count_type(struct idle_scan *scan, bool anon, uint64_t bytes,
			uint64_t accessed);

/* For struct watch_ops. */
void mh_idle_space_forget(struct watched *p);
void mh_idle_space_fini(struct watched *p);

#endif
