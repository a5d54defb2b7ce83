/* SPDX-License-Identifier: MIT */
/*
 * See ibs.h. Registers are little-endian: only x86 machines write them, so a recording of
 * another byte order has none.
 *
 * An op that both loads and stores is a load, as in the kernel. Zen 5's page-size bits
 * and the branch registers are not used.
 */
#include "event/ibs.h"

#include <stdbool.h>

#include "base/buf.h"
#include "event/data_src.h"

#define CAPS_ZEN4 (1u << 11)

/* OP_DATA2, the source of the data. */
enum {
	SRC_LOCAL_CACHE = 1, /* Zen 4: this L3 */
	SRC_NEAR_CACHE = 2,  /* Zen 4: another complex, near; before: local cache */
	SRC_DRAM = 3,
	SRC_OLD_REMOTE_CACHE = 4,
	SRC_FAR_CACHE = 5,
	SRC_PMEM = 6,
	SRC_IO = 7,
	SRC_EXT_MEM = 8,
	NR_SRC = 32
};

#define LVL(x)  (MH_DS_PUT(MH_DS_LVL_##x | MH_DS_LVL_HIT, LVL))
#define NUM(x)  (MH_DS_PUT(MH_DS_LVLNUM_##x, LVLNUM))
#define HOPS(x) (MH_DS_PUT(MH_DS_HOPS_##x, HOPS))
#define REMOTE  (MH_DS_PUT(1, REMOTE))

/* OP_DATA3. */
struct op_data3 {
	bool load, store, l1_tlb_miss, l2_tlb_miss, dc_miss, uncached, locked, no_mab,
		lin_valid, phys_valid, l2_miss, sw_prefetch;
	unsigned miss_lat;
};

static struct op_data3 op_data3(const struct mh_ibs_op *op)
{
	uint64_t v = op->reg[MH_IBS_OP_DATA3];

	return (struct op_data3){
		.load = v & 1,
		.store = v >> 1 & 1,
		.l1_tlb_miss = v >> 2 & 1,
		.l2_tlb_miss = v >> 3 & 1,
		.dc_miss = v >> 7 & 1,
		.uncached = v >> 14 & 1,
		.locked = v >> 15 & 1,
		.no_mab = v >> 16 & 1,
		.lin_valid = v >> 17 & 1,
		.phys_valid = v >> 18 & 1,
		.l2_miss = v >> 20 & 1,
		.sw_prefetch = v >> 21 & 1,
		.miss_lat = (unsigned)(v >> 32 & 0xffff),
	};
}

/* Erratum 1293: Zen 3 says "L2 hit" of what had no address buffer or was a prefetch. */
static bool has_1293(const struct mh_ibs_cpu *cpu, const struct op_data3 *d)
{
	return cpu->family == 0x19 && cpu->model <= 0xf && (d->sw_prefetch || d->no_mab);
}

static unsigned source_of(const struct mh_ibs_op *op, uint64_t data2)
{
	unsigned low = data2 & 7, high = data2 >> 6 & 3;

	return op->caps & CAPS_ZEN4 ? high << 3 | low : low;
}

static uint64_t served_zen4(unsigned source, bool other_node)
{
	static const uint64_t table[NR_SRC] = {
		[SRC_LOCAL_CACHE] = LVL(L3) | NUM(L3),
		[SRC_NEAR_CACHE] = LVL(REM_CCE1) | NUM(ANY_CACHE) | REMOTE | HOPS(NODE),
		[SRC_DRAM] = LVL(LOC_RAM) | NUM(RAM),
		[SRC_FAR_CACHE] = LVL(REM_CCE2) | NUM(ANY_CACHE) | REMOTE | HOPS(SOCKET),
		[SRC_PMEM] = NUM(PMEM),
		[SRC_IO] = LVL(IO) | NUM(IO),
		[SRC_EXT_MEM] = NUM(CXL),
	};

	if (!other_node)
		return table[source];
	switch (source) {
	case SRC_DRAM:
		return LVL(REM_RAM1) | NUM(RAM) | REMOTE | HOPS(SOCKET);
	case SRC_PMEM:
	case SRC_EXT_MEM:
		return table[source] | REMOTE | HOPS(SOCKET);
	default:
		return table[source];
	}
}

static uint64_t served_old(unsigned source, bool other_node)
{
	static const uint64_t table[8] = {
		[SRC_NEAR_CACHE] = LVL(L3) | LVL(REM_CCE1) | NUM(ANY_CACHE) | HOPS(NODE),
		[SRC_DRAM] = LVL(LOC_RAM) | NUM(RAM),
		[SRC_OLD_REMOTE_CACHE] =
			LVL(REM_CCE2) | NUM(ANY_CACHE) | REMOTE | HOPS(SOCKET),
		[SRC_IO] = LVL(IO) | NUM(IO),
	};

	if (other_node && source == SRC_DRAM)
		return LVL(REM_RAM1) | NUM(RAM) | REMOTE | HOPS(SOCKET);
	return table[source];
}

