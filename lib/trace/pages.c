/* SPDX-License-Identifier: MIT */
/*
 * PAGES blocks, both ways. Scans of the same range are put side by side, up to 8 at a
 * time: one byte per page says in which of them it was accessed. A page's history hardly
 * changes, so these bytes are runs. A scan that stands alone stays a bitmap.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "trace/decode.h"
#include "trace/encode.h"

#define SCANS 8

/* Bit i of byte j becomes bit j of byte i. */
static uint64_t transpose(uint64_t x)
{
	uint64_t t;

	t = (x ^ x >> 7) & 0x00aa00aa00aa00aau;
	x ^= t ^ t << 7;
	t = (x ^ x >> 14) & 0x0000cccc0000ccccu;
	x ^= t ^ t << 14;
	t = (x ^ x >> 28) & 0x00000000f0f0f0f0u;
	return x ^ t ^ t << 28;
}

static size_t bitmap_len(uint64_t nr_pages)
{
	return (size_t)((nr_pages + 7) / 8);
}

/* Bits that exist in the last byte of a bitmap. */
static uint8_t last_mask(uint64_t nr_pages)
{
	return nr_pages % 8 ? (uint8_t)((1u << nr_pages % 8) - 1) : 0xff;
}

/* A distinct range and its rows, which are chained in order. */
struct range {
	uint64_t start, nr_pages;
	uint32_t pid;
	uint8_t page_shift, layer;
	uint32_t first, last, nr_rows; /* rows */
};

/* ---- writing ---- */

struct enc {
	struct mh_encoder *e;
	const struct mh_event *ev;
	size_t n;
	struct mh_wbuf *out;
	uint64_t *value;
	uint32_t *next; /* row of the same range; UINT32_MAX: none */
	uint32_t *range_of;
	struct range *range;
	size_t nr_ranges;
	uint32_t *slot;
	size_t nr_slots;
	struct mh_verdicts *verdicts;
};

static bool same(const struct range *r, const struct mh_ev_pages *p)
{
	return r->start == p->start && r->nr_pages == p->nr_pages && r->pid == p->pid &&
	       r->page_shift == p->page_shift && r->layer == p->layer;
}

static size_t find_range(struct enc *x, const struct mh_ev_pages *p)
{
	uint64_t h = (p->start ^ p->nr_pages << 32 ^ p->pid ^ (uint64_t)p->layer << 60) *
		     0x9e3779b97f4a7c15u;
	size_t s = (size_t)(h >> 40) & (x->nr_slots - 1);

	for (; x->slot[s]; s = (s + 1) & (x->nr_slots - 1)) {
		if (same(&x->range[x->slot[s] - 1], p))
			return x->slot[s] - 1;
	}
	x->range[x->nr_ranges] = (struct range){ .start = p->start,
						 .nr_pages = p->nr_pages,
						 .pid = p->pid,
						 .page_shift = p->page_shift,
						 .layer = p->layer };
	x->slot[s] = (uint32_t)++x->nr_ranges;
	return x->nr_ranges - 1;
}

static void find_ranges(struct enc *x)
{
	size_t i;

	for (i = 0; i < x->n; i++) {
		size_t k = find_range(x, &x->ev[i].pages);
		struct range *r = &x->range[k];

		x->range_of[i] = (uint32_t)k;
		x->next[i] = UINT32_MAX;
		if (r->nr_rows)
			x->next[r->last] = (uint32_t)i;
		else
			r->first = (uint32_t)i;
		r->last = (uint32_t)i;
		r->nr_rows++;
	}
}

static void put(struct enc *x, size_t nr)
{
	mh_varints_put(&x->e->packer, x->out, x->value, nr, &x->e->scratch,
		       MH_EFFORT_SEARCH);
}

