/* SPDX-License-Identifier: MIT */
/*
 * The events of a perf.data: what struct perf_event_attr says of each, whatever its size
 * and byte order, and which event an id stands for.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_PERF_ATTR_H
#define MEMHEAT_SOURCE_IMPORT_PERF_ATTR_H

#include <linux/perf_event.h>

#include "base/buf.h"
#include "ring/parse.h"

#define MH_PERF_ATTRS_MAX 4096
#define MH_PERF_IDS_MAX   (1u << 19)

enum perf_meaning {
	PERF_PLAIN,
	PERF_FAULT,       /* page-fault events: any address is one, 0 too */
	PERF_BREAKPOINT,  /* likewise */
	PERF_IBS_OP,      /* RAW has the registers */
	PERF_TRACE_FAULT, /* tracepoints exceptions:page_fault_*: RAW has the address */
	PERF_DAMON        /* tracepoint damon:damon_aggregated: RAW is a region */
};

struct perf_attr {
	uint32_t type, size;
	uint64_t config, config1, config2;
	uint64_t period; /* or Hz where freq is set */
	uint64_t flags;  /* the bit field, bit 0 is `disabled` on every machine */
	uint32_t clockid;
	struct mh_ring_layout layout;
	char *name, *pmu; /* NULL: not known */
	enum perf_meaning meaning;
	bool told; /* META was handed over */
	uint64_t samples;
};

#define PERF_ATTR_FREQ        (1ull << 10)
#define PERF_ATTR_USE_CLOCKID (1ull << 25)
#define PERF_ATTR_PRECISE(a)  ((unsigned)((a)->flags >> 15 & 3))

struct perf_attrs {
	struct perf_attr *v;
	size_t nr, cap;
	struct {
		uint64_t id;
		uint32_t attr; /* + 1; 0: the slot is free */
	} * ids;
	size_t nr_ids, nr_slots;
};

void mh_perf_attrs_fini(struct perf_attrs *attrs);

/*
 * Add the event at the start of @b, whose swap is set already. Of an attr that is longer
 * than what is known here the known part is taken.
 *
 * @size: bytes of the attr; 0: as its own size field says
 * Returns MH_OK; MH_EFORMAT; MH_ENOMEM.
 */
int mh_perf_attrs_add(struct perf_attrs *attrs, struct mh_rbuf *b, uint32_t size,
		      struct mh_err *err) MH_MUST_CHECK;

int mh_perf_attrs_add_id(struct perf_attrs *attrs, uint64_t id, size_t attr,
			 struct mh_err *err) MH_MUST_CHECK;

/* The event that @id stands for; NULL: none. */
struct perf_attr *mh_perf_attrs_by_id(const struct perf_attrs *attrs, uint64_t id);

/*
 * The event of a record (header included): by its id where there are several. NULL: no
 * event has the id, or the record is too short for one.
 */
struct perf_attr *mh_perf_attrs_of(const struct perf_attrs *attrs, const uint8_t *record,
				   size_t len, uint32_t type);

/* perf's name for an event that the recording has no name for; false: no such. */
bool mh_perf_attr_generic_name(char *out, size_t size, const struct perf_attr *a);

#endif
