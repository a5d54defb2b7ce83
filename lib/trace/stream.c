/* SPDX-License-Identifier: MIT */
/*
 * Streams, both ways. What deflate is bad at is kept from it: noise is stored, runs have
 * a method of their own, and the rest goes through Z_RLE, which finds nearly all that
 * LZ77 would find in planes of bytes, at several times the speed.
 */
#include "trace/stream.h"

#include <math.h>

void mh_packer_init(struct mh_packer *p, enum mh_policy policy)
{
	*p = (struct mh_packer){ .policy = policy };
}

void mh_packer_fini(struct mh_packer *p)
{
	unsigned i;

	for (i = 0; i < MH_NR_EFFORTS; i++) {
		if (p->ready[i])
			deflateEnd(&p->z[i]);
	}
	mh_wbuf_fini(&p->a);
	mh_wbuf_fini(&p->b);
	mh_wbuf_fini(&p->runs);
}

static z_stream *deflater(struct mh_packer *p, enum mh_effort effort)
{
	static const struct {
		int level, strategy;
	} how[MH_NR_EFFORTS] = {
		[MH_EFFORT_RLE] = { 1, Z_RLE },
		[MH_EFFORT_FILTERED] = { 6, Z_FILTERED },
		[MH_EFFORT_6] = { 6, Z_DEFAULT_STRATEGY },
		[MH_EFFORT_9] = { 9, Z_DEFAULT_STRATEGY },
	};
	z_stream *z = &p->z[effort];

	if (p->ready[effort]) {
		deflateReset(z);
		return z;
	}
	if (deflateInit2(z, how[effort].level, Z_DEFLATED, -15, 9,
			 how[effort].strategy) != Z_OK)
		return NULL;
	p->ready[effort] = true;
	return z;
}

static void deflate_to(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
		       size_t len, enum mh_effort effort)
{
	z_stream *z = deflater(p, effort);
	size_t bound;

	if (!z) {
		out->bad = true;
		return;
	}
	bound = deflateBound(z, len);
	z->next_out = mh_wbuf_room(out, bound);
	if (!z->next_out)
		return;
	z->avail_out = (uInt)bound;
	z->next_in = (Bytef *)(uintptr_t)raw;
	z->avail_in = (uInt)len;
	mh_assert(deflate(z, Z_FINISH) == Z_STREAM_END);
	out->len += bound - z->avail_out;
}

static void put_head(struct mh_wbuf *out, enum mh_stream_method method, size_t raw_len,
		     size_t stored_len)
{
	mh_wbuf_u8(out, (uint8_t)method);
	mh_wbuf_varint(out, raw_len);
	mh_wbuf_varint(out, stored_len);
}

static void put_stored(struct mh_wbuf *out, enum mh_stream_method method, size_t raw_len,
		       const struct mh_wbuf *stored)
{
	put_head(out, method, raw_len, stored->len);
	mh_wbuf_bytes(out, stored->p, stored->len);
	out->bad |= stored->bad;
}

static size_t count_runs(const uint8_t *raw, size_t len)
{
	size_t i = 1, nr = 1;

	/* Inner sums of bytes are what a vectoriser can do well. */
	while (i < len) {
		size_t end = len - i > 255 ? i + 255 : len;
		uint8_t some = 0;

		for (; i < end; i++)
			some = (uint8_t)(some + (raw[i] != raw[i - 1]));
		nr += some;
	}
	return nr;
}

/* Whether order-0 coding would save nothing worth the time. */
static bool is_noise(const uint8_t *raw, size_t len)
{
	uint32_t count[4][256] = { 0 };
	double bits = 0;
	size_t i;

	if (len < 512)
		return false;
	for (i = 0; i + 4 <= len; i += 4) {
		count[0][raw[i]]++;
		count[1][raw[i + 1]]++;
		count[2][raw[i + 2]]++;
		count[3][raw[i + 3]]++;
	}
	for (i = 0; i < 256; i++) {
		uint32_t c = count[0][i] + count[1][i] + count[2][i] + count[3][i];

		if (c)
			bits -= c * (double)log2f((float)c / (float)len);
	}
	return bits > 7.9 * (double)len;
}

