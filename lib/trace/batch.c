/* SPDX-License-Identifier: MIT */
/* Rows of batches as events. */
#include <memheat/trace.h>

#define AT(column, i) ((column) ? (column)[i] : 0)

static void sample_event(const struct mh_sample_columns *c, uint32_t i,
			 struct mh_event *ev)
{
	ev->time_ns = AT(c->time_ns, i);
	ev->sample = (struct mh_ev_sample){
		.ip = AT(c->ip, i),
		.addr = AT(c->addr, i),
		.phys = AT(c->phys, i),
		.data_src = AT(c->data_src, i),
		.period = AT(c->period, i),
		.weight = AT(c->weight, i),
		.pid = AT(c->pid, i),
		.tid = AT(c->tid, i),
		.cpu = AT(c->cpu, i),
		.stack = AT(c->stack, i),
		.ins_lat = AT(c->ins_lat, i),
		.p_stage = AT(c->p_stage, i),
		.event = AT(c->event, i),
		.flags = AT(c->flags, i),
		.page_shift = AT(c->page_shift, i),
	};
}

static void region_event(const struct mh_region_columns *c, uint32_t i,
			 struct mh_event *ev)
{
	ev->time_ns = AT(c->time_ns, i);
	ev->region = (struct mh_ev_region){
		.start_ns = AT(c->start_ns, i),
		.start = AT(c->start, i),
		.end = AT(c->end, i),
		.touched = c->touched ? c->touched[i] : MH_NO_BYTES,
		.pid = AT(c->pid, i),
		.nr_accesses = AT(c->nr_accesses, i),
		.max_accesses = AT(c->max_accesses, i),
		.age = c->age ? c->age[i] : MH_NO_AGE,
	};
}

void mh_batch_event(const struct mh_batch *batch, uint32_t i, struct mh_event *ev)
{
	mh_assert(i < batch->nr);
	if (batch->kind != MH_EV_SAMPLE && batch->kind != MH_EV_REGION) {
		*ev = batch->events[i];
		return;
	}
	ev->kind = batch->kind;
	ev->source = batch->source;
	if (batch->kind == MH_EV_SAMPLE)
		sample_event(&batch->sample, i, ev);
	else
		region_event(&batch->region, i, ev);
}
