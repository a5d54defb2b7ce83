/* SPDX-License-Identifier: MIT */
/*
 * DAMO's records inside: each format's reader fills a snapshot under a record's heading
 * and gives it to mh_damo_give(), which makes the events.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_DAMO_H
#define MEMHEAT_SOURCE_IMPORT_DAMO_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "source/import/import.h"

#define DAMO_REGIONS_MAX (1u << 20) /* of one snapshot; DAMON's default limit is 1000 */
#define DAMO_TARGETS_MAX 4096
#define DAMO_UNKNOWN     UINT64_MAX

struct damo_region {
	uint64_t start, end;
	uint64_t samples;   /* DAMO_UNKNOWN: see percent */
	double percent;     /* < 0: unknown */
	uint64_t age_aggrs; /* DAMO_UNKNOWN: see age_us */
	uint64_t age_us;    /* DAMO_UNKNOWN: no age */
	uint64_t passed;    /* bytes that the filters let pass; DAMO_UNKNOWN: not said */
};

struct damo_regions {
	struct damo_region *v;
	size_t nr, cap;
};

/* What stands above the snapshots; 0 or DAMO_UNKNOWN: not said. */
struct damo_record {
	uint64_t kdamond, context, scheme, target; /* DAMO_UNKNOWN */
	uint64_t sample_us, aggr_us, update_us;    /* 0 */
	uint64_t goal_bp, goal_aggrs, goal_min_us, goal_max_us;
	char filters[192];    /* words; "" when there are none */
	char data_source[32]; /* "unknown", "damon_stat"; "" */
};

struct damo_snapshot {
	uint64_t start_ns, end_ns;
	uint64_t sample_us;  /* tuned; 0: as the record says */
	uint64_t nr_missing; /* regions that did not arrive */
	struct damo_regions regions;
};

struct damo_source;
struct damo_side;

/* The input as a stream, on which rewind() works where `seekable` says so. */
struct damo_input {
	const char *name;
	FILE *f;
	bool seekable;
	uint8_t head[4096];
	size_t nr_head;
};

struct damo {
	struct damo_input *in;
	uint16_t first_id; /* of sources */
	const struct mh_log *log;
	const char *format; /* for META: "json_compressed", ... */
	mh_event_fn fn;
	void *arg;
	uint64_t start_ns; /* earliest that was told; DAMO_UNKNOWN: none yet */
	uint64_t nr_snapshots, nr_regions;
	const struct damo_side *side; /* what is beside the record; NULL: nothing */
	bool probes; /* it had per-region probe hits, which have no place in a trace */
	struct {
		struct damo_source *v;
		size_t nr, cap;
	} sources;
};

void mh_damo_record_init(struct damo_record *r);
void mh_damo_region_init(struct damo_region *r);

/* Hand out a snapshot's events. Empty ones, DAMO's mark of a single one, give nothing. */
int mh_damo_give(struct damo *d, const struct damo_record *r, struct damo_snapshot *s,
		 struct mh_err *err) MH_MUST_CHECK;
void mh_damo_fini(struct damo *d);

/* Snapshots are taken by the wall clock, traces by perf's, which starts at boot. */
bool mh_damo_is_realtime(uint64_t time_ns);

/* ---- readers of formats ---- */

/* Decompressed bytes of the input, 0 at the end. */
typedef int (*damo_read_fn)(void *arg, void *buf, size_t size, size_t *got,
			    struct mh_err *err);

int mh_damo_json(struct damo *d, damo_read_fn read, void *arg, struct mh_err *err);
int mh_damo_text(struct damo *d, struct mh_err *err);
int mh_damo_binary(struct damo *d, struct mh_err *err);

#define DAMO_BINARY_MAGIC "damon_recfmt_ver"

#endif
