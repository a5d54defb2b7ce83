/* SPDX-License-Identifier: MIT */
/*
 * The log of rows that are in no block yet. It is a file shared with whoever reads
 * ("FILE.tail"), so that the rows outlive a writer that is killed; where that cannot be
 * had, private memory.
 *
 *	header (4096) | carried rows A | carried rows B | rows
 *
 * Two slots in the header say where the log begins; one is active. A reset writes the
 * other slot whole and then switches with one store, so that whoever dies at whatever
 * moment leaves one consistent state. slot.seq is the number of the first block that was
 * not in the trace when the slot became active: rows of the log that are in blocks from
 * there on are found by counting, since a block holds the oldest rows of its kind and
 * source.
 */
#ifndef MEMHEAT_TRACE_LOG_H
#define MEMHEAT_TRACE_LOG_H

#include <stdatomic.h>

#include "trace/row.h"

#define MH_LOG_HEADER 4096
#define MH_LOG_CARRY  (2u << 20) /* each of the two areas for carried rows */
#define MH_LOG_ROWS   (12u << 20)
#define MH_LOG_BYTES  (MH_LOG_HEADER + 2 * MH_LOG_CARRY + MH_LOG_ROWS)

struct mh_log_slot {
	uint64_t seq;
	uint32_t carry;        /* which area of carried rows */
	uint32_t carry_len;    /* bytes in it */
	_Atomic uint32_t used; /* bytes of rows; grows after each row is whole */
	uint32_t pad;
};

struct mh_log_header {
	uint8_t magic[8];
	uint8_t uuid[16];
	uint32_t layout;
	_Atomic uint32_t active; /* counts resets; its lowest bit is the slot */
	struct mh_log_slot slot[2];
};

struct mh_rowlog {
	uint8_t *map; /* MH_LOG_BYTES */
	char *path;   /* of the tail file; NULL: private memory */
	uint32_t used;
	struct mh_log_slot *slot; /* the active one */
};

/*
 * @path: of the tail file; NULL: private memory. When the file cannot be had, memory is
 * used and *why_private (may be NULL) says why.
 */
int mh_rowlog_open(struct mh_rowlog *l, const char *path, const uint8_t uuid[16],
		   struct mh_err *why_private, struct mh_err *err) MH_MUST_CHECK;
/* @keep: leave the tail file for readers */
void mh_rowlog_close(struct mh_rowlog *l, bool keep);

static inline uint8_t *mh_rowlog_rows(struct mh_rowlog *l)
{
	return l->map + MH_LOG_HEADER + 2 * MH_LOG_CARRY;
}

/* The carried rows of a slot. */
static inline uint8_t *mh_rowlog_carry(uint8_t *map, unsigned area)
{
	return map + MH_LOG_HEADER + area * MH_LOG_CARRY;
}

/* Where a row of @len bytes goes; NULL: full. mh_rowlog_commit() makes it seen. */
static inline uint8_t *mh_rowlog_room(struct mh_rowlog *l, size_t len)
{
	return len <= MH_LOG_ROWS - l->used ? mh_rowlog_rows(l) + l->used : NULL;
}

static inline void mh_rowlog_commit(struct mh_rowlog *l, size_t len)
{
	l->used += (uint32_t)len;
	atomic_store_explicit(&l->slot->used, l->used, memory_order_release);
}

/*
 * Begin again: @seq is the next block's number, @rows (of the log, in order) are carried
 * over; together at most MH_LOG_CARRY bytes. Carried rows move: *moved[i] is where.
 */
void mh_rowlog_reset(struct mh_rowlog *l, uint64_t seq, const uint8_t *const *rows,
		     size_t nr, const uint8_t **moved);

/*
 * A copy of the rows of a tail file, taken while its writer may be alive.
 *
 * @bytes: receives the rows, one after another; freed by the caller
 * Returns MH_OK; MH_END when there is no tail file that belongs to @uuid; MH_ENOMEM.
 */
int mh_rowlog_read(const char *path, const uint8_t uuid[16], uint8_t **bytes, size_t *len,
		   uint64_t *seq);

#endif