static void collect_runs(struct mh_wbuf *out, const uint8_t *raw, size_t len, size_t nr)
{
	uint8_t *value;
	size_t i, start;

	out->len = 0;
	mh_wbuf_varint(out, nr);
	value = mh_wbuf_room(out, nr + nr * 10);
	if (!value)
		return;
	out->len += nr;
	for (start = 0; start < len; start = i) {
		for (i = start + 1; i < len && raw[i] == raw[start]; i++)
			;
		*value++ = raw[start];
		mh_wbuf_varint(out, i - start - 1);
	}
}

static void put_runs(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
		     size_t len, size_t nr)
{
	struct mh_wbuf *small = &p->a;

	collect_runs(&p->runs, raw, len, nr);
	out->bad |= p->runs.bad;
	if (p->runs.len > 48 && !p->runs.bad) {
		small->len = 0;
		mh_wbuf_varint(small, p->runs.len);
		deflate_to(p, small, p->runs.p, p->runs.len, MH_EFFORT_6);
		if (small->len < p->runs.len || small->bad) {
			put_stored(out, MH_STREAM_DEFLATED_RUNS, len, small);
			return;
		}
	}
	put_stored(out, MH_STREAM_RUNS, len, &p->runs);
}

/* Constant, short, near-constant or noise: whatever needs no deflate. */
static bool put_special(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
			size_t len)
{
	size_t nr_runs;

	if (p->watch)
		p->watch(p->watch_arg, raw, len);
	nr_runs = len ? count_runs(raw, len) : 0;
	if (nr_runs == 1) {
		put_head(out, MH_STREAM_CONSTANT, len, 1);
		mh_wbuf_u8(out, raw[0]);
	} else if (len < 8 || is_noise(raw, len)) {
		put_head(out, MH_STREAM_RAW, len, len);
		mh_wbuf_bytes(out, raw, len);
	} else if (nr_runs < len / 10) {
		put_runs(p, out, raw, len, nr_runs);
	} else {
		return false;
	}
	return true;
}

static void put_deflated(struct mh_wbuf *out, const struct mh_wbuf *small,
			 const uint8_t *raw, size_t len)
{
	if (!small->bad && small->len >= len - len / 64) {
		put_head(out, MH_STREAM_RAW, len, len);
		mh_wbuf_bytes(out, raw, len);
	} else {
		put_stored(out, MH_STREAM_DEFLATE, len, small);
	}
}

void mh_stream_put(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
		   size_t len, enum mh_effort effort)
{
	if (put_special(p, out, raw, len))
		return;
	p->a.len = 0;
	deflate_to(p, &p->a, raw, len, effort);
	put_deflated(out, &p->a, raw, len);
}

void mh_stream_put_tried(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
			 size_t len, struct mh_verdict *verdict)
{
	enum mh_effort strong = p->policy == MH_POLICY_BEST ? MH_EFFORT_9 : MH_EFFORT_6;
	bool both = p->policy == MH_POLICY_BEST ||
		    (p->policy == MH_POLICY_DEFAULT && p->trial);

	if (!both) {
		bool pays = p->policy == MH_POLICY_DEFAULT && verdict->strong;

		mh_stream_put(p, out, raw, len, pays ? strong : MH_EFFORT_RLE);
		return;
	}
	if (put_special(p, out, raw, len))
		return;
	p->a.len = p->b.len = 0;
	deflate_to(p, &p->a, raw, len, MH_EFFORT_RLE);
	deflate_to(p, &p->b, raw, len, strong);
	verdict->strong = p->b.len < p->a.len - p->a.len / 16;
	put_deflated(out, p->b.len < p->a.len ? &p->b : &p->a, raw, len);
	out->bad |= p->a.bad | p->b.bad;
}

