/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the known word with the fewest slips of the fingers between it and what
 * was typed. A slip is a letter too many, missing, wrong, or two swapped; one in three
 * letters may be one, and a word that begins with what was typed counts as near.
 */
#include <string.h>

#include "cmd.h"

#define WORD_MAX 32

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance; words longer than WORD_MAX are far from all. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (i = 0; i <= la; i++)
		d[i][0] = (unsigned)i;
	for (j = 0; j <= lb; j++)
		d[0][j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			unsigned wrong = a[i - 1] != b[j - 1];

			d[i][j] = min2(d[i - 1][j] + 1, d[i][j - 1] + 1);
			d[i][j] = min2(d[i][j], d[i - 1][j - 1] + wrong);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = min2(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[la][lb];
}

const char *mh_suggest(const char *typed, const char *const *words)
{
	unsigned limit = 1 + (unsigned)strlen(typed) / 3, best = limit + 1;
	const char *near = NULL;

	if (!*typed)
		return NULL;
	for (; *words; words++) {
		unsigned d = distance(typed, *words);

		if (!strncmp(*words, typed, strlen(typed)))
			d = 1;
		if (d < best && d < strlen(*words)) {
			best = d;
			near = *words;
		}
	}
	return near;
}
