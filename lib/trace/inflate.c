/* SPDX-License-Identifier: MIT */
/*
 * One loop for all blocks. Bits are taken from a word that is filled eight bytes at a
 * time; past the end of the input come zeros, which are counted, so that the loop need
 * not look at every bit whether there is one. The output is bounded, and so is the loop.
 */
#include "trace/inflate.h"

#include <endian.h>
#include <string.h>

#define FAST_MASK ((1u << MH_INFLATE_BITS) - 1)

struct in {
	const uint8_t *p, *end;
	uint64_t v;
	unsigned n;    /* bits in v, 63 at most */
	unsigned over; /* bytes of zeros taken past the end */
};

/* At least 56 bits. */
static inline void refill(struct in *in)
{
	uint64_t word;

	if (in->end - in->p >= 8) {
		memcpy(&word, in->p, 8);
		in->v |= le64toh(word) << in->n;
		in->p += (63 - in->n) / 8;
		in->n |= 56;
		return;
	}
	for (; in->n < 56; in->n += 8) {
		if (in->p < in->end)
			in->v |= (uint64_t)*in->p++ << in->n;
		else
			in->over++;
	}
}

static inline unsigned take(struct in *in, unsigned nr)
{
	unsigned bits = (unsigned)(in->v & ((1u << nr) - 1));

	in->v >>= nr;
	in->n -= nr;
	return bits;
}

/* ---- codes ---- */

static unsigned reversed(unsigned code, unsigned len)
{
	unsigned out = 0, i;

	for (i = 0; i < len; i++)
		out |= (code >> i & 1) << (len - 1 - i);
	return out;
}

/* False: more codes than there can be, or fewer, but for one of a single bit. */
static bool code_init(struct mh_inflate_code *c, const uint8_t *len, unsigned nr)
{
	unsigned first[16], at[16], sum = 0, i, k;
	int left = 1;

	memset(c->count, 0, sizeof(c->count));
	for (i = 0; i < nr; i++)
		c->count[len[i]]++;
	c->count[0] = 0;
	for (i = 1, first[0] = 0; i < 16; i++) {
		first[i] = (first[i - 1] + c->count[i - 1]) << 1;
		at[i] = sum;
		sum += c->count[i];
		left = 2 * left - c->count[i];
		if (left < 0)
			return false;
	}
	if (left > 0 && sum != c->count[1])
		return false;
	memset(c->at_once, 0, sizeof(c->at_once));
	for (i = 0; i < nr; i++) {
		if (!len[i])
			continue;
		c->symbol[at[len[i]]++] = (uint16_t)i;
		k = reversed(first[len[i]]++, len[i]);
		for (; len[i] <= MH_INFLATE_BITS && k <= FAST_MASK; k += 1u << len[i])
			c->at_once[k] = (uint16_t)(i << 4 | len[i]);
	}
	return true;
}

#define NO_SYMBOL 511

/* A code that is not in the table: bit by bit. */
static unsigned long_symbol(struct in *in, const struct mh_inflate_code *c)
{
	unsigned code = 0, first = 0, at = 0, len;

	for (len = 1; len < 16; len++) {
		code |= take(in, 1);
		if (code < first + c->count[len])
			return c->symbol[at + (code - first)];
		at += c->count[len];
		first = (first + c->count[len]) << 1;
		code <<= 1;
	}
	return NO_SYMBOL;
}

/* Takes 15 bits at most. */
static inline unsigned symbol(struct in *in, const struct mh_inflate_code *c)
{
	unsigned e = c->at_once[in->v & FAST_MASK];

	if (!e)
		return long_symbol(in, c);
	take(in, e & 15);
	return e >> 4;
}

static bool fixed_codes(struct mh_inflate *s)
{
	uint8_t len[288];

	memset(len, 8, 144);
	memset(len + 144, 9, 112);
	memset(len + 256, 7, 24);
	memset(len + 280, 8, 8);
	if (!code_init(&s->literal, len, 288))
		return false;
	memset(len, 5, 32);
	return code_init(&s->distance, len, 32);
}

/* Lengths of both codes, themselves coded, with runs. */
static bool get_lengths(struct in *in, struct mh_inflate_code *c, uint8_t *len,
			unsigned nr)
{
	unsigned i = 0;

	while (i < nr) {
		unsigned sym, times = 1;
		uint8_t value = 0;

		refill(in);
		sym = symbol(in, c);
		if (sym < 16) {
			value = (uint8_t)sym;
		} else if (sym == 16) {
			if (!i)
				return false;
			value = len[i - 1];
			times = 3 + take(in, 2);
		} else if (sym == 17) {
			times = 3 + take(in, 3);
		} else if (sym == 18) {
			times = 11 + take(in, 7);
		} else {
			return false;
		}
		if (times > nr - i)
			return false;
		memset(len + i, value, times);
		i += times;
	}
	return true;
}

