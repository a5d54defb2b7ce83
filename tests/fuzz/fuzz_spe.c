/* SPDX-License-Identifier: MIT */
/* Any bytes as a buffer of Arm's statistical profiling extension; it must come to an end,
 * and what it gives must decode. */
#include <stdlib.h>

#include "event/spe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_spe_buffer in = { .p = data, .end = data + size };
	struct mh_spe_record r;
	size_t nr = 0;

	while (mh_spe_next(&r, &in) == MH_OK) {
		struct mh_ev_sample s = { 0 };
		struct mh_mem_access a;

		mh_spe_fill(&s, &r, (int)(nr & 1));
		mh_mem_access_decode(&a, s.data_src);
		if (a.level >= MH_NR_MEM_LEVELS || in.p > in.end)
			abort();
		/* A record takes two bytes at least. */
		if (++nr > size / 2 + 1)
			abort();
	}
	return 0;
}
