/* SPDX-License-Identifier: MIT */
/* In place of perf_zstd.c where the build has no zstd. */
#include "source/import/perf_import.h"

#ifndef HAVE_ZSTD

int mh_perf_inflate_new(struct perf_inflate **out, struct mh_err *err)
{
	(void)out;
	return mh_fail(
		err, MH_ENOSUP,
		"the recording is compressed (perf record -z) and this memheat was "
		"built without zstd; run: apt-get install libzstd-dev, and build "
		"again");
}

void mh_perf_inflate_free(struct perf_inflate *z)
{
	(void)z;
}

int mh_perf_inflate_step(struct perf_inflate *z, const uint8_t *in, size_t len,
			 size_t *done, uint8_t *out, size_t room, size_t *nr,
			 struct mh_err *err)
{
	(void)z;
	(void)in;
	(void)out;
	(void)room;
	*done = len;
	*nr = 0;
	return mh_fail(err, MH_ENOSUP, "this memheat was built without zstd");
}

#endif
