/* SPDX-License-Identifier: MIT */
/*
 * JSON as a stream: nothing is held but a bit per depth. Whatever comes in, valid UTF-8
 * and valid JSON come out: bytes that are no UTF-8 become U+FFFD, numbers that JSON
 * cannot say become null. Whether the stream took it is asked once, by the caller,
 * through ferror(). The stream is the caller's own: it is not locked.
 */
#include <memheat/render.h>

#include <math.h>
#include <string.h>

#include "render/text.h"
#include "render/utf8.h"

#define DEPTH_MAX 62

void mh_json_init(struct mh_json *j, FILE *out)
{
	*j = (struct mh_json){ .out = out };
}

/* What has to stand before a value or a key: nothing, or a comma. */
static void separate(struct mh_json *j)
{
	uint64_t bit = (uint64_t)1 << j->depth;

	if (j->after_key) {
		j->after_key = 0;
		return;
	}
	if (j->more & bit)
		putc_unlocked(',', j->out);
	j->more |= bit;
}

static void open_level(struct mh_json *j, char c)
{
	separate(j);
	mh_assert(j->depth < DEPTH_MAX);
	putc_unlocked(c, j->out);
	j->depth++;
	j->more &= ~((uint64_t)1 << j->depth);
}

static void close_level(struct mh_json *j, char c)
{
	mh_assert(j->depth > 0 && !j->after_key);
	j->depth--;
	putc_unlocked(c, j->out);
}

void mh_json_object(struct mh_json *j)
{
	open_level(j, '{');
}

void mh_json_array(struct mh_json *j)
{
	open_level(j, '[');
}

void mh_json_end_object(struct mh_json *j)
{
	close_level(j, '}');
}

void mh_json_end_array(struct mh_json *j)
{
	close_level(j, ']');
}

/* The two-letter escape of @c, or 0. */
static char short_escape(char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *p = c ? strchr(plain, c) : NULL;

	return p ? letter[p - plain] : '\0';
}

/* Bytes from @s on that stand for themselves: most of what is ever written. */
static size_t plain_bytes(const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* One character that does not, or no character at all. Returns its bytes. */
static size_t put_special(FILE *out, const char *s)
{
	size_t len;
	int32_t point = mh_utf8_decode(s, &len);
	char letter = short_escape(*s);

	if (letter)
		fprintf(out, "\\%c", letter);
	else if (point < 0)
		fputs("\xef\xbf\xbd", out);
	else if (point < 0x20 || point == 0x7f)
		fprintf(out, "\\u%04x", (unsigned)point);
	else
		fwrite_unlocked(s, 1, len, out);
	return len;
}

static void put_string(FILE *out, const char *s)
{
	size_t len;

	putc_unlocked('"', out);
	while (*s) {
		len = plain_bytes(s);
		fwrite_unlocked(s, 1, len, out);
		s += len ? len : put_special(out, s);
	}
	putc_unlocked('"', out);
}

void mh_json_key(struct mh_json *j, const char *key)
{
	mh_assert(!j->after_key);
	separate(j);
	put_string(j->out, key);
	putc_unlocked(':', j->out);
	j->after_key = 1;
}

void mh_json_string(struct mh_json *j, const char *s)
{
	if (!s) {
		mh_json_null(j);
		return;
	}
	separate(j);
	put_string(j->out, s);
}

void mh_json_u64(struct mh_json *j, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	separate(j);
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	fwrite_unlocked(p, 1, (size_t)(digits + sizeof(digits) - p), j->out);
}

void mh_json_bytes(struct mh_json *j, uint64_t v)
{
	if (v == MH_NO_DATA)
		mh_json_null(j);
	else
		mh_json_u64(j, v);
}

void mh_json_double(struct mh_json *j, double v)
{
	char buf[MH_TEXT_MAX];

	if (!isfinite(v)) {
		mh_json_null(j);
		return;
	}
	separate(j);
	/* Pictures are full of these. */
	if (v == 0)
		putc_unlocked('0', j->out);
	else
		fputs(mh_text_double(buf, v), j->out);
}

void mh_json_bool(struct mh_json *j, int v)
{
	separate(j);
	fputs(v ? "true" : "false", j->out);
}

void mh_json_null(struct mh_json *j)
{
	separate(j);
	fputs("null", j->out);
}

void mh_json_raw(struct mh_json *j, const char *value, size_t n)
{
	separate(j);
	fwrite_unlocked(value, 1, n, j->out);
}

void mh_json_put_string(struct mh_json *j, const char *key, const char *s)
{
	mh_json_key(j, key);
	mh_json_string(j, s);
}

void mh_json_put_u64(struct mh_json *j, const char *key, uint64_t v)
{
	mh_json_key(j, key);
	mh_json_u64(j, v);
}

void mh_json_put_bytes(struct mh_json *j, const char *key, uint64_t v)
{
	mh_json_key(j, key);
	mh_json_bytes(j, v);
}

void mh_json_put_double(struct mh_json *j, const char *key, double v)
{
	mh_json_key(j, key);
	mh_json_double(j, v);
}

void mh_json_put_bool(struct mh_json *j, const char *key, int v)
{
	mh_json_key(j, key);
	mh_json_bool(j, v);
}
