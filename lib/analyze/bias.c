/* SPDX-License-Identifier: MIT */
/*
 * Whether samples stand for executions. A compiler takes counts for frequencies, and
 * samples that were chosen by latency, misses or first touches are none. Only what is
 * known to choose evenly passes; an event that nothing is known of does not.
 *
 * Even are: what says so itself (META source.N.sampling = uniform: simulators), counts
 * of retired instructions, all loads and all stores of PEBS, and IBS counting dispatched
 * micro-ops.
 */
#include "analyze/bias.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 64

/* linux/perf_event.h: PERF_TYPE_HARDWARE, PERF_TYPE_RAW, PERF_COUNT_HW_INSTRUCTIONS */
#define TYPE_HARDWARE   0u
#define TYPE_RAW        4u
#define HW_INSTRUCTIONS 1u
/* Intel's events and unit masks. */
#define MEM_LATENCY    UINT64_C(0x01cd)
#define MEM_ALL_LOADS  UINT64_C(0x81d0)
#define MEM_ALL_STORES UINT64_C(0x82d0)
/* AMD's IBS: count micro-ops; only those that missed the last level. */
#define IBS_COUNT_OPS (UINT64_C(1) << 19)
#define IBS_MISS_ONLY (UINT64_C(1) << 16)

struct event {
	const char *name, *pmu;
	uint64_t type, config, config1;
};

static const char *text(const struct mh_session *s, uint16_t id, unsigned nr,
			const char *what)
{
	char key[64];

	snprintf(key, sizeof(key), "event.%u%s", nr, what);
	return mh_session_meta(s, id, key);
}

static uint64_t number(const struct mh_session *s, uint16_t id, unsigned nr,
		       const char *what)
{
	const char *v = text(s, id, nr, what);

	return v ? strtoull(v, NULL, 0) : UINT64_MAX;
}

static bool has(const char *s, const char *part)
{
	return s && strstr(s, part);
}

/* Cycles below which a load is not sampled; 0: none. */
static uint64_t latency(const struct event *e)
{
	const char *at = e->name ? strstr(e->name, "ldlat=") : NULL;

	if (at)
		return strtoull(at + 6, NULL, 0);
	if ((e->config & 0xffff) == MEM_LATENCY)
		return e->config1 == UINT64_MAX ? 1 : e->config1;
	return has(e->name, "mem-loads") ? 1 : 0;
}

static bool is_even(const struct event *e)
{
	uint64_t code = e->config & 0xffff;

	if (has(e->pmu, "ibs_op") || has(e->name, "ibs_op"))
		return e->config != UINT64_MAX && e->config & IBS_COUNT_OPS &&
		       !(e->config & IBS_MISS_ONLY);
	if (e->type == TYPE_HARDWARE)
		return e->config == HW_INSTRUCTIONS;
	if (e->type == TYPE_RAW && (code == MEM_ALL_LOADS || code == MEM_ALL_STORES))
		return true;
	return has(e->name, "all_loads") || has(e->name, "all_stores") ||
	       has(e->name, "mem-stores");
}

static void judge(const struct event *e, char *why, size_t size)
{
	uint64_t cycles = latency(e);

	if (cycles)
		snprintf(why, size,
			 "%.60s takes loads by their latency (%" PRIu64
			 " cycles or more), so code that hits the cache looks as if it "
			 "had not run",
			 e->name ? e->name : "the event", cycles);
	else if (has(e->pmu, "ibs_op") && !is_even(e))
		snprintf(why, size,
			 "IBS counted cycles or misses: slow code has more samples; "
			 "cnt_ctl=1 counts micro-ops");
	else if (!is_even(e))
		snprintf(why, size,
			 "it is not known that %.60s chooses its samples evenly",
			 e->name ? e->name : "the event");
}

void mh_bias_of(const struct mh_session *s, const struct mh_session_source *src,
		char *why, size_t size)
{
	const char *sampling = mh_session_meta(s, src->id, "sampling");
	struct event e;
	unsigned i;

	*why = '\0';
	if (!strncmp(src->name, "faults", 6)) {
		snprintf(why, size,
			 "page faults are first touches, one per page, and count no "
			 "executions");
		return;
	}
	if (sampling && !strcmp(sampling, "uniform"))
		return;
	for (i = 0; i < EVENTS_MAX && !*why; i++) {
		e = (struct event){ .name = text(s, src->id, i, ""),
				    .pmu = text(s, src->id, i, ".pmu"),
				    .type = number(s, src->id, i, ".type"),
				    .config = number(s, src->id, i, ".config"),
				    .config1 = number(s, src->id, i, ".config1") };
		if (!e.name && i)
			break;
		judge(&e, why, size);
	}
}
