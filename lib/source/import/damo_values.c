/* SPDX-License-Identifier: MIT */
/*
 * A number is taken apart into its whole part, exactly, and its fraction, as a double:
 * addresses and times need all 64 bits, figures with a unit are rounded already.
 */
#include "source/import/damo_values.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct scan {
	const char *p, *end;
};

struct number {
	uint64_t whole;
	double fraction; /* 0 up to below 1 */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

static bool is_word(const struct scan *s, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(s->end - s->p) == len && !strncasecmp(s->p, word, len);
}

/* 1e+18 and the like, which JSON writers give for large numbers. */
static bool take_exponent(struct scan *s, const char *from, struct number *n)
{
	char buf[64];
	const char *p = s->p + 1;
	size_t len;
	double v;

	if (p < s->end && (*p == '+' || *p == '-'))
		p++;
	if (p == s->end || !is_digit(*p))
		return true; /* not an exponent: a unit that begins with E */
	while (p < s->end && is_digit(*p))
		p++;
	len = (size_t)(p - from);
	if (len >= sizeof(buf) || memchr(from, ',', len))
		return false;
	memcpy(buf, from, len);
	buf[len] = '\0';
	v = strtod(buf, NULL);
	if (!(v >= 0 && v < 18446744073709551616.0))
		return false;
	n->whole = (uint64_t)v;
	n->fraction = v - (double)n->whole;
	s->p = p;
	return true;
}

static bool take_number(struct scan *s, struct number *n)
{
	const char *from;
	double digit = 0.1;

	*n = (struct number){ 0, 0 };
	skip_blanks(s);
	from = s->p;
	for (; s->p < s->end && (is_digit(*s->p) || (*s->p == ',' && s->p > from));
	     s->p++) {
		if (*s->p == ',')
			continue;
		if (__builtin_mul_overflow(n->whole, 10, &n->whole) ||
		    __builtin_add_overflow(n->whole, (uint64_t)(*s->p - '0'), &n->whole))
			return false;
	}
	if (s->p == from)
		return false;
	if (s->p < s->end && *s->p == '.') {
		for (s->p++; s->p < s->end && is_digit(*s->p); s->p++) {
			n->fraction += digit * (*s->p - '0');
			digit /= 10;
		}
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E'))
		return take_exponent(s, from, n);
	return true;
}

static bool at_end(struct scan *s)
{
	skip_blanks(s);
	return s->p == s->end;
}

/* n x unit, rounded. */
static bool scale(uint64_t *out, const struct number *n, uint64_t unit)
{
	uint64_t rest = (uint64_t)(n->fraction * (double)unit + 0.5);

	return !__builtin_mul_overflow(n->whole, unit, out) &&
	       !__builtin_add_overflow(*out, rest, out);
}

static bool limit_word(uint64_t *out, struct scan *s)
{
	skip_blanks(s);
	if (is_word(s, "max"))
		*out = UINT64_MAX;
	else if (is_word(s, "min"))
		*out = 0;
	else
		return false;
	return true;
}

/* The rule: digits, and commas between them; so few that they fit 64 bits. */
static bool take_plain(uint64_t *out, const char *s, size_t len)
{
	uint64_t v = 0;
	size_t i;

	if (!len || len > 19 || !is_digit(*s))
		return false;
	for (i = 0; i < len; i++) {
		if (is_digit(s[i]))
			v = v * 10 + (uint64_t)(s[i] - '0');
		else if (s[i] != ',')
			return false;
	}
	*out = v;
	return true;
}

bool mh_damo_count(uint64_t *out, const char *str, size_t len)
{
	struct scan s = { str, str + len };
	struct number n;

	if (take_plain(out, str, len))
		return true;
	if (limit_word(out, &s))
		return true;
	if (!take_number(&s, &n) || !at_end(&s))
		return false;
	*out = n.whole;
	return true;
}

static bool take_byte_unit(struct scan *s, unsigned *shift)
{
	static const char units[] = "BKMGTPE";
	static const char *const tails[] = { "", "B", "iB" };
	const char *at;
	size_t i;

	skip_blanks(s);
	*shift = 0;
	if (s->p == s->end)
		return true;
	at = memchr(units, *s->p & ~0x20, sizeof(units) - 1);
	if (!at)
		return false;
	*shift = 10 * (unsigned)(at - units);
	s->p++;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		if (is_word(s, tails[i]))
			return *shift || i == 0;
	return false;
}

bool mh_damo_bytes(uint64_t *out, const char *str, size_t len)
{
	struct scan s = { str, str + len };
	struct number n;
	unsigned shift;

	/* "0 B": DAMO's for no filter. */
	if (take_plain(out, str, len > 2 && !memcmp(s.end - 2, " B", 2) ? len - 2 : len))
		return true;
	if (limit_word(out, &s))
		return true;
	return take_number(&s, &n) && take_byte_unit(&s, &shift) &&
	       scale(out, &n, UINT64_C(1) << shift);
}

/* "ns us ms s m h d"; a plain number has none. */
static bool take_time_unit(struct scan *s, uint64_t *ns)
{
	static const struct {
		const char *word;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
		{ "d", UINT64_C(86400000000000) },
	};
	struct scan word = { .p = (skip_blanks(s), s->p), .end = s->p };
	size_t i;

	while (word.end < s->end && *word.end != ' ' && !is_digit(*word.end))
		word.end++;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (is_word(&word, units[i].word)) {
			*ns = units[i].ns;
			s->p = word.end;
			return true;
		}
	}
	return false;
}

bool mh_damo_time(uint64_t *out_ns, const char *str, size_t len, uint64_t plain_ns)
{
	struct scan s = { str, str + len };
	struct number n;
	uint64_t unit, part;

	*out_ns = 0;
	if (limit_word(out_ns, &s))
		return true;
	if (!take_number(&s, &n))
		return false;
	if (at_end(&s))
		return scale(out_ns, &n, plain_ns);
	do {
		if (!take_time_unit(&s, &unit) || !scale(&part, &n, unit) ||
		    __builtin_add_overflow(*out_ns, part, out_ns))
			return false;
		if (at_end(&s))
			return true;
	} while (take_number(&s, &n));
	return false;
}

bool mh_damo_percent(double *out, const char *str, size_t len)
{
	struct scan s = { str, str + len };
	struct number n;

	if (!take_number(&s, &n))
		return false;
	*out = (double)n.whole + n.fraction;
	skip_blanks(&s);
	return s.p == s.end || is_word(&s, "%");
}

bool mh_damo_bp(uint64_t *out, const char *str, size_t len)
{
	struct scan s = { str, str + len };
	struct number n;

	if (!take_number(&s, &n))
		return false;
	skip_blanks(&s);
	if (is_word(&s, "%"))
		return scale(out, &n, 100);
	*out = n.whole;
	return s.p == s.end || is_word(&s, "bp");
}
