/* SPDX-License-Identifier: MIT */
/* Any bytes as the raw registers of an IBS op on any CPU. */
#include <stdlib.h>

#include "event/ibs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_ev_sample s = { 0 };
	struct mh_mem_access a;
	struct mh_ibs_cpu cpu;
	struct mh_ibs_op op;

	if (size < 2)
		return 0;
	cpu.family = data[0];
	cpu.model = data[1];
	if (mh_ibs_op_read(&op, data + 2, size - 2) != MH_OK)
		return 0;
	mh_ibs_op_fill(&s, &op, &cpu);
	mh_mem_access_decode(&a, s.data_src);
	if (!mh_mem_op_name(a.op) || !mh_mem_level_name(a.level) ||
	    !mh_mem_snoop_name(a.snoop) || !mh_mem_tlb_name(a.tlb))
		abort();
	/* Loads and stores have a bit each; nothing else makes an access of an op. */
	if (a.op != MH_MEM_OP_UNKNOWN && !(op.reg[MH_IBS_OP_DATA3] & 3))
		abort();
	return 0;
}
