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
		t->accesses.session = f->session;
		t->at = f->at;
		t->by_addr = f->by_addr;
		t->by_level = f->by_level;
		t->by_stack = f->by_stack;
		t->blocks = f->blocks;
	}
	return t;
}

static struct mh_site *site_of(struct mh_sites *t, uint64_t key, uint64_t ip,
			       uint64_t addr, uint8_t level, uint32_t block,
			       uint32_t stack, uint32_t code)
{
	uint64_t h = (key * UINT64_C(0x9e3779b97f4a7c15) + ip) * 31 + addr + level +
		     (uint64_t)block * 127 +
		     (uint64_t)stack * UINT64_C(0xff51afd7ed558ccd) +
		     (uint64_t)code * UINT64_C(0xc4ceb9fe1a85ec53);
	struct mh_site *s;
	uint32_t i;

	for (;; h++) {
		i = mh_numbering_get(&t->index, h);
		if (i == MH_NUMBER_NONE)
			break;
		s = &t->sites.v[i];
		if (s->key == key && s->ip == ip && s->addr == addr &&
		    s->level == level && s->block == block && s->stack == stack &&
		    s->code == code)
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
	s->stack = stack;
	s->code = code;
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

static void count_access(struct mh_site *s, const struct mh_mem_access *a)
{
	s->nr_told++;
	s->nr_loads += a->op == MH_MEM_LOAD;
	s->nr_stores += a->op == MH_MEM_STORE;
	s->nr_tlb_miss += mh_access_missed_tlb(a);
	s->nr_hitm += a->snoop == MH_SNOOP_HITM;
	s->nr_locked += a->lock == MH_LOCK_YES;
	s->nr_far += mh_access_is_far(a);
	s->levels[a->level]++;
}

static void merge_access(struct mh_site *to, const struct mh_site *x)
{
	size_t i;

	to->nr_told += x->nr_told;
	to->nr_loads += x->nr_loads;
	to->nr_stores += x->nr_stores;
	to->nr_latency += x->nr_latency;
	to->nr_tlb_miss += x->nr_tlb_miss;
	to->nr_hitm += x->nr_hitm;
	to->nr_locked += x->nr_locked;
	to->nr_far += x->nr_far;
	for (i = 0; i < MH_NR_MEM_LEVELS; i++)
		to->levels[i] += x->levels[i];
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	struct mh_sites *t = part;
	const struct mh_sample_columns *c = &b->sample;
	const bool filtered = mh_accesses_filtered(t->session);
	struct mh_site *s = NULL;
	uint32_t i;

	if (b->kind != MH_EV_SAMPLE || !c->time_ns || !(t->by_addr ? c->addr : c->ip))
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		uint64_t key =
			mh_keys_of(&t->keys, c->pid ? c->pid[i] : 0, c->time_ns[i]);
		uint64_t addr = c->addr ? c->addr[i] : 0, ip = c->ip ? c->ip[i] : 0;
		uint64_t data_src = c->data_src ? c->data_src[i] : 0;
		const struct mh_mem_access *a = NULL;
		uint8_t level = MH_LEVEL_UNKNOWN;
		uint32_t block = MH_NO_SITE;
		uint32_t stack = t->by_stack && c->stack ? c->stack[i] : 0;
		uint32_t code;

		if (data_src || filtered)
			a = mh_accesses_of(&t->accesses, data_src);
		if (filtered && !a)
			continue;
		/* What missed there was served elsewhere, it is not told where. */
		if (t->by_level && a && a->hit != MH_MISS)
			level = a->level;
		if (t->by_addr && !addr)
			t->nr_no_addr++;
		if (!passes(t, key, addr) || (t->by_addr && !addr))
			continue;
		if (t->sites.nr >= MH_SITES_MAX) {
			t->nr_left_out++;
			continue;
		}
		code = mh_code_at(t->session, key, ip, c->time_ns[i]);
		if (t->blocks)
			block = mh_blocks_site(t->blocks, key, addr, c->time_ns[i]);
		if (!s || s->ip != ip || s->key != key || s->addr != addr ||
		    s->level != level || s->block != block || s->stack != stack ||
		    s->code != code)
			s = site_of(t, key, ip, addr, level, block, stack, code);
		if (!s)
			return mh_fail(err, MH_ENOMEM, "no memory for code addresses");
		if (!s->samples)
			s->time_ns = c->time_ns[i];
		s->samples++;
		s->nr_exact += c->flags && c->flags[i] & MH_SAMPLE_EXACT_IP;
		s->periods += c->period && c->period[i] ? c->period[i] : 1;
		s->weight += c->weight ? c->weight[i] : 0;
		s->nr_latency += c->weight && c->weight[i];
		if (data_src)
			count_access(s, a);
	}
	return MH_OK;
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct mh_sites *a = into, *b = from;
	size_t i;

	for (i = 0; i < b->sites.nr; i++) {
		const struct mh_site *x = &b->sites.v[i];
		struct mh_site *to = site_of(a, x->key, x->ip, x->addr, x->level,
					     x->block, x->stack, x->code);

		if (!to)
			return mh_fail(err, MH_ENOMEM, "no memory for code addresses");
		if (!to->samples)
			to->time_ns = x->time_ns;
		to->samples += x->samples;
		to->nr_exact += x->nr_exact;
		to->periods += x->periods;
		to->weight += x->weight;
		merge_access(to, x);
	}
	a->nr_no_addr += b->nr_no_addr;
	a->nr_left_out += b->nr_left_out;
	return MH_OK;
}

int mh_sites_run(struct mh_analysis *a, struct mh_session *s,
		 const struct mh_filter *filter, const struct mh_sites_frame *f,
		 struct mh_err *err)
{
	int ret = s->jit ? MH_OK : mh_jit_times_new(&s->jit, s->maps, err);

	*a = (struct mh_analysis){ .arg = f,
				   .part_new = part_new,
				   .batch = part_batch,
				   .merge = part_merge,
				   .part_free = part_free };
	return ret ? ret : mh_pass_run(s, filter, a, 1, err);
}