static void put_ranges(struct enc *x)
{
	uint64_t prev = 0;
	size_t i, nr = x->nr_ranges;

	mh_column_begin(&x->e->columns, MH_COLID_RANGES, MH_ENCODING_PLAIN);
	mh_wbuf_varint(x->out, nr);
	for (i = 0; i < nr; i++)
		x->value[i] = x->range[i].pid;
	put(x, nr);
	for (i = 0; i < nr; i++) {
		x->value[i] = mh_zigzag((int64_t)(x->range[i].start - prev));
		prev = x->range[i].start;
	}
	put(x, nr);
	for (i = 0; i < nr; i++)
		x->value[i] = x->range[i].nr_pages;
	put(x, nr);
	for (i = 0; i < nr; i++)
		x->value[i] = (uint64_t)x->range[i].layer << 8 | x->range[i].page_shift;
	put(x, nr);
	/* Rows mostly go through the ranges in turn, scan by scan. */
	for (i = 0; i < x->n; i++)
		x->value[i] = mh_zigzag((int64_t)x->range_of[i] -
					(i ? (int64_t)x->range_of[i - 1] + 1 : 0));
	put(x, x->n);
	for (i = 0; i < x->n; i++)
		x->value[i] = mh_zigzag(
			(int64_t)(x->ev[i].pages.start_ns -
				  (i ? x->ev[i - 1].pages.start_ns : x->e->head.t_min)));
	put(x, x->n);
	mh_column_end(&x->e->columns);
}

static void put_time(struct enc *x)
{
	size_t i;

	mh_column_begin(&x->e->columns, MH_COLID_TIME, MH_ENCODING_PLAIN);
	for (i = 0; i < x->n; i++)
		x->value[i] =
			mh_zigzag((int64_t)(x->ev[i].time_ns - (i ? x->ev[i - 1].time_ns
								  : x->e->head.t_min)));
	put(x, x->n);
	mh_column_end(&x->e->columns);
}

/* The bitmap of a row in the plane under way; NULL: all ones. */
static const uint8_t *plane_of(const struct enc *x, size_t row, bool observed)
{
	const struct mh_ev_pages *p = &x->ev[row].pages;

	return observed ? p->observed : p->accessed;
}

static void put_history(struct mh_wbuf *out, const uint8_t *const *bitmap, unsigned nr,
			uint64_t nr_pages)
{
	uint8_t *p = mh_wbuf_room(out, nr_pages + 8);
	size_t b, len = bitmap_len(nr_pages);
	unsigned i;

	if (!p)
		return;
	for (b = 0; b < len; b++) {
		uint64_t x = 0;

		for (i = 0; i < nr; i++)
			x |= (uint64_t)(bitmap[i] ? bitmap[i][b] : 0xff) << 8 * i;
		x = htole64(x ? transpose(x) : 0);
		memcpy(p + 8 * b, &x, 8);
	}
	out->len += nr_pages;
}

static void put_alone(struct mh_wbuf *out, const uint8_t *bitmap, uint64_t nr_pages)
{
	size_t len = bitmap_len(nr_pages);
	uint8_t *p = mh_wbuf_room(out, len);

	if (!p || !len)
		return;
	if (bitmap)
		memcpy(p, bitmap, len);
	else
		memset(p, 0xff, len);
	p[len - 1] &= last_mask(nr_pages);
	out->len += len;
}

/* One plane: a stream of histories for each 8 scans, then the bitmaps of lone scans. */
static void put_plane(struct enc *x, uint8_t id, bool observed)
{
	struct mh_wbuf *raw = &x->e->index_bytes, alone = { 0 };
	uint32_t *at = x->slot; /* the next row of each range */
	size_t i, g, nr_groups = 0;

	for (i = 0; i < x->nr_ranges; i++) {
		size_t groups = (x->range[i].nr_rows + SCANS - 1) / SCANS;

		nr_groups = groups > nr_groups ? groups : nr_groups;
		at[i] = x->range[i].first;
	}
	mh_wbuf_varint(x->out, nr_groups);
	for (g = 0; g < nr_groups; g++) {
		raw->len = 0;
		for (i = 0; i < x->nr_ranges; i++) {
			const struct range *r = &x->range[i];
			const uint8_t *bitmap[SCANS];
			unsigned nr = 0;

			for (; nr < SCANS && at[i] != UINT32_MAX; at[i] = x->next[at[i]])
				bitmap[nr++] = plane_of(x, at[i], observed);
			if (nr == 1)
				put_alone(&alone, bitmap[0], r->nr_pages);
			else if (nr)
				put_history(raw, bitmap, nr, r->nr_pages);
		}
		mh_stream_put_tried(&x->e->packer, x->out, raw->p, raw->len,
				    &x->verdicts->column[id][0]);
	}
	mh_stream_put_tried(&x->e->packer, x->out, alone.p, alone.len,
			    &x->verdicts->column[id][1]);
	x->out->bad |= raw->bad | alone.bad;
	raw->bad = false;
	mh_wbuf_fini(&alone);
}

