/* SPDX-License-Identifier: MIT */
/*
 * Raw deflate back to bytes of a known length, and CRC-32: through libdeflate where it
 * was found when building, which takes half the time of zlib for the one and a tenth for
 * the other, else through zlib.
 */
#ifndef MEMHEAT_TRACE_INFLATE_H
#define MEMHEAT_TRACE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reusable state; one per thread. */
struct mh_inflater;

enum mh_inflate {
	MH_INFLATE_OK,
	MH_INFLATE_MALFORMED, /* what is in @dst is then not known */
	MH_INFLATE_NO_MEMORY
};

/* NULL: out of memory. */
struct mh_inflater *mh_inflater_new(void);
/* @i may be NULL. */
void mh_inflater_free(struct mh_inflater *i);

/* A whole stream: it must end exactly where both buffers do. */
enum mh_inflate mh_inflate(struct mh_inflater *i, const uint8_t *stored,
			   size_t stored_len, uint8_t *dst, size_t len);

/* Of IEEE 802.3, as zlib has it. */
uint32_t mh_crc32(const void *bytes, size_t len);

#endif
