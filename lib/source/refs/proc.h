/* SPDX-License-Identifier: MIT */
/* One watched process: what is remembered of it from one scan to the next. */
#ifndef MEMHEAT_SOURCE_REFS_PROC_H
#define MEMHEAT_SOURCE_REFS_PROC_H

#include "source/refs/smaps.h"
#include "source/vmas.h"
#include "source/watch.h"

/* What was told last of a mapping. */
struct refs_size {
	uint64_t rss, pss, swap, huge;
};

struct refs_sizes {
	struct refs_size *v;
	size_t nr, cap;
};

struct refs_proc {
	struct watched proc;
	struct vmas vmas;
	struct refs_sizes sizes; /* of these */
};

/* What a scan of one process needs and what it costs. */
struct refs_scan {
	const struct round *round;
	uint64_t stall_max_ns;    /* longest single walk of page tables */
	uint64_t referenced, rss; /* sums over processes */
	struct smaps smaps;       /* 64 KiB: not on the stack */
	struct smaps_entry entry;
	struct vmas vmas; /* scratch: the mappings of this scan */
	struct refs_sizes sizes;
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

/* For struct watch_ops. */
void mh_refs_proc_forget(struct watched *p);
void mh_refs_proc_fini(struct watched *p);

#endif
