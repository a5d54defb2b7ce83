/* SPDX-License-Identifier: MIT */
/*
 * REGION blocks, both ways: plain columns of small varints. What predicts a snapshot best
 * is the previous one, which stands within deflate's window, so no prediction of our own
 * is made.
 */
#include <stdlib.h>

#include "trace/decode.h"
#include "trace/encode.h"

/* ---- writing ---- */

struct enc {
	struct mh_encoder *e;
	const struct mh_region_columns *c;
	struct mh_wbuf *out;
	uint64_t *value;
	uint32_t *first; /* first row of each snapshot, then n */
	size_t n, nr_snapshots;
	unsigned shift;
};

static uint64_t at64(const uint64_t *v, size_t i)
{
	return v ? v[i] : 0;
}

static uint32_t at32(const uint32_t *v, size_t i)
{
	return v ? v[i] : 0;
}

static void put(struct enc *x, size_t nr)
{
	mh_varints_put(&x->e->packer, x->out, x->value, nr, &x->e->scratch, MH_EFFORT_5);
}

static void find_snapshots(struct enc *x)
{
	const struct mh_region_columns *c = x->c;
	uint64_t all = 0;
	size_t i;

	x->nr_snapshots = 0;
	for (i = 0; i < x->n; i++) {
		uint64_t start = at64(c->start, i), end = at64(c->end, i);

		all |= start | end;
		if (!i || c->time_ns[i] != c->time_ns[i - 1] ||
		    at64(c->start_ns, i) != at64(c->start_ns, i - 1) ||
		    at32(c->pid, i) != at32(c->pid, i - 1) ||
		    at32(c->max_accesses, i) != at32(c->max_accesses, i - 1)) {
			x->first[x->nr_snapshots++] = (uint32_t)i;
			mh_head_time(
				&x->e->head,
				mh_interval_begin(at64(c->start_ns, i), c->time_ns[i]),
				c->time_ns[i]);
		}
		if (start < end)
			mh_head_addr(&x->e->head, start, end - 1);
		mh_occupancy_add_bytes(&x->e->occupancy, at32(c->pid, i), start, end,
				       at32(c->nr_accesses, i), at32(c->max_accesses, i));
	}
	x->first[x->nr_snapshots] = (uint32_t)x->n;
	x->shift = all ? (unsigned)__builtin_ctzll(all) : 0;
	if (x->shift > 30)
		x->shift = 30;
}

static void put_snapshots(struct enc *x)
{
	const struct mh_region_columns *c = x->c;
	uint64_t prev_time = x->e->head.t_min;
	uint32_t prev_pid = 0, prev_max = 0;
	size_t i, nr = x->nr_snapshots;

	mh_column_begin(&x->e->columns, MH_COLID_SNAPSHOT, MH_ENCODING_PLAIN);
	mh_wbuf_varint(x->out, nr);
	for (i = 0; i < nr; i++)
		x->value[i] = x->first[i + 1] - x->first[i];
	put(x, nr);
	for (i = 0; i < nr; i++) {
		uint64_t t = c->time_ns[x->first[i]];

		x->value[i] = mh_zigzag((int64_t)(t - prev_time));
		prev_time = t;
	}
	put(x, nr);
	for (i = 0; i < nr; i++)
		x->value[i] = mh_zigzag((int64_t)(c->time_ns[x->first[i]] -
						  at64(c->start_ns, x->first[i])));
	put(x, nr);
	for (i = 0; i < nr; i++) {
		uint32_t pid = at32(c->pid, x->first[i]);

		x->value[i] = mh_zigzag((int64_t)pid - (int64_t)prev_pid);
		prev_pid = pid;
	}
	put(x, nr);
	for (i = 0; i < nr; i++) {
		uint32_t max = at32(c->max_accesses, x->first[i]);

		x->value[i] = mh_zigzag((int64_t)max - (int64_t)prev_max);
		prev_max = max;
	}
	put(x, nr);
	mh_column_end(&x->e->columns);
}

