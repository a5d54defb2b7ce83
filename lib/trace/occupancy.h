/* SPDX-License-Identifier: MIT */
/*
 * Occupancy: which 2 MiB chunks a block's rows touch, and about how much. Counted while
 * a block is encoded and stored as its first column, so that a picture can choose its
 * bands without decoding rows.
 */
#ifndef MEMHEAT_TRACE_OCCUPANCY_H
#define MEMHEAT_TRACE_OCCUPANCY_H

#include "trace/column.h"
#include "trace/planes.h"

#define MH_OCCUPANCY_MAX (1u << 20)

/* Counts by (pid, chunk); long runs are kept beside. */
struct mh_occupancy {
	struct mh_occupancy_run *v;
	size_t nr, cap;
	uint32_t *slot; /* 1 + index into v; 0: free */
	size_t nr_slots;
	uint32_t last; /* index of the entry that was hit last */
	bool bad;      /* out of memory */
};

void mh_occupancy_reset(struct mh_occupancy *o);
void mh_occupancy_fini(struct mh_occupancy *o);

/* Find or add the entry of one chunk; never the last one hit (mh_occupancy_add()). */
struct mh_occupancy_run *mh_occupancy_find(struct mh_occupancy *o, uint32_t pid,
					   uint64_t chunk);

/* Add @count to one chunk. */
static inline void mh_occupancy_add(struct mh_occupancy *o, uint32_t pid, uint64_t chunk,
				    uint64_t count)
{
	struct mh_occupancy_run *run;

	if (o->nr && o->v[o->last].chunk == chunk && o->v[o->last].pid == pid &&
	    o->v[o->last].nr_chunks == 1)
		run = &o->v[o->last];
	else
		run = mh_occupancy_find(o, pid, chunk);
	if (run && __builtin_add_overflow(run->count, count, &run->count))
		run->count = UINT64_MAX;
}

/* Add a run of several chunks as it is. */
void mh_occupancy_add_run(struct mh_occupancy *o, struct mh_occupancy_run run);

/* Add accesses that are spread over [start, end): @hits of @checks for each byte. */
void mh_occupancy_add_bytes(struct mh_occupancy *o, uint32_t pid, uint64_t start,
			    uint64_t end, uint32_t hits, uint32_t checks);

/* Sort and write the column. */
void mh_occupancy_put(struct mh_occupancy *o, struct mh_packer *p, struct mh_columns *c,
		      struct mh_wbuf *scratch);

/* Read the column into @o (v, nr). Returns MH_OK, MH_EFORMAT or MH_ENOMEM. */
int mh_occupancy_get(struct mh_occupancy *o, struct mh_unpacker *u,
		     const struct mh_block *b);

#endif
