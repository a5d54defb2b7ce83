/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 for display. The width table holds the blocks that terminals agree on; rare
 * scripts with contested widths count as one column, which at worst shifts one line of a
 * table.
 */
#include "render/utf8.h"

#include <stdbool.h>
#include <string.h>

int32_t mh_utf8_decode(const char *s, size_t *len)
{
	static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)s;
	size_t n = *p < 0x80   ? 1
		   : *p < 0xc2 ? 0
		   : *p < 0xe0 ? 2
		   : *p < 0xf0 ? 3
		   : *p < 0xf5 ? 4
			       : 0;
	int32_t point;
	size_t i;

	*len = 1;
	if (n <= 1)
		return n ? *p : -1;
	point = *p & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (p[i] & 0x3f);
	}
	if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return -1;
	*len = n;
	return point;
}

size_t mh_utf8_encode(char buf[4], int32_t point)
{
	if (point < 0x80) {
		buf[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		buf[0] = (char)(0xc0 | point >> 6);
		buf[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		buf[0] = (char)(0xe0 | point >> 12);
		buf[1] = (char)(0x80 | (point >> 6 & 0x3f));
		buf[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	buf[0] = (char)(0xf0 | point >> 18);
	buf[1] = (char)(0x80 | (point >> 12 & 0x3f));
	buf[2] = (char)(0x80 | (point >> 6 & 0x3f));
	buf[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

struct block {
	int32_t first, last;
};

static bool in_blocks(const struct block *blocks, size_t nr, int32_t point)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (point >= blocks[i].first && point <= blocks[i].last)
			return true;
	}
	return false;
}

#define IN_BLOCKS(blocks, point)                                                         \
	in_blocks(blocks, sizeof(blocks) / sizeof((blocks)[0]), point)

unsigned mh_utf8_columns(int32_t point)
{
	static const struct block combining[] = { { 0x300, 0x36f },    { 0x483, 0x489 },
						  { 0x591, 0x5bd },    { 0x610, 0x61a },
						  { 0x64b, 0x65f },    { 0x1ab0, 0x1aff },
						  { 0x1dc0, 0x1dff },  { 0x20d0, 0x20ff },
						  { 0xfe00, 0xfe0f },  { 0xfe20, 0xfe2f },
						  { 0xe0100, 0xe01ef } };
	static const struct block wide[] = { { 0x1100, 0x115f },   { 0x2e80, 0x303e },
					     { 0x3041, 0x33ff },   { 0x3400, 0x4dbf },
					     { 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },
					     { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
					     { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
					     { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
					     { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };

	if (point < 0x300)
		return 1;
	if (IN_BLOCKS(combining, point))
		return 0;
	return IN_BLOCKS(wide, point) ? 2 : 1;
}

/* Controls, and marks that are invisible or turn the direction of what follows. */
static bool is_harmful(int32_t point)
{
	static const struct block harmful[] = { { 0, 0x1f },         { 0x7f, 0x9f },
						{ 0xad, 0xad },      { 0x61c, 0x61c },
						{ 0x200b, 0x200f },  { 0x2028, 0x202e },
						{ 0x2060, 0x206f },  { 0xfeff, 0xfeff },
						{ 0xfff9, 0xfffb },  { 0xfffe, 0xffff },
						{ 0xe0000, 0xe007f } };

	return IN_BLOCKS(harmful, point);
}

/* One character of @s as it is to be shown; returns its bytes, *columns and *used of @s.
 */
static size_t safe_char(char buf[16], const char *s, int utf8, size_t *used,
			size_t *columns)
{
	int32_t point = mh_utf8_decode(s, used);
	int n;

	if (point >= 0 && !is_harmful(point) && (utf8 || point < 0x80)) {
		*columns = mh_utf8_columns(point);
		return mh_utf8_encode(buf, point);
	}
	/* A byte by itself, valid or not. */
	if (point < 0x80)
		n = snprintf(buf, 16, "\\x%02x", (unsigned)(uint8_t)*s);
	else
		n = snprintf(buf, 16, "\\u{%x}", (unsigned)point);
	*columns = (size_t)n;
	return (size_t)n;
}

/* Copy characters of @s while they fit into @size and @columns; *rest: where it stopped.
 */
static size_t copy_safe(char *out, size_t size, const char *s, size_t columns, int utf8,
			const char **rest)
{
	size_t at = 0, total = 0;

	while (*s) {
		char buf[16];
		size_t used, width, n = safe_char(buf, s, utf8, &used, &width);

		if (at + n + 1 > size || total + width > columns)
			break;
		memcpy(out + at, buf, n);
		at += n;
		total += width;
		s += used;
	}
	if (size)
		out[at] = '\0';
	if (rest)
		*rest = s;
	return total;
}

size_t mh_utf8_safe(char *out, size_t size, const char *s, int utf8)
{
	return copy_safe(out, size, s, SIZE_MAX, utf8, NULL);
}

static size_t safe_columns(const char *s, int utf8)
{
	size_t total = 0;

	while (*s) {
		char buf[16];
		size_t used, width;

		safe_char(buf, s, utf8, &used, &width);
		total += width;
		s += used;
	}
	return total;
}

size_t mh_utf8_fit(char *out, size_t size, const char *s, size_t columns, int utf8)
{
	size_t all = safe_columns(s, utf8), head, used, at;

	if (all <= columns || columns < 5)
		return copy_safe(out, size, s, columns, utf8, NULL);
	/* The end of a path says more than its start. */
	head = (columns - 2) / 3;
	used = copy_safe(out, size, s, head, utf8, NULL);
	at = strlen(out);
	if (at + 3 > size)
		return used;
	memcpy(out + at, "..", 3);
	at += 2;
	used += 2;
	/* Skip characters until what is left fits. */
	while (*s && safe_columns(s, utf8) > columns - used) {
		size_t len;

		mh_utf8_decode(s, &len);
		s += len;
	}
	return used + copy_safe(out + at, size - at, s, columns - used, utf8, NULL);
}
