/* SPDX-License-Identifier: MIT */
/*
 * Numbers as a person types them. Sizes and times are parsed as decimal integers with a
 * fraction, not through floating point: 64-bit addresses must come out exact. Exponents
 * are not taken; nobody types them, and 1e999 is no size.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 },           { "B", 1 },
	{ "K", 1ull << 10 }, { "KiB", 1ull << 10 },
	{ "M", 1ull << 20 }, { "MiB", 1ull << 20 },
	{ "G", 1ull << 30 }, { "GiB", 1ull << 30 },
	{ "T", 1ull << 40 }, { "TiB", 1ull << 40 },
	{ NULL, 0 },
};

static const struct unit time_units[] = {
	{ "", 1000000000 },
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60 * 1000000000ull },
	{ "h", 3600 * 1000000000ull },
	{ NULL, 0 },
};

static const char size_words[] =
	"a size: a number, or one with K, M, G or T (1024), as in 64M; addresses in "
	"hexadecimal begin with 0x";
static const char time_words[] = "a time: a number with us, ms, s, m or h, as in 100ms";

static uint64_t factor_of(const struct unit *units, const char *s, int fold)
{
	for (; units->name; units++)
		if (!strcmp(s, units->name) || (fold && !strcasecmp(s, units->name)))
			return units->factor;
	return 0;
}

/* Digits before and after the point; false when there are none or they do not fit. */
static int digits(const char **s, uint64_t *whole, uint64_t *part, uint64_t *scale)
{
	const char *p = *s;
	int nr = 0;

	*whole = *part = 0;
	*scale = 1;
	for (; isdigit((unsigned char)*p); p++, nr++)
		if (__builtin_mul_overflow(*whole, 10, whole) ||
		    __builtin_add_overflow(*whole, (uint64_t)(*p - '0'), whole))
			return 0;
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++, nr++) {
			if (*scale >= 1000000000000000000ull)
				return 0;
			*scale *= 10;
			*part = *part * 10 + (uint64_t)(*p - '0');
		}
	*s = p;
	return nr > 0;
}

static int hexadecimal(uint64_t *out, const char *s)
{
	char *end;
	size_t len = strspn(s, "0123456789abcdefABCDEF");

	while (len > 1 && *s == '0')
		s++, len--;
	if (len == 0 || len > 16 || s[len])
		return 0;
	*out = strtoull(s, &end, 16);
	return 1;
}

static int scaled(uint64_t *out, const char *s, const struct unit *units, int fold)
{
	uint64_t whole, part, scale, factor;
	unsigned __int128 v;

	if (!digits(&s, &whole, &part, &scale))
		return 0;
	factor = factor_of(units, s, fold);
	if (!factor)
		return 0;
	v = (unsigned __int128)whole * factor + (unsigned __int128)part * factor / scale;
	if (v > UINT64_MAX)
		return 0;
	*out = (uint64_t)v;
	return 1;
}

static int size_of(uint64_t *out, const char *s)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return hexadecimal(out, s + 2);
	return scaled(out, s, size_units, 1);
}

static int time_of(uint64_t *out, const char *s)
{
	return scaled(out, s, time_units, 0);
}

int mh_value_count(uint64_t *out, const char *s, struct mh_err *err)
{
	static const struct unit none[] = { { "", 1 }, { NULL, 0 } };

	if (strchr(s, '.') || !scaled(out, s, none, 0))
		return mh_fail(err, MH_EINPUT, "'%s' is not a whole number", s);
	return MH_OK;
}

int mh_value_size(uint64_t *out, const char *s, struct mh_err *err)
{
	if (!size_of(out, s))
		return mh_fail(err, MH_EINPUT, "'%s' is not %s", s, size_words);
	return MH_OK;
}

int mh_value_time(uint64_t *out, const char *s, struct mh_err *err)
{
	if (!time_of(out, s))
		return mh_fail(err, MH_EINPUT, "'%s' is not %s", s, time_words);
	return MH_OK;
}