static bool get_codes(struct mh_inflate *s, struct in *in)
{
	static const uint8_t order[19] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
					   11, 4,  12, 3, 13, 2, 14, 1, 15 };
	unsigned nr_literals = 257 + take(in, 5), nr_distances = 1 + take(in, 5);
	unsigned nr = 4 + take(in, 4), i;
	uint8_t len[286 + 30] = { 0 };

	if (nr_literals > 286 || nr_distances > 30)
		return false;
	for (i = 0; i < nr; i++) {
		refill(in);
		len[order[i]] = (uint8_t)take(in, 3);
	}
	if (!code_init(&s->distance, len, 19) ||
	    !get_lengths(in, &s->distance, len, nr_literals + nr_distances))
		return false;
	/* Without an end of block there is no end. */
	return len[256] && code_init(&s->literal, len, nr_literals) &&
	       code_init(&s->distance, len + nr_literals, nr_distances);
}

/* ---- blocks ---- */

struct out {
	uint8_t *start, *p, *end;
};

static bool get_stored(struct in *in, struct out *out)
{
	unsigned len, inverse;

	take(in, in->n & 7);
	refill(in);
	len = take(in, 16);
	inverse = take(in, 16);
	if ((len ^ inverse) != 0xffff || in->n / 8 < in->over)
		return false;
	/* Bytes that were read ahead are given back. */
	in->p -= in->n / 8 - in->over;
	in->v = in->n = in->over = 0;
	if (len > (size_t)(in->end - in->p) || len > (size_t)(out->end - out->p))
		return false;
	memcpy(out->p, in->p, len);
	in->p += len;
	out->p += len;
	return true;
}

/* Bytes of a match. Up to 7 bytes too many are written where there is room for them: they
 * are overwritten by what follows. */
static inline bool copy(struct out *out, size_t len, size_t distance)
{
	uint8_t *p = out->p, *end = p + len;
	const uint8_t *from = p - distance;
	uint64_t word;

	if (distance > (size_t)(p - out->start) || len > (size_t)(out->end - p))
		return false;
	out->p = end;
	if ((size_t)(out->end - end) < 8 || (distance < 8 && distance != 1)) {
		while (p < end)
			*p++ = *from++;
		return true;
	}
	word = *from * UINT64_C(0x0101010101010101);
	for (; p < end; p += 8, from += 8) {
		if (distance != 1)
			memcpy(&word, from, 8);
		memcpy(p, &word, 8);
	}
	return true;
}

static bool get_match(struct in *in, struct out *out, const struct mh_inflate *s,
		      unsigned sym)
{
	static const uint16_t length_base[29] = { 3,   4,   5,   6,   7,  8,  9,  10,
						  11,  13,  15,  17,  19, 23, 27, 31,
						  35,  43,  51,  59,  67, 83, 99, 115,
						  131, 163, 195, 227, 258 };
	static const uint8_t length_bits[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
						 1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
						 4, 4, 4, 4, 5, 5, 5, 5, 0 };
	static const uint16_t distance_base[30] = {
		1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
		33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
		1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577
	};
	size_t len, distance;

	if (sym > 285)
		return false;
	len = length_base[sym - 257] + take(in, length_bits[sym - 257]);
	refill(in);
	sym = symbol(in, &s->distance);
	if (sym > 29)
		return false;
	distance = distance_base[sym] + take(in, sym < 4 ? 0 : sym / 2 - 1);
	return copy(out, len, distance);
}

static bool get_coded(struct in *to_in, struct out *to_out, const struct mh_inflate *s)
{
	/* Copies, so that the compiler may keep them in registers. */
	struct in in = *to_in;
	struct out out = *to_out;
	unsigned sym, nr;

	for (;;) {
		refill(&in);
		/* Three literals, or two with a length and its bits: 50 at most. */
		for (nr = 0; nr < 3; nr++) {
			sym = symbol(&in, &s->literal);
			if (sym > 255)
				break;
			if (out.p == out.end)
				return false;
			*out.p++ = (uint8_t)sym;
		}
		if (nr == 3)
			continue;
		if (sym == 256)
			break;
		if (!get_match(&in, &out, s, sym))
			return false;
	}
	*to_in = in;
	*to_out = out;
	return true;
}

bool mh_inflate(struct mh_inflate *s, const uint8_t *stored, size_t stored_len,
		uint8_t *dst, size_t len)
{
	struct in in = { .p = stored, .end = stored + stored_len };
	struct out out = { dst, dst, dst + len };
	bool last = false, ok = true;

	while (ok && !last) {
		refill(&in);
		last = take(&in, 1);
		switch (take(&in, 2)) {
		case 0:
			ok = get_stored(&in, &out);
			break;
		case 1:
			ok = fixed_codes(s) && get_coded(&in, &out, s);
			break;
		case 2:
			ok = get_codes(s, &in) && get_coded(&in, &out, s);
			break;
		default:
			ok = false;
		}
		/* Zeros that were not there have been used. */
		ok = ok && in.over * 8 <= in.n;
	}
	/* All of the output, and but for the last byte's rest all of the input. */
	return ok && out.p == out.end && in.p == in.end && in.n / 8 == in.over;
}