static void put_observed(struct enc *x)
{
	uint8_t *has;
	size_t i;
	bool any = false;

	for (i = 0; i < x->n; i++)
		any |= x->ev[i].pages.observed != NULL;
	if (!any)
		return;
	mh_column_begin(&x->e->columns, MH_COLID_OBSERVED, MH_ENCODING_PLAIN);
	x->e->scratch.len = 0;
	has = mh_wbuf_room(&x->e->scratch, x->n);
	for (i = 0; has && i < x->n; i++)
		has[i] = x->ev[i].pages.observed != NULL;
	if (has)
		mh_stream_put(&x->e->packer, x->out, has, x->n, MH_EFFORT_RLE);
	x->out->bad |= !has;
	put_plane(x, MH_COLID_OBSERVED, true);
	mh_column_end(&x->e->columns);
}

static uint64_t chunk_of(const struct mh_ev_pages *p, uint64_t page)
{
	return (p->start + (page << p->page_shift)) >> MH_OCCUPANCY_SHIFT;
}

/* Bit by bit; a page larger than a chunk is a run of them. */
static void count_bits(struct mh_occupancy *o, const struct mh_ev_pages *p, uint64_t page,
		       uint64_t bits)
{
	for (; bits; bits &= bits - 1) {
		uint64_t at = page + (unsigned)__builtin_ctzll(bits);
		struct mh_occupancy_run run = { .pid = p->pid,
						.chunk = chunk_of(p, at),
						.nr_chunks = 1,
						.count = 1 };

		if (p->page_shift > MH_OCCUPANCY_SHIFT)
			run.nr_chunks <<= p->page_shift - MH_OCCUPANCY_SHIFT;
		if (run.nr_chunks == 1)
			mh_occupancy_add(o, run.pid, run.chunk, 1);
		else
			mh_occupancy_add_run(o, run);
	}
}

/* Pages accessed per chunk. */
static void count_pages(struct mh_occupancy *o, const struct mh_ev_pages *p)
{
	uint64_t word, page;

	for (page = 0; page < p->nr_pages; page += 64) {
		uint64_t left = p->nr_pages - page;

		word = 0;
		memcpy(&word, p->accessed + page / 8, left < 64 ? bitmap_len(left) : 8);
		word = le64toh(word);
		if (left < 64)
			word &= (UINT64_C(1) << left) - 1;
		if (!word)
			continue;
		if (p->page_shift <= MH_OCCUPANCY_SHIFT &&
		    chunk_of(p, page) == chunk_of(p, page + (left < 64 ? left : 64) - 1))
			mh_occupancy_add(o, p->pid, chunk_of(p, page),
					 (unsigned)__builtin_popcountll(word));
		else
			count_bits(o, p, page, word);
	}
}

static void find_bounds(struct enc *x)
{
	struct mh_block_head *h = &x->e->head;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < x->n; i++) {
		const struct mh_ev_pages *p = &x->ev[i].pages;

		mh_assert(p->nr_pages <= MH_PAGES_ROW_MAX && p->page_shift < 40);
		mh_head_time(h, mh_event_begin(&x->ev[i]), x->ev[i].time_ns);
		if (p->nr_pages)
			mh_head_addr(h, p->start,
				     p->start + (p->nr_pages << p->page_shift) - 1);
		if (p->layer <= MH_PAGES_WRITE)
			count_pages(&x->e->occupancy, p);
		bytes += sizeof(x->ev[i]) + 2 * bitmap_len(p->nr_pages);
	}
	h->memory_len = (uint32_t)bytes;
}