static void put_ranges(struct enc *x)
{
	const struct mh_region_columns *c = x->c;
	size_t i, s;

	for (s = 0; s < x->nr_snapshots; s++) {
		uint64_t prev = 0;

		for (i = x->first[s]; i < x->first[s + 1]; i++) {
			uint64_t start = at64(c->start, i) >> x->shift;

			x->value[i] = mh_zigzag((int64_t)(start - prev));
			prev = at64(c->end, i) >> x->shift;
		}
	}
	mh_column_begin(&x->e->columns, MH_COLID_GAP, MH_ENCODING_PLAIN);
	mh_wbuf_u8(x->out, (uint8_t)x->shift);
	put(x, x->n);
	mh_column_end(&x->e->columns);
	for (i = 0; i < x->n; i++)
		x->value[i] =
			(at64(c->end, i) >> x->shift) - (at64(c->start, i) >> x->shift);
	mh_column_begin(&x->e->columns, MH_COLID_SIZE, MH_ENCODING_PLAIN);
	mh_wbuf_u8(x->out, (uint8_t)x->shift);
	put(x, x->n);
	mh_column_end(&x->e->columns);
}

/* A column of 32-bit numbers, @bias added so that the usual absent value becomes 0. */
static void put_numbers(struct enc *x, uint8_t id, const uint32_t *v, uint32_t bias)
{
	uint64_t all = 0;
	size_t i;

	for (i = 0; v && i < x->n; i++) {
		x->value[i] = (uint32_t)(v[i] + bias);
		all |= x->value[i];
	}
	if (!all)
		return;
	mh_column_begin(&x->e->columns, id, MH_ENCODING_PLAIN);
	put(x, x->n);
	mh_column_end(&x->e->columns);
}

enum touched {
	TOUCHED_UNKNOWN,
	TOUCHED_ALL,
	TOUCHED_NONE,
	TOUCHED_VALUE
};

static void put_touched(struct enc *x)
{
	const uint64_t *touched = x->c->touched;
	uint8_t any = 0, *token;
	size_t i, nr = 0;

	if (!touched)
		return;
	x->e->scratch.len = 0;
	token = mh_wbuf_room(&x->e->scratch, x->n);
	if (!token) {
		x->out->bad = true;
		return;
	}
	for (i = 0; i < x->n; i++) {
		uint64_t size = at64(x->c->end, i) - at64(x->c->start, i);

		token[i] = TOUCHED_VALUE;
		if (touched[i] == MH_NO_BYTES)
			token[i] = TOUCHED_UNKNOWN;
		else if (touched[i] == 0)
			token[i] = TOUCHED_NONE;
		else if (touched[i] == size)
			token[i] = TOUCHED_ALL;
		else
			x->value[nr++] = touched[i];
		any |= token[i];
	}
	if (!any)
		return;
	mh_column_begin(&x->e->columns, MH_COLID_TOUCHED, MH_ENCODING_PLAIN);
	mh_stream_put(&x->e->packer, x->out, token, x->n, MH_EFFORT_5);
	mh_wbuf_varint(x->out, nr);
	put(x, nr);
	mh_column_end(&x->e->columns);
}

bool mh_encode_region(struct mh_encoder *e, const struct mh_batch *batch)
{
	struct enc x = {
		.e = e, .c = &batch->region, .n = batch->nr, .out = &e->columns.body
	};

	mh_assert(batch->region.time_ns);
	x.value = malloc(x.n * sizeof(*x.value));
	x.first = malloc((x.n + 1) * sizeof(*x.first));
	if (!x.value || !x.first) {
		free(x.value);
		free(x.first);
		return false;
	}
	find_snapshots(&x);
	mh_occupancy_put(&e->occupancy, &e->packer, &e->columns, &e->scratch);
	put_snapshots(&x);
	put_ranges(&x);
	put_numbers(&x, MH_COLID_NR_ACCESSES, x.c->nr_accesses, 0);
	put_numbers(&x, MH_COLID_AGE, x.c->age, 1);
	put_touched(&x);
	e->head.memory_len = batch->nr * (uint32_t)sizeof(struct mh_event);
	free(x.value);
	free(x.first);
	return true;
}

