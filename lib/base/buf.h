/* SPDX-License-Identifier: MIT */
/*
 * Bounded cursors over bytes: the only way in which decoders read and encoders write.
 * A reader that runs past its end turns bad, gives zeros and stays bad, so a decoder can
 * read a whole structure and ask once. A writer grows; when memory is out it turns bad.
 */
#ifndef MEMHEAT_BASE_BUF_H
#define MEMHEAT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading: little-endian, borrowed bytes ---- */

struct mh_rbuf {
	const uint8_t *p, *end;
	bool bad;  /* read past the end, or a malformed varint */
	bool swap; /* mh_rbuf_host_*: the bytes are of the other byte order */
};

static inline struct mh_rbuf mh_rbuf(const void *bytes, size_t len)
{
	/* No bytes may be NULL, to which nothing can be added. */
	const uint8_t *p = len ? bytes : (const uint8_t *)"";

	return (struct mh_rbuf){ .p = p, .end = p + len };
}

static inline size_t mh_rbuf_left(const struct mh_rbuf *b)
{
	return (size_t)(b->end - b->p);
}

/* @len bytes in place; NULL when there are fewer. */
static inline const uint8_t *mh_rbuf_bytes(struct mh_rbuf *b, size_t len)
{
	const uint8_t *p = b->p;

	if (b->bad || len > mh_rbuf_left(b)) {
		b->bad = true;
		return NULL;
	}
	b->p += len;
	return p;
}

static inline uint8_t mh_rbuf_u8(struct mh_rbuf *b)
{
	const uint8_t *p = mh_rbuf_bytes(b, 1);

	return p ? *p : 0;
}

static inline uint16_t mh_rbuf_u16(struct mh_rbuf *b)
{
	const uint8_t *p = mh_rbuf_bytes(b, 2);

	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

static inline uint32_t mh_rbuf_u32(struct mh_rbuf *b)
{
	uint32_t lo = mh_rbuf_u16(b);

	return lo | (uint32_t)mh_rbuf_u16(b) << 16;
}

static inline uint64_t mh_rbuf_u64(struct mh_rbuf *b)
{
	uint64_t lo = mh_rbuf_u32(b);

	return lo | (uint64_t)mh_rbuf_u32(b) << 32;
}

/* Numbers as the machine that wrote them has them, which is this one but for @swap. */
static inline uint16_t mh_rbuf_host_u16(struct mh_rbuf *b)
{
	const uint8_t *p = mh_rbuf_bytes(b, 2);
	uint16_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return b->swap ? __builtin_bswap16(v) : v;
}

static inline uint32_t mh_rbuf_host_u32(struct mh_rbuf *b)
{
	const uint8_t *p = mh_rbuf_bytes(b, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return b->swap ? __builtin_bswap32(v) : v;
}

static inline uint64_t mh_rbuf_host_u64(struct mh_rbuf *b)
{
	const uint8_t *p = mh_rbuf_bytes(b, 8);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return b->swap ? __builtin_bswap64(v) : v;
}

/* LEB128, at most 10 bytes. */
static inline uint64_t mh_rbuf_varint(struct mh_rbuf *b)
{
	uint64_t v = 0;
	unsigned shift;

	for (shift = 0; shift < 70; shift += 7) {
		uint8_t byte = mh_rbuf_u8(b);

		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	b->bad = true;
	return 0;
}

static inline int64_t mh_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline uint64_t mh_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t mh_rbuf_svarint(struct mh_rbuf *b)
{
	return mh_unzigzag(mh_rbuf_varint(b));
}

/* ---- writing: owned, growing ---- */

struct mh_wbuf {
	uint8_t *p;
	size_t len, cap;
	bool bad; /* out of memory: the contents are not to be used */
};

void mh_wbuf_fini(struct mh_wbuf *b);
/* Make room for @more bytes after len; NULL and bad when memory is out. */
uint8_t *mh_wbuf_room(struct mh_wbuf *b, size_t more);

static inline void mh_wbuf_bytes(struct mh_wbuf *b, const void *bytes, size_t len)
{
	uint8_t *p = mh_wbuf_room(b, len);

	if (p && len) {
		memcpy(p, bytes, len);
		b->len += len;
	}
}

static inline void mh_wbuf_u8(struct mh_wbuf *b, uint8_t v)
{
	mh_wbuf_bytes(b, &v, 1);
}

static inline void mh_wbuf_u16(struct mh_wbuf *b, uint16_t v)
{
	mh_wbuf_bytes(b, (uint8_t[2]){ (uint8_t)v, (uint8_t)(v >> 8) }, 2);
}

static inline void mh_wbuf_u32(struct mh_wbuf *b, uint32_t v)
{
	mh_wbuf_u16(b, (uint16_t)v);
	mh_wbuf_u16(b, (uint16_t)(v >> 16));
}

static inline void mh_wbuf_u64(struct mh_wbuf *b, uint64_t v)
{
	mh_wbuf_u32(b, (uint32_t)v);
	mh_wbuf_u32(b, (uint32_t)(v >> 32));
}

static inline void mh_wbuf_varint(struct mh_wbuf *b, uint64_t v)
{
	uint8_t *p = mh_wbuf_room(b, 10);

	if (!p)
		return;
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
		b->len++;
	}
	*p = (uint8_t)v;
	b->len++;
}

static inline void mh_wbuf_svarint(struct mh_wbuf *b, int64_t v)
{
	mh_wbuf_varint(b, mh_zigzag(v));
}

#endif
