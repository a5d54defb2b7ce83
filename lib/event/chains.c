/* SPDX-License-Identifier: MIT */
/* An open hash table of (caller, address); ids count from 1 in order of first use. */
#include "event/chains.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* PERF_CONTEXT_MAX and above are marks, not addresses. */
#define MARKS ((uint64_t)-4095)

static size_t hash_of(uint32_t parent, uint64_t ip)
{
	uint64_t h = (ip ^ (uint64_t)parent << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h ^ h >> 29);
}

static uint32_t *slot_of(struct mh_chains *c, uint32_t parent, uint64_t ip)
{
	size_t i = hash_of(parent, ip) & (c->nr_slots - 1);

	for (; c->slots[i]; i = (i + 1) & (c->nr_slots - 1)) {
		const struct mh_chain_frame *f = &c->frames.v[c->slots[i] - 1];

		if (f->parent == parent && f->ip == ip)
			break;
	}
	return &c->slots[i];
}

static int make_room(struct mh_chains *c, struct mh_err *err)
{
	size_t nr = c->nr_slots ? c->nr_slots * 2 : 1024, i;

	if (c->frames.nr * 2 < c->nr_slots)
		return MH_OK;
	free(c->slots);
	c->nr_slots = 0;
	c->slots = calloc(nr, sizeof(*c->slots));
	if (!c->slots)
		return mh_fail(err, MH_ENOMEM, "no memory for call chains");
	c->nr_slots = nr;
	for (i = 0; i < c->frames.nr; i++)
		*slot_of(c, c->frames.v[i].parent, c->frames.v[i].ip) = (uint32_t)i + 1;
	return MH_OK;
}

/* @id and @parent without the base */
static int tell(const struct mh_chains *c, const struct mh_event *of, uint32_t id,
		uint32_t parent, uint64_t ip, mh_event_fn fn, void *arg,
		struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STACK);
	ev.time_ns = of->time_ns;
	ev.source = of->source;
	ev.stack = (struct mh_ev_stack){ .id = c->base + id,
					 .parent = parent ? c->base + parent : 0,
					 .ip = ip };
	return fn(arg, &ev, err);
}

static uint64_t word(const uint8_t *chain, size_t i, bool swapped)
{
	uint64_t v;

	memcpy(&v, chain + 8 * i, sizeof(v));
	return swapped ? __builtin_bswap64(v) : v;
}

int mh_chains_put(struct mh_chains *c, uint32_t *id, const struct mh_event *of,
		  const uint8_t *chain, size_t nr, bool swapped, mh_event_fn fn,
		  void *arg, struct mh_err *err)
{
	uint32_t parent = 0, *slot;
	int ret;

	*id = 0;
	while (nr--) {
		uint64_t ip = word(chain, nr, swapped);
		struct mh_chain_frame *f;

		if (ip >= MARKS)
			continue;
		ret = make_room(c, err);
		if (ret)
			return ret;
		slot = slot_of(c, parent, ip);
		if (!*slot && c->frames.nr == MH_CHAINS_MAX) {
			c->nr_cut++;
			break;
		}
		if (!*slot) {
			f = mh_vec_push(&c->frames);
			if (!f)
				return mh_fail(err, MH_ENOMEM,
					       "no memory for call chains");
			*f = (struct mh_chain_frame){ .ip = ip, .parent = parent };
			*slot = (uint32_t)c->frames.nr;
			ret = tell(c, of, *slot, parent, ip, fn, arg, err);
			if (ret)
				return ret;
		}
		parent = *slot;
	}
	*id = parent ? c->base + parent : 0;
	return MH_OK;
}

void mh_chains_fini(struct mh_chains *c)
{
	free(c->frames.v);
	free(c->slots);
	*c = (struct mh_chains){ 0 };
}
