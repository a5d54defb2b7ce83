/* SPDX-License-Identifier: MIT */
/* In place of inflate_libdeflate.c where the build has no libdeflate. */
#ifndef HAVE_LIBDEFLATE

#include "trace/inflate.h"

#include <stdlib.h>

#include <zlib.h>

struct mh_inflater {
	z_stream z;
};

struct mh_inflater *mh_inflater_new(void)
{
	struct mh_inflater *i = calloc(1, sizeof(*i));

	if (i && inflateInit2(&i->z, -15) != Z_OK) {
		free(i);
		i = NULL;
	}
	return i;
}

void mh_inflater_free(struct mh_inflater *i)
{
	if (!i)
		return;
	inflateEnd(&i->z);
	free(i);
}

enum mh_inflate mh_inflate(struct mh_inflater *i, const uint8_t *stored,
			   size_t stored_len, uint8_t *dst, size_t len)
{
	int status;

	inflateReset(&i->z);
	i->z.next_in = (Bytef *)(uintptr_t)stored;
	i->z.avail_in = (uInt)stored_len;
	i->z.next_out = dst;
	i->z.avail_out = (uInt)len;
	status = inflate(&i->z, Z_FINISH);
	if (status == Z_MEM_ERROR)
		return MH_INFLATE_NO_MEMORY;
	if (status != Z_STREAM_END || i->z.avail_out || i->z.avail_in)
		return MH_INFLATE_MALFORMED;
	return MH_INFLATE_OK;
}

uint32_t mh_crc32(const void *bytes, size_t len)
{
	return (uint32_t)crc32_z(0, bytes, len);
}

#endif
