/* SPDX-License-Identifier: MIT */
/*
 * The numbers of memheat-trace(5), once: magics, lengths, block kinds, column ids,
 * limits, and the fixed headers as structs. Everything here is about bytes in a file.
 */
#ifndef MEMHEAT_TRACE_FORMAT_H
#define MEMHEAT_TRACE_FORMAT_H

#include <stdbool.h>

#include <memheat/trace.h>

#define MH_FILE_HEADER_LEN  64
#define MH_BLOCK_HEADER_LEN 80
#define MH_COLUMN_ENTRY_LEN 12
#define MH_TRAILER_LEN      32

#define MH_FORMAT_MAJOR 1
#define MH_FORMAT_MINOR 0

/* Block kinds are event kinds; those below are the file's own. */
#define MH_KIND_INDEX 64

#define MH_BLOCK_MUST_UNDERSTAND (1 << 0)

/* Limits that a reader checks before it allocates anything. */
#define MH_MAX_STORED  (64u << 20)
#define MH_MAX_MEMORY  (256u << 20)
#define MH_MAX_COLUMNS 64

/* Pages in one row: the writer splits what is longer. */
#define MH_PAGES_ROW_MAX (1u << 22)

/* Blocks that one index block describes. */
#define MH_INDEX_MAX 1024

/* Columns that several kinds have. */
enum mh_col_any {
	MH_COLID_TIME = 1,
	MH_COLID_OCCUPANCY = 63
};

enum mh_col_sample {
	MH_COLID_CPU = 2,
	MH_COLID_THREAD = 3,
	MH_COLID_IP = 4,
	MH_COLID_ADDR = 5,
	MH_COLID_PHYS = 6,
	MH_COLID_DATA_SRC = 7,
	MH_COLID_WEIGHT = 8,
	MH_COLID_PAGE_SHIFT = 9,
	MH_COLID_INS_LAT = 10,
	MH_COLID_P_STAGE = 11,
	MH_COLID_EVENT = 12,
	MH_COLID_PERIOD = 13,
	MH_COLID_FLAGS = 14,
	MH_COLID_STACK = 15
};

enum mh_col_region {
	MH_COLID_SNAPSHOT = 2, /* rows, interval, pid, max_accesses */
	MH_COLID_GAP = 3,
	MH_COLID_SIZE = 4,
	MH_COLID_NR_ACCESSES = 5,
	MH_COLID_AGE = 6,
	MH_COLID_TOUCHED = 7
};

enum mh_col_pages {
	MH_COLID_RANGES = 2, /* the distinct ranges and which one each row is of */
	MH_COLID_ACCESSED = 3,
	MH_COLID_OBSERVED = 4
};

/* Table kinds: field i of mh_event_fields(). */
#define MH_COLID_FIELD(i) (16 + (i))

/* The one encoding most columns have; others are named where they are used. */
#define MH_ENCODING_PLAIN 1

/* SAMPLE's times and addresses: differences numbered by how often they come. Of addresses
 * those of pages, their low bits stand apart. */
#define MH_ENCODING_RANKED 2
#define MH_ADDR_LOW_BITS   12

struct mh_file_head {
	uint16_t major, minor;
	uint32_t header_len;
	uint64_t incompat, compat;
	uint8_t uuid[16];
};

struct mh_block_head {
	uint16_t kind, flags;
	uint32_t stored_len; /* directory and columns, without padding */
	uint32_t memory_len; /* upper bound of what decoding takes */
	uint32_t items;
	uint32_t source;
	uint64_t seq;
	uint64_t t_min, t_max;
	uint64_t addr_min, addr_max; /* min > max: no addresses */
	uint32_t uuid4;
	uint32_t dir_crc;
	uint32_t nr_columns;
};

struct mh_trailer {
	uint64_t index_offset;
	uint64_t nr_blocks;
	uint32_t uuid4;
};

void mh_file_head_put(uint8_t p[MH_FILE_HEADER_LEN], const struct mh_file_head *h);
/* Returns MH_OK; MH_EFORMAT with words. */
int mh_file_head_get(struct mh_file_head *h, const uint8_t p[MH_FILE_HEADER_LEN],
		     struct mh_err *err);

void mh_block_head_put(uint8_t p[MH_BLOCK_HEADER_LEN], const struct mh_block_head *h);
/* False: not a block header, or damaged, or of a size beyond the limits. */
bool mh_block_head_get(struct mh_block_head *h, const uint8_t p[MH_BLOCK_HEADER_LEN]);

void mh_trailer_put(uint8_t p[MH_TRAILER_LEN], const struct mh_trailer *t);
bool mh_trailer_get(struct mh_trailer *t, const uint8_t p[MH_TRAILER_LEN]);

/* CRC-32 as in zlib; a fuzzing build ignores them (mh_crc_ok() is always true there). */
uint32_t mh_crc(const void *bytes, size_t len);
bool mh_crc_ok(const void *bytes, size_t len, uint32_t want);

/* The first four bytes of the uuid as a little-endian number. */
uint32_t mh_uuid4(const uint8_t uuid[16]);

/* Length of a block in the file: header, payload and padding to 8. */
static inline uint64_t mh_block_len(uint32_t stored_len)
{
	return (MH_BLOCK_HEADER_LEN + (uint64_t)stored_len + 7) & ~(uint64_t)7;
}

/*
 * The time where an event begins: start_ns of kinds that have an interval, else its time.
 * A start of 0 or past the end is taken as not known.
 */
uint64_t mh_event_begin(const struct mh_event *ev);

static inline uint64_t mh_interval_begin(uint64_t start_ns, uint64_t time_ns)
{
	return start_ns && start_ns < time_ns ? start_ns : time_ns;
}

/* x + 1 without wrapping: the end of a half-open range whose last member is x. */
static inline uint64_t mh_after(uint64_t x)
{
	return x == UINT64_MAX ? x : x + 1;
}

#endif
