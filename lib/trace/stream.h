/* SPDX-License-Identifier: MIT */
/*
 * Streams: the smallest unit of compressed bytes in a column.
 *
 *	stream := u8 method, varint raw_len, varint stored_len, bytes[stored_len]
 *
 * Each is deflated on its own, so that no Huffman table straddles two planes and a column
 * can be skipped. Near-constant planes have a run-length method of their own, since
 * inflate is slowest on runs of one byte.
 */
#ifndef MEMHEAT_TRACE_STREAM_H
#define MEMHEAT_TRACE_STREAM_H

#include <stdbool.h>

#include <zlib.h>

#include <memheat/trace.h>

#include "base/buf.h"
#include "trace/huffman.h"
#include "trace/inflate.h"

enum mh_stream_method {
	MH_STREAM_RAW = 0,
	MH_STREAM_DEFLATE = 1,
	MH_STREAM_CONSTANT = 2,
	MH_STREAM_RUNS = 3,
	MH_STREAM_DEFLATED_RUNS = 4,
	MH_STREAM_HUFFMAN = 5,     /* huffman.h */
	MH_STREAM_HUFFMAN_RUNS = 6 /* varint n, varint bytes of the first of two Huffman
				    * segments: n values, n run lengths minus 1 */
};

enum mh_effort {
	MH_EFFORT_RLE,
	MH_EFFORT_SEARCH, /* half the time of level 6 for half a per cent more */
	MH_EFFORT_6,      /* tables */
	MH_EFFORT_LONG,   /* a third of level 9's time for 0.2 % more */
	MH_NR_EFFORTS
};

/* What was best for a stream when all ways were last tried. */
enum mh_choice {
	MH_CHOICE_HUFFMAN,
	MH_CHOICE_HUFFMAN_RUNS,
	MH_CHOICE_RLE,
	MH_CHOICE_STRONG
};

struct mh_verdict {
	uint8_t choice; /* enum mh_choice */
};

/* Reusable state of compressing; one per thread. */
struct mh_packer {
	z_stream z[MH_NR_EFFORTS];
	bool ready[MH_NR_EFFORTS];
	enum mh_policy policy;
	bool trial;          /* compress both ways in this block */
	struct mh_wbuf a, b; /* results to choose between */
	struct mh_wbuf runs;
	uint32_t count[256]; /* of each byte value of the stream under way */
	struct mh_huffman huffman, run_value, run_length;
	/* Development and tests: sees every raw stream; NULL: nobody does. */
	void (*watch)(void *arg, const uint8_t *raw, size_t len);
	void *watch_arg;
};

void mh_packer_init(struct mh_packer *p, enum mh_policy policy);
void mh_packer_fini(struct mh_packer *p);

/* Append a stream; memory running out turns @out bad. */
void mh_stream_put(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
		   size_t len, enum mh_effort effort);

/* As mh_stream_put() with the effort that the policy and the verdict ask for. */
void mh_stream_put_tried(struct mh_packer *p, struct mh_wbuf *out, const uint8_t *raw,
			 size_t len, struct mh_verdict *verdict);

/* Reusable state of decompressing; one per thread. */
struct mh_unpacker {
	struct mh_inflater *inflater;
	bool no_memory;      /* the last false was for want of memory */
	struct mh_wbuf runs; /* of MH_STREAM_DEFLATED_RUNS */
};

/* False: out of memory; mh_unpacker_fini() is still right. */
bool mh_unpacker_init(struct mh_unpacker *u);
void mh_unpacker_fini(struct mh_unpacker *u);

/*
 * Read a stream whose length must be @len into @dst.
 * False: malformed; nothing is then known about @dst.
 */
bool mh_stream_get(struct mh_unpacker *u, struct mh_rbuf *in, uint8_t *dst, size_t len);

/* Read a stream of at most @max bytes; *len receives how many. */
bool mh_stream_get_some(struct mh_unpacker *u, struct mh_rbuf *in, uint8_t *dst,
			size_t max, size_t *len);

/* Pass over a stream without looking into it. */
bool mh_stream_skip(struct mh_rbuf *in);

#endif
