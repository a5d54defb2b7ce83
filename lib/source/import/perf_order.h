/* SPDX-License-Identifier: MIT */
/*
 * Events in the order of time, out of records that come CPU by CPU. perf marks the end of
 * each round through all CPUs: what is not newer than the newest of the round before can
 * have no older one after it. Memory is bounded: without such marks, or in a round that
 * is larger than the buffer, the older half goes out and what comes too late is counted.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_PERF_ORDER_H
#define MEMHEAT_SOURCE_IMPORT_PERF_ORDER_H

#include <stddef.h>

#include <memheat/event.h>

#define MH_PERF_ORDER_EVENTS (1u << 16) /* held at most; a power of two from 256 */

struct perf_order {
	mh_event_fn fn;
	void *arg;
	struct mh_event *v;
	size_t nr, cap;
	struct order_key *keys;
	struct mh_event *spare;
	size_t text; /* bytes of strings that are held */
	uint64_t newest, round_newest, out_ns;
	uint64_t nr_late; /* older than what had gone out */
};

void mh_perf_order_init(struct perf_order *o, mh_event_fn fn, void *arg);
void mh_perf_order_fini(struct perf_order *o);

/* Take an event; its strings are copied. */
int mh_perf_order_add(struct perf_order *o, const struct mh_event *ev,
		      struct mh_err *err) MH_MUST_CHECK;
/* A round has ended. */
int mh_perf_order_round(struct perf_order *o, struct mh_err *err) MH_MUST_CHECK;
/* Nothing follows. */
int mh_perf_order_flush(struct perf_order *o, struct mh_err *err) MH_MUST_CHECK;

#endif
