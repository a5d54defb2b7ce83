/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints of one thread, in one ring. Events of a thread that is watched wherever it
 * runs come in the order of their times, which rings per CPU cannot give.
 */
#ifndef MEMHEAT_RING_TRACEPOINT_H
#define MEMHEAT_RING_TRACEPOINT_H

#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>

struct mh_tracepoint;
struct perf_event_mmap_page;

/* One record: a tracepoint that fired, or records that were dropped before it. */
struct mh_tracepoint_hit {
	uint64_t time_ns;   /* CLOCK_MONOTONIC */
	uint32_t tid;       /* whose; not of lost ones */
	const uint8_t *raw; /* its fields, as /sys/kernel/tracing/events says; NULL: lost
			     */
	uint32_t len;
	uint64_t lost; /* records dropped since the last hit; raw is NULL then */
};

/*
 * Watch thread @tid.
 *
 * @ids: of the tracepoints; the first two bytes of a hit's fields tell them apart
 * @ring_kib: halved until the kernel agrees
 * Returns MH_OK; MH_EPERM; MH_ENOTARGET (no such thread); MH_ENOSUP; MH_ESYS.
 */
int mh_tracepoint_open(struct mh_tracepoint **out, pid_t tid, const uint64_t *ids,
		       size_t nr_ids, unsigned ring_kib,
		       struct mh_err *err) MH_MUST_CHECK;

/* A ring in the caller's memory, laid out as the kernel does it; for tests. */
int mh_tracepoint_init(struct mh_tracepoint **out, struct perf_event_mmap_page *page,
		       const void *data, uint64_t size, struct mh_err *err) MH_MUST_CHECK;

/* Readable when the ring is half full, or the thread has ended. */
int mh_tracepoint_fd(const struct mh_tracepoint *t);

/* Look how far the kernel has written; hits come up to there. */
void mh_tracepoint_begin(struct mh_tracepoint *t);

/* The next hit, lent until the next call. Returns MH_OK; MH_END. */
int mh_tracepoint_next(struct mh_tracepoint *t,
		       struct mh_tracepoint_hit *hit) MH_MUST_CHECK;

unsigned mh_tracepoint_ring_kib(const struct mh_tracepoint *t);
/* Records that were dropped or not understood, so far. */
uint64_t mh_tracepoint_lost(const struct mh_tracepoint *t);

void mh_tracepoint_close(struct mh_tracepoint *t);

#endif
