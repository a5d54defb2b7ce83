/* SPDX-License-Identifier: MIT */
#include "trace/inflate.h"

#include <libdeflate.h>

/* libdeflate's decompressor under our name; its one state needs no reset. */
static struct libdeflate_decompressor *inner(struct mh_inflater *i)
{
	return (struct libdeflate_decompressor *)i;
}

struct mh_inflater *mh_inflater_new(void)
{
	return (struct mh_inflater *)libdeflate_alloc_decompressor();
}

void mh_inflater_free(struct mh_inflater *i)
{
	libdeflate_free_decompressor(inner(i)); /* takes NULL */
}

enum mh_inflate mh_inflate(struct mh_inflater *i, const uint8_t *stored,
			   size_t stored_len, uint8_t *dst, size_t len)
{
	size_t used;

	/* Without a place for the length it must be len. */
	if (libdeflate_deflate_decompress_ex(inner(i), stored, stored_len, dst, len,
					     &used, NULL) != LIBDEFLATE_SUCCESS ||
	    used != stored_len)
		return MH_INFLATE_MALFORMED;
	return MH_INFLATE_OK;
}

uint32_t mh_crc32(const void *bytes, size_t len)
{
	return libdeflate_crc32(0, bytes, len);
}
