/* SPDX-License-Identifier: MIT */
/*
 * perf numbers registers its own way on each machine; debug information has other
 * numbers. A copy has those of DWARF, so that who unwinds needs no table of perf's.
 *
 * Not handled: 32-bit programs, and machines but x86-64 and AArch64.
 */
#include "event/copies.h"

#include <string.h>

#define ABI_NONE 0u
#define ABI_64   2u

/* Ids of frames count from 1 (lib/event/chains.h) and never get here. */
#define FIRST_ID (1u << 31)
#define REGS_MAX 33

struct machine {
	uint16_t machine;
	uint8_t nr, sp;
	uint8_t perf[REGS_MAX]; /* perf's number of each register of DWARF; the pc last */
};

/* clang-format off */
static const struct machine machines[] = {
	{ MH_MACHINE_X86_64, 17, 7,
	  /* rax rdx rcx rbx rsi rdi rbp rsp, r8 to r15, rip */
	  { 0, 3, 2, 1, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 8 } },
	{ MH_MACHINE_AARCH64, 33, 31,
	  { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 } },
};
/* clang-format on */

static const struct machine *find(uint16_t machine)
{
	size_t i;

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine)
			return &machines[i];
	return NULL;
}

static uint64_t mask_of(const struct machine *m)
{
	uint64_t mask = 0;
	unsigned i;

	for (i = 0; i < m->nr; i++)
		mask |= (uint64_t)1 << m->perf[i];
	return mask;
}

uint64_t mh_copies_mask(uint16_t machine)
{
	const struct machine *m = find(machine);

	return m ? mask_of(m) : 0;
}

uint16_t mh_copies_machine(void)
{
#if defined(__x86_64__)
	return MH_MACHINE_X86_64;
#elif defined(__aarch64__)
	return MH_MACHINE_AARCH64;
#else
	return 0;
#endif
}

static uint64_t reg(const struct mh_stack_sample *s, unsigned perf)
{
	uint64_t below = s->mask & (((uint64_t)1 << perf) - 1), v;

	memcpy(&v, s->regs + 8 * (size_t)__builtin_popcountll(below), sizeof(v));
	return s->swapped ? __builtin_bswap64(v) : v;
}

int mh_copies_put(struct mh_copies *c, uint32_t *id, const struct mh_event *of,
		  uint16_t machine, const struct mh_stack_sample *s, uint32_t inner,
		  mh_event_fn fn, void *arg, struct mh_err *err)
{
	const struct machine *m = find(machine);
	uint64_t regs[REGS_MAX], mask = m ? mask_of(m) : 0;
	struct mh_event ev;
	unsigned i;

	*id = inner;
	if (!s->regs || s->abi == ABI_NONE || !s->stack_len) {
		c->nr_without++;
		return MH_OK;
	}
	if (!m || s->abi != ABI_64 || (s->mask & mask) != mask ||
	    c->nr == UINT32_MAX - FIRST_ID) {
		c->nr_foreign++;
		return MH_OK;
	}
	for (i = 0; i < m->nr; i++)
		regs[i] = reg(s, m->perf[i]);
	*id = FIRST_ID + c->nr++;
	mh_event_init(&ev, MH_EV_STACK_COPY);
	ev.time_ns = of->time_ns;
	ev.source = of->source;
	ev.stack_copy = (struct mh_ev_stack_copy){
		.pid = of->sample.pid,
		.tid = of->sample.tid,
		.id = *id,
		.inner = inner,
		.machine = machine,
		.regs = { (const uint8_t *)regs, 8 * (uint32_t)m->nr },
		.sp = regs[m->sp],
		.stack = { s->stack, (uint32_t)s->stack_len },
	};
	return fn(arg, &ev, err);
}