bool mh_encode_pages(struct mh_encoder *e, const struct mh_batch *batch)
{
	struct enc x = { .e = e,
			 .ev = batch->events,
			 .n = batch->nr,
			 .out = &e->columns.body,
			 .nr_slots = 64,
			 .verdicts = mh_encoder_verdicts(e, batch->source) };
	bool ok;

	while (x.nr_slots < 2 * x.n)
		x.nr_slots *= 2;
	x.value = malloc(x.n * sizeof(*x.value));
	x.next = malloc(x.n * sizeof(*x.next));
	x.range_of = malloc(x.n * sizeof(*x.range_of));
	x.range = malloc(x.n * sizeof(*x.range));
	x.slot = calloc(x.nr_slots, sizeof(*x.slot));
	ok = x.value && x.next && x.range_of && x.range && x.slot;
	if (ok) {
		find_bounds(&x);
		mh_occupancy_put(&e->occupancy, &e->packer, &e->columns, &e->scratch);
		find_ranges(&x);
		put_time(&x);
		put_ranges(&x);
		mh_column_begin(&e->columns, MH_COLID_ACCESSED, MH_ENCODING_PLAIN);
		put_plane(&x, MH_COLID_ACCESSED, false);
		mh_column_end(&e->columns);
		put_observed(&x);
	}
	free(x.value);
	free(x.next);
	free(x.range_of);
	free(x.range);
	free(x.slot);
	return ok;
}

/* ---- reading ---- */

struct dec {
	struct mh_decoder *d;
	struct mh_event_rows *s;
	const struct mh_block *b;
	size_t n;
	struct range *range;
	uint32_t *next, *at;
	size_t nr_ranges;
	uint8_t *raw; /* one group's histories */
	size_t raw_cap;
};

static bool get(struct dec *x, struct mh_rbuf *in, size_t nr)
{
	return mh_varints_get(&x->d->u, in, x->s->value, nr, x->s->bytes);
}

static bool get_range_table(struct dec *x, struct mh_rbuf *in)
{
	const uint64_t *v = x->s->value;
	uint64_t prev = 0, nr = x->nr_ranges;
	size_t i;

	if (!get(x, in, nr))
		return false;
	for (i = 0; i < nr; i++)
		x->range[i] = (struct range){ .pid = (uint32_t)v[i] };
	if (!get(x, in, nr))
		return false;
	for (i = 0; i < nr; i++) {
		prev += (uint64_t)mh_unzigzag(v[i]);
		x->range[i].start = prev;
	}
	if (!get(x, in, nr))
		return false;
	for (i = 0; i < nr; i++) {
		if (v[i] > MH_PAGES_ROW_MAX)
			return false;
		x->range[i].nr_pages = v[i];
	}
	if (!get(x, in, nr))
		return false;
	for (i = 0; i < nr; i++) {
		if (v[i] > 0xffff || (v[i] & 0xff) >= 40)
			return false;
		x->range[i].page_shift = (uint8_t)v[i];
		x->range[i].layer = (uint8_t)(v[i] >> 8);
	}
	return true;
}

static bool get_ranges(struct dec *x, struct mh_rbuf *in)
{
	struct mh_event *ev = x->s->ev;
	const uint64_t *v = x->s->value;
	uint64_t prev = x->b->head.t_min, k = UINT64_MAX;
	size_t i;

	if (!get_range_table(x, in) || !get(x, in, x->n))
		return false;
	for (i = 0; i < x->n; i++) {
		struct range *r;

		k += 1 + (uint64_t)mh_unzigzag(v[i]);
		if (k >= x->nr_ranges)
			return false;
		r = &x->range[k];
		x->next[i] = UINT32_MAX;
		if (r->nr_rows)
			x->next[r->last] = (uint32_t)i;
		else
			r->first = (uint32_t)i;
		r->last = (uint32_t)i;
		r->nr_rows++;
		ev[i].pages = (struct mh_ev_pages){ .start = r->start,
						    .nr_pages = r->nr_pages,
						    .pid = r->pid,
						    .page_shift = r->page_shift,
						    .layer = r->layer };
	}
	if (!get(x, in, x->n))
		return false;
	for (i = 0; i < x->n; i++) {
		prev += (uint64_t)mh_unzigzag(v[i]);
		ev[i].pages.start_ns = prev;
	}
	return in->p == in->end;
}

