/* SPDX-License-Identifier: MIT */
/*
 * A pass: several analyses over the same batches, by as many threads as there are CPUs.
 * Each thread has a cursor over its run of blocks and a partial result per analysis;
 * joining the threads is the only synchronisation, and merging happens in block order.
 */
#ifndef MEMHEAT_ANALYZE_PASS_H
#define MEMHEAT_ANALYZE_PASS_H

#include "analyze/session.h"

struct mh_analysis {
	const void *arg;                    /* shared by all parts, read only */
	void *(*part_new)(const void *arg); /* NULL: out of memory */
	int (*batch)(void *part, const struct mh_batch *b, struct mh_err *err);
	/* Add @from, which comes right after @into in the trace. NULL: this analysis
	 * needs all batches in one thread. */
	int (*merge)(void *into, void *from, struct mh_err *err);
	void (*part_free)(void *part);
	void *part; /* the result; the caller frees it with part_free() */
};

/* @f: what all of @list need. On failure every part is freed. */
int mh_pass_run(struct mh_session *s, const struct mh_filter *f, struct mh_analysis *list,
		size_t nr, struct mh_err *err);

/* Free the parts that are left. */
void mh_pass_release(struct mh_analysis *list, size_t nr);

#endif
