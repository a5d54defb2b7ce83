/* SPDX-License-Identifier: MIT */
/* Any value of PERF_SAMPLE_DATA_SRC has names and fits the room for its text. */
#include <stdlib.h>
#include <string.h>

#include <memheat/event.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(MH_DATA_SRC_TEXT_MAX);
	struct mh_mem_access a;
	uint64_t v;

	for (; text && size >= sizeof(v); data += sizeof(v), size -= sizeof(v)) {
		memcpy(&v, data, sizeof(v));
		mh_mem_access_decode(&a, v);
		if (!mh_mem_op_name(a.op) || !mh_mem_level_name(a.level) ||
		    !mh_mem_hit_name(a.hit) || !mh_mem_snoop_name(a.snoop) ||
		    !mh_mem_tlb_name(a.tlb) || !mh_mem_lock_name(a.lock))
			abort();
		if (strlen(mh_data_src_text(text, v)) >= MH_DATA_SRC_TEXT_MAX)
			abort();
	}
	free(text);
	return 0;
}
