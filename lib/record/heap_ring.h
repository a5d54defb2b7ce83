/* SPDX-License-Identifier: MIT */
/*
 * What the shim in a recorded program and the recorder share: a ring of slots in memory
 * that both map. Any number of threads of any number of processes write, one recorder
 * reads. Nothing is ever written over: where there is no room it is counted as lost.
 *
 * A writer takes a number by moving `head` on, fills the slot of that number, and last
 * stores number + 1 into its `seq`. The reader takes slots in the order of numbers and
 * moves `tail` on behind itself. The order of numbers is that of what happened: a free is
 * logged before the block is given back, an allocation after it was got.
 *
 * The recorder believes nothing that is in here: the recorded program can write to it.
 */
#ifndef MEMHEAT_RECORD_HEAP_RING_H
#define MEMHEAT_RECORD_HEAP_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define MH_HEAP_ENV    "MEMHEAT_HEAP" /* path of the ring */
#define MH_HEAP_MAGIC  "MHHEAP1\n"
#define MH_HEAP_SLOTS  16384u
#define MH_HEAP_FRAMES 27

struct mh_heap_slot {
	_Atomic uint64_t seq;
	uint64_t time_ns, addr, size;
	uint32_t pid;
	uint16_t op; /* enum mh_heap_op */
	uint16_t nr_frames;
	uint64_t frames[MH_HEAP_FRAMES]; /* return addresses, innermost first */
};

struct mh_heap_ring {
	char magic[8];
	uint64_t threshold; /* smaller blocks are not logged */
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) _Atomic uint64_t lost;
	_Alignas(4096) struct mh_heap_slot slots[MH_HEAP_SLOTS];
};

_Static_assert(sizeof(struct mh_heap_slot) == 256, "whole cache lines");

#endif
