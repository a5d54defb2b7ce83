/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as one record under any layout: two words choose the layout, the rest is the
 * record, whose header is made to give its true length every second time.
 */
#include <stdlib.h>
#include <string.h>

#include "ring/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_ring_layout layout = { .period = 1 };
	struct mh_ring_extra extra;
	struct mh_event ev;
	uint64_t words[2];
	uint8_t *record;
	int ret;

	if (size < sizeof(words) || size > 65535 + sizeof(words))
		return 0;
	memcpy(words, data, sizeof(words));
	layout.sample_type = words[0];
	layout.read_format = words[1] & 0x1f;
	layout.sample_id_all = words[1] >> 8 & 1;
	layout.branch_hw_index = words[1] >> 9 & 1;
	layout.regs_user = words[1] >> 16 & 0xffffff;
	layout.regs_intr = words[1] >> 40;
	size -= sizeof(words);
	record = malloc(size ? size : 1);
	if (!record)
		return 0;
	memcpy(record, data + sizeof(words), size);
	if (words[1] >> 10 & 1 && size >= 8) {
		record[6] = (uint8_t)size;
		record[7] = (uint8_t)(size >> 8);
	}
	ret = mh_ring_parse(&ev, &layout, record, size, &extra);
	/* Strings must be readable to their end. */
	if (ret == MH_OK && ev.kind == MH_EV_MAP && strlen(ev.map.path) > size)
		abort();
	if (ret == MH_OK && ev.kind == MH_EV_TASK && strlen(ev.task.comm) > size)
		abort();
	free(record);
	return 0;
}
