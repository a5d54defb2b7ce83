/* SPDX-License-Identifier: MIT */
/*
 * The columns of one block: a directory of (id, encoding, length, crc), then their bytes.
 * The directory has a checksum in the block header and each column one of its own, so
 * that a reader takes and checks only what it wants.
 */
#ifndef MEMHEAT_TRACE_COLUMN_H
#define MEMHEAT_TRACE_COLUMN_H

#include "base/buf.h"
#include "trace/format.h"

struct mh_stored {
	uint8_t id, encoding;
	uint32_t len, crc;
	size_t offset; /* of the bytes: from the block's first byte */
};

/* ---- writing ---- */

struct mh_columns {
	struct mh_stored v[MH_MAX_COLUMNS];
	unsigned nr;
	struct mh_wbuf body; /* write a column's bytes here between begin and end */
};

void mh_columns_reset(struct mh_columns *c);
void mh_columns_fini(struct mh_columns *c);
void mh_column_begin(struct mh_columns *c, uint8_t id, uint8_t encoding);
void mh_column_end(struct mh_columns *c);

/* Append header, directory, columns and padding to @out; fills stored_len, nr_columns and
 * dir_crc of @head. @out is bad when memory ran out here or in the body. */
void mh_columns_finish(struct mh_columns *c, struct mh_block_head *head,
		       struct mh_wbuf *out);

/* ---- reading ---- */

/* A block in memory, its header and directory checked. */
struct mh_block {
	struct mh_block_head head;
	const uint8_t *bytes; /* from the header on */
	size_t len;           /* of what is in memory; may be only the beginning */
	struct mh_stored v[MH_MAX_COLUMNS];
	unsigned nr;
};

/*
 * Parse header and directory.
 *
 * @bytes: borrowed for the life of @b
 * False: damaged, or @len does not cover the directory.
 */
bool mh_block_parse(struct mh_block *b, const uint8_t *bytes, size_t len);

enum mh_column_state {
	MH_COLUMN_OK,
	MH_COLUMN_ABSENT,  /* not stored: every value is 0 */
	MH_COLUMN_UNKNOWN, /* stored in a way that this version does not know */
	MH_COLUMN_DAMAGED
};

/* Find a column, check its bytes and put a reader on them. */
enum mh_column_state mh_block_column(const struct mh_block *b, uint8_t id,
				     uint8_t max_encoding, uint8_t *encoding,
				     struct mh_rbuf *in);

#endif