/* ---- reading ---- */

struct dec {
	struct mh_decoder *d;
	struct mh_region_rows *s;
	const struct mh_block *b;
	size_t n;
};

static enum mh_column_state find(struct dec *x, uint8_t id, struct mh_rbuf *in)
{
	return mh_block_column(x->b, id, MH_ENCODING_PLAIN, NULL, in);
}

static bool get(struct dec *x, struct mh_rbuf *in, size_t nr)
{
	return mh_varints_get(&x->d->u, in, x->s->value, nr, x->s->bytes);
}

/* The five numbers of each snapshot, spread over its rows. */
static bool get_snapshots(struct dec *x, struct mh_rbuf *in)
{
	struct mh_region_rows *s = x->s;
	/* Numbers by snapshot are gathered in arrays that the other columns fill later.
	 */
	uint64_t *rows = s->start, *time = s->end, *length = s->touched;
	uint32_t *pid = s->age;
	uint64_t nr = mh_rbuf_varint(in), t = x->b->head.t_min;
	size_t i, row = 0; /* of the block */
	uint32_t number = 0;

	if (in->bad || !nr || nr > x->n || !get(x, in, nr))
		return false;
	memset(s->begins, 0, x->n);
	memcpy(rows, s->value, nr * sizeof(*rows));
	if (!get(x, in, nr))
		return false;
	for (i = 0; i < nr; i++) {
		t += (uint64_t)mh_unzigzag(s->value[i]);
		time[i] = t;
	}
	if (!get(x, in, nr))
		return false;
	memcpy(length, s->value, nr * sizeof(*length));
	if (!get(x, in, nr))
		return false;
	for (i = 0; i < nr; i++) {
		number += (uint32_t)mh_unzigzag(s->value[i]);
		pid[i] = number;
	}
	if (!get(x, in, nr))
		return false;
	for (i = 0, number = 0; i < nr; i++) {
		uint64_t start = time[i] - (uint64_t)mh_unzigzag(length[i]);
		size_t k, end;

		if (!rows[i] || rows[i] > x->n - row)
			return false;
		number += (uint32_t)mh_unzigzag(s->value[i]);
		end = row + rows[i];
		/* One that has nothing else than the one before is a part of it. */
		s->begins[row] = !i || time[i] != s->time_ns[row - 1] ||
				 start != s->start_ns[row - 1] ||
				 pid[i] != s->pid[row - 1] ||
				 number != s->max_accesses[row - 1];
		for (k = row; k < end; k++)
			s->time_ns[k] = time[i];
		for (k = row; k < end; k++)
			s->start_ns[k] = start;
		for (k = row; k < end; k++)
			s->pid[k] = pid[i];
		for (k = row; k < end; k++)
			s->max_accesses[k] = number;
		row = end;
	}
	return row == x->n;
}

static bool get_ranges(struct dec *x, struct mh_rbuf *gap, struct mh_rbuf *size)
{
	struct mh_region_rows *s = x->s;
	unsigned shift = mh_rbuf_u8(gap);
	uint64_t prev = 0;
	size_t i;

	if (shift > 63 || mh_rbuf_u8(size) != shift)
		return false;
	if (!mh_varints_get(&x->d->u, size, s->end, x->n, s->bytes) || !get(x, gap, x->n))
		return false;
	for (i = 0; i < x->n; i++) {
		uint64_t start;

		prev = s->begins[i] ? 0 : prev;
		start = prev + (uint64_t)mh_unzigzag(s->value[i]);
		prev = start + s->end[i];
		s->start[i] = start << shift;
		s->end[i] = prev << shift;
	}
	return gap->p == gap->end && size->p == size->end;
}

