/* SPDX-License-Identifier: MIT */
/*
 * AMD's instruction-based sampling: the registers of one tagged op, as PERF_SAMPLE_RAW of
 * the ibs_op PMU gives them, turned into the fields of a sample by the kernel's rules
 * (arch/x86/events/amd/ibs.c of 6.12). User space needs this where a recording has the
 * registers but not what the kernel makes of them.
 */
#ifndef MEMHEAT_EVENT_IBS_H
#define MEMHEAT_EVENT_IBS_H

#include <memheat/event.h>

/* Which errata apply; family 0: not known, none do. As CPUID gives them, extended. */
struct mh_ibs_cpu {
	unsigned family, model;
};

enum mh_ibs_reg {
	MH_IBS_OP_CTL,
	MH_IBS_OP_RIP,
	MH_IBS_OP_DATA,
	MH_IBS_OP_DATA2,
	MH_IBS_OP_DATA3,
	MH_IBS_DC_LINADDR,
	MH_IBS_DC_PHYSADDR,
	MH_NR_IBS_REGS
};

struct mh_ibs_op {
	uint32_t caps; /* CPUID 8000001b EAX */
	uint64_t reg[MH_NR_IBS_REGS];
};

/*
 * Take the registers from the bytes of a raw record (after its size word).
 *
 * Returns MH_OK; MH_EFORMAT when they are too few. What follows the known ones is
 * ignored.
 */
int mh_ibs_op_read(struct mh_ibs_op *out, const uint8_t *raw, size_t len) MH_MUST_CHECK;

/* What PERF_SAMPLE_DATA_SRC would be. */
uint64_t mh_ibs_op_data_src(const struct mh_ibs_op *op, const struct mh_ibs_cpu *cpu);

/*
 * Fill data_src, addr, phys, weight, ins_lat and the flags that concern them of @s where
 * the registers have them; other fields are left alone.
 */
void mh_ibs_op_fill(struct mh_ev_sample *s, const struct mh_ibs_op *op,
		    const struct mh_ibs_cpu *cpu);

#endif
