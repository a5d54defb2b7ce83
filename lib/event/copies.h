/* SPDX-License-Identifier: MIT */
/*
 * Stacks as perf's samples carry them (REGS_USER and STACK_USER), told as STACK_COPY, so
 * that a chain is unwound when a person looks and not while the target runs.
 */
#ifndef MEMHEAT_EVENT_COPIES_H
#define MEMHEAT_EVENT_COPIES_H

#include <stdbool.h>

#include <memheat/event.h>

/* e_machine of ELF. */
#define MH_MACHINE_X86_64  62
#define MH_MACHINE_AARCH64 183

/* As a sample has it; pointers need not be aligned. */
struct mh_stack_sample {
	uint64_t abi;         /* PERF_SAMPLE_REGS_ABI_*: 2 is 64 bits, 0 none */
	uint64_t mask;        /* attr.sample_regs_user */
	const uint8_t *regs;  /* a u64 per bit of mask, lowest bit first; NULL: none */
	const uint8_t *stack; /* from the stack pointer on; NULL: none */
	uint64_t stack_len;
	bool swapped; /* regs are of the other byte order */
};

struct mh_copies {
	uint32_t nr;         /* ids given so far */
	uint64_t nr_without; /* samples that had no user stack: kernel threads, ... */
	uint64_t
		nr_foreign; /* registers of a kind that is not known here: 32 bits, ... */
};

/* The registers that unwinding needs, as attr.sample_regs_user; 0: not known here. */
uint64_t mh_copies_mask(uint16_t machine);

/* The machine that this program is built for; 0: none that is known here. */
uint16_t mh_copies_machine(void);

/*
 * Tell a sample's stack as STACK_COPY, with time, source, pid and tid of @of.
 *
 * @id: the id to be put into the sample; @inner when there is no copy to be told
 * @inner: id of the innermost frame of the kernel's part of its chain; 0: none
 * Returns MH_OK; a failure of @fn.
 */
int mh_copies_put(struct mh_copies *c, uint32_t *id, const struct mh_event *of,
		  uint16_t machine, const struct mh_stack_sample *s, uint32_t inner,
		  mh_event_fn fn, void *arg, struct mh_err *err) MH_MUST_CHECK;

#endif
