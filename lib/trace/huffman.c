/* SPDX-License-Identifier: MIT */
/* Huffman codes of at most 11 bits: made, written, and read by table. */
#include "trace/huffman.h"

#include <endian.h>

#define BITS  MH_HUFFMAN_BITS
#define TABLE (1u << BITS)

/* ---- code lengths ---- */

/* Used byte values by ascending count: a heap would do, but 256 are few. */
static unsigned sort_used(uint16_t *sym, const uint32_t *count)
{
	uint16_t tmp[256];
	uint32_t at[257];
	unsigned nr = 0, i, shift;

	for (i = 0; i < 256; i++) {
		if (count[i])
			sym[nr++] = (uint16_t)i;
	}
	for (shift = 0; shift < 24; shift += 8) {
		memset(at, 0, sizeof(at));
		for (i = 0; i < nr; i++)
			at[(count[sym[i]] >> shift & 0xff) + 1]++;
		for (i = 0; i < 256; i++)
			at[i + 1] += at[i];
		for (i = 0; i < nr; i++)
			tmp[at[count[sym[i]] >> shift & 0xff]++] = sym[i];
		/* The loop above set nr of them. */
		/* cppcheck-suppress uninitvar */
		memcpy(sym, tmp, nr * sizeof(*sym));
	}
	return nr;
}

/* Depths of the leaves of Huffman's tree, by the two-queue method. */
static void depths(uint8_t *len, const uint16_t *sym, unsigned nr, const uint32_t *count)
{
	uint32_t weight[512];
	uint16_t parent[512];
	uint8_t depth[512];
	unsigned leaf = 0, node = nr, made = nr, i, k;

	for (i = 0; i < nr; i++)
		weight[i] = count[sym[i]];
	while (made < 2 * nr - 1) {
		weight[made] = 0;
		for (k = 0; k < 2; k++) {
			bool take_leaf = leaf < nr &&
					 (node >= made || weight[leaf] <= weight[node]);
			unsigned from = take_leaf ? leaf++ : node++;

			weight[made] += weight[from];
			parent[from] = (uint16_t)made;
		}
		made++;
	}
	depth[made - 1] = 0;
	for (i = made - 1; i-- > 0;)
		/* Every node below the last was made somebody's child above. */
		/* cppcheck-suppress uninitvar */
		depth[i] = (uint8_t)(depth[parent[i]] + 1);
	for (i = 0; i < nr; i++)
		len[sym[i]] = depth[i];
}

/* Cut to BITS bits, and make the code whole again at the least cost. */
static void limit(uint8_t *len, const uint16_t *sym, unsigned nr)
{
	uint32_t sum = 0;
	unsigned i;

	for (i = 0; i < nr; i++) {
		if (len[sym[i]] > BITS)
			len[sym[i]] = BITS;
		sum += TABLE >> len[sym[i]];
	}
	/* Rare values first: their codes grow until there is room for all. */
	for (i = 0; sum > TABLE; i = (i + 1) % nr) {
		while (sum > TABLE && len[sym[i]] < BITS) {
			len[sym[i]]++;
			sum -= TABLE >> len[sym[i]];
		}
	}
	/* Frequent values take what is left over. */
	for (i = nr; i-- > 0;) {
		while (len[sym[i]] > 1 && sum + (TABLE >> len[sym[i]]) <= TABLE) {
			sum += TABLE >> len[sym[i]];
			len[sym[i]]--;
		}
	}
}

static unsigned reversed(unsigned code, unsigned len)
{
	unsigned out = 0, i;

	for (i = 0; i < len; i++)
		out |= (code >> i & 1) << (len - 1 - i);
	return out;
}

/* First code of each length; false when the lengths make no whole code. */
static bool first_codes(const uint8_t *len, unsigned nr, unsigned first[BITS + 1])
{
	unsigned count[BITS + 1] = { 0 }, code = 0, i;
	uint32_t sum = 0;

	for (i = 0; i < nr; i++) {
		if (len[i] > BITS)
			return false;
		count[len[i]]++;
	}
	for (i = 1; i <= BITS; i++) {
		first[i] = code;
		code = (code + count[i]) << 1;
		sum += count[i] * (TABLE >> i);
	}
	return sum == TABLE;
}

size_t mh_huffman_plan(struct mh_huffman *h, const uint32_t count[256])
{
	unsigned first[BITS + 1], nr, i;
	uint64_t bits = 0;
	uint16_t sym[256];

	memset(h->len, 0, sizeof(h->len));
	nr = sort_used(sym, count);
	depths(h->len, sym, nr, count);
	limit(h->len, sym, nr);
	first_codes(h->len, 256, first);
	h->last = 0;
	for (i = 0; i < 256; i++) {
		if (!h->len[i])
			continue;
		h->code[i] = (uint16_t)reversed(first[h->len[i]]++, h->len[i]);
		bits += (uint64_t)count[i] * h->len[i];
		h->last = i;
	}
	return (size_t)(bits / 8) + 16 + h->last / 2;
}

/* ---- writing ---- */

static uint8_t *put_stream(const struct mh_huffman *h, uint8_t *p, const uint8_t *raw,
			   size_t len)
{
	uint64_t bits = 0, word;
	unsigned n = 0, k;
	size_t i;

	/* Four codes and what is left of the byte before are at most 51 bits. */
	for (i = 0; i + 4 <= len; i += 4) {
		for (k = 0; k < 4; k++) {
			bits |= (uint64_t)h->code[raw[i + k]] << n;
			n += h->len[raw[i + k]];
		}
		word = htole64(bits);
		memcpy(p, &word, 8);
		p += n / 8;
		bits >>= n & ~7u;
		n &= 7;
	}
	for (; i < len; i++) {
		bits |= (uint64_t)h->code[raw[i]] << n;
		n += h->len[raw[i]];
	}
	word = htole64(bits);
	memcpy(p, &word, 8);
	return p + (n + 7) / 8;
}

