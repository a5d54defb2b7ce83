/* SPDX-License-Identifier: MIT */
/* How small zlib makes a stream, as what our own columns are compared with. */
#ifndef TESTS_TOOLS_STREAM_DEFLATE_H
#define TESTS_TOOLS_STREAM_DEFLATE_H

#include <zlib.h>

#include "stream.h"

/* Raw deflate at level 6. */
static inline size_t stream_deflated(const uint8_t *data, size_t size, int mem_level,
				     int strategy)
{
	z_stream z = { 0 };
	size_t bound, out;
	uint8_t *to;

	if (deflateInit2(&z, 6, Z_DEFLATED, -15, mem_level, strategy) != Z_OK)
		stream_die("zlib", "cannot be set up");
	bound = deflateBound(&z, (uLong)size);
	to = stream_alloc(bound, 1);
	z.next_in = (z_const Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	z.next_out = to;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		stream_die("zlib", "did not finish");
	out = z.total_out;
	deflateEnd(&z);
	free(to);
	return out;
}

#endif
