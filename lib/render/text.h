/* SPDX-License-Identifier: MIT */
/* Text parts that only pictures need; the public ones are in <memheat/render.h>. */
#ifndef MEMHEAT_RENDER_TEXT_H
#define MEMHEAT_RENDER_TEXT_H

#include <memheat/render.h>

/* Sizes where room is short: "95.4M", "672K", "12K", "0". */
const char *mh_text_bytes_short(char buf[MH_TEXT_MAX], uint64_t bytes);

/* The shortest decimal that reads back as the finite @v, with a point in any locale. */
const char *mh_text_double(char buf[MH_TEXT_MAX], double v);

#endif