static void quarters(size_t len, size_t at[5])
{
	size_t quarter = (len + 3) / 4;
	unsigned i;

	for (i = 0; i < 4; i++)
		at[i] = i * quarter < len ? i * quarter : len;
	at[4] = len;
}

void mh_huffman_put(struct mh_huffman *h, struct mh_wbuf *out, const uint8_t *raw,
		    size_t len)
{
	size_t at[5], size[4], bound;
	uint8_t *start, *p;
	unsigned i;

	quarters(len, at);
	mh_wbuf_u8(out, (uint8_t)h->last);
	for (i = 0; i <= h->last; i += 2)
		mh_wbuf_u8(out,
			   (uint8_t)(h->len[i] | (i < h->last ? h->len[i + 1] << 4 : 0)));
	/* The streams go behind room for their sizes and are moved up to them. */
	bound = len * BITS / 8 + 4 * 16 + 30;
	start = mh_wbuf_room(out, bound);
	if (!start)
		return;
	p = start + 30;
	for (i = 0; i < 4; i++) {
		uint8_t *end = put_stream(h, p, raw + at[i], at[i + 1] - at[i]);

		size[i] = (size_t)(end - p);
		p = end;
	}
	for (i = 0; i < 3; i++)
		mh_wbuf_varint(out, size[i]);
	memmove(out->p + out->len, start + 30, (size_t)(p - start - 30));
	out->len += (size_t)(p - start - 30);
}

/* ---- reading ---- */

struct bits {
	const uint8_t *p;
	uint64_t v;
	unsigned n; /* valid bits in v */
};

/* At least 56 bits; eight bytes must be there. */
static inline void refill(struct bits *b)
{
	uint64_t word;

	memcpy(&word, b->p, 8);
	b->v |= le64toh(word) << b->n;
	b->p += (63 - b->n) / 8;
	b->n |= 56;
}

static inline uint8_t take(struct bits *b, const uint16_t *table)
{
	uint16_t e = table[b->v & (TABLE - 1)];

	b->v >>= e & 0xf;
	b->n -= e & 0xf;
	return (uint8_t)(e >> 8);
}

/* The end of a stream, byte by byte; zeros behind it. */
static bool finish(struct bits *b, const uint8_t *end, const uint16_t *table,
		   uint8_t *dst, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		while (b->n < BITS && b->p < end) {
			b->v |= (uint64_t)*b->p++ << b->n;
			b->n += 8;
		}
		if (b->n < (table[b->v & (TABLE - 1)] & 0xf))
			return false;
		dst[i] = take(b, table);
	}
	/* Every byte was needed, and no other was taken. */
	return b->p - b->n / 8 == end;
}

static bool read_table(struct mh_rbuf *in, uint16_t *table)
{
	unsigned first[BITS + 1], last = mh_rbuf_u8(in), i, k;
	const uint8_t *packed = mh_rbuf_bytes(in, last / 2 + 1);
	uint8_t len[256];

	if (!packed)
		return false;
	for (i = 0; i <= last; i++)
		len[i] = i % 2 ? packed[i / 2] >> 4 : packed[i / 2] & 0xf;
	if (!first_codes(len, last + 1, first))
		return false;
	for (i = 0; i <= last; i++) {
		if (!len[i])
			continue;
		for (k = reversed(first[len[i]]++, len[i]); k < TABLE; k += 1u << len[i])
			table[k] = (uint16_t)(i << 8 | len[i]);
	}
	return true;
}

bool mh_huffman_get(struct mh_rbuf *in, uint8_t *dst, size_t len)
{
	uint16_t table[TABLE];
	struct bits b[4] = { 0 };
	const uint8_t *end[4], *p;
	size_t at[5], size[4], i = 0, quarter;
	unsigned k;

	quarters(len, at);
	if (len < MH_HUFFMAN_MIN || !read_table(in, table))
		return false;
	for (k = 0; k < 3; k++)
		size[k] = mh_rbuf_varint(in);
	for (p = in->p, k = 0; k < 4; k++) {
		if (k == 3)
			size[k] = (size_t)(in->end - p);
		if (in->bad || size[k] > (size_t)(in->end - p))
			return false;
		b[k].p = p;
		end[k] = p += size[k];
	}
	/* The last stream is the last in memory, so its bounds hold for all. */
	quarter = at[4] - at[3];
	while (i + 5 <= quarter && in->end - b[3].p >= 8) {
		unsigned c;

		/* Earlier streams may run into later ones, never past the end. */
		for (k = 0; k < 4; k++)
			refill(&b[k]);
		for (c = 0; c < 5; c++, i++) {
			for (k = 0; k < 4; k++)
				dst[at[k] + i] = take(&b[k], table);
		}
		if (b[0].p > end[0] || b[1].p > end[1] || b[2].p > end[2])
			break;
	}
	for (k = 0; k < 4; k++) {
		/* Give back whole bytes that were read ahead. */
		b[k].p -= b[k].n / 8;
		b[k].n &= 7;
		b[k].v &= (1u << b[k].n) - 1;
		if (b[k].p > end[k] ||
		    !finish(&b[k], end[k], table, dst + at[k] + i, at[k + 1] - at[k] - i))
			return false;
	}
	return true;
}
