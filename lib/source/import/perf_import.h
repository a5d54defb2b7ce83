/* SPDX-License-Identifier: MIT */
/*
 * One import of a perf.data: what its parts share. perf.c reads the frame (header,
 * sections, stream of records), perf_feature.c what describes the machine and the events,
 * perf_record.c the records that make events.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_PERF_IMPORT_H
#define MEMHEAT_SOURCE_IMPORT_PERF_IMPORT_H

#include "event/chains.h"
#include "event/copies.h"
#include "event/ibs.h"
#include "source/import/import.h"
#include "source/import/perf_attr.h"
#include "source/import/perf_damon.h"
#include "source/import/perf_format.h"
#include "source/import/perf_order.h"

/* Sources that one recording makes: their units differ, they are never mixed. */
enum perf_source {
	PERF_SOURCE_SAMPLES,
	PERF_SOURCE_FAULTS,
	PERF_SOURCE_DAMON,
	PERF_NR_SOURCES
};

struct perf_build_id {
	char *path;
	uint8_t id[MH_BUILD_ID_MAX], len;
};

/* What was seen; all of it is told at the end. */
struct perf_counts {
	uint64_t records, samples, with_addr, lost, throttled, malformed, malformed_at,
		unknown_types, chains, stacks, branches, raws, aux_bytes, aux_truncated,
		switches, other, reads, unnamed, nonmem, spe, spe_nonmem, spe_skipped;
};

/* Arm SPE; see perf_spe.c. */
struct perf_spe {
	bool there; /* AUX data are its packets */
	uint32_t pmu_type;
	uint64_t time_shift, time_mult, time_zero; /* time_mult 0: not told */
	struct {
		struct perf_spe_cpu {
			uint32_t cpu;
			int neoverse;
		} * v;
		size_t nr, cap;
	} cpus;
	struct {
		struct perf_spe_thread {
			uint32_t pid, tid;
		} * v;
		size_t nr, cap;
	} threads;
	struct perf_spe_thread last; /* looked up, when there were last_nr */
	size_t last_nr;
	struct {
		struct perf_spe_switch {
			uint64_t time_ns;
			uint32_t cpu;
			struct perf_spe_thread to; /* tid UINT32_MAX: not told */
		} * v;
		size_t nr, cap;
	} switches;
	size_t switches_sorted; /* so many are in the order of CPU and time */
};

struct perf_import {
	struct mh_input *in;
	const struct mh_log *log;
	mh_event_fn fn;
	void *arg;
	uint16_t first_source;
	bool swap, pipe, killed, started;
	struct perf_attrs attrs;
	struct perf_formats formats;
	struct perf_order order;
	struct perf_damon damon;
	struct perf_inflate *inflate;
	struct mh_ibs_cpu cpu;
	uint64_t midr; /* of Arm's CPUs; 0: not told */
	struct perf_spe spe;
	struct mh_chains chains[PERF_NR_SOURCES]; /* ids are one source's */
	struct mh_copies copies[PERF_NR_SOURCES];
	uint16_t machine; /* e_machine of who recorded; 0: not told yet; UINT16_MAX: one
			   * whose stacks are not understood */
	struct {
		struct perf_build_id *v;
		size_t nr, cap;
	} build_ids;
	struct {
		struct perf_pmu {
			uint32_t type;
			char *name;
		} * v;
		size_t nr, cap;
	} pmus;
	struct perf_counts count;
	bool source_told[PERF_NR_SOURCES];
	uint64_t first_ns, last_ns; /* of samples; 0: none yet */
	struct mh_err damage;       /* the first; msg "": none */
};

/* Hand over META right away. */
int mh_perf_meta(struct perf_import *p, struct mh_err *err, const char *key,
		 const char *fmt, ...) MH_PRINTF(4, 5);

/* Note damage; what comes first is told. Returns MH_EFORMAT. */
int mh_perf_damaged(struct perf_import *p, const char *fmt, ...) MH_PRINTF(2, 3);

/* ---- perf_feature.c ---- */

/* The contents of feature @bit, from a section or a HEADER_FEATURE record. */
int mh_perf_feature(struct perf_import *p, unsigned bit, const uint8_t *bytes, size_t len,
		    struct mh_err *err) MH_MUST_CHECK;
/* One build-id record: its body after the header. */
int mh_perf_build_id(struct perf_import *p, const uint8_t *record, size_t len,
		     struct mh_err *err) MH_MUST_CHECK;
void mh_perf_features_fini(struct perf_import *p);

/* ---- perf_record.c ---- */
/* One record of the kernel. @at: where it is, for messages */
int mh_perf_record(struct perf_import *p, const uint8_t *record, size_t len, uint64_t at,
		   struct mh_err *err) MH_MUST_CHECK;
/* A sample that is no record of its own. */
int mh_perf_made(struct perf_import *p, struct perf_attr *a, struct mh_event *ev,
		 struct mh_err *err) MH_MUST_CHECK;
/* What is held, and the counts. */
int mh_perf_finish(struct perf_import *p, struct mh_err *err) MH_MUST_CHECK;

/* ---- perf_spe.c ---- */

/* Bodies of AUXTRACE_INFO and TIME_CONV. */
void mh_perf_spe_info(struct perf_import *p, struct mh_rbuf b);
void mh_perf_spe_time(struct perf_import *p, struct mh_rbuf b);
/* A thread of a process. */
void mh_perf_spe_task(struct perf_import *p, uint32_t pid, uint32_t tid);
/* A record SWITCH or SWITCH_CPU_WIDE, as its event lays it out. */
void mh_perf_spe_switch(struct perf_import *p, const uint8_t *record, size_t len);
/* Whether AUX data are SPE's and their event is known. */
bool mh_perf_spe_wanted(struct perf_import *p);
/* @b: body of AUXTRACE after its size. *done: bytes behind it that there were. */
int mh_perf_spe_data(struct perf_import *p, struct mh_rbuf b, uint64_t size,
		     uint64_t *done, struct mh_err *err) MH_MUST_CHECK;
void mh_perf_spe_fini(struct perf_spe *spe);

/* ---- perf_zstd.c; without the library MH_ENOSUP ---- */

struct perf_inflate;

int mh_perf_inflate_new(struct perf_inflate **out, struct mh_err *err) MH_MUST_CHECK;
void mh_perf_inflate_free(struct perf_inflate *z);
/*
 * Inflate a piece of the stream. *done: bytes of @in that were used; *nr: bytes that were
 * put to @out. To be called until all of @in is used and *nr < @room.
 */
int mh_perf_inflate_step(struct perf_inflate *z, const uint8_t *in, size_t len,
			 size_t *done, uint8_t *out, size_t room, size_t *nr,
			 struct mh_err *err) MH_MUST_CHECK;

#endif
