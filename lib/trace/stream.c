/* SPDX-License-Identifier: MIT */
/*
 * Streams, both ways. What deflate is bad at is kept from it: runs have a method of their
 * own, bytes without repetitions are Huffman coded here, and noise is stored. Deflate
 * gets what has repetitions: Z_RLE finds nearly all of them, MH_EFFORT_SEARCH the rest
 * where that pays. Which is right for a stream is found out by trying in one block of
 * several.
 */
#include "trace/stream.h"

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
	/* tune: matches that are good, worth no other try, long enough; tries. Where it
	 * is set, zlib's own for the level search far longer for hardly anything. */
	static const struct {
		int level, strategy, tune[4];
	} how[MH_NR_EFFORTS] = {
		[MH_EFFORT_RLE] = { 1, Z_RLE, { 0 } },
		[MH_EFFORT_SEARCH] = { 6, Z_DEFAULT_STRATEGY, { 4, 8, 128, 64 } },
		[MH_EFFORT_6] = { 6, Z_DEFAULT_STRATEGY, { 0 } },
		[MH_EFFORT_LONG] = { 9, Z_DEFAULT_STRATEGY, { 8, 32, 128, 256 } },
	};
	const int *tune = how[effort].tune;
	z_stream *z = &p->z[effort];

	if (p->ready[effort])
		deflateReset(z);
	else if (deflateInit2(z, how[effort].level, Z_DEFLATED, -15, 9,
			      how[effort].strategy) != Z_OK)
		return NULL;
	p->ready[effort] = true;
	if (tune[0])
		deflateTune(z, tune[0], tune[1], tune[2], tune[3]);
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

static void count_bytes(struct mh_packer *p, const uint8_t *raw, size_t len)
{
	uint32_t count[4][256] = { 0 };
	size_t i;

	for (i = 0; i + 4 <= len; i += 4) {
		count[0][raw[i]]++;
		count[1][raw[i + 1]]++;
		count[2][raw[i + 2]]++;
		count[3][raw[i + 3]]++;
	}
	for (; i < len; i++)
		count[0][raw[i]]++;
	for (i = 0; i < 256; i++)
		p->count[i] = count[0][i] + count[1][i] + count[2][i] + count[3][i];
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

/* Constant, short or near-constant: whatever needs neither deflate nor a code. */
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
	} else if (len < 8) {
		put_head(out, MH_STREAM_RAW, len, len);
		mh_wbuf_bytes(out, raw, len);
	} else if (nr_runs < len / 10) {
		put_runs(p, out, raw, len, nr_runs);
	} else {
		return false;
	}
	return true;
}

static bool is_worth(size_t stored, size_t len)
{
	return stored < len - len / 64;
}

static void put_raw(struct mh_wbuf *out, const uint8_t *raw, size_t len)
{
	put_head(out, MH_STREAM_RAW, len, len);
	mh_wbuf_bytes(out, raw, len);
}

static void put_deflated(struct mh_wbuf *out, const struct mh_wbuf *small,
			 const uint8_t *raw, size_t len)
{
	if (small->bad || is_worth(small->len, len))
		put_stored(out, MH_STREAM_DEFLATE, len, small);
	else
		put_raw(out, raw, len);
}

/* The size that Huffman coding gives; SIZE_MAX where it is not for this length. */
static size_t plan_huffman(struct mh_packer *p, const uint8_t *raw, size_t len)
{
	if (len < MH_HUFFMAN_MIN || len > MH_HUFFMAN_MAX)
		return SIZE_MAX;
	count_bytes(p, raw, len);
	return mh_huffman_plan(&p->huffman, p->count);
}

