/* SPDX-License-Identifier: MIT */
/* In place of names_pfm.c where the build has no libpfm4: events then have the names of
 * sysfs and of perf itself only. */
#include "source/mem/encoding.h"

#ifndef HAVE_PFM

int mh_mem_pfm_encode(struct mem_encoding *out, const char *name, char *full, size_t size,
		      struct mh_err *err)
{
	(void)out;
	(void)name;
	(void)full;
	(void)size;
	(void)err;
	return MH_END;
}

#endif