static void get_history(uint8_t *const *bitmap, unsigned nr, uint64_t nr_pages,
			const uint8_t *p)
{
	size_t b, len = bitmap_len(nr_pages);
	unsigned i;

	for (b = 0; b < len; b++) {
		uint64_t x = 0;
		size_t left = nr_pages - 8 * b;

		memcpy(&x, p + 8 * b, left < 8 ? left : 8);
		x = le64toh(x);
		x = x ? transpose(x) : 0;
		for (i = 0; i < nr; i++)
			bitmap[i][b] = (uint8_t)(x >> 8 * i);
	}
}

static bool raw_room(struct dec *x, uint64_t len)
{
	if (len > MH_MAX_MEMORY / 4)
		return false;
	if (len <= x->raw_cap && x->raw)
		return true;
	free(x->raw);
	x->raw = malloc(len ? len : 1);
	x->raw_cap = x->raw ? len : 0;
	x->d->u.no_memory |= !x->raw;
	return x->raw != NULL;
}

/* Bytes that group @g (or, alone, the lone scans) of all ranges have. */
static uint64_t group_len(const struct dec *x, size_t g, bool alone)
{
	uint64_t len = 0;
	size_t i;

	for (i = 0; i < x->nr_ranges; i++) {
		const struct range *r = &x->range[i];

		if (alone)
			len += r->nr_rows % SCANS == 1 ? bitmap_len(r->nr_pages) : 0;
		else if (r->nr_rows > g * SCANS + 1)
			len += r->nr_pages;
	}
	return len;
}

static bool get_plane(struct dec *x, struct mh_rbuf *in, uint8_t *const *bitmap)
{
	uint64_t g, nr_groups = mh_rbuf_varint(in), want = 0;
	const uint8_t *p;
	size_t i;

	for (i = 0; i < x->nr_ranges; i++) {
		uint64_t groups = (x->range[i].nr_rows + SCANS - 1) / SCANS;

		want = groups > want ? groups : want;
		x->at[i] = x->range[i].first;
	}
	if (in->bad || nr_groups != want)
		return false;
	for (g = 0; g < nr_groups; g++) {
		uint64_t len = group_len(x, g, false);

		if (!raw_room(x, len) || !mh_stream_get(&x->d->u, in, x->raw, len))
			return false;
		for (p = x->raw, i = 0; i < x->nr_ranges; i++) {
			struct range *r = &x->range[i];
			uint8_t *row[SCANS];
			unsigned nr = 0;

			if (r->nr_rows <= g * SCANS + 1)
				continue;
			for (; nr < SCANS && x->at[i] != UINT32_MAX;
			     x->at[i] = x->next[x->at[i]])
				row[nr++] = bitmap[x->at[i]];
			get_history(row, nr, r->nr_pages, p);
			p += r->nr_pages;
		}
	}
	if (!raw_room(x, group_len(x, 0, true)) ||
	    !mh_stream_get(&x->d->u, in, x->raw, group_len(x, 0, true)))
		return false;
	for (p = x->raw, g = 0; g < nr_groups; g++) {
		for (i = 0; i < x->nr_ranges; i++) {
			struct range *r = &x->range[i];
			size_t len = bitmap_len(r->nr_pages);

			if (r->nr_rows != g * SCANS + 1)
				continue;
			memcpy(bitmap[r->last], p, len);
			if (len)
				bitmap[r->last][len - 1] &= last_mask(r->nr_pages);
			p += len;
		}
	}
	return in->p == in->end;
}

