/* SPDX-License-Identifier: MIT */
/* One watched address space: what is remembered of it from one scan to the next. */
#ifndef MEMHEAT_SOURCE_IDLE_SPACE_H
#define MEMHEAT_SOURCE_IDLE_SPACE_H

#include <memheat/source.h>

#include "source/idle/blocks.h"
#include "source/idle/pagemap.h"
#include "source/tree.h"

/* A mapping as it was at the last scan. */
struct idle_vma {
	uint64_t start, end, pgoff;
	uint32_t path_hash;
	uint8_t prot, shared;
};

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
	struct proc_stat stat;
	bool alive;        /* met in the scan under way */
	bool looked;       /* now is of the scan under way */
	bool unreadable;   /* a warning was given; tried again at each scan */
	bool ran;          /* since it was armed */
	uint64_t armed_ns; /* its pages are armed since then; 0: never armed */
	uint64_t run_ns;   /* CPU time at arming */
	struct {
		struct idle_vma *v;
		size_t nr, cap;
	} vmas;
	struct idle_view now, before;
};

/* Bytes, pages and calls of one scan, over all address spaces. */
struct idle_sums {
	uint64_t rss, observed, accessed, exclusive, shared; /* told once each */
	uint64_t untracked, unarmed, swapped;                /* at each place */
	uint64_t nr_moved, nr_present, nr_hidden;
	uint64_t stall_max_ns;
};

struct idle_scan {
	const char *sysroot;
	uint16_t source;
	unsigned page_shift;
	bool writes;      /* tell of written pages too */
	uint64_t time_ns; /* of the scan: one for all, so that moments add up */
	mh_event_fn fn;
	void *arg;
	struct idle_blocks blocks;
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

/* It is another program now: what was known of its pages is void. */
void mh_idle_space_forget(struct idle_space *p);

void mh_idle_space_fini(struct idle_space *p);

#endif
