/* SPDX-License-Identifier: MIT */
/*
 * Who called: asking for call chains with an event's samples, and what the samples then
 * carry as STACK and STACK_COPY. The kernel follows frame pointers; for code without them
 * it copies the stack, which is unwound off line.
 */
#ifndef MEMHEAT_RING_CALLGRAPH_H
#define MEMHEAT_RING_CALLGRAPH_H

#include "event/chains.h"
#include "event/copies.h"
#include "ring/parse.h"

struct perf_event_attr;

#define MH_STACK_LEN_MAX 65528u /* a record's length is a u16 */

struct mh_callgraph {
	struct mh_chains chains;
	struct mh_copies copies;
};

/*
 * Ask for call chains with the samples of @attr.
 *
 * @stack_len: bytes of stack to copy, a multiple of 8, at most MH_STACK_LEN_MAX; 0: frame
 *	pointers
 */
void mh_callgraph_ask(struct perf_event_attr *attr, uint32_t stack_len);

/*
 * Tell of a sample's chain and put its id into the sample.
 *
 * @regs_user: attr.sample_regs_user
 * Returns MH_OK; MH_ENOMEM; a failure of @fn.
 */
int mh_callgraph_take(struct mh_callgraph *c, struct mh_event *ev,
		      const struct mh_ring_extra *extra, uint64_t regs_user,
		      mh_event_fn fn, void *arg, struct mh_err *err) MH_MUST_CHECK;

void mh_callgraph_fini(struct mh_callgraph *c);

#endif
