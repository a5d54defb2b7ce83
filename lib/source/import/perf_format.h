/* SPDX-License-Identifier: MIT */
/*
 * The formats of tracepoints as a recording has them (feature TRACING_DATA): name and
 * fields of the few whose raw bytes mean something to us, and the names of all.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_PERF_FORMAT_H
#define MEMHEAT_SOURCE_IMPORT_PERF_FORMAT_H

#include <stdbool.h>

#include "base/buf.h"

struct perf_field {
	uint16_t offset, size; /* size 0: there is no such field */
};

enum perf_field_name {
	FIELD_TARGET_ID,
	FIELD_NR_REGIONS,
	FIELD_START,
	FIELD_END,
	FIELD_NR_ACCESSES,
	FIELD_AGE,
	FIELD_ADDRESS,
	PERF_NR_FIELDS
};

struct perf_format {
	uint64_t id; /* the attr's config */
	char *name;  /* "damon:damon_aggregated" */
	struct perf_field field[PERF_NR_FIELDS];
};

struct perf_formats {
	struct perf_format *v;
	size_t nr, cap;
};

/*
 * Parse the section's bytes; of a damaged one what comes before the damage is kept.
 *
 * Returns MH_OK; MH_EFORMAT; MH_ENOMEM.
 */
int mh_perf_formats_read(struct perf_formats *f, const uint8_t *bytes, size_t len);
void mh_perf_formats_fini(struct perf_formats *f);
const struct perf_format *mh_perf_formats_find(const struct perf_formats *f, uint64_t id);

/* The fields of damon:damon_aggregated since 5.15, for recordings that do not say. */
extern const struct perf_format mh_perf_format_damon;

/* The field's value; 0 where the record has none. @swap: of the other byte order */
uint64_t mh_perf_field_get(const struct perf_format *f, enum perf_field_name name,
			   const uint8_t *raw, size_t len, bool swap);

#endif
