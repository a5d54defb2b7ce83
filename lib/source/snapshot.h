/* SPDX-License-Identifier: MIT */
/*
 * Snapshots put together from rows that come one by one: DAMON's tracepoint tells of one
 * region at a time, and how many there are. Used by the source and by importers of its
 * events, whose rows may come out of order (rings per CPU, their clocks).
 */
#ifndef MEMHEAT_SOURCE_SNAPSHOT_H
#define MEMHEAT_SOURCE_SNAPSHOT_H

#include <stdbool.h>

#include <memheat/base.h>

struct mh_region_row {
	uint64_t time_ns;
	uint64_t target;           /* an index, or a kernel pointer before Linux 5.17 */
	uint32_t nr_regions;       /* of the whole snapshot */
	uint32_t nr_accesses, age; /* age: MH_NO_AGE where not told */
	uint64_t start, end;
	uint64_t passed; /* bytes of pages that filters let pass, where there are any */
};

struct mh_snapshot {
	uint64_t target;
	uint64_t time_ns, last_ns;  /* of its first and last row */
	uint64_t previous_ns;       /* time_ns of the target's one before; 0: none */
	struct mh_region_row *rows; /* ascending, disjoint */
	size_t nr, nr_missing;      /* nr + nr_missing: as the rows said */
};

/* Takes a snapshot, lent for the call. A negative status stops the giver. */
typedef int (*mh_snapshot_fn)(void *arg, const struct mh_snapshot *snap,
			      struct mh_err *err);

struct mh_assembly {
	/* Rows further apart than this are not of one snapshot; less than the time
	 * between two. 0: 1 s. */
	uint64_t window_ns;
	struct {
		struct mh_assembly_target *v;
		size_t nr, cap;
	} targets;
};

/*
 * Take a row; hands out each snapshot that this ends: one that is whole, and one that
 * misses rows when a row of the next comes.
 */
int mh_assembly_add(struct mh_assembly *a, const struct mh_region_row *row,
		    mh_snapshot_fn fn, void *arg, struct mh_err *err) MH_MUST_CHECK;

/* Hand out what waits for rows since before @before_ns; UINT64_MAX: all. */
int mh_assembly_flush(struct mh_assembly *a, uint64_t before_ns, mh_snapshot_fn fn,
		      void *arg, struct mh_err *err) MH_MUST_CHECK;

void mh_assembly_fini(struct mh_assembly *a);

#endif
