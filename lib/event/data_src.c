/* SPDX-License-Identifier: MIT */
/*
 * PERF_SAMPLE_DATA_SRC as one enumeration per question. Kernels since 4.14 fill lvl_num,
 * remote and hops; older ones and some drivers only the deprecated bits, of which several
 * may be set at once ("L3 or remote cache"). The newer fields win where they say
 * anything.
 *
 * Not kept: the difference between the first and the second level's hops in the
 * deprecated bits, and the region field of 6.18, which no driver fills for x86.
 */
#include "event/data_src.h"

#include <stdbool.h>

#include <memheat/event.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t op_of(unsigned op)
{
	if (op & MH_DS_OP_LOAD)
		return MH_MEM_LOAD;
	if (op & MH_DS_OP_STORE)
		return MH_MEM_STORE;
	if (op & MH_DS_OP_PFETCH)
		return MH_MEM_PREFETCH;
	return op & MH_DS_OP_EXEC ? MH_MEM_EXEC : MH_MEM_OP_UNKNOWN;
}

/* A remote cache is known by its hops; without them the bit alone means another node. */
static uint8_t cache_of(bool remote, unsigned hops)
{
	if (hops == MH_DS_HOPS_NODE)
		return MH_LEVEL_NODE_CACHE;
	return remote || hops ? MH_LEVEL_REMOTE_CACHE : MH_LEVEL_NODE_CACHE;
}

static uint8_t level_of_number(unsigned number, bool remote, unsigned hops)
{
	static const uint8_t plain[16] = {
		[MH_DS_LVLNUM_L0] = MH_LEVEL_L1,
		[MH_DS_LVLNUM_L1] = MH_LEVEL_L1,
		[MH_DS_LVLNUM_L2] = MH_LEVEL_L2,
		[MH_DS_LVLNUM_L2_MHB] = MH_LEVEL_L2,
		[MH_DS_LVLNUM_L3] = MH_LEVEL_L3,
		[MH_DS_LVLNUM_L4] = MH_LEVEL_L4,
		[MH_DS_LVLNUM_MSC] = MH_LEVEL_MSC,
		[MH_DS_LVLNUM_UNC] = MH_LEVEL_UNCACHED,
		[MH_DS_LVLNUM_CXL] = MH_LEVEL_CXL,
		[MH_DS_LVLNUM_IO] = MH_LEVEL_IO,
		[MH_DS_LVLNUM_LFB] = MH_LEVEL_LFB,
		[MH_DS_LVLNUM_RAM] = MH_LEVEL_RAM,
		[MH_DS_LVLNUM_PMEM] = MH_LEVEL_PMEM,
	};

	if (number == MH_DS_LVLNUM_ANY_CACHE)
		return cache_of(remote, hops);
	if (!remote)
		return plain[number];
	switch (number) {
	case MH_DS_LVLNUM_L1:
	case MH_DS_LVLNUM_L2:
	case MH_DS_LVLNUM_L3:
	case MH_DS_LVLNUM_L4:
		return cache_of(remote, hops);
	case MH_DS_LVLNUM_RAM:
		return MH_LEVEL_REMOTE_RAM;
	default:
		return plain[number];
	}
}

/*
 * Of several bits the farthest counts: that is where the line may have come from. L3 with
 * a cache one hop away is AMD's "local" source: this core's or a neighbour's.
 */
static uint8_t level_of_bits(unsigned lvl)
{
	static const struct {
		unsigned bits;
		uint8_t level;
	} rules[] = {
		{ MH_DS_LVL_UNC, MH_LEVEL_UNCACHED },
		{ MH_DS_LVL_IO, MH_LEVEL_IO },
		{ MH_DS_LVL_REM_RAM1 | MH_DS_LVL_REM_RAM2, MH_LEVEL_REMOTE_RAM },
		{ MH_DS_LVL_LOC_RAM, MH_LEVEL_RAM },
		{ MH_DS_LVL_REM_CCE2, MH_LEVEL_REMOTE_CACHE },
		{ MH_DS_LVL_REM_CCE1, MH_LEVEL_REMOTE_CACHE },
		{ MH_DS_LVL_L3, MH_LEVEL_L3 },
		{ MH_DS_LVL_L2, MH_LEVEL_L2 },
		{ MH_DS_LVL_LFB, MH_LEVEL_LFB },
		{ MH_DS_LVL_L1, MH_LEVEL_L1 },
	};
	size_t i;

	if ((lvl & MH_DS_LVL_REM_CCE1) && (lvl & MH_DS_LVL_L3))
		return MH_LEVEL_NODE_CACHE;
	for (i = 0; i < COUNT(rules); i++)
		if (lvl & rules[i].bits)
			return rules[i].level;
	return MH_LEVEL_UNKNOWN;
}