int mh_value_number(double *out, const char *s, struct mh_err *err)
{
	char *end;
	double v = strtod(s, &end);

	if (end != s && !strcmp(end, "%")) {
		v /= 100;
		end++;
	}
	if (end == s || *end || isspace((unsigned char)*s) || !isfinite(v))
		return mh_fail(err, MH_EINPUT, "'%s' is not a number, as in 0.25 or 25%%",
			       s);
	*out = v;
	return MH_OK;
}

/* Cut @s at @sep into two strings of @buf; false when there is none or it is too long. */
static int halves(char buf[128], const char **second, const char *s, int sep)
{
	char *p;

	if (strlen(s) >= 128)
		return 0;
	strcpy(buf, s);
	p = strchr(buf, sep);
	if (!p || strchr(p + 1, sep))
		return 0;
	*p = '\0';
	*second = p + 1;
	return 1;
}

int mh_value_ratio(double *out, const char *s, struct mh_err *err)
{
	double v = 0, of = 1;
	const char *below;
	char buf[128];

	if (halves(buf, &below, s, '/') && mh_value_number(&of, below, NULL) == MH_OK &&
	    of > 0)
		s = buf;
	if (mh_value_number(&v, s, NULL) != MH_OK || v < 0 || v / of > 1)
		return mh_fail(err, MH_EINPUT,
			       "'%s' is not a share from 0 to 1, as in 0.25, 25%% or 1/4",
			       s);
	v /= of;
	*out = v;
	return MH_OK;
}

static int range_of(struct mh_range *out, const char *s,
		    int (*parse)(uint64_t *out, const char *s))
{
	struct mh_range r = { 0, UINT64_MAX };
	char buf[128];
	const char *b;

	if (!halves(buf, &b, s, ':') || (!*buf && !*b))
		return 0;
	if (*buf && !parse(&r.start, buf))
		return 0;
	if (*b && !parse(&r.end, b + (*b == '+')))
		return 0;
	if (*b == '+' && __builtin_add_overflow(r.start, r.end, &r.end))
		return 0;
	if (r.start >= r.end)
		return 0;
	*out = r;
	return 1;
}

int mh_value_size_range(struct mh_range *out, const char *s, struct mh_err *err)
{
	if (!range_of(out, s, size_of))
		return mh_fail(
			err, MH_EINPUT,
			"'%s' is not a range of addresses: START:END or START:+SIZE, "
			"as in 0x7f0000000000:+64M",
			s);
	return MH_OK;
}

int mh_value_time_range(struct mh_range *out, const char *s, struct mh_err *err)
{
	if (!range_of(out, s, time_of))
		return mh_fail(
			err, MH_EINPUT,
			"'%s' is not a range of times: FROM:TO, FROM: or :TO, as in "
			"2s:1m",
			s);
	return MH_OK;
}

int mh_value_numbers(double out[2], const char *s, struct mh_err *err)
{
	char buf[128];
	const char *b;
	double lo = 0, hi = 0;

	if (!halves(buf, &b, s, ':') || mh_value_number(&lo, buf, NULL) != MH_OK ||
	    mh_value_number(&hi, b, NULL) != MH_OK || !(lo < hi))
		return mh_fail(err, MH_EINPUT,
			       "'%s' is not a range of numbers LO:HI, as in 0:50%%", s);
	out[0] = lo;
	out[1] = hi;
	return MH_OK;
}

int mh_value_extent(uint32_t out[2], const char *s, struct mh_err *err)
{
	char buf[128];
	const char *b;
	uint64_t w = 0, h = 0;

	if (!halves(buf, &b, s, 'x') || mh_value_count(&w, buf, NULL) != MH_OK ||
	    mh_value_count(&h, b, NULL) != MH_OK || w > UINT32_MAX || h > UINT32_MAX)
		return mh_fail(err, MH_EINPUT, "'%s' is not WIDTHxHEIGHT, as in 1280x720",
			       s);
	out[0] = (uint32_t)w;
	out[1] = (uint32_t)h;
	return MH_OK;
}
