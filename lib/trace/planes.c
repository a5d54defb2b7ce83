/* SPDX-License-Identifier: MIT */
/*
 * Splitting numbers into byte planes and putting them together again. These loops are
 * where replay spends what inflate leaves: they have no branch that depends on data, and
 * are made once for each number of planes so that the compiler can unroll them.
 */
#include "trace/planes.h"

#include <endian.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE unsigned byte_len(uint64_t v)
{
	return (71 - (unsigned)__builtin_clzll(v | 1)) / 8 - (v == 0);
}

/* Write every byte of every value; only those that exist move their plane on. */
static ALWAYS_INLINE void split(const uint64_t *v, size_t n, const uint8_t *len,
				uint8_t *plane, size_t stride, size_t *count, unsigned k)
{
	uint8_t *p[8];
	unsigned j;
	size_t i;

	for (j = 0; j < k; j++)
		p[j] = plane + j * stride;
	for (i = 0; i < n; i++) {
		uint64_t x = v[i];
		unsigned l = len[i];

		for (j = 0; j < k; j++) {
			*p[j] = (uint8_t)(x >> 8 * j);
			p[j] += l > j;
		}
	}
	for (j = 0; j < k; j++)
		count[j] = (size_t)(p[j] - (plane + j * stride));
}

static void split_any(const uint64_t *v, size_t n, const uint8_t *len, uint8_t *plane,
		      size_t stride, size_t *count, unsigned k)
{
	switch (k) {
	case 0:
		break;
	case 1:
		split(v, n, len, plane, stride, count, 1);
		break;
	case 2:
		split(v, n, len, plane, stride, count, 2);
		break;
	case 3:
		split(v, n, len, plane, stride, count, 3);
		break;
	case 4:
		split(v, n, len, plane, stride, count, 4);
		break;
	case 5:
		split(v, n, len, plane, stride, count, 5);
		break;
	case 6:
		split(v, n, len, plane, stride, count, 6);
		break;
	default:
		split(v, n, len, plane, stride, count, 8);
		break;
	}
}

void mh_planes_put(struct mh_packer *p, struct mh_wbuf *out, const uint64_t *v, size_t n,
		   uint8_t *scratch, struct mh_verdict *verdicts)
{
	size_t stride = n + 64, count[8] = { 0 }, i;
	uint8_t *len = scratch, *plane = scratch + stride;
	uint64_t all = 0;
	unsigned j, k;

	for (i = 0; i < n; i++)
		all |= v[i];
	k = byte_len(all);
	for (i = 0; i < n; i++)
		len[i] = (uint8_t)byte_len(v[i]);
	split_any(v, n, len, plane, stride, count, k);

	mh_stream_put_tried(p, out, len, n, &verdicts[0]);
	mh_wbuf_u8(out, (uint8_t)k);
	for (j = 0; j < k; j++)
		mh_stream_put_tried(p, out, plane + j * stride, count[j],
				    &verdicts[1 + j]);
}

/*
 * The mirror of split(): reads a byte of the first @k planes, keeps those that exist.
 * Bytes past the length belong to later values, or to nobody at a plane's end. False: the
 * lengths do not use up the planes, or ask for more (which has been read from scratch).
 */
static ALWAYS_INLINE bool join(uint64_t *restrict v, size_t n,
			       const uint8_t *restrict len, const uint8_t *restrict plane,
			       size_t stride, const size_t *count, unsigned k)
{
	static const uint64_t keep[9] = {
		0,          0xff,         0xffff,         0xffffff,
		0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
		UINT64_MAX
	};
	const uint8_t *p[8];
	bool ok = true;
	unsigned j;
	size_t i;

	for (j = 0; j < k; j++)
		p[j] = plane + j * stride;
	for (i = 0; i < n; i++) {
		uint64_t x = 0;
		unsigned l = len[i];

		for (j = 0; j < k; j++) {
			x |= (uint64_t)*p[j] << 8 * j;
			p[j] += l > j;
		}
		v[i] = x & keep[l];
	}
	for (j = 0; j < k; j++)
		ok &= p[j] == plane + j * stride + count[j];
	return ok;
}

