/* SPDX-License-Identifier: MIT */
/*
 * Splitting numbers into byte planes and putting them together again. These loops are
 * where replay spends what inflate leaves: they have no branch that depends on data, and
 * are made once for each number of planes so that the compiler can unroll them.
 */
#include "trace/planes.h"

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
 * Bytes past the length belong to later values.
 */
static ALWAYS_INLINE void join(uint64_t *v, size_t n, const uint8_t *len,
			       const uint8_t *plane, size_t stride, unsigned k)
{
	static const uint64_t keep[9] = {
		0,          0xff,         0xffff,         0xffffff,
		0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
		UINT64_MAX
	};
	const uint8_t *p[8];
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
}

static void join_any(uint64_t *v, size_t n, const uint8_t *len, const uint8_t *plane,
		     size_t stride, unsigned k)
{
	switch (k) {
	case 0:
		memset(v, 0, n * sizeof(*v));
		break;
	case 1:
		join(v, n, len, plane, stride, 1);
		break;
	case 2:
		join(v, n, len, plane, stride, 2);
		break;
	case 3:
		join(v, n, len, plane, stride, 3);
		break;
	case 4:
		join(v, n, len, plane, stride, 4);
		break;
	case 5:
		join(v, n, len, plane, stride, 5);
		break;
	case 6:
		join(v, n, len, plane, stride, 6);
		break;
	case 7:
		join(v, n, len, plane, stride, 7);
		break;
	default:
		join(v, n, len, plane, stride, 8);
		break;
	}
}

/* The bytes from plane @k on, of the few values that have them. */
static void join_rest(uint64_t *v, size_t n, const uint8_t *len, const uint8_t *plane,
		      size_t stride, unsigned k)
{
	size_t at[8] = { 0 }, i;
	unsigned j;

	for (i = 0; i < n; i++) {
		for (j = k; j < len[i]; j++)
			v[i] |= (uint64_t)plane[j * stride + at[j]++] << 8 * j;
	}
}

/* How many values are longer than j bytes, for each j. */
static void count_lengths(const uint8_t *len, size_t n, size_t *longer, unsigned *max)
{
	size_t count[4][256] = { 0 }, i;
	size_t total = 0;
	unsigned j;

	for (i = 0; i + 4 <= n; i += 4) {
		count[0][len[i]]++;
		count[1][len[i + 1]]++;
		count[2][len[i + 2]]++;
		count[3][len[i + 3]]++;
	}
	for (; i < n; i++)
		count[0][len[i]]++;
	*max = 0;
	for (j = 255; j > 0; j--) {
		total += count[0][j] + count[1][j] + count[2][j] + count[3][j];
		if (total && !*max)
			*max = j;
		if (j <= 8)
			longer[j - 1] = total;
	}
}

bool mh_planes_get(struct mh_unpacker *u, struct mh_rbuf *in, uint64_t *v, size_t n,
		   uint8_t *scratch)
{
	size_t stride = n + 64, longer[8];
	uint8_t *len = scratch, *plane = scratch + stride;
	unsigned j, k, max;

	if (!mh_stream_get(u, in, len, n))
		return false;
	count_lengths(len, n, longer, &max);
	k = mh_rbuf_u8(in);
	if (in->bad || k > 8 || max != k)
		return false;
	for (j = 0; j < k; j++) {
		uint8_t *p = plane + j * stride;

		if (!mh_stream_get(u, in, p, longer[j]))
			return false;
		p[longer[j]] = 0; /* join() looks one past the end */
	}
	/* Planes that hardly a value reaches are cheaper with a branch than without. */
	for (j = k; j > 0 && longer[j - 1] < n / 32; j--)
		;
	join_any(v, n, len, plane, stride, j);
	if (j < k)
		join_rest(v, n, len, plane, stride, j);
	return true;
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
	size_t i;

	scratch->len = 0;
	for (i = 0; i < n; i++)
		mh_wbuf_varint(scratch, v[i]);
	out->bad |= scratch->bad;
	if (!out->bad)
		mh_stream_put(p, out, scratch->p, scratch->len, effort);
}

bool mh_varints_get(struct mh_unpacker *u, struct mh_rbuf *in, uint64_t *v, size_t n,
		    uint8_t *scratch)
{
	struct mh_rbuf b;
	size_t len, i;

	if (!mh_stream_get_some(u, in, scratch, 10 * n, &len))
		return false;
	b = mh_rbuf(scratch, len);
	for (i = 0; i < n; i++) {
		if (b.p < b.end && !(*b.p & 0x80))
			v[i] = *b.p++;
		else
			v[i] = mh_rbuf_varint(&b);
	}
	return !b.bad && b.p == b.end;
}