static bool get_numbers(struct dec *x, struct mh_rbuf *in, uint32_t *v, uint32_t bias)
{
	size_t i;

	if (!get(x, in, x->n) || in->p != in->end)
		return false;
	for (i = 0; i < x->n; i++)
		v[i] = (uint32_t)x->s->value[i] - bias;
	return true;
}

static bool get_touched(struct dec *x, struct mh_rbuf *in)
{
	struct mh_region_rows *s = x->s;
	uint64_t nr;
	size_t i, k = 0;

	if (!mh_stream_get(&x->d->u, in, s->bytes, x->n))
		return false;
	for (i = 0; i < x->n; i++)
		s->touched[i] = s->bytes[i];
	nr = mh_rbuf_varint(in);
	if (in->bad || nr > x->n || !get(x, in, nr) || in->p != in->end)
		return false;
	for (i = 0; i < x->n; i++) {
		switch (s->touched[i]) {
		case TOUCHED_UNKNOWN:
			s->touched[i] = MH_NO_BYTES;
			break;
		case TOUCHED_ALL:
			s->touched[i] = s->end[i] - s->start[i];
			break;
		case TOUCHED_NONE:
			s->touched[i] = 0;
			break;
		case TOUCHED_VALUE:
			if (k == nr)
				return false;
			s->touched[i] = s->value[k++];
			break;
		default:
			return false;
		}
	}
	return k == nr;
}

int mh_decode_region(struct mh_decoder *d, const struct mh_block *b,
		     struct mh_batch *batch)
{
	struct dec x = { .d = d, .s = d->region, .b = b, .n = batch->nr };
	struct mh_region_columns *c = &batch->region;
	struct mh_region_rows *s = d->region;
	struct mh_rbuf in, size;
	enum mh_column_state state, gap_state, size_state;

	if (find(&x, MH_COLID_SNAPSHOT, &in) != MH_COLUMN_OK || !get_snapshots(&x, &in) ||
	    in.p != in.end)
		return mh_decode_status(d);
	c->time_ns = s->time_ns;
	c->start_ns = s->start_ns;
	c->pid = s->pid;
	c->max_accesses = s->max_accesses;

	gap_state = find(&x, MH_COLID_GAP, &in);
	size_state = find(&x, MH_COLID_SIZE, &size);
	if (gap_state == MH_COLUMN_OK && size_state == MH_COLUMN_OK) {
		if (!get_ranges(&x, &in, &size))
			return mh_decode_status(d);
	} else if (gap_state != MH_COLUMN_UNKNOWN && size_state != MH_COLUMN_UNKNOWN) {
		return MH_EFORMAT;
	} else {
		memset(s->start, 0, x.n * sizeof(*s->start));
		memset(s->end, 0, x.n * sizeof(*s->end));
	}
	c->start = s->start;
	c->end = s->end;

	state = find(&x, MH_COLID_NR_ACCESSES, &in);
	if (state == MH_COLUMN_DAMAGED)
		return MH_EFORMAT;
	if (state != MH_COLUMN_OK)
		memset(s->nr_accesses, 0, x.n * sizeof(*s->nr_accesses));
	else if (!get_numbers(&x, &in, s->nr_accesses, 0))
		return mh_decode_status(d);
	c->nr_accesses = s->nr_accesses;

	state = find(&x, MH_COLID_AGE, &in);
	if (state == MH_COLUMN_DAMAGED ||
	    (state == MH_COLUMN_OK && !get_numbers(&x, &in, s->age, 1)))
		return mh_decode_status(d);
	c->age = state == MH_COLUMN_OK ? s->age : NULL;

	state = find(&x, MH_COLID_TOUCHED, &in);
	if (state == MH_COLUMN_DAMAGED ||
	    (state == MH_COLUMN_OK && !get_touched(&x, &in)))
		return mh_decode_status(d);
	c->touched = state == MH_COLUMN_OK ? s->touched : NULL;
	return MH_OK;
}