static void put_huffman(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
			size_t len, size_t planned)
{
	struct mh_wbuf *small = &p->a;

	if (!is_worth(planned, len)) {
		put_raw(out, raw, len);
		return;
	}
	small->len = 0;
	mh_huffman_put(&p->huffman, small, raw, len);
	put_stored(out, MH_STREAM_HUFFMAN, len, small);
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

/* How many whole words from @p on, up to @most bytes, repeat the byte before it. */
static size_t run_on(const uint8_t *p, const uint8_t *end, size_t most)
{
	uint64_t word, like = p[-1] * UINT64_C(0x0101010101010101);
	size_t n = 0;

	while (n + sizeof(word) <= most && n + sizeof(word) <= (size_t)(end - p)) {
		memcpy(&word, p + n, sizeof(word));
		if (word != like)
			break;
		n += sizeof(word);
	}
	return n;
}

/*
 * Runs as two planes: each value once, and how often more it comes (255 at most; longer
 * runs are cut). The planes go to p->runs, one behind the other.
 */
static size_t split_runs(struct mh_packer *p, const uint8_t *raw, size_t len)
{
	uint8_t *value, *length;
	size_t i, nr = 0;

	p->runs.len = 0;
	value = mh_wbuf_room(&p->runs, 2 * len + 16);
	if (!value)
		return 0;
	length = value + len + 8;
	value[0] = raw[0];
	length[0] = 0;
	for (i = 1; i < len; i++) {
		size_t more = 0, next;

		/* In a run already: what is left of it by words. */
		if (length[nr])
			more = run_on(raw + i, raw + len, 255u - length[nr]);
		length[nr] = (uint8_t)(length[nr] + more);
		i += more;
		if (i == len)
			break;
		/* No branch: what is alike stays on the same run. */
		next = nr + (raw[i] != raw[i - 1] || length[nr] == 255);

		length[next] = next == nr ? (uint8_t)(length[nr] + 1) : 0;
		value[next] = raw[i];
		nr = next;
	}
	return nr + 1;
}

/* The size that coding of runs gives, and how many they are. */
static size_t plan_runs(struct mh_packer *p, const uint8_t *raw, size_t len, size_t *nr)
{
	const uint8_t *value;
	size_t planned;

	if (len < 4 * MH_HUFFMAN_MIN || len > MH_HUFFMAN_MAX)
		return SIZE_MAX;
	*nr = split_runs(p, raw, len);
	/* Both planes need two values at least, and a length that is worth a table. */
	if (*nr < MH_HUFFMAN_MIN || *nr > len - len / 8)
		return SIZE_MAX;
	value = p->runs.p;
	count_bytes(p, value + len + 8, *nr);
	if (p->count[value[len + 8]] == *nr)
		return SIZE_MAX;
	planned = mh_huffman_plan(&p->run_length, p->count);
	count_bytes(p, value, *nr);
	return planned + mh_huffman_plan(&p->run_value, p->count) + 8;
}

static void put_huffman_runs(struct mh_packer *p, struct mh_wbuf *out, size_t len,
			     size_t nr)
{
	struct mh_wbuf *small = &p->a, *part = &p->b;

	part->len = small->len = 0;
	mh_huffman_put(&p->run_value, part, p->runs.p, nr);
	mh_wbuf_varint(small, nr);
	mh_wbuf_varint(small, part->len);
	mh_wbuf_bytes(small, part->p, part->len);
	mh_huffman_put(&p->run_length, small, p->runs.p + len + 8, nr);
	out->bad |= part->bad;
	put_stored(out, MH_STREAM_HUFFMAN_RUNS, len, small);
}

/* Do as the last trial said. */
static void put_known(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
		      size_t len, enum mh_choice choice)
{
	size_t planned = SIZE_MAX, nr;

	if (choice == MH_CHOICE_HUFFMAN)
		planned = plan_huffman(p, raw, len);
	if (planned != SIZE_MAX) {
		put_huffman(p, out, raw, len, planned);
		return;
	}
	if (choice == MH_CHOICE_HUFFMAN_RUNS)
		planned = plan_runs(p, raw, len, &nr);
	if (planned != SIZE_MAX && is_worth(planned, len)) {
		put_huffman_runs(p, out, len, nr);
		return;
	}
	p->a.len = 0;
	deflate_to(p, &p->a, raw, len,
		   choice == MH_CHOICE_STRONG ? MH_EFFORT_SEARCH : MH_EFFORT_RLE);
	put_deflated(out, &p->a, raw, len);
}

/*
 * Try all ways and keep the smallest; remember what the next blocks should do. A way that
 * is slower must be smaller by more than the difference is worth to the policy.
 */
static void put_smallest(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
			 size_t len, struct mh_verdict *verdict)
{
	size_t slack = p->policy == MH_POLICY_FAST ? 20 : 50, nr = 0;
	size_t plain = plan_huffman(p, raw, len), runs = plan_runs(p, raw, len, &nr);
	size_t quick = plain < runs ? plain : runs;
	size_t rle, strong = SIZE_MAX, slow;

	p->a.len = p->b.len = 0;
	deflate_to(p, &p->a, raw, len, MH_EFFORT_RLE);
	rle = p->a.len;
	/* What is nearly noise has nothing for a search to find, and makes it slowest. */
	if (p->policy == MH_POLICY_BEST ||
	    (p->policy == MH_POLICY_DEFAULT && rle < len - len / 8)) {
		deflate_to(p, &p->b, raw, len,
			   p->policy == MH_POLICY_BEST ? MH_EFFORT_LONG
						       : MH_EFFORT_SEARCH);
		strong = p->b.len;
	}
	out->bad |= p->a.bad | p->b.bad | p->runs.bad;
	slow = rle;
	verdict->choice = MH_CHOICE_RLE;
	if (strong < rle - rle / 18) {
		verdict->choice = MH_CHOICE_STRONG;
		slow = strong;
	}
	if (quick != SIZE_MAX && quick - quick / slack <= slow)
		verdict->choice =
			plain <= runs ? MH_CHOICE_HUFFMAN : MH_CHOICE_HUFFMAN_RUNS;
	if (quick > rle || quick > strong)
		put_deflated(out, strong < rle ? &p->b : &p->a, raw, len);
	else if (plain <= runs)
		put_huffman(p, out, raw, len, plain);
	else
		put_huffman_runs(p, out, len, nr);
}

void mh_stream_put_tried(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
			 size_t len, struct mh_verdict *verdict)
{
	if (put_special(p, out, raw, len))
		return;
	if (p->trial || p->policy == MH_POLICY_BEST)
		put_smallest(p, out, raw, len, verdict);
	else
		put_known(p, out, raw, len, verdict->choice);
}

bool mh_unpacker_init(struct mh_unpacker *u)
{
	*u = (struct mh_unpacker){ .inflater = mh_inflater_new() };
	return u->inflater;
}

void mh_unpacker_fini(struct mh_unpacker *u)
{
	mh_inflater_free(u->inflater);
	mh_wbuf_fini(&u->runs);
}

static bool inflate_to(struct mh_unpacker *u, const uint8_t *stored, size_t stored_len,
		       uint8_t *dst, size_t len)
{
	enum mh_inflate done = mh_inflate(u->inflater, stored, stored_len, dst, len);

	u->no_memory |= done == MH_INFLATE_NO_MEMORY;
	return done == MH_INFLATE_OK;
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
	if (!mh_wbuf_room(&u->runs, runs_len + 1)) {
		u->runs.bad = false;
		u->no_memory = true;
		return false;
	}
	if (!inflate_to(u, in->p, mh_rbuf_left(in), u->runs.p, runs_len))
		return false;
	runs = mh_rbuf(u->runs.p, runs_len);
	return expand_runs(&runs, dst, len);
}

static bool expand_huffman_runs(struct mh_unpacker *u, struct mh_rbuf *in, uint8_t *dst,
				size_t len)
{
	uint64_t i, nr = mh_rbuf_varint(in), first = mh_rbuf_varint(in);
	const uint8_t *p = mh_rbuf_bytes(in, first);
	struct mh_rbuf value;
	uint8_t *v;

	if (!p || nr > len)
		return false;
	value = mh_rbuf(p, first);
	u->runs.len = 0;
	v = mh_wbuf_room(&u->runs, 2 * nr + 16);
	if (!v) {
		u->runs.bad = false;
		u->no_memory = true;
		return false;
	}
	if (!mh_huffman_get(&value, v, nr) || !mh_huffman_get(in, v + nr, nr))
		return false;
	for (i = 0; i < nr; i++) {
		size_t run = (size_t)v[nr + i] + 1;

		if (run > len)
			return false;
		/* Most runs are short: one store of 8, whatever is behind is overwritten.
		 */
		if (run <= 8 && len >= 8) {
			uint64_t x = v[i] * 0x0101010101010101u;

			memcpy(dst, &x, 8);
		} else {
			memset(dst, v[i], run);
		}
		dst += run;
		len -= run;
	}
	return len == 0;
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
	case MH_STREAM_HUFFMAN:
		return mh_huffman_get(&body, dst, raw_len);
	case MH_STREAM_HUFFMAN_RUNS:
		return expand_huffman_runs(u, &body, dst, raw_len);
	default:
		return false;
	}
}

bool mh_stream_skip(struct mh_rbuf *in)
{
	mh_rbuf_u8(in);
	mh_rbuf_varint(in);
	return mh_rbuf_bytes(in, mh_rbuf_varint(in)) != NULL;
}

bool mh_stream_get(struct mh_unpacker *u, struct mh_rbuf *in, uint8_t *dst, size_t len)
{
	size_t got;

	return mh_stream_get_some(u, in, dst, len, &got) && got == len;
}
