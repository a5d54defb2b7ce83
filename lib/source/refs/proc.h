/* SPDX-License-Identifier: MIT */
/* One watched process: what is remembered of it from one scan to the next. */
#ifndef MEMHEAT_SOURCE_REFS_PROC_H
#define MEMHEAT_SOURCE_REFS_PROC_H

#include <memheat/source.h>

#include "source/refs/smaps.h"
#include "source/tree.h"

/* A mapping as it was at the last scan. */
struct refs_vma {
	uint64_t start, end, pgoff;
	uint64_t rss, pss, swap, huge; /* last ones told */
	uint8_t prot;
	uint32_t path_hash;
};

struct refs_vmas {
	struct refs_vma *v;
	size_t nr, cap;
};

struct refs_proc {
	struct proc_stat stat;
	bool alive;        /* met in the scan under way */
	bool unreadable;   /* a notice was given; tried again at each scan */
	uint64_t armed_ns; /* bits are clear since then; 0: never armed */
	uint64_t run_ns;   /* CPU time at arming */
	struct refs_vmas vmas;
};

/* What a scan of one process needs and what it costs. */
struct refs_scan {
	const char *sysroot;
	uint16_t source;
	uint64_t time_ns; /* of the scan: one for all processes, so that moments add up */
	mh_event_fn fn;
	void *arg;
	uint64_t stall_max_ns;    /* longest single walk of page tables */
	uint64_t referenced, rss; /* sums over processes */
	struct smaps smaps;       /* 64 KiB: not on the stack */
	struct smaps_entry entry;
	struct refs_vmas vmas; /* scratch: the mappings of this scan */
};

/*
 * Read smaps of @p: tell changed mappings, footprints, and, when it is armed and ran, one
 * REGION per mapping.
 *
 * Returns MH_OK; MH_ENOTARGET when it ended meanwhile; MH_EPERM; MH_EFORMAT; MH_ENOMEM; a
 * failure of the sink.
 */
int mh_refs_read(struct refs_proc *p, struct refs_scan *scan,
		 struct mh_err *err) MH_MUST_CHECK;

/* Clear its accessed bits. Same statuses. */
int mh_refs_arm(struct refs_proc *p, struct refs_scan *scan,
		struct mh_err *err) MH_MUST_CHECK;

void mh_refs_proc_fini(struct refs_proc *p);

uint64_t mh_refs_now_ns(void);

#endif
