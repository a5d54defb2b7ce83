/* SPDX-License-Identifier: MIT */
/*
 * One batch of rows to the bytes of one block: no file, no sequence, no shared state, so
 * that several threads can encode and one append (mh_writer_append_block()).
 */
#ifndef MEMHEAT_TRACE_ENCODE_H
#define MEMHEAT_TRACE_ENCODE_H

#include "trace/occupancy.h"

#define MH_NR_VERDICTS 8 /* sources whose trial results are remembered */

/* Columns of SAMPLE are numbered below this. */
#define MH_NR_VERDICT_COLUMNS 16

/* Of the streams of MH_ENCODING_RANKED. */
struct mh_ranked_verdicts {
	struct mh_verdict common[MH_PLANES_STREAMS], rank[2], rare[MH_PLANES_STREAMS];
};

struct mh_verdicts {
	uint16_t source;
	bool used;
	uint32_t nr_blocks;
	struct mh_verdict column[MH_NR_VERDICT_COLUMNS][MH_PLANES_STREAMS];
	struct mh_ranked_verdicts ranked[MH_NR_VERDICT_COLUMNS];
	bool is_ranked[MH_NR_VERDICT_COLUMNS]; /* MH_ENCODING_RANKED was smaller */
	struct mh_verdict low[2];              /* bits of addresses */
};

struct mh_encoder {
	struct mh_packer packer;
	struct mh_columns columns;
	struct mh_occupancy occupancy;
	struct mh_verdicts verdicts[MH_NR_VERDICTS];
	struct mh_wbuf scratch, index_bytes;
	struct mh_sample_scratch *sample; /* made when the first SAMPLE block comes */
	struct mh_block_head head;        /* of the block under way */
};

int mh_encoder_new(struct mh_encoder **out, enum mh_policy policy,
		   struct mh_err *err) MH_MUST_CHECK;
void mh_encoder_free(struct mh_encoder *e);

/*
 * Append one whole block (header, payload, padding) to @out; sequence number and uuid are
 * filled in when it is appended to a trace.
 *
 * @batch: 1..MH_BATCH_MAX rows with all their columns; NULL columns are all 0.
 *	time_ns is not read.
 * Returns MH_OK; MH_ENOMEM (@out is cut back to what it was).
 */
int mh_encoder_block(struct mh_encoder *e, const struct mh_batch *batch,
		     struct mh_wbuf *out, struct mh_err *err) MH_MUST_CHECK;

/*
 * Append a block that an encoder made. Rows that were added before are written first.
 *
 * @block: its sequence number, uuid and checksum are set here
 * Returns as mh_writer_add().
 */
int mh_writer_append_block(struct mh_writer *w, uint8_t *block, size_t len,
			   struct mh_err *err) MH_MUST_CHECK;

/* ---- between the encoders of the kinds ---- */

/* The payload of one kind: columns into e->columns, bounds into e->head. False: memory.
 */
bool mh_encode_sample(struct mh_encoder *e, const struct mh_batch *batch);
bool mh_encode_region(struct mh_encoder *e, const struct mh_batch *batch);
bool mh_encode_pages(struct mh_encoder *e, const struct mh_batch *batch);
bool mh_encode_table(struct mh_encoder *e, const struct mh_batch *batch);
void mh_sample_scratch_free(struct mh_sample_scratch *s);

/* What was learned about a source's columns; also decides if this block is a trial. */
struct mh_verdicts *mh_encoder_verdicts(struct mh_encoder *e, uint16_t source);

/* Widen the block's bounds. */
static inline void mh_head_time(struct mh_block_head *h, uint64_t first, uint64_t last)
{
	h->t_min = first < h->t_min ? first : h->t_min;
	h->t_max = last > h->t_max ? last : h->t_max;
}

static inline void mh_head_addr(struct mh_block_head *h, uint64_t first, uint64_t last)
{
	h->addr_min = first < h->addr_min ? first : h->addr_min;
	h->addr_max = last > h->addr_max ? last : h->addr_max;
}

#endif
