/* SPDX-License-Identifier: MIT */
/* The kernel's part of a chain comes as addresses in both ways, so a copied stack names
 * its innermost frame. */
#include "ring/callgraph.h"

#include <linux/perf_event.h>

void mh_callgraph_ask(struct perf_event_attr *attr, uint32_t stack_len)
{
	attr->sample_type |= PERF_SAMPLE_CALLCHAIN;
	if (!stack_len)
		return;
	attr->sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	attr->exclude_callchain_user = 1;
	attr->sample_regs_user = mh_copies_mask(mh_copies_machine());
	attr->sample_stack_user = stack_len;
}

int mh_callgraph_take(struct mh_callgraph *c, struct mh_event *ev,
		      const struct mh_ring_extra *extra, uint64_t regs_user,
		      mh_event_fn fn, void *arg, struct mh_err *err)
{
	const struct mh_stack_sample s = {
		.abi = extra->regs_abi,
		.mask = regs_user,
		.regs = extra->regs,
		.stack = extra->stack,
		.stack_len = extra->stack_len,
	};
	int ret = MH_OK;

	if (extra->nr_chain)
		ret = mh_chains_put(&c->chains, &ev->sample.stack, ev, extra->chain,
				    (size_t)extra->nr_chain, false, fn, arg, err);
	if (!ret && regs_user)
		ret = mh_copies_put(&c->copies, &ev->sample.stack, ev,
				    mh_copies_machine(), &s, ev->sample.stack, fn, arg,
				    err);
	return ret;
}

void mh_callgraph_fini(struct mh_callgraph *c)
{
	mh_chains_fini(&c->chains);
}
