/* SPDX-License-Identifier: MIT */
/*
 * What both directions of a SAMPLE block must do alike: the permutations by context and
 * the map of pages to frames; and the dictionaries of the encoder.
 */
#ifndef MEMHEAT_TRACE_ORDER_H
#define MEMHEAT_TRACE_ORDER_H

#include <stdbool.h>

#include "trace/format.h"

/*
 * Stable counting sort of row numbers by key.
 *
 * @order: receives the @n row numbers
 * @rows: the order to start from; NULL: 0, 1, 2, ...
 * @key: of each row, below @nr_keys
 * @count: scratch of nr_keys + 1
 */
void mh_order_by(uint16_t *order, const uint16_t *rows, const uint16_t *key, size_t n,
		 size_t nr_keys, uint32_t *count);

#define MH_MAX_GROUPS (1u << 18)

/* Scratch of mh_order_groups(), and what it learns on the way. */
struct mh_grouping {
	uint32_t key[MH_BATCH_MAX];
	uint32_t count[MH_MAX_GROUPS + 1];
	uint16_t tmp[MH_BATCH_MAX];
	uint32_t thread_end[MH_BATCH_MAX]; /* result: where each thread's rows end */
};

/*
 * By thread, within it by ip.
 *
 * @order: receives the row at each place; or the place of each row if @places
 * @begins: @n; 1 where a row begins another (thread, ip) than the row before in @order
 */
void mh_order_groups(uint16_t *order, bool places, uint8_t *begins, struct mh_grouping *g,
		     const uint16_t *thread, size_t nr_threads, const uint16_t *ip,
		     size_t nr_ips, size_t n);

/* Row numbers 0..n-1 of distinct values in ascending order of value. */
void mh_sort_ids(const uint64_t *value, size_t n, uint16_t *ids, uint16_t *tmp,
		 uint32_t *count);

#define MH_HASH_SLOTS (2 * MH_BATCH_MAX)

/* Numbers distinct values in order of first use; at most MH_BATCH_MAX. */
struct mh_dict {
	uint32_t slot[MH_HASH_SLOTS]; /* 1 + id; 0: free */
	uint32_t mask;
	uint32_t nr;
	uint32_t last;
};

static inline uint32_t mh_hash64(uint64_t v)
{
	return (uint32_t)((v * 0x9e3779b97f4a7c15u) >> 40);
}

/* Make ready for at most @n additions. */
void mh_dict_reset(struct mh_dict *d, size_t n);

/* @keys: the values by id, grown by the call */
static inline uint16_t mh_dict_id(struct mh_dict *d, uint64_t *keys, uint64_t key)
{
	uint32_t s, id;

	if (d->nr && keys[d->last] == key)
		return (uint16_t)d->last;
	for (s = mh_hash64(key) & d->mask; (id = d->slot[s]) != 0;
	     s = (s + 1) & d->mask) {
		if (keys[id - 1] == key) {
			d->last = id - 1;
			return (uint16_t)d->last;
		}
	}
	keys[d->nr] = key;
	d->last = d->nr++;
	d->slot[s] = d->nr;
	return (uint16_t)d->last;
}

/* The frame last seen behind a page of a process. */
struct mh_page_frames {
	uint32_t slot[MH_HASH_SLOTS];
	struct {
		uint64_t page, frame;
		uint32_t pid, shift;
	} v[MH_BATCH_MAX];
	uint32_t mask, nr;
};

#define MH_NO_FRAME UINT64_MAX

void mh_page_frames_reset(struct mh_page_frames *f, size_t n);

/* Address bits within a page: what the page size column says, else 4 KiB. */
static inline unsigned mh_frame_shift(uint8_t page_shift)
{
	return page_shift >= 12 && page_shift <= 48 ? page_shift : 12;
}

/* The frame of a page, MH_NO_FRAME at first; at most @n pages. */
static inline uint64_t *mh_page_frames_at(struct mh_page_frames *f, uint32_t pid,
					  uint64_t page, unsigned shift)
{
	uint32_t s = mh_hash64(page ^ (uint64_t)pid << 36 ^ (uint64_t)shift << 58);
	uint32_t id;

	for (s &= f->mask; (id = f->slot[s]) != 0; s = (s + 1) & f->mask) {
		if (f->v[id - 1].page == page && f->v[id - 1].pid == pid &&
		    f->v[id - 1].shift == shift)
			return &f->v[id - 1].frame;
	}
	f->v[f->nr].page = page;
	f->v[f->nr].pid = pid;
	f->v[f->nr].shift = shift;
	f->v[f->nr].frame = MH_NO_FRAME;
	f->slot[s] = ++f->nr;
	return &f->v[f->nr - 1].frame;
}

#endif