/* Room for one bitmap per row. */
static uint8_t **bitmaps(struct dec *x)
{
	uint8_t **bitmap = NULL, *bytes;
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < x->n; i++)
		total += bitmap_len(x->s->ev[i].pages.nr_pages);
	errno = 0;
	bytes = mh_arena_bytes(&x->d->arena, total);
	if (bytes)
		bitmap = malloc(x->n * sizeof(*bitmap));
	if (!bitmap) {
		x->d->u.no_memory |= errno != EOVERFLOW;
		return NULL;
	}
	for (i = 0; i < x->n; i++) {
		bitmap[i] = bytes;
		bytes += bitmap_len(x->s->ev[i].pages.nr_pages);
	}
	return bitmap;
}

static bool get_accessed(struct dec *x, struct mh_rbuf *in)
{
	uint8_t **bitmap = bitmaps(x);
	bool ok = bitmap && get_plane(x, in, bitmap);
	size_t i;

	for (i = 0; ok && i < x->n; i++)
		x->s->ev[i].pages.accessed = bitmap[i];
	free(bitmap);
	return ok;
}

static bool get_observed(struct dec *x, struct mh_rbuf *in)
{
	uint8_t *has = mh_arena_bytes(&x->d->arena, x->n), **bitmap = NULL;
	bool ok = has && mh_stream_get(&x->d->u, in, has, x->n);
	size_t i;

	if (!has)
		x->d->u.no_memory = true;
	if (ok)
		bitmap = bitmaps(x);
	ok = bitmap && get_plane(x, in, bitmap);
	for (i = 0; ok && i < x->n; i++)
		x->s->ev[i].pages.observed = has[i] ? bitmap[i] : NULL;
	free(bitmap);
	return ok;
}

static bool get_time(struct dec *x, struct mh_rbuf *in)
{
	uint64_t t = x->b->head.t_min;
	size_t i;

	if (!get(x, in, x->n) || in->p != in->end)
		return false;
	for (i = 0; i < x->n; i++) {
		t += (uint64_t)mh_unzigzag(x->s->value[i]);
		x->s->ev[i] = (struct mh_event){ .kind = MH_EV_PAGES,
						 .source = (uint16_t)x->b->head.source,
						 .time_ns = t };
	}
	return true;
}

static int decode(struct dec *x, struct mh_rbuf *in)
{
	enum mh_column_state state;

	if (!get_ranges(x, in))
		return mh_decode_status(x->d);
	state = mh_block_column(x->b, MH_COLID_ACCESSED, MH_ENCODING_PLAIN, NULL, in);
	if (state != MH_COLUMN_OK || !get_accessed(x, in))
		return mh_decode_status(x->d);
	state = mh_block_column(x->b, MH_COLID_OBSERVED, MH_ENCODING_PLAIN, NULL, in);
	/* Without it "not observed" could be taken for "not accessed". */
	if (state == MH_COLUMN_UNKNOWN || state == MH_COLUMN_DAMAGED)
		return MH_EFORMAT;
	if (state == MH_COLUMN_OK && !get_observed(x, in))
		return mh_decode_status(x->d);
	return MH_OK;
}

int mh_decode_pages(struct mh_decoder *d, const struct mh_block *b,
		    struct mh_batch *batch)
{
	struct dec x = { .d = d, .s = d->events, .b = b, .n = batch->nr };
	struct mh_rbuf in;
	uint64_t nr;
	int status;

	if (mh_block_column(b, MH_COLID_TIME, MH_ENCODING_PLAIN, NULL, &in) !=
		    MH_COLUMN_OK ||
	    !get_time(&x, &in))
		return mh_decode_status(d);
	if (mh_block_column(b, MH_COLID_RANGES, MH_ENCODING_PLAIN, NULL, &in) !=
	    MH_COLUMN_OK)
		return MH_EFORMAT;
	nr = mh_rbuf_varint(&in);
	if (in.bad || !nr || nr > x.n)
		return MH_EFORMAT;
	x.nr_ranges = nr;
	x.range = malloc(nr * sizeof(*x.range));
	x.at = malloc(nr * sizeof(*x.at));
	x.next = malloc(x.n * sizeof(*x.next));
	status = x.range && x.at && x.next ? decode(&x, &in) : MH_ENOMEM;
	batch->events = d->events->ev;
	free(x.range);
	free(x.at);
	free(x.next);
	free(x.raw);
	return status;
}
