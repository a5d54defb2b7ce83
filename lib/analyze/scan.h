/* SPDX-License-Identifier: MIT */
/*
 * REGION and PAGES batches as one thing: snapshots of ranges with a value. The session's
 * filters on rows (--addr, --at, --min-rate, --min-size, --skip) are applied here and
 * nowhere else.
 */
#ifndef MEMHEAT_ANALYZE_SCAN_H
#define MEMHEAT_ANALYZE_SCAN_H

#include <stdbool.h>

#include "analyze/places.h"

/* Rows of one snapshot of one space. A snapshot that a block's end cuts comes in parts.
 */
struct mh_snap {
	uint64_t key;
	uint32_t pid;
	struct mh_range time_ns; /* absolute; at least 1 ns */
	uint64_t aggr_ns;        /* what an age counts in it; 0: not known */
	uint32_t weight;         /* every byte that is told stands for so many */
};

struct mh_scan_row {
	struct mh_range addr;
	double value;                       /* 0..1, hit ratio or touched ratio */
	uint64_t touched;                   /* bytes that were accessed at all */
	uint32_t nr_accesses, max_accesses; /* 0, 0: hits are not counted */
	uint32_t age;                       /* aggregation intervals; MH_NO_AGE */
	bool exact; /* every byte of addr is known touched or not: no bytes to guess */
};

struct mh_scan_ops {
	int (*snapshot)(void *arg, const struct mh_snap *snap); /* may be NULL */
	int (*row)(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row);
};

/* What all threads share. */
struct mh_scan_opts {
	const struct mh_session *session;
	const struct mh_places *at; /* NULL: no --at */
	uint64_t not_before_ns;     /* --skip: snapshots whose middle is before it */
	uint64_t nr_skipped;        /* moments before that */
	uint64_t aggr_ns;           /* what an age counts at first; 0: not known */
	uint16_t source;
};

/* Per thread. */
struct mh_scan {
	const struct mh_scan_opts *opts;
	struct mh_keys keys;
	struct mh_snap snap; /* the last one that was announced */
};

void mh_scan_init(struct mh_scan *scan, const struct mh_scan_opts *opts);

/* Hand @b to @ops. A callback's negative return means out of memory. SAMPLE: ignored. */
int mh_scan_batch(struct mh_scan *scan, const struct mh_batch *b,
		  const struct mh_scan_ops *ops, void *arg, struct mh_err *err);

#endif
