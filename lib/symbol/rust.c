/* SPDX-License-Identifier: MIT */
/*
 * Rust names. The legacy mangling is C++'s with a hash and escapes in it. The v0 mangling
 * (RFC 2603) is decoded here as far as paths, generic arguments and types go; constants
 * are shown as "_", lifetimes and crate hashes are left out, punycode stays as it is.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/names.h"

/* ---- legacy ---- */

static bool is_hash(const char *s)
{
	size_t i;

	if (strncmp(s, "::h", 3))
		return false;
	for (i = 3; i < 19; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return false;
	}
	return !s[19];
}

/* A "$...$" escape at *s; moves behind it. */
static bool unescape(const char **s, char *c)
{
	static const struct {
		const char *from;
		char to;
	} table[] = {
		{ "$LT$", '<' }, { "$GT$", '>' }, { "$RF$", '&' }, { "$BP$", '*' },
		{ "$LP$", '(' }, { "$RP$", ')' }, { "$C$", ',' },  { "$SP$", '@' }
	};
	unsigned long code;
	char *end;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		size_t n = strlen(table[i].from);

		if (!strncmp(*s, table[i].from, n)) {
			*c = table[i].to;
			*s += n;
			return true;
		}
	}
	if (strncmp(*s, "$u", 2) || !isxdigit((unsigned char)(*s)[2]))
		return false;
	code = strtoul(*s + 2, &end, 16);
	if (*end != '$' || code < ' ' || code > '~')
		return false;
	*c = (char)code;
	*s = end + 1;
	return true;
}

void mh_rust_legacy_tidy(char *name)
{
	size_t len = strlen(name);
	const char *s = name;
	char *out = name;

	if (len < 19 || !is_hash(name + len - 19))
		return;
	name[len - 19] = 0;
	while (*s) {
		if (*s == '_' && s[1] == '$' && (s == name || s[-1] == ':'))
			s++;
		else if (*s == '$' && unescape(&s, out))
			out++;
		else if (s[0] == '.' && s[1] == '.') {
			*out++ = ':';
			*out++ = ':';
			s += 2;
		} else
			*out++ = *s++;
	}
	*out = 0;
}

/* ---- v0 ---- */

#define DEPTH_MAX 64
#define STEPS_MAX 20000 /* back references could multiply without end */

struct v0 {
	const char *base, *s; /* base: behind "_R" */
	char *out;
	size_t len, size;
	unsigned depth, steps;
	bool bad, mute; /* mute: parsed, not shown */
};

static void path(struct v0 *v, bool in_value);
static void type(struct v0 *v);

static void put(struct v0 *v, const char *s, size_t len)
{
	if (v->mute)
		return;
	if (len >= v->size - v->len) {
		v->bad = true;
		return;
	}
	memcpy(v->out + v->len, s, len);
	v->len += len;
}

static void puts0(struct v0 *v, const char *s)
{
	put(v, s, strlen(s));
}

static bool eat(struct v0 *v, char c)
{
	if (*v->s != c)
		return false;
	v->s++;
	return true;
}

static bool enter(struct v0 *v)
{
	if (v->bad || v->depth >= DEPTH_MAX || v->steps++ >= STEPS_MAX) {
		v->bad = true;
		return false;
	}
	v->depth++;
	return true;
}

static uint64_t base62(struct v0 *v)
{
	uint64_t n = 0;

	if (eat(v, '_'))
		return 0;
	while (isalnum((unsigned char)*v->s)) {
		char c = *v->s++;

		n = n * 62 + (uint64_t)(isdigit((unsigned char)c)   ? c - '0'
					: islower((unsigned char)c) ? c - 'a' + 10
								    : c - 'A' + 36);
	}
	if (!eat(v, '_'))
		v->bad = true;
	return n + 1;
}

static void identifier(struct v0 *v)
{
	uint64_t len = 0;

	if (eat(v, 's'))
		(void)base62(v);
	(void)eat(v, 'u');
	if (!isdigit((unsigned char)*v->s)) {
		v->bad = true;
		return;
	}
	if (!eat(v, '0')) {
		while (isdigit((unsigned char)*v->s) && len < MH_NAME_MAX)
			len = len * 10 + (uint64_t)(*v->s++ - '0');
	}
	(void)eat(v, '_');
	if (len > strlen(v->s)) {
		v->bad = true;
		return;
	}
	put(v, v->s, len);
	v->s += len;
}

static void back_reference(struct v0 *v, void (*what)(struct v0 *v))
{
	const char *at = v->s - 1, *resume;
	uint64_t off = base62(v);

	if (v->bad || off >= (uint64_t)(at - v->base)) {
		v->bad = true;
		return;
	}
	resume = v->s;
	v->s = v->base + off;
	what(v);
	v->s = resume;
}

static void constant(struct v0 *v)
{
	if (!enter(v))
		return;
	if (eat(v, 'B')) {
		back_reference(v, constant);
	} else if (!eat(v, 'p')) {
		v->s += *v->s != 0; /* its type */
		(void)eat(v, 'n');
		while (isxdigit((unsigned char)*v->s))
			v->s++;
		if (!eat(v, '_'))
			v->bad = true;
	}
	puts0(v, "_");
	v->depth--;
}

