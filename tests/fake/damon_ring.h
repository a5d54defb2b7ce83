/* SPDX-License-Identifier: MIT */
/*
 * A ring with DAMON's tracepoint in memory, as perf would fill it: for tests of what is
 * made of it, and to measure that.
 */
#ifndef MEMHEAT_FAKE_DAMON_RING_H
#define MEMHEAT_FAKE_DAMON_RING_H

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "ring/tracepoint.h"
#include "source/damon/format.h"

#define FAKE_EVENT 77 /* id of damon:damon_aggregated */
#define FAKE_TUNE  78 /* of damon:damon_monitor_intervals_tune */

struct fake_ring {
	struct perf_event_mmap_page page;
	uint8_t *data;
	uint64_t size; /* a power of two */
	uint32_t tid;  /* of the kdamond that puts records */
};

/* The fields of damon:damon_aggregated where Linux 6.12 has them. */
struct fake_aggregated {
	uint16_t type;
	uint8_t flags, preempt_count;
	int32_t pid;
	uint64_t target_id;
	uint32_t nr_regions, pad;
	uint64_t start, end;
	uint32_t nr_accesses, age;
};

static const struct damon_format fake_format = {
	.aggregated_id = FAKE_EVENT,
	.target = { 8, 8 },
	.nr_regions = { 16, 4 },
	.start = { 24, 8 },
	.end = { 32, 8 },
	.nr_accesses = { 40, 4 },
	.age = { 44, 4 },
	.tune_id = FAKE_TUNE,
	.sample_us = { 8, 8 },
};

struct fake_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t raw_size;
	uint8_t raw[52]; /* the fields, and 4 bytes that fill it up */
};

static inline int fake_ring_init(struct fake_ring *r, uint64_t size)
{
	memset(r, 0, sizeof(*r));
	r->size = size;
	r->data = calloc(1, size);
	return r->data ? 0 : -1;
}

static inline void fake_ring_put(struct fake_ring *r, const void *record, size_t len)
{
	const uint8_t *from = (const uint8_t *)record;
	uint64_t at = r->page.data_head % r->size;
	size_t first = len < r->size - at ? len : (size_t)(r->size - at);

	memcpy(r->data + at, from, first);
	memcpy(r->data, from + first, len - first);
	r->page.data_head += len;
}

static inline void fake_ring_tune(struct fake_ring *r, uint64_t time_ns,
				  uint64_t sample_us)
{
	struct fake_record record = {
		.header = { .type = PERF_RECORD_SAMPLE, .size = sizeof(record) },
		.tid = r->tid,
		.time = time_ns,
		.raw_size = sizeof(record.raw),
		.raw = { FAKE_TUNE },
	};

	memcpy(record.raw + 8, &sample_us, sizeof(sample_us));
	fake_ring_put(r, &record, sizeof(record));
}

static inline void fake_ring_row(struct fake_ring *r, const struct mh_region_row *row)
{
	struct fake_aggregated a = {
		.type = FAKE_EVENT,
		.target_id = row->target,
		.nr_regions = row->nr_regions,
		.start = row->start,
		.end = row->end,
		.nr_accesses = row->nr_accesses,
		.age = row->age,
	};
	struct fake_record record = {
		.header = { .type = PERF_RECORD_SAMPLE, .size = sizeof(record) },
		.tid = r->tid,
		.time = row->time_ns,
		.raw_size = sizeof(record.raw),
	};

	memcpy(record.raw, &a, sizeof(a));
	fake_ring_put(r, &record, sizeof(record));
}

#endif