static bool join_any(uint64_t *v, size_t n, const uint8_t *len, const uint8_t *plane,
		     size_t stride, const size_t *count, unsigned k)
{
	switch (k) {
	case 0:
		memset(v, 0, n * sizeof(*v));
		return true;
	case 1:
		return join(v, n, len, plane, stride, count, 1);
	case 2:
		return join(v, n, len, plane, stride, count, 2);
	case 3:
		return join(v, n, len, plane, stride, count, 3);
	case 4:
		return join(v, n, len, plane, stride, count, 4);
	case 5:
		return join(v, n, len, plane, stride, count, 5);
	case 6:
		return join(v, n, len, plane, stride, count, 6);
	case 7:
		return join(v, n, len, plane, stride, count, 7);
	default:
		return join(v, n, len, plane, stride, count, 8);
	}
}

/*
 * The bytes from plane @k up to @end, of the few values that have them: eight lengths at
 * a time are passed over where none is above @k.
 */
static bool join_rest(uint64_t *restrict v, size_t n, const uint8_t *restrict len,
		      const uint8_t *restrict plane, size_t stride, const size_t *count,
		      unsigned k, unsigned end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	size_t at[8] = { 0 }, i;
	bool ok = true;
	unsigned j;

	for (i = 0; i < n; i++) {
		uint64_t eight;

		/* Lengths are at most 8: no carry from one to the next. */
		while (n - i >= 8) {
			memcpy(&eight, len + i, 8);
			if ((eight + (0x7f - k) * ones) & 0x80 * ones)
				break;
			i += 8;
		}
		for (j = k; i < n && j < len[i]; j++)
			v[i] |= (uint64_t)plane[j * stride + at[j]++] << 8 * j;
	}
	for (j = k; j < end; j++)
		ok &= at[j] == count[j];
	return ok;
}

static unsigned longest(const uint8_t *len, size_t n)
{
	uint8_t max = 0;
	size_t i;

	for (i = 0; i < n; i++)
		max = len[i] > max ? len[i] : max;
	return max;
}

bool mh_planes_get(struct mh_unpacker *u, struct mh_rbuf *in, uint64_t *v, size_t n,
		   uint8_t *scratch)
{
	size_t stride = n + 64, count[8];
	uint8_t *len = scratch, *plane = scratch + stride;
	unsigned j, k;

	if (!mh_stream_get(u, in, len, n))
		return false;
	k = mh_rbuf_u8(in);
	if (in->bad || k > 8 || longest(len, n) != k)
		return false;
	for (j = 0; j < k; j++) {
		if (!mh_stream_get_some(u, in, plane + j * stride, n, &count[j]))
			return false;
		plane[j * stride + count[j]] = 0; /* join() looks one past the end */
	}
	/* Planes that hardly a value reaches are cheaper with a branch than without. */
	for (j = k; j > 0 && count[j - 1] < n / 16; j--)
		;
	return join_any(v, n, len, plane, stride, count, j) &&
	       (j == k || join_rest(v, n, len, plane, stride, count, j, k));
}

bool mh_planes_skip(struct mh_rbuf *in)
{
	unsigned k;

	if (!mh_stream_skip(in))
		return false;
	for (k = mh_rbuf_u8(in); k > 0 && !in->bad; k--)
		mh_stream_skip(in);
	return !in->bad;
}

void mh_index_put(struct mh_packer *p, struct mh_wbuf *out, const uint16_t *v, size_t n,
		  uint8_t *scratch, struct mh_verdict *verdicts)
{
	uint8_t *lo = scratch, *hi = scratch + n;
	uint16_t all = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		all |= v[i];
		lo[i] = (uint8_t)v[i];
		hi[i] = (uint8_t)(v[i] >> 8);
	}
	mh_wbuf_u8(out, all > 0xff ? 2 : 1);
	mh_stream_put_tried(p, out, lo, n, &verdicts[0]);
	if (all > 0xff)
		mh_stream_put_tried(p, out, hi, n, &verdicts[1]);
}

