/* SPDX-License-Identifier: MIT */
/* What reader, cursor and repack share of an open trace. */
#ifndef MEMHEAT_TRACE_READER_H
#define MEMHEAT_TRACE_READER_H

#include "trace/index.h"

struct mh_meta {
	char *key, *value;
};

struct mh_reader {
	int fd;
	char *path;
	uint8_t uuid[16];
	uint64_t size;
	struct mh_index index;        /* data blocks, the tail's after the file's */
	size_t nr_file_blocks;        /* of them in the file */
	struct mh_wbuf tail;          /* the tail's rows as encoded blocks */
	struct mh_block_info *blocks; /* as the caller sees the index */
	struct mh_trace_info info;
	struct {
		struct mh_meta *v;
		size_t nr, cap;
	} meta;
};

/*
 * Bytes of block @i of the index.
 *
 * @buf: holds them; grown as needed
 * @max: at most so many from its beginning; 0: all
 * Returns MH_OK (*bytes, *len set); MH_EFORMAT when the file ends before; MH_ESYS;
 * MH_ENOMEM.
 */
int mh_reader_load(const struct mh_reader *r, size_t i, size_t max, struct mh_wbuf *buf,
		   const uint8_t **bytes, size_t *len, struct mh_err *err);

/* Whether a block's header is the one that the index speaks of. */
bool mh_entry_matches(const struct mh_entry *e, const struct mh_block_head *h,
		      const uint8_t uuid[16]);

#endif