bool mh_unpacker_init(struct mh_unpacker *u)
{
	*u = (struct mh_unpacker){ 0 };
	u->ready = inflateInit2(&u->z, -15) == Z_OK;
	return u->ready;
}

void mh_unpacker_fini(struct mh_unpacker *u)
{
	if (u->ready)
		inflateEnd(&u->z);
	mh_wbuf_fini(&u->runs);
}

static bool inflate_to(struct mh_unpacker *u, const uint8_t *stored, size_t stored_len,
		       uint8_t *dst, size_t len)
{
	int status;

	inflateReset(&u->z);
	u->z.next_in = (Bytef *)(uintptr_t)stored;
	u->z.avail_in = (uInt)stored_len;
	u->z.next_out = dst;
	u->z.avail_out = (uInt)len;
	status = inflate(&u->z, Z_FINISH);
	u->no_memory |= status == Z_MEM_ERROR;
	return status == Z_STREAM_END && !u->z.avail_out && !u->z.avail_in;
}

static bool expand_runs(struct mh_rbuf *in, uint8_t *dst, size_t len)
{
	uint64_t i, nr = mh_rbuf_varint(in);
	const uint8_t *value;

	if (in->bad || nr > mh_rbuf_left(in))
		return false;
	value = mh_rbuf_bytes(in, nr);
	for (i = 0; i < nr; i++) {
		uint64_t run = mh_rbuf_varint(in);

		if (in->bad || run >= len)
			return false;
		memset(dst, value[i], run + 1);
		dst += run + 1;
		len -= run + 1;
	}
	return len == 0 && mh_rbuf_left(in) == 0;
}

static bool expand_deflated_runs(struct mh_unpacker *u, struct mh_rbuf *in, uint8_t *dst,
				 size_t len)
{
	uint64_t runs_len = mh_rbuf_varint(in);
	struct mh_rbuf runs;

	/* An encoder takes this method only when it is shorter than the raw bytes. */
	if (in->bad || runs_len > len + 16)
		return false;
	u->runs.len = 0;
	if (!mh_wbuf_room(&u->runs, runs_len)) {
		u->runs.bad = false;
		u->no_memory = true;
		return false;
	}
	if (!inflate_to(u, in->p, mh_rbuf_left(in), u->runs.p, runs_len))
		return false;
	runs = mh_rbuf(u->runs.p, runs_len);
	return expand_runs(&runs, dst, len);
}

bool mh_stream_get_some(struct mh_unpacker *u, struct mh_rbuf *in, uint8_t *dst,
			size_t max, size_t *len)
{
	uint8_t method = mh_rbuf_u8(in);
	uint64_t raw_len = mh_rbuf_varint(in);
	uint64_t stored_len = mh_rbuf_varint(in);
	const uint8_t *stored = mh_rbuf_bytes(in, stored_len);
	struct mh_rbuf body;

	if (!stored || raw_len > max)
		return false;
	*len = raw_len;
	body = mh_rbuf(stored, stored_len);
	switch (method) {
	case MH_STREAM_RAW:
		if (stored_len != raw_len)
			return false;
		memcpy(dst, stored, raw_len);
		return true;
	case MH_STREAM_DEFLATE:
		return inflate_to(u, stored, stored_len, dst, raw_len);
	case MH_STREAM_CONSTANT:
		if (stored_len != 1)
			return false;
		memset(dst, stored[0], raw_len);
		return true;
	case MH_STREAM_RUNS:
		return expand_runs(&body, dst, raw_len);
	case MH_STREAM_DEFLATED_RUNS:
		return expand_deflated_runs(u, &body, dst, raw_len);
	default:
		return false;
	}
}

bool mh_stream_get(struct mh_unpacker *u, struct mh_rbuf *in, uint8_t *dst, size_t len)
{
	size_t got;

	return mh_stream_get_some(u, in, dst, len, &got) && got == len;
}
