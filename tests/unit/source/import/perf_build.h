/* SPDX-License-Identifier: MIT */
/*
 * A perf.data put together field by field, in either byte order, in file or pipe mode.
 * Shared by the importer's tests.
 */
#ifndef MEMHEAT_TEST_PERF_BUILD_H
#define MEMHEAT_TEST_PERF_BUILD_H

#include "test.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define BUILD_MAX_RECORDS 4096

struct build {
	struct mh_wbuf b;
	bool big;
	size_t begun;                   /* offset of the record under way */
	size_t ends[BUILD_MAX_RECORDS]; /* offsets where records end */
	size_t nr_records;
};

static inline void build_bytes(struct build *f, uint64_t v, unsigned nr)
{
	unsigned i;

	for (i = 0; i < nr; i++)
		mh_wbuf_u8(&f->b, (uint8_t)(v >> 8 * (f->big ? nr - 1 - i : i)));
}

static inline void u16(struct build *f, uint64_t v)
{
	build_bytes(f, v, 2);
}

static inline void u32(struct build *f, uint64_t v)
{
	build_bytes(f, v, 4);
}

static inline void u64(struct build *f, uint64_t v)
{
	build_bytes(f, v, 8);
}

/* Overwrite what was left open. */
static inline void put_at(struct build *f, size_t at, uint64_t v, unsigned nr)
{
	unsigned i;

	for (i = 0; i < nr; i++)
		f->b.p[at + i] = (uint8_t)(v >> 8 * (f->big ? nr - 1 - i : i));
}

static inline void begin(struct build *f, uint32_t type, uint16_t misc)
{
	f->begun = f->b.len;
	u32(f, type);
	u16(f, misc);
	u16(f, 0);
}

static inline void end(struct build *f)
{
	put_at(f, f->begun + 6, f->b.len - f->begun, 2);
	assert_true(f->nr_records < BUILD_MAX_RECORDS);
	f->ends[f->nr_records++] = f->b.len;
}

/* A string with its end, padded to 8. */
static inline void padded(struct build *f, const char *s)
{
	size_t len = strlen(s) + 1;

	mh_wbuf_bytes(&f->b, s, len);
	while (len++ % 8)
		mh_wbuf_u8(&f->b, 0);
}

/* As in feature sections: a length first. */
static inline void counted(struct build *f, const char *s)
{
	size_t len = (strlen(s) + 1 + 63) / 64 * 64, i;

	u32(f, len);
	for (i = 0; i < len; i++)
		mh_wbuf_u8(&f->b, i < strlen(s) ? (uint8_t)s[i] : 0);
}

static inline uint64_t bit_turned(uint64_t v)
{
	uint64_t out = 0;
	unsigned i;

	for (i = 0; i < 64; i++)
		out |= (v >> i & 1) << (63 - i);
	return out;
}

struct event_spec {
	uint32_t type, size; /* size: of the attr, at least 64 */
	uint64_t config, period, sample_type, read_format, flags;
	uint64_t ids[2];
	const char *name;
};

#define SAMPLE_ID_ALL (1ull << 18)

static inline void attr(struct build *f, const struct event_spec *e)
{
	size_t at = f->b.len;

	u32(f, e->type);
	u32(f, e->size);
	u64(f, e->config);
	u64(f, e->period);
	u64(f, e->sample_type);
	u64(f, e->read_format);
	u64(f, f->big ? bit_turned(e->flags) : e->flags);
	u64(f, 0);
	u64(f, 0);
	while (f->b.len < at + e->size)
		mh_wbuf_u8(&f->b, f->b.len < at + 136 ? 0 : 0x5a);
}

#endif
