/* SPDX-License-Identifier: MIT */
/*
 * Order-0 Huffman coding of one plane of bytes, in four streams side by side. Planes have
 * little that deflate's matches could use; without the matches, and with four codes in
 * flight, it is several times as fast both ways.
 *
 *	segment := u8 last, u4 length[last + 1] (padded to a byte), varint bytes x 3,
 *		   four streams
 *
 * length[s] is the code length 0..11 of byte value s; codes are canonical (by length,
 *then value), written from their highest bit on into bytes that fill from bit 0 up.
 *Stream i has the i-th quarter, (len + 3) / 4 bytes, the last the rest. The sizes of the
 *first three streams are given, the last has what is left.
 */
#ifndef MEMHEAT_TRACE_HUFFMAN_H
#define MEMHEAT_TRACE_HUFFMAN_H

#include <stdbool.h>

#include "base/buf.h"

#define MH_HUFFMAN_BITS 11
#define MH_HUFFMAN_MIN  64        /* shorter is not worth a table */
#define MH_HUFFMAN_MAX  (1 << 20) /* one table for more would be a loss */

struct mh_huffman {
	uint8_t len[256];
	uint16_t code[256];
	unsigned last; /* highest byte value in use */
};

/* Code lengths for counts of at least two byte values; returns the bytes that the coded
 * plane takes, or slightly more. */
size_t mh_huffman_plan(struct mh_huffman *h, const uint32_t count[256]);

/* Append a plane as planned; memory running out turns @out bad. */
void mh_huffman_put(struct mh_huffman *h, struct mh_wbuf *out, const uint8_t *raw,
		    size_t len);

/* Decode all of @in into @len bytes. False: malformed. */
bool mh_huffman_get(struct mh_rbuf *in, uint8_t *dst, size_t len);

#endif