static uint64_t level_bits(const struct mh_ibs_op *op, const struct mh_ibs_cpu *cpu,
			   const struct op_data3 *d, uint64_t data2)
{
	unsigned source = source_of(op, data2);
	bool other_node = data2 >> 4 & 1;
	uint64_t served = 0;

	if (d->uncached && source != SRC_IO)
		return LVL(UNC) | NUM(UNC);
	if (!d->dc_miss)
		return LVL(L1) | NUM(L1);
	if (!d->l2_miss && !has_1293(cpu, d))
		return LVL(L2) | NUM(L2);
	/* Only loads have a source. */
	if (d->load && op->caps & CAPS_ZEN4)
		served = served_zen4(source, other_node);
	else if (d->load)
		served = served_old(source, other_node);
	if (served)
		return served;
	if (d->no_mab)
		return LVL(LFB) | NUM(LFB);
	return MH_DS_PUT(MH_DS_LVL_NA, LVL) | NUM(NA);
}

static bool tells_state(const struct mh_ibs_cpu *cpu)
{
	return cpu->family != 0x19 ||
	       (cpu->model > 0xf && (cpu->model < 0x20 || cpu->model > 0x5f));
}

static unsigned snoop_bits(const struct mh_ibs_op *op, const struct mh_ibs_cpu *cpu,
			   const struct op_data3 *d, uint64_t data2, uint64_t level)
{
	unsigned source = source_of(op, data2);
	unsigned lvl = MH_DS_GET(level, LVL);
	bool cache;

	if (!tells_state(cpu) || !d->load || lvl & (MH_DS_LVL_L1 | MH_DS_LVL_L2) ||
	    data2 >> 5 & 1)
		return MH_DS_SNOOP_NA;
	if (op->caps & CAPS_ZEN4)
		cache = source == SRC_LOCAL_CACHE || source == SRC_NEAR_CACHE ||
			source == SRC_FAR_CACHE;
	else
		cache = source == SRC_NEAR_CACHE;
	return cache ? MH_DS_SNOOP_HITM : MH_DS_SNOOP_NA;
}

static unsigned tlb_bits(const struct op_data3 *d)
{
	if (!d->lin_valid)
		return MH_DS_TLB_NA;
	if (!d->l1_tlb_miss)
		return MH_DS_TLB_L1 | MH_DS_TLB_HIT;
	return MH_DS_TLB_L2 | (d->l2_tlb_miss ? MH_DS_TLB_MISS : MH_DS_TLB_HIT);
}

uint64_t mh_ibs_op_data_src(const struct mh_ibs_op *op, const struct mh_ibs_cpu *cpu)
{
	struct op_data3 d = op_data3(op);
	uint64_t data2 = has_1293(cpu, &d) ? 0 : op->reg[MH_IBS_OP_DATA2];
	uint64_t level;

	if (!d.load && !d.store)
		return MH_DS_PUT(MH_DS_OP_NA, OP) | MH_DS_PUT(MH_DS_LVL_NA, LVL) |
		       MH_DS_PUT(MH_DS_SNOOP_NA, SNOOP) | MH_DS_PUT(MH_DS_LOCK_NA, LOCK) |
		       MH_DS_PUT(MH_DS_TLB_NA, TLB) | NUM(NA);
	level = level_bits(op, cpu, &d, data2);
	return level | MH_DS_PUT(d.load ? MH_DS_OP_LOAD : MH_DS_OP_STORE, OP) |
	       MH_DS_PUT(snoop_bits(op, cpu, &d, data2, level), SNOOP) |
	       MH_DS_PUT(tlb_bits(&d), TLB) |
	       MH_DS_PUT(d.locked ? MH_DS_LOCK_LOCKED : MH_DS_LOCK_NA, LOCK);
}

int mh_ibs_op_read(struct mh_ibs_op *out, const uint8_t *raw, size_t len)
{
	struct mh_rbuf b = mh_rbuf(raw, len);
	size_t i;

	out->caps = mh_rbuf_u32(&b);
	for (i = 0; i < MH_NR_IBS_REGS; i++)
		out->reg[i] = mh_rbuf_u64(&b);
	return b.bad ? MH_EFORMAT : MH_OK;
}

void mh_ibs_op_fill(struct mh_ev_sample *s, const struct mh_ibs_op *op,
		    const struct mh_ibs_cpu *cpu)
{
	struct op_data3 d = op_data3(op);

	s->data_src = mh_ibs_op_data_src(op, cpu);
	if (!d.load && !d.store)
		return;
	if (d.lin_valid) {
		s->addr = op->reg[MH_IBS_DC_LINADDR];
		s->flags |= MH_SAMPLE_ADDR;
	}
	if (d.phys_valid)
		s->phys = op->reg[MH_IBS_DC_PHYSADDR];
	if (d.load && d.dc_miss) {
		s->weight = d.miss_lat;
		s->ins_lat = (uint16_t)(op->reg[MH_IBS_OP_DATA] >> 16);
	}
}
