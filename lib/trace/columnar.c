/* SPDX-License-Identifier: MIT */
/* Events to columns, the mirror of mh_batch_event(). */
#include "trace/columnar.h"

#include <stdlib.h>

#define N MH_BATCH_MAX

struct mh_columnar {
	struct {
		uint64_t time_ns[N], ip[N], addr[N], phys[N], data_src[N], period[N];
		uint64_t weight[N];
		uint32_t pid[N], tid[N], cpu[N], stack[N];
		uint16_t ins_lat[N], p_stage[N], event[N];
		uint8_t flags[N], page_shift[N];
	} sample;
	struct {
		uint64_t time_ns[N], start_ns[N], start[N], end[N], touched[N];
		uint32_t pid[N], nr_accesses[N], max_accesses[N], age[N];
	} region;
};

int mh_columnar_new(struct mh_columnar **out, struct mh_err *err)
{
	*out = malloc(sizeof(**out));
	return *out ? MH_OK : mh_fail(err, MH_ENOMEM, "out of memory");
}

void mh_columnar_free(struct mh_columnar *c)
{
	free(c);
}

static inline void set_sample(struct mh_columnar *c, uint32_t i, uint64_t time_ns,
			      const struct mh_ev_sample *s)
{
	c->sample.time_ns[i] = time_ns;
	c->sample.ip[i] = s->ip;
	c->sample.addr[i] = s->addr;
	c->sample.phys[i] = s->phys;
	c->sample.data_src[i] = s->data_src;
	c->sample.period[i] = s->period;
	c->sample.weight[i] = s->weight;
	c->sample.pid[i] = s->pid;
	c->sample.tid[i] = s->tid;
	c->sample.cpu[i] = s->cpu;
	c->sample.stack[i] = s->stack;
	c->sample.ins_lat[i] = s->ins_lat;
	c->sample.p_stage[i] = s->p_stage;
	c->sample.event[i] = s->event;
	c->sample.flags[i] = s->flags;
	c->sample.page_shift[i] = s->page_shift;
}

static inline void set_region(struct mh_columnar *c, uint32_t i, uint64_t time_ns,
			      const struct mh_ev_region *r)
{
	c->region.time_ns[i] = time_ns;
	c->region.start_ns[i] = r->start_ns;
	c->region.start[i] = r->start;
	c->region.end[i] = r->end;
	c->region.touched[i] = r->touched;
	c->region.pid[i] = r->pid;
	c->region.nr_accesses[i] = r->nr_accesses;
	c->region.max_accesses[i] = r->max_accesses;
	c->region.age[i] = r->age;
}

void mh_columnar_set(struct mh_columnar *c, uint32_t i, const struct mh_event *ev)
{
	if (ev->kind == MH_EV_SAMPLE)
		set_sample(c, i, ev->time_ns, &ev->sample);
	else
		set_region(c, i, ev->time_ns, &ev->region);
}

void mh_columnar_lend(struct mh_columnar *c, struct mh_batch *batch)
{
	if (batch->kind == MH_EV_SAMPLE)
		batch->sample = (struct mh_sample_columns){
			.time_ns = c->sample.time_ns,
			.ip = c->sample.ip,
			.addr = c->sample.addr,
			.phys = c->sample.phys,
			.data_src = c->sample.data_src,
			.period = c->sample.period,
			.weight = c->sample.weight,
			.pid = c->sample.pid,
			.tid = c->sample.tid,
			.cpu = c->sample.cpu,
			.stack = c->sample.stack,
			.ins_lat = c->sample.ins_lat,
			.p_stage = c->sample.p_stage,
			.event = c->sample.event,
			.flags = c->sample.flags,
			.page_shift = c->sample.page_shift,
		};
	else
		batch->region = (struct mh_region_columns){
			.time_ns = c->region.time_ns,
			.start_ns = c->region.start_ns,
			.start = c->region.start,
			.end = c->region.end,
			.touched = c->region.touched,
			.pid = c->region.pid,
			.nr_accesses = c->region.nr_accesses,
			.max_accesses = c->region.max_accesses,
			.age = c->region.age,
		};
}

void mh_columnar_batch(struct mh_columnar *c, struct mh_batch *batch,
		       const struct mh_event *ev, uint32_t nr)
{
	uint32_t i;

	*batch = (struct mh_batch){ .kind = ev->kind, .source = ev->source, .nr = nr };
	if (ev->kind != MH_EV_SAMPLE && ev->kind != MH_EV_REGION) {
		batch->events = ev;
		return;
	}
	for (i = 0; i < nr; i++)
		mh_columnar_set(c, i, &ev[i]);
	mh_columnar_lend(c, batch);
}
