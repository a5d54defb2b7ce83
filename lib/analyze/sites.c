/* SPDX-License-Identifier: MIT */
/*
 * Samples per code address and space. A program has far fewer instructions that touch
 * memory than samples, so one table per thread holds them all.
 */
#include "analyze/sites.h"

#include <stdlib.h>

#include "analyze/places.h"
#include "base/vec.h"

static void part_free(void *part)
{
	struct mh_sites *t = part;

	mh_numbering_fini(&t->index);
	free(t->sites.v);
	free(t);
}

static void *part_new(const void *arg)
{
	const struct mh_sites_frame *f = arg;
	struct mh_sites *t = calloc(1, sizeof(*t));

	if (t) {
		t->session = f->session;
		t->keys.maps = f->session->maps;
		t->at = f->at;
		t->by_addr = f->by_addr;
		t->by_level = f->by_level;
		t->blocks = f->blocks;
	}
	return t;
}

static struct mh_site *site_of(struct mh_sites *t, uint64_t key, uint64_t ip,
			       uint64_t addr, uint8_t level, uint32_t block)
{
	uint64_t h = (key * UINT64_C(0x9e3779b97f4a7c15) + ip) * 31 + addr + level +
		     (uint64_t)block * 127;
	struct mh_site *s;
	uint32_t i;

	for (;; h++) {
		i = mh_numbering_get(&t->index, h);
		if (i == MH_NUMBER_NONE)
			break;
		s = &t->sites.v[i];
		if (s->key == key && s->ip == ip && s->addr == addr &&
		    s->level == level && s->block == block)
			return s;
	}
	s = mh_vec_push(&t->sites);
	if (!s || mh_numbering_set(&t->index, h, (uint32_t)t->sites.nr - 1))
		return NULL;
	s->key = key;
	s->ip = ip;
	s->addr = addr;
	s->level = level;
	s->block = block;
	return s;
}

/* --at: the data address lies in one of the places. */
static bool passes(const struct mh_sites *t, uint64_t key, uint64_t addr)
{
	size_t i;

	if (!t->at)
		return true;
	i = mh_places_find(t->at, key, addr);
	return i < t->at->nr && t->at->v[i].key == key && t->at->v[i].addr.start <= addr;
}

static uint8_t level_of(const struct mh_sample_columns *c, uint32_t i)
{
	struct mh_mem_access access;

	if (!c->data_src)
		return MH_LEVEL_UNKNOWN;
	mh_mem_access_decode(&access, c->data_src[i]);
	/* What missed there was served elsewhere, it is not told where. */
	return access.hit == MH_MISS ? MH_LEVEL_UNKNOWN : access.level;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	struct mh_sites *t = part;
	const struct mh_sample_columns *c = &b->sample;
	struct mh_site *s = NULL;
	uint32_t i;

	if (b->kind != MH_EV_SAMPLE || !c->ip || !c->time_ns || (t->by_addr && !c->addr))
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		uint64_t key =
			mh_keys_of(&t->keys, c->pid ? c->pid[i] : 0, c->time_ns[i]);

		uint64_t addr = c->addr ? c->addr[i] : 0;
		uint8_t level = t->by_level ? level_of(c, i) : 0;
		uint32_t block = MH_NO_SITE;

		if (t->by_addr && !addr)
			t->nr_no_addr++;
		if (!passes(t, key, addr) || (t->by_addr && !addr))
			continue;
		if (t->sites.nr >= MH_SITES_MAX) {
			t->nr_left_out++;
			continue;
		}
		if (t->blocks)
			block = mh_blocks_site(t->blocks, key, addr, c->time_ns[i]);
		if (!s || s->ip != c->ip[i] || s->key != key || s->addr != addr ||
		    s->level != level || s->block != block)
			s = site_of(t, key, c->ip[i], addr, level, block);
		if (!s)
			return mh_fail(err, MH_ENOMEM, "no memory for code addresses");
		if (!s->samples)
			s->time_ns = c->time_ns[i];
		s->samples++;
		s->periods += c->period && c->period[i] ? c->period[i] : 1;
		s->weight += c->weight ? c->weight[i] : 0;
	}
	return MH_OK;
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct mh_sites *a = into, *b = from;
	size_t i;

	for (i = 0; i < b->sites.nr; i++) {
		const struct mh_site *x = &b->sites.v[i];
		struct mh_site *to =
			site_of(a, x->key, x->ip, x->addr, x->level, x->block);

		if (!to)
			return mh_fail(err, MH_ENOMEM, "no memory for code addresses");
		if (!to->samples)
			to->time_ns = x->time_ns;
		to->samples += x->samples;
		to->periods += x->periods;
		to->weight += x->weight;
	}
	a->nr_no_addr += b->nr_no_addr;
	a->nr_left_out += b->nr_left_out;
	return MH_OK;
}

void mh_sites_analysis(struct mh_analysis *out, const struct mh_sites_frame *f)
{
	*out = (struct mh_analysis){ .arg = f,
				     .part_new = part_new,
				     .batch = part_batch,
				     .merge = part_merge,
				     .part_free = part_free };
}
