/* SPDX-License-Identifier: MIT */
/*
 * The index: block headers' essence, in index blocks of at most MH_INDEX_MAX entries,
 * each of which names the one before. The trailer names the last.
 */
#ifndef MEMHEAT_TRACE_INDEX_H
#define MEMHEAT_TRACE_INDEX_H

#include "trace/encode.h"

/* A block and where it is. */
struct mh_entry {
	uint64_t offset;
	uint32_t stored_len, items, source;
	uint16_t kind, flags;
	uint64_t seq, t_min, t_max, addr_min, addr_max;
};

struct mh_index {
	struct mh_entry *v;
	size_t nr, cap;
};

struct mh_entry mh_entry_of(const struct mh_block_head *h, uint64_t offset);

/* Append an index block of all entries to @out. @prev: offset of the index block before,
 * 0: none. Returns MH_OK or MH_ENOMEM. */
int mh_index_block(struct mh_encoder *e, const struct mh_index *index, uint64_t prev,
		   struct mh_wbuf *out, struct mh_err *err);

/*
 * Read the entries of an index block to the end of @index.
 *
 * Returns MH_OK; MH_EFORMAT; MH_ENOMEM.
 */
int mh_index_read(struct mh_index *index, struct mh_unpacker *u, const struct mh_block *b,
		  uint64_t *prev);

#endif