static void generic_args(struct v0 *v)
{
	bool first = true;

	while (!v->bad && !eat(v, 'E')) {
		if (eat(v, 'L')) {
			(void)base62(v);
			continue;
		}
		if (!first)
			puts0(v, ", ");
		first = false;
		if (eat(v, 'K'))
			constant(v);
		else
			type(v);
	}
}

static void path_in_type(struct v0 *v)
{
	path(v, false);
}

static void path_in_value(struct v0 *v)
{
	path(v, true);
}

/* Of an impl: where it is written is of no interest. */
static void impl_path(struct v0 *v)
{
	bool mute = v->mute;

	v->mute = true;
	if (eat(v, 's'))
		(void)base62(v);
	path(v, false);
	v->mute = mute;
}

static void nested(struct v0 *v, bool in_value)
{
	char space = *v->s;

	if (!isalpha((unsigned char)space)) {
		v->bad = true;
		return;
	}
	v->s++;
	path(v, in_value);
	if (isupper((unsigned char)space)) {
		puts0(v, space == 'C' ? "::{closure}" : "::{shim}");
		v->mute = true;
		identifier(v);
		v->mute = false;
		return;
	}
	puts0(v, "::");
	identifier(v);
}

static void path(struct v0 *v, bool in_value)
{
	char c = *v->s;

	if (!enter(v))
		return;
	v->s += c != 0;
	switch (c) {
	case 'C':
		identifier(v);
		break;
	case 'N':
		nested(v, in_value);
		break;
	case 'M':
	case 'X':
	case 'Y':
		if (c != 'Y')
			impl_path(v);
		puts0(v, "<");
		type(v);
		if (c != 'M') {
			puts0(v, " as ");
			path(v, false);
		}
		puts0(v, ">");
		break;
	case 'I':
		path(v, in_value);
		puts0(v, in_value ? "::<" : "<");
		generic_args(v);
		puts0(v, ">");
		break;
	case 'B':
		back_reference(v, in_value ? path_in_value : path_in_type);
		break;
	default:
		v->bad = true;
	}
	v->depth--;
}

static const char *basic_type(char c)
{
	static const char *const names[26] = {
		"i8",    "bool", "char", "f64", "str",  "f32",  NULL,  "u8", "isize",
		"usize", NULL,   "i32",  "u32", "i128", "u128", "_",   NULL, NULL,
		"i16",   "u16",  "()",   "...", NULL,   "i64",  "u64", "!"
	};

	return c >= 'a' && c <= 'z' ? names[c - 'a'] : NULL;
}

static void function_type(struct v0 *v)
{
	bool first = true;

	if (eat(v, 'G'))
		(void)base62(v);
	if (eat(v, 'U'))
		puts0(v, "unsafe ");
	if (eat(v, 'K') && !eat(v, 'C'))
		identifier(v);
	puts0(v, "fn(");
	while (!v->bad && !eat(v, 'E')) {
		puts0(v, first ? "" : ", ");
		first = false;
		type(v);
	}
	puts0(v, ")");
	if (!eat(v, 'u')) {
		puts0(v, " -> ");
		type(v);
	}
}

static void dyn_type(struct v0 *v)
{
	bool first = true;

	if (eat(v, 'G'))
		(void)base62(v);
	puts0(v, "dyn ");
	while (!v->bad && !eat(v, 'E')) {
		puts0(v, first ? "" : " + ");
		first = false;
		path(v, false);
		while (!v->bad && eat(v, 'p')) {
			puts0(v, "::");
			identifier(v);
			puts0(v, "=");
			type(v);
		}
	}
	if (!eat(v, 'L'))
		v->bad = true;
	else
		(void)base62(v);
}

static void tuple_type(struct v0 *v)
{
	bool first = true;

	puts0(v, "(");
	while (!v->bad && !eat(v, 'E')) {
		puts0(v, first ? "" : ", ");
		first = false;
		type(v);
	}
	puts0(v, ")");
}

static void type(struct v0 *v)
{
	const char *basic = basic_type(*v->s);
	char c = *v->s;

	if (!enter(v))
		return;
	if (basic) {
		v->s++;
		puts0(v, basic);
		v->depth--;
		return;
	}
	if (strchr("RQPOASTFDB", c) && c)
		v->s++;
	switch (c) {
	case 'R':
	case 'Q':
		if (eat(v, 'L'))
			(void)base62(v);
		puts0(v, c == 'R' ? "&" : "&mut ");
		type(v);
		break;
	case 'P':
	case 'O':
		puts0(v, c == 'P' ? "*const " : "*mut ");
		type(v);
		break;
	case 'A':
	case 'S':
		puts0(v, "[");
		type(v);
		if (c == 'A') {
			puts0(v, "; ");
			constant(v);
		}
		puts0(v, "]");
		break;
	case 'T':
		tuple_type(v);
		break;
	case 'F':
		function_type(v);
		break;
	case 'D':
		dyn_type(v);
		break;
	case 'B':
		back_reference(v, type);
		break;
	default:
		path(v, false);
	}
	v->depth--;
}

bool mh_rust_v0_demangle(const char *mangled, char *out, size_t size)
{
	struct v0 v = { .out = out, .size = size };

	if (strncmp(mangled, "_R", 2) || isdigit((unsigned char)mangled[2]))
		return false;
	v.base = v.s = mangled + 2;
	path(&v, true);
	if (v.bad)
		return false;
	out[v.len] = 0;
	return true;
}