static uint8_t hit_of(unsigned lvl)
{
	if (lvl & MH_DS_LVL_HIT)
		return MH_HIT;
	return lvl & MH_DS_LVL_MISS ? MH_MISS : MH_HIT_UNKNOWN;
}

/* Intel's row "DRAM, snoop miss" sets NONE and MISS: nobody had it. */
static uint8_t snoop_of(unsigned snoop, unsigned snoopx)
{
	if (snoop & MH_DS_SNOOP_HITM)
		return MH_SNOOP_HITM;
	if (snoopx & MH_DS_SNOOPX_FWD)
		return MH_SNOOP_FWD;
	if (snoopx & MH_DS_SNOOPX_PEER)
		return MH_SNOOP_PEER;
	if (snoop & MH_DS_SNOOP_HIT)
		return MH_SNOOP_HIT;
	if (snoop & MH_DS_SNOOP_MISS)
		return MH_SNOOP_MISS;
	return snoop & MH_DS_SNOOP_NONE ? MH_SNOOP_NONE : MH_SNOOP_UNKNOWN;
}

static uint8_t tlb_of(unsigned tlb)
{
	const unsigned both = MH_DS_TLB_L1 | MH_DS_TLB_L2;

	if (tlb & MH_DS_TLB_OS)
		return MH_TLB_FAULT;
	if (tlb & MH_DS_TLB_MISS)
		return MH_TLB_MISS;
	if (!(tlb & MH_DS_TLB_HIT))
		return MH_TLB_UNKNOWN;
	if ((tlb & both) == both)
		return MH_TLB_L1_OR_L2;
	if (tlb & both)
		return tlb & MH_DS_TLB_L1 ? MH_TLB_L1 : MH_TLB_L2;
	return tlb & MH_DS_TLB_WK ? MH_TLB_WALK : MH_TLB_UNKNOWN;
}

static uint8_t lock_of(unsigned lock)
{
	if (lock & MH_DS_LOCK_LOCKED)
		return MH_LOCK_YES;
	return lock & MH_DS_LOCK_NA ? MH_LOCK_UNKNOWN : MH_LOCK_NO;
}

static uint8_t blocked_of(unsigned blk)
{
	uint8_t out = 0;

	if (blk & (MH_DS_BLK_DATA | MH_DS_BLK_ADDR))
		out = MH_BLOCKED_KNOWN;
	if (blk & MH_DS_BLK_DATA)
		out |= MH_BLOCKED_DATA;
	if (blk & MH_DS_BLK_ADDR)
		out |= MH_BLOCKED_ADDR;
	return out;
}

void mh_mem_access_decode(struct mh_mem_access *out, uint64_t data_src)
{
	uint64_t v = data_src;
	unsigned lvl = MH_DS_GET(v, LVL), number = MH_DS_GET(v, LVLNUM);

	*out = (struct mh_mem_access){ 0 };
	if (!v)
		return;
	out->op = op_of(MH_DS_GET(v, OP));
	if (number && number != MH_DS_LVLNUM_NA)
		out->level =
			level_of_number(number, MH_DS_GET(v, REMOTE), MH_DS_GET(v, HOPS));
	else
		out->level = level_of_bits(lvl);
	out->hit = hit_of(lvl);
	out->snoop = snoop_of(MH_DS_GET(v, SNOOP), MH_DS_GET(v, SNOOPX));
	out->tlb = tlb_of(MH_DS_GET(v, TLB));
	out->lock = lock_of(MH_DS_GET(v, LOCK));
	out->blocked = blocked_of(MH_DS_GET(v, BLK));
}

/* ---- names ---- */

#define NAMES(fn, ...)                                                                   \
	const char *fn(unsigned value)                                                   \
	{                                                                                \
		static const char *const names[] = { __VA_ARGS__ };                      \
                                                                                         \
		return value < COUNT(names) ? names[value] : NULL;                       \
	}

NAMES(mh_mem_op_name, "unknown", "load", "store", "prefetch", "exec")
NAMES(mh_mem_level_name, "unknown", "l1", "lfb", "l2", "l3", "l4", "msc", "node_cache",
      "remote_cache", "ram", "remote_ram", "cxl", "pmem", "io", "uncached")
NAMES(mh_mem_hit_name, "unknown", "hit", "miss")
NAMES(mh_mem_snoop_name, "unknown", "none", "miss", "hit", "hitm", "fwd", "peer")
NAMES(mh_mem_tlb_name, "unknown", "l1", "l2", "l1_or_l2", "walk", "miss", "fault")
NAMES(mh_mem_lock_name, "unknown", "no", "yes")