bool mh_index_get(struct mh_unpacker *u, struct mh_rbuf *in, uint16_t *v, size_t n,
		  uint32_t limit, uint8_t *scratch)
{
	uint8_t *lo = scratch, *hi = scratch + n;
	unsigned k = mh_rbuf_u8(in);
	uint16_t max = 0;
	size_t i;

	if (k < 1 || k > 2 || !mh_stream_get(u, in, lo, n))
		return false;
	if (k == 2 && !mh_stream_get(u, in, hi, n))
		return false;
	if (k == 1) {
		for (i = 0; i < n; i++)
			v[i] = lo[i];
	} else {
		for (i = 0; i < n; i++)
			v[i] = (uint16_t)(lo[i] | hi[i] << 8);
	}
	for (i = 0; i < n; i++)
		max = v[i] > max ? v[i] : max;
	return !n || max < limit;
}

void mh_varints_put(struct mh_packer *p, struct mh_wbuf *out, const uint64_t *v, size_t n,
		    struct mh_wbuf *scratch, enum mh_effort effort)
{
	uint8_t *start, *to;
	size_t i;

	scratch->len = 0;
	to = start = mh_wbuf_room(scratch, 10 * n);
	out->bad |= scratch->bad;
	if (out->bad)
		return;
	for (i = 0; i < n; i++) {
		uint64_t x = v[i];

		for (; x >= 0x80; x >>= 7)
			*to++ = (uint8_t)(x | 0x80);
		*to++ = (uint8_t)x;
	}
	mh_stream_put(p, out, start, (size_t)(to - start), effort);
}

#define MORE_FOLLOWS UINT64_C(0x8080808080808080)

/* Eight varints of one byte each, if that is what they are. */
static inline bool get_eight(uint64_t *restrict v, const uint8_t *restrict p)
{
	uint64_t word;
	unsigned i;

	memcpy(&word, p, 8);
	if (word & MORE_FOLLOWS)
		return false;
	for (i = 0; i < 8; i++)
		v[i] = p[i];
	return true;
}

/*
 * A varint of at most eight bytes, of which eight can be read: the groups of seven bits
 * are moved together two by two. NULL: it is longer.
 */
static inline const uint8_t *get_varint(const uint8_t *p, uint64_t *v)
{
	uint64_t word, ends;

	memcpy(&word, p, 8);
	word = le64toh(word);
	ends = ~word & MORE_FOLLOWS;
	if (!ends)
		return NULL;
	word &= ends ^ (ends - 1);
	word &= UINT64_C(0x7f7f7f7f7f7f7f7f);
	word = (word & UINT64_C(0x007f007f007f007f)) |
	       (word & UINT64_C(0x7f007f007f007f00)) >> 1;
	word = (word & UINT64_C(0x00003fff00003fff)) |
	       (word & UINT64_C(0x3fff00003fff0000)) >> 2;
	*v = (word & UINT64_C(0x000000000fffffff)) |
	     (word & UINT64_C(0x0fffffff00000000)) >> 4;
	return p + __builtin_ctzll(ends) / 8 + 1;
}

bool mh_varints_get(struct mh_unpacker *u, struct mh_rbuf *in, uint64_t *v, size_t n,
		    uint8_t *scratch)
{
	struct mh_rbuf b;
	size_t len, i;

	if (!mh_stream_get_some(u, in, scratch, 10 * n, &len))
		return false;
	b = mh_rbuf(scratch, len);
	for (i = 0; i < n;) {
		size_t left = mh_rbuf_left(&b);
		const uint8_t *next = NULL;

		if (n - i >= 8 && left >= 8 && get_eight(&v[i], b.p)) {
			b.p += 8;
			i += 8;
			continue;
		}
		if (left && !(*b.p & 0x80)) {
			v[i++] = *b.p++;
			continue;
		}
		if (left >= 8)
			next = get_varint(b.p, &v[i]);
		if (next)
			b.p = next;
		else
			v[i] = mh_rbuf_varint(&b);
		i++;
	}
	return !b.bad && b.p == b.end;
}
