/* SPDX-License-Identifier: MIT */
/*
 * Text from strangers (names of mappings, commands) on its way to a terminal or a file:
 * decode UTF-8 strictly, measure columns, replace what could do harm. Own rules instead
 * of mbrtowc()/wcwidth(), which depend on the locale of the process and on the libc.
 */
#ifndef MEMHEAT_RENDER_UTF8_H
#define MEMHEAT_RENDER_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The code point at @s, which is not at its end; its length in *len. A byte that starts
 * no valid sequence (overlong forms, surrogates, cut ones) gives -1 and a length of 1.
 */
int32_t mh_utf8_decode(const char *s, size_t *len);

/* Encode a valid code point into 1..4 bytes of @buf (no end mark); returns how many. */
size_t mh_utf8_encode(char buf[4], int32_t point);

/* Columns on a terminal: 0 for combining marks, 2 for East Asian wide, else 1. */
unsigned mh_utf8_columns(int32_t point);

/*
 * Copy @s to @out so that no terminal or log acts on it: controls, invisible direction
 * marks and invalid bytes become \xNN or \u{N}; without @utf8 all beyond ASCII does.
 * Always ends @out. Returns the columns used.
 */
size_t mh_utf8_safe(char *out, size_t size, const char *s, int utf8);

/* As mh_utf8_safe(), for a display of @columns: the middle gives way to "..". */
size_t mh_utf8_fit(char *out, size_t size, const char *s, size_t columns, int utf8);

#endif
