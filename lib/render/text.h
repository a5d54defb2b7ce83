/* SPDX-License-Identifier: MIT */
/* Text parts that only this layer needs; the public ones are in <memheat/render.h>. */
#ifndef MEMHEAT_RENDER_TEXT_H
#define MEMHEAT_RENDER_TEXT_H

#include <memheat/render.h>

/* As mh_text_bytes(), but it ends at @end and has no NUL. Returns where it starts. */
#define MH_TEXT_SIZE_MAX 9 /* "999.9 KiB" */
char *mh_text_size(char *end, uint64_t bytes);

/* Sizes where room is short: "95.4M", "672K", "12K", "0". */
const char *mh_text_bytes_short(char buf[MH_TEXT_MAX], uint64_t bytes);

/* The shortest decimal that reads back as the finite @v, with a point in any locale. */
const char *mh_text_double(char buf[MH_TEXT_MAX], double v);

#endif
