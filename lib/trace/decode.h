/* SPDX-License-Identifier: MIT */
/*
 * One block's bytes to a batch of rows. All memory belongs to the decoder and is used
 * again for the next block; nothing is allocated before its size was checked.
 */
#ifndef MEMHEAT_TRACE_DECODE_H
#define MEMHEAT_TRACE_DECODE_H

#include "trace/column.h"
#include "trace/occupancy.h"
#include "trace/order.h"

#define MH_DECODE_N (MH_BATCH_MAX + 64)

/* Columns of a SAMPLE block and what is needed to make them. */
struct mh_sample_rows {
	uint64_t time_ns[MH_DECODE_N], ip[MH_DECODE_N], addr[MH_DECODE_N];
	uint64_t phys[MH_DECODE_N], data_src[MH_DECODE_N], period[MH_DECODE_N];
	uint64_t weight[MH_DECODE_N];
	uint32_t pid[MH_DECODE_N], tid[MH_DECODE_N], cpu[MH_DECODE_N], stack[MH_DECODE_N];
	uint16_t ins_lat[MH_DECODE_N], p_stage[MH_DECODE_N], event[MH_DECODE_N];
	uint8_t flags[MH_DECODE_N], page_shift[MH_DECODE_N];

	/* The context: which thread and ip, and the order by them. */
	uint16_t thread[MH_DECODE_N], ip_index[MH_DECODE_N], order[MH_DECODE_N];
	uint16_t data_src_index[MH_DECODE_N], by_data_src[MH_DECODE_N];
	uint32_t thread_pid[MH_DECODE_N], thread_tid[MH_DECODE_N];
	size_t nr_threads, nr_ips;

	uint64_t value[MH_DECODE_N];
	uint64_t dict[MH_DECODE_N];
	uint16_t tmp[MH_DECODE_N];
	uint32_t count[MH_DECODE_N];
	uint8_t begins[MH_DECODE_N];
	uint8_t bytes[MH_VARINTS_SCRATCH(MH_DECODE_N)];
	struct mh_grouping grouping;
	struct mh_page_frames frames;
};

struct mh_region_rows {
	uint64_t start_ns[MH_DECODE_N], time_ns[MH_DECODE_N];
	uint64_t start[MH_DECODE_N], end[MH_DECODE_N], touched[MH_DECODE_N];
	uint32_t pid[MH_DECODE_N], nr_accesses[MH_DECODE_N], max_accesses[MH_DECODE_N];
	uint32_t age[MH_DECODE_N];

	uint8_t begins[MH_DECODE_N]; /* 1: the first row of a snapshot */
	uint64_t value[MH_DECODE_N];
	uint8_t bytes[MH_VARINTS_SCRATCH(MH_DECODE_N)];
};

struct mh_event_rows {
	struct mh_event ev[MH_BATCH_MAX];
	uint64_t value[MH_DECODE_N], key[MH_DECODE_N], dict[MH_DECODE_N];
	uint8_t bytes[MH_VARINTS_SCRATCH(MH_DECODE_N)];
};

/* Bytes that rows point to: strings and bitmaps. */
struct mh_arena {
	uint8_t **v;
	size_t nr, cap;
	size_t total; /* bytes lent since the last reset */
};

struct mh_decoder {
	struct mh_unpacker u;
	struct mh_occupancy occupancy;
	struct mh_sample_rows *sample; /* each made when first needed */
	struct mh_region_rows *region;
	struct mh_event_rows *events;
	struct mh_arena arena;
};

int mh_decoder_new(struct mh_decoder **out, struct mh_err *err) MH_MUST_CHECK;
void mh_decoder_free(struct mh_decoder *d);

/*
 * Decode the rows of a block.
 *
 * @columns: enum mh_column of SAMPLE blocks; 0: all
 * @any_order: of the rows of SAMPLE blocks, as in struct mh_filter
 * @batch: everything is filled in; its pointers are valid until the next call
 * Returns MH_OK; MH_EFORMAT (damaged: nothing of it is to be used); MH_ENOMEM.
 */
int mh_decode_block(struct mh_decoder *d, const struct mh_block *b, uint32_t columns,
		    bool any_order, struct mh_batch *batch) MH_MUST_CHECK;

/* ---- between the decoders of the kinds ---- */

int mh_decode_sample(struct mh_decoder *d, const struct mh_block *b, uint32_t columns,
		     bool any_order, struct mh_batch *batch);
int mh_decode_region(struct mh_decoder *d, const struct mh_block *b,
		     struct mh_batch *batch);
int mh_decode_pages(struct mh_decoder *d, const struct mh_block *b,
		    struct mh_batch *batch);
int mh_decode_table(struct mh_decoder *d, const struct mh_block *b,
		    struct mh_batch *batch);

/* Bytes that live until the next block; NULL when memory is out or the block asks for
 * more than MH_MAX_MEMORY in all (then errno is EOVERFLOW). */
uint8_t *mh_arena_bytes(struct mh_arena *a, size_t len);

/* Why a stream or varint could not be read. */
static inline int mh_decode_status(const struct mh_decoder *d)
{
	return d->u.no_memory ? MH_ENOMEM : MH_EFORMAT;
}

#endif
