/* SPDX-License-Identifier: MIT */
/*
 * How long a C++ name may become, before the demangler is asked.
 *
 * A mangled name of a kilobyte can stand for more text than any memory holds, since each
 * substitution may name one that holds two others. libstdc++'s demangler has no limit, so
 * this looks at the letters first: a reference counts as the longest group that was
 * closed before it. Where letters are ambiguous a group is closed too early rather than
 * too late, which only counts too much.
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "symbol/names.h"

#define GROUPS_MAX 512

struct guess {
	uint64_t open[GROUPS_MAX]; /* text of each open group so far */
	unsigned depth;
	uint64_t longest; /* closed group */
};

static void text(struct guess *g, uint64_t len)
{
	uint64_t *now = &g->open[g->depth];

	*now = *now > UINT64_MAX / 4 - len ? UINT64_MAX / 4 : *now + len;
}

static void close_group(struct guess *g)
{
	uint64_t len = g->open[g->depth];

	if (g->longest < len)
		g->longest = len;
	if (g->depth) {
		g->depth--;
		text(g, len);
	}
}

/* "12name": the name; the last number before other letters is its length. */
static const char *identifier(struct guess *g, const char *s)
{
	uint64_t len = 0;

	while (isdigit((unsigned char)*s) && len < MH_NAME_MAX)
		len = len * 10 + (uint64_t)(*s++ - '0');
	text(g, len + 2);
	/* A literal's digits look the same: no length goes past the end. */
	return len <= strlen(s) ? s + len : s;
}

static const char *reference(struct guess *g, const char *s)
{
	const char *end = s + 1;

	while (isdigit((unsigned char)*end) || isupper((unsigned char)*end))
		end++;
	if (*end == '_') {
		text(g, g->longest + 64);
		return end + 1;
	}
	text(g, 64);
	return s + 1 + (*s == 'S' && s[1]);
}

static bool opens(const char *s)
{
	switch (*s) {
	case 'N':
	case 'I':
	case 'X':
	case 'J':
	case 'F':
	case 'Z':
		return true;
	case 'L': /* before a name it says "internal linkage" and opens nothing */
		return !isdigit((unsigned char)s[1]);
	default:
		return false;
	}
}

uint64_t mh_cxx_name_estimate(const char *mangled)
{
	struct guess g = { .depth = 0 };
	const char *s = mangled + 2;
	uint64_t times = 1;

	while (*s) {
		if (isdigit((unsigned char)*s)) {
			s = identifier(&g, s);
		} else if (*s == 'S' || *s == 'T') {
			s = reference(&g, s);
		} else if (*s == 'D' && s[1]) {
			times *= s[1] == 'p' && times < 1 << 20 ? 8 : 1;
			text(&g, 16);
			s += 2;
		} else if (!strncmp(s, "aN", 2) || !strncmp(s, "mI", 2) ||
			   !strncmp(s, "mL", 2) || !strncmp(s, "pL", 2)) {
			text(&g, 16);
			s += 2;
		} else if (opens(s)) {
			if (g.depth + 1 >= GROUPS_MAX)
				return UINT64_MAX;
			g.open[++g.depth] = 4;
			s++;
		} else {
			if (*s == 'E')
				close_group(&g);
			text(&g, 20);
			s++;
		}
	}
	while (g.depth)
		close_group(&g);
	return g.open[0] > UINT64_MAX / times ? UINT64_MAX : g.open[0] * times;
}
