/* SPDX-License-Identifier: MIT */
/*
 * Numbers for a person. Sizes are binary with a space, at least three significant digits
 * unless the number is whole: "95.4 MiB", "196.8 MiB", "1.25 GiB", "12 KiB". A share that
 * is not nothing is never printed as "0%", and one that is not all never as "100%".
 */
#include "render/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/utf8.h"

static const char units[] = " KMGTPE";

/* 10 to the number of decimals that give three significant digits, or one after the
 * point. */
static unsigned scale_of(double v)
{
	return v == (double)(unsigned)v || v >= 999.95 ? 1 : v >= 9.995 ? 10 : 100;
}

struct size {
	unsigned n, scale; /* the number is n / scale */
	unsigned unit;     /* of units[] */
};

/* Lists have millions of them, and printf() of a double is ten times as slow. */
static struct size size_of(uint64_t bytes)
{
	/* Powers of two: the product is what a division would give. */
	static const double per_unit[] = { 1,       0x1p-10, 0x1p-20, 0x1p-30,
					   0x1p-40, 0x1p-50, 0x1p-60 };
	unsigned u = (63 - (unsigned)__builtin_clzll(bytes | 1)) / 10, scale;
	double v = (double)bytes * per_unit[u];

	/* 1023.97 KiB would be rounded to "1024 KiB". */
	if (u < 6 && v >= 1023.5)
		return (struct size){ .n = 1, .scale = 1, .unit = u + 1 };
	scale = scale_of(v);
	return (struct size){ .n = (unsigned)lrint(v * scale),
			      .scale = scale,
			      .unit = u };
}

/* Digits that end at @p; returns where they start. */
static char *put_number(char *p, struct size size)
{
	unsigned n = size.n, scale = size.scale;

	if (scale > 1) {
		for (; scale > 1; scale /= 10, n /= 10)
			*--p = (char)('0' + n % 10);
		*--p = '.';
	}
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	return p;
}

char *mh_text_size(char *end, uint64_t bytes)
{
	struct size size;

	if (bytes == MH_NO_DATA) {
		*--end = '-';
		return end;
	}
	size = size_of(bytes);
	*--end = 'B';
	if (size.unit) {
		*--end = 'i';
		*--end = units[size.unit];
	}
	*--end = ' ';
	return put_number(end, size);
}

/* What ends at @end, as a string. */
static const char *copied(char buf[MH_TEXT_MAX], const char *from, const char *end)
{
	memcpy(buf, from, (size_t)(end - from));
	buf[end - from] = '\0';
	return buf;
}

const char *mh_text_bytes(char buf[MH_TEXT_MAX], uint64_t bytes)
{
	char text[MH_TEXT_SIZE_MAX], *end = text + sizeof(text);

	return copied(buf, mh_text_size(end, bytes), end);
}

const char *mh_text_bytes_short(char buf[MH_TEXT_MAX], uint64_t bytes)
{
	char text[MH_TEXT_SIZE_MAX], *end = text + sizeof(text), *p = end;
	struct size size;

	if (bytes == MH_NO_DATA)
		return strcpy(buf, "-");
	size = size_of(bytes);
	if (size.unit)
		*--p = units[size.unit];
	return copied(buf, put_number(p, size), end);
}

const char *mh_text_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_time(char buf[MH_TEXT_MAX], double v, const char *unit)
{
	v = round(v * 10) / 10;
	snprintf(buf, MH_TEXT_MAX, "%.*f %s", v == floor(v) ? 0 : 1, v, unit);
}

const char *mh_text_ns(char buf[MH_TEXT_MAX], uint64_t ns)
{
	static const uint64_t us = 1000, ms = 1000000, s = 1000000000;
	unsigned long long seconds = (ns + s / 2) / s;

	if (ns == MH_NO_DATA)
		return strcpy(buf, "-");
	/* The bounds are where rounding would show the next unit's 1. */
	if (ns < us)
		put_time(buf, (double)ns, "ns");
	else if (ns < ms - 500)
		put_time(buf, (double)ns / 1e3, "us");
	else if (ns < s - 500000)
		put_time(buf, (double)ns / 1e6, "ms");
	else if (seconds < 120)
		put_time(buf, (double)ns / 1e9, "s");
	else if (seconds < 3600)
		snprintf(buf, MH_TEXT_MAX, "%llu min %02llu s", seconds / 60,
			 seconds % 60);
	else if (seconds < 86400)
		snprintf(buf, MH_TEXT_MAX, "%llu h %02llu min", seconds / 3600,
			 seconds / 60 % 60);
	else
		snprintf(buf, MH_TEXT_MAX, "%llu d %02llu h", seconds / 86400,
			 seconds / 3600 % 24);
	return buf;
}

