/* SPDX-License-Identifier: MIT */
/*
 * The stream of PERF_RECORD_COMPRESSED and COMPRESSED2. All chunks of a recording are one
 * zstd stream (with --threads, not read here, one per file). A stream asks for a window
 * of at most 128 MiB, zstd's own limit; perf's usual levels need 0.5 to 8 MiB.
 */
#include <stdlib.h>

#include <zstd.h>

#include "source/import/perf_import.h"

struct perf_inflate {
	ZSTD_DStream *stream;
};

int mh_perf_inflate_new(struct perf_inflate **out, struct mh_err *err)
{
	struct perf_inflate *z = calloc(1, sizeof(*z));

	if (z)
		z->stream = ZSTD_createDStream();
	if (!z || !z->stream) {
		free(z);
		return mh_fail(err, MH_ENOMEM, "out of memory");
	}
	*out = z;
	return MH_OK;
}

void mh_perf_inflate_free(struct perf_inflate *z)
{
	if (!z)
		return;
	ZSTD_freeDStream(z->stream);
	free(z);
}

int mh_perf_inflate_step(struct perf_inflate *z, const uint8_t *in, size_t len,
			 size_t *done, uint8_t *out, size_t room, size_t *nr,
			 struct mh_err *err)
{
	ZSTD_inBuffer from = { .src = in, .size = len };
	ZSTD_outBuffer to = { .dst = out, .size = room };
	size_t status = ZSTD_decompressStream(z->stream, &to, &from);

	*done = from.pos;
	*nr = to.pos;
	if (ZSTD_isError(status))
		return mh_fail(err, MH_EFORMAT, "%s", ZSTD_getErrorName(status));
	return MH_OK;
}
