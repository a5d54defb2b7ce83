/* SPDX-License-Identifier: MIT */
/*
 * What a recording has told of processes and mappings: the live processes, and which
 * events of a second source repeat what a first one said.
 */
#ifndef MEMHEAT_RECORD_SEEN_H
#define MEMHEAT_RECORD_SEEN_H

#include <stdbool.h>

#include <memheat/base.h>
#include <memheat/event.h>

struct mh_seen_process {
	uint32_t pid;
	uint32_t generation;       /* counts execs; for the table of mappings */
	uint64_t since_ns;         /* when its address space began, as far as was told */
	bool ended;                /* its first thread has exited */
	uint64_t snapshot_ns;      /* of the REGION rows being summed up */
	uint64_t summing, touched; /* bytes: of that snapshot, of the one before */
};

struct mh_seen_mapping {
	uint64_t start, end, time_ns, what;
	uint32_t pid, generation;
	bool used;
};

struct mh_seen {
	/* 1 << id: sources whose TASK events are exact; there others are not believed. */
	uint64_t exact_tasks;
	bool several; /* sources: only then can anything be told twice */
	struct {
		struct mh_seen_process *v;
		size_t nr, cap;
	} processes;
	struct mh_seen_mapping *mappings; /* open addressing; NULL: none yet */
	size_t nr_mappings, cap_mappings; /* cap: a power of two */
	uint32_t generations;
};

void mh_seen_fini(struct mh_seen *s);

/*
 * When an event is to be dated. A source that looks now and then dates a new program and
 * its mappings at its last look, which may be before the fork or exec that another saw.
 */
uint64_t mh_seen_time(struct mh_seen *s, const struct mh_event *ev);

/*
 * Learn from an event.
 *
 * Returns MH_OK: worth keeping; MH_END: it repeats what was told; MH_ENOMEM.
 */
int mh_seen_event(struct mh_seen *s, const struct mh_event *ev,
		  struct mh_err *err) MH_MUST_CHECK;

/* Forget process @i of the list; the last one takes its place. */
void mh_seen_drop(struct mh_seen *s, size_t i);

/* Live processes, and the bytes that their last whole snapshots found touched. */
size_t mh_seen_nr_live(const struct mh_seen *s);
uint64_t mh_seen_touched(const struct mh_seen *s); /* MH_NO_BYTES: no snapshot yet */

#endif