const char *mh_text_percent(char buf[MH_TEXT_MAX], double ratio)
{
	double percent = ratio * 100, size = fabs(percent);

	if (!isfinite(percent) || size > 1e15)
		return strcpy(buf, isnan(ratio) ? "-" : ratio > 0 ? ">1e15%" : "<-1e15%");
	if (size == 0)
		snprintf(buf, MH_TEXT_MAX, "0%%");
	else if (size < 0.01)
		snprintf(buf, MH_TEXT_MAX, "%s0.01%%", percent < 0 ? ">-" : "<");
	else if (size < 0.095)
		snprintf(buf, MH_TEXT_MAX, "%.2f%%", percent);
	else if (size < 9.95)
		snprintf(buf, MH_TEXT_MAX, "%.1f%%", percent);
	else if (percent > 99.99 && percent < 100)
		snprintf(buf, MH_TEXT_MAX, ">99.99%%");
	else if (percent >= 99.5 && percent < 100)
		snprintf(buf, MH_TEXT_MAX, "%.2f%%", floor(percent * 100) / 100);
	else
		snprintf(buf, MH_TEXT_MAX, "%.0f%%", percent);
	return buf;
}

const char *mh_text_double(char buf[MH_TEXT_MAX], double v)
{
	const char *point = localeconv()->decimal_point;
	int digits;
	char *p;

	/* %g drops trailing zeros, and 15 digits survive any round trip: nothing shorter
	 * than the first match can read back. */
	for (digits = 15; digits <= 17; digits++) {
		snprintf(buf, MH_TEXT_MAX, "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	p = strcmp(point, ".") ? strstr(buf, point) : NULL;
	if (p) {
		*p = '.';
		memmove(p + 1, p + strlen(point), strlen(p + strlen(point)) + 1);
	}
	return buf;
}

size_t mh_text_safe(char *buf, size_t size, const char *s, int utf8)
{
	return mh_utf8_safe(buf, size, s, utf8);
}

/* Append one character; returns 0 when it does not fit with the end mark. */
static int append(char *buf, size_t size, size_t *at, int32_t point)
{
	char bytes[4];
	size_t n = mh_utf8_encode(bytes, point);

	if (*at + n + 1 > size)
		return 0;
	memcpy(buf + *at, bytes, n);
	*at += n;
	buf[*at] = '\0';
	return 1;
}

void mh_text_bar(char *buf, size_t size, double ratio, unsigned width, int utf8)
{
	unsigned steps = utf8 ? 8 : 1, filled;
	size_t at = 0;

	if (!size)
		return;
	buf[0] = '\0';
	if (!(ratio > 0))
		return;
	filled = (unsigned)lround((ratio > 1 ? 1 : ratio) * width * steps);
	/* Little is not nothing. */
	if (!filled && width)
		filled = 1;
	for (; filled >= steps; filled -= steps) {
		if (!append(buf, size, &at, utf8 ? 0x2588 : '#'))
			return;
	}
	if (filled)
		append(buf, size, &at, 0x2590 - (int32_t)filled); /* U+258F: an eighth */
}

static uint64_t largest(const uint64_t *values, size_t first, size_t last)
{
	uint64_t max = MH_NO_DATA;
	size_t i;

	for (i = first; i < last; i++) {
		if (values[i] != MH_NO_DATA && (max == MH_NO_DATA || values[i] > max))
			max = values[i];
	}
	return max;
}

void mh_text_spark(char *buf, size_t size, const uint64_t *values, size_t n, uint64_t max,
		   unsigned width, int utf8)
{
	unsigned levels = utf8 ? 8 : 10, c;
	size_t at = 0;

	if (!size)
		return;
	buf[0] = '\0';
	for (c = 0; c < width && n; c++) {
		size_t first = (size_t)((double)c * (double)n / width);
		size_t last = (size_t)((double)(c + 1) * (double)n / width);
		uint64_t v;
		double ratio;
		unsigned level;

		if (last <= first)
			last = first + 1;
		v = largest(values, first < n ? first : n - 1, last < n ? last : n);
		ratio = max && v < max ? (double)v / (double)max : max ? 1 : 0;
		level = (unsigned)(ratio * (levels - 1) + 0.5);
		if (!append(buf, size, &at,
			    v == MH_NO_DATA ? ' '
			    : utf8          ? 0x2581 + (int32_t)level
					    : '0' + (int32_t)level))
			return;
	}
}
