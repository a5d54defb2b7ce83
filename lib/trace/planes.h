/* SPDX-License-Identifier: MIT */
/*
 * Columns of numbers as planes of bytes.
 *
 *	planes := stream(L), u8 k, stream(P0) .. stream(Pk-1)
 *
 * L[i] is the byte length 0..8 of value i, Pj holds the j-th bytes of the values that are
 * longer than j, in order. Bytes of one significance share a distribution, which is all
 * that a cheap entropy coder needs.
 *
 *	index := u8 k(1..2), stream x k      low bytes, then high bytes, of each number
 */
#ifndef MEMHEAT_TRACE_PLANES_H
#define MEMHEAT_TRACE_PLANES_H

#include "trace/stream.h"

/* Bytes of scratch that @n values need, both ways. */
#define MH_PLANES_SCRATCH(n) (9 * ((size_t)(n) + 64))

/* Streams of one column, for which a verdict is kept. */
#define MH_PLANES_STREAMS 9

void mh_planes_put(struct mh_packer *p, struct mh_wbuf *out, const uint64_t *v, size_t n,
		   uint8_t *scratch, struct mh_verdict *verdicts);
bool mh_planes_get(struct mh_unpacker *u, struct mh_rbuf *in, uint64_t *v, size_t n,
		   uint8_t *scratch);
/* Pass over planes without looking into them. */
bool mh_planes_skip(struct mh_rbuf *in);

void mh_index_put(struct mh_packer *p, struct mh_wbuf *out, const uint16_t *v, size_t n,
		  uint8_t *scratch, struct mh_verdict *verdicts);
/* False also when a number is not below @limit. */
bool mh_index_get(struct mh_unpacker *u, struct mh_rbuf *in, uint16_t *v, size_t n,
		  uint32_t limit, uint8_t *scratch);

/* Varints in one stream, deflated with @effort. */
void mh_varints_put(struct mh_packer *p, struct mh_wbuf *out, const uint64_t *v, size_t n,
		    struct mh_wbuf *scratch, enum mh_effort effort);
/* @scratch: MH_VARINTS_SCRATCH(n) bytes */
#define MH_VARINTS_SCRATCH(n) (10 * ((size_t)(n) + 8))
bool mh_varints_get(struct mh_unpacker *u, struct mh_rbuf *in, uint64_t *v, size_t n,
		    uint8_t *scratch);

#endif
