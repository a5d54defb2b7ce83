/* SPDX-License-Identifier: MIT */
/*
 * The bits of PERF_SAMPLE_DATA_SRC, as numbers of our own: linux/perf_event.h of an old
 * system lacks the newer ones, and this layer does not name kernel headers.
 */
#ifndef MEMHEAT_EVENT_DATA_SRC_H
#define MEMHEAT_EVENT_DATA_SRC_H

#include <stdint.h>

/* Where each field begins and how many bits it has. The kernel declares the fields in
 * reverse on big-endian machines, so that the number is the same everywhere. */
#define MH_DS_OP_SHIFT     0
#define MH_DS_OP_BITS      5
#define MH_DS_LVL_SHIFT    5
#define MH_DS_LVL_BITS     14
#define MH_DS_SNOOP_SHIFT  19
#define MH_DS_SNOOP_BITS   5
#define MH_DS_LOCK_SHIFT   24
#define MH_DS_LOCK_BITS    2
#define MH_DS_TLB_SHIFT    26
#define MH_DS_TLB_BITS     7
#define MH_DS_LVLNUM_SHIFT 33
#define MH_DS_LVLNUM_BITS  4
#define MH_DS_REMOTE_SHIFT 37
#define MH_DS_REMOTE_BITS  1
#define MH_DS_SNOOPX_SHIFT 38
#define MH_DS_SNOOPX_BITS  2
#define MH_DS_BLK_SHIFT    40
#define MH_DS_BLK_BITS     3
#define MH_DS_HOPS_SHIFT   43
#define MH_DS_HOPS_BITS    3

#define MH_DS_GET(v, field)                                                              \
	((unsigned)((v) >> MH_DS_##field##_SHIFT & ((1u << MH_DS_##field##_BITS) - 1)))
#define MH_DS_PUT(x, field) ((uint64_t)(x) << MH_DS_##field##_SHIFT)

enum {
	MH_DS_OP_NA = 1,
	MH_DS_OP_LOAD = 2,
	MH_DS_OP_STORE = 4,
	MH_DS_OP_PFETCH = 8,
	MH_DS_OP_EXEC = 16,

	MH_DS_LVL_NA = 1,
	MH_DS_LVL_HIT = 2,
	MH_DS_LVL_MISS = 4,
	MH_DS_LVL_L1 = 8,
	MH_DS_LVL_LFB = 0x10,
	MH_DS_LVL_L2 = 0x20,
	MH_DS_LVL_L3 = 0x40,
	MH_DS_LVL_LOC_RAM = 0x80,
	MH_DS_LVL_REM_RAM1 = 0x100,
	MH_DS_LVL_REM_RAM2 = 0x200,
	MH_DS_LVL_REM_CCE1 = 0x400,
	MH_DS_LVL_REM_CCE2 = 0x800,
	MH_DS_LVL_IO = 0x1000,
	MH_DS_LVL_UNC = 0x2000,

	MH_DS_SNOOP_NA = 1,
	MH_DS_SNOOP_NONE = 2,
	MH_DS_SNOOP_HIT = 4,
	MH_DS_SNOOP_MISS = 8,
	MH_DS_SNOOP_HITM = 16,
	MH_DS_SNOOPX_FWD = 1,
	MH_DS_SNOOPX_PEER = 2,

	MH_DS_LOCK_NA = 1,
	MH_DS_LOCK_LOCKED = 2,

	MH_DS_TLB_NA = 1,
	MH_DS_TLB_HIT = 2,
	MH_DS_TLB_MISS = 4,
	MH_DS_TLB_L1 = 8,
	MH_DS_TLB_L2 = 0x10,
	MH_DS_TLB_WK = 0x20,
	MH_DS_TLB_OS = 0x40,

	MH_DS_LVLNUM_L1 = 1,
	MH_DS_LVLNUM_L2 = 2,
	MH_DS_LVLNUM_L3 = 3,
	MH_DS_LVLNUM_L4 = 4,
	MH_DS_LVLNUM_L2_MHB = 5,
	MH_DS_LVLNUM_MSC = 6,
	MH_DS_LVLNUM_L0 = 7,
	MH_DS_LVLNUM_UNC = 8,
	MH_DS_LVLNUM_CXL = 9,
	MH_DS_LVLNUM_IO = 10,
	MH_DS_LVLNUM_ANY_CACHE = 11,
	MH_DS_LVLNUM_LFB = 12,
	MH_DS_LVLNUM_RAM = 13,
	MH_DS_LVLNUM_PMEM = 14,
	MH_DS_LVLNUM_NA = 15,

	MH_DS_BLK_NA = 1,
	MH_DS_BLK_DATA = 2,
	MH_DS_BLK_ADDR = 4,

	MH_DS_HOPS_NODE = 1,  /* another core, same node */
	MH_DS_HOPS_SOCKET = 2 /* another node, same socket; 3, 4: farther */
};

#endif
