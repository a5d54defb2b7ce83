/* SPDX-License-Identifier: MIT */
/*
 * Raw deflate (RFC 1951) of a whole stream in memory into exactly as many bytes as it
 * must give. That is all a trace needs, and knowing both ends makes it about twice as
 * fast as zlib's inflate(), which may stop at any byte: half of the time of a replay went
 * there.
 */
#ifndef MEMHEAT_TRACE_INFLATE_H
#define MEMHEAT_TRACE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MH_INFLATE_BITS 11 /* codes up to this length are found at once */

struct mh_inflate_code {
	uint16_t at_once[1u << MH_INFLATE_BITS]; /* symbol << 4 | length; 0: longer */
	uint16_t count[16];                      /* codes of each length */
	uint16_t symbol[288];                    /* by code */
};

/* Scratch; needs no initialisation. */
struct mh_inflate {
	struct mh_inflate_code literal, distance;
};

/* False: malformed, not exactly @len bytes, or bytes behind the end. */
bool mh_inflate(struct mh_inflate *s, const uint8_t *stored, size_t stored_len,
		uint8_t *dst, size_t len);

#endif
