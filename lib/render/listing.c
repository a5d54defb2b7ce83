/* SPDX-License-Identifier: MIT */
/*
 * Lines of long listings. Cells are made where they are written from, padding and all:
 * reports print tens of millions of them, and a cell that is first made elsewhere, its
 * length counted and then copied costs several times what its digits do.
 */
#include <memheat/render.h>

#include <endian.h>
#include <string.h>

#include "render/text.h"

void mh_listing_init(struct mh_listing *l, FILE *out)
{
	l->out = out;
	l->at = 0;
}

void mh_listing_flush(struct mh_listing *l)
{
	fwrite_unlocked(l->buf, 1, l->at, l->out);
	l->at = 0;
}

/* Room for one cell that is padded to @width, all of it blank. */
static char *blank(struct mh_listing *l, unsigned width)
{
	char *p;

	mh_assert(width <= MH_LISTING_WIDTH_MAX);
	if (l->at > sizeof(l->buf) - MH_LISTING_WIDTH_MAX)
		mh_listing_flush(l);
	p = l->buf + l->at;
	/* More than is asked for: a number known here is a store or two. */
	memset(p, ' ', MH_LISTING_WIDTH_MAX);
	return p;
}

void mh_listing_text(struct mh_listing *l, const char *s, size_t n)
{
	if (n > sizeof(l->buf) - l->at)
		mh_listing_flush(l);
	if (n > sizeof(l->buf)) {
		fwrite_unlocked(s, 1, n, l->out);
		return;
	}
	memcpy(l->buf + l->at, s, n);
	l->at += n;
}

void mh_listing_char(struct mh_listing *l, char c)
{
	if (l->at == sizeof(l->buf))
		mh_listing_flush(l);
	l->buf[l->at++] = c;
}

void mh_listing_blank(struct mh_listing *l, unsigned width)
{
	blank(l, width);
	l->at += width;
}

static unsigned nr_digits(uint64_t v)
{
	unsigned n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

void mh_listing_u64(struct mh_listing *l, uint64_t v, unsigned width)
{
	unsigned n = nr_digits(v);
	char *end = blank(l, width) + (n > width ? n : width), *p = end;

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	l->at = (size_t)(end - l->buf);
}

/* Eight hexadecimal digits at once: a nibble to each byte, then what it is written as. */
static void put_eight(char *p, uint32_t v)
{
	const uint64_t each = 0x0101010101010101;
	uint64_t x = v;

	x = (x << 16 | x) & 0x0000ffff0000ffff;
	x = (x << 8 | x) & 0x00ff00ff00ff00ff;
	x = (x << 4 | x) & 15 * each;
	/* 'a' is 39 behind what would follow '9'. */
	x += '0' * each + ((x + 6 * each) >> 4 & each) * 39;
	x = htobe64(x);
	memcpy(p, &x, sizeof(x));
}

void mh_listing_hex(struct mh_listing *l, uint64_t v, unsigned width)
{
	unsigned zeros = v ? (unsigned)__builtin_clzll(v) / 4 : 15, n = 16 - zeros;
	char *p = blank(l, width);

	/* Digits begin at the left; what follows them is blank again. */
	v <<= 4 * zeros;
	put_eight(p, (uint32_t)(v >> 32));
	put_eight(p + 8, (uint32_t)v);
	memset(p + n, ' ', 16);
	l->at += n > width ? n : width;
}

void mh_listing_bytes(struct mh_listing *l, uint64_t v, unsigned width)
{
	char *p = blank(l, width), *end = p + width;

	mh_assert(width >= MH_TEXT_SIZE_MAX);
	mh_text_size(end, v);
	l->at += width;
}
