/* SPDX-License-Identifier: MIT */
/* Which blocks and rows pass a cursor's filter. */
#ifndef MEMHEAT_TRACE_FILTER_H
#define MEMHEAT_TRACE_FILTER_H

#include "trace/decode.h"
#include "trace/index.h"

/* Scratch for the row numbers that pass. */
struct mh_filter_scratch {
	uint8_t thread[MH_DECODE_N]; /* of SAMPLE: whether the thread passes */
	uint16_t keep[MH_DECODE_N];
};

/* Whether a block can have rows that pass. */
bool mh_filter_block(const struct mh_filter *f, const struct mh_entry *e);

/* Columns that must be decoded for @f to work, and those that are wanted; 0: all. */
uint32_t mh_filter_columns(const struct mh_filter *f);

/* Whether samples may be decoded in any order for @f. */
bool mh_filter_any_order(const struct mh_filter *f);

/* Cut a decoded batch down to the rows that pass; its nr may become 0. */
void mh_filter_batch(const struct mh_filter *f, struct mh_decoder *d,
		     struct mh_filter_scratch *s, struct mh_batch *batch);

#endif
