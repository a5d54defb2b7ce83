/* SPDX-License-Identifier: MIT */
/*
 * A core's view of memory, for lackey2samples.c: what a sample of an access would have
 * said about its level, its TLB, its latency and its frame, and how long the core took.
 *
 * Simulated for every data access: 32 KiB / 8-way, 512 KiB / 8-way and 8 MiB / 16-way
 * caches with LRU, misses in flight (a second access to a line that is still coming is
 * served by the fill buffer), a 64-entry and a 1536-entry TLB, and a first-touch frame
 * allocator that takes runs of 2^order frames as a buddy allocator hands them out.
 * Latencies are a floor plus an exponential tail.  TLB and lock bits are as IBS reports
 * them, levels also for stores as the store-latency PEBS events do.
 *
 * Not modelled: instruction fetches, prefetchers, write-backs, other cores, huge pages.
 */
#ifndef TESTS_TOOLS_MEMORY_MODEL_H
#define TESTS_TOOLS_MEMORY_MODEL_H

#include "stream.h"

#include <linux/perf_event.h>

#define MODEL_PAGE_SHIFT 12
#define MODEL_NR_FRAMES  (UINT64_C(9) << (30 - MODEL_PAGE_SHIFT)) /* 9 GiB */
#define MODEL_MAX_ORDER  9

/* What an instruction costs when nothing stalls, and how much of a stall is not hidden.
 */
#define MODEL_CYCLES_PER_INSN 0.30
#define MODEL_LOAD_EXPOSED    0.25
#define MODEL_STORE_EXPOSED   0.05

enum model_level {
	MODEL_L1,
	MODEL_LFB,
	MODEL_L2,
	MODEL_L3,
	MODEL_RAM,
	MODEL_NR_LEVELS
};

static const struct {
	double floor_cycles, tail_cycles;
	uint64_t data_src;
} model_levels[MODEL_NR_LEVELS] = {
	[MODEL_L1] = { 4, 1.25,
		       PERF_MEM_S(LVL, HIT) | PERF_MEM_S(LVL, L1) |
			       PERF_MEM_S(LVLNUM, L1) | PERF_MEM_S(SNOOP, NONE) },
	[MODEL_LFB] = { 6, 3,
			PERF_MEM_S(LVL, HIT) | PERF_MEM_S(LVL, LFB) |
				PERF_MEM_S(LVLNUM, LFB) | PERF_MEM_S(SNOOP, NONE) },
	[MODEL_L2] = { 14, 4,
		       PERF_MEM_S(LVL, HIT) | PERF_MEM_S(LVL, L2) |
			       PERF_MEM_S(LVLNUM, L2) | PERF_MEM_S(SNOOP, NONE) },
	[MODEL_L3] = { 42, 18,
		       PERF_MEM_S(LVL, HIT) | PERF_MEM_S(LVL, L3) |
			       PERF_MEM_S(LVLNUM, L3) | PERF_MEM_S(SNOOP, NONE) },
	[MODEL_RAM] = { 180, 80,
			PERF_MEM_S(LVL, HIT) | PERF_MEM_S(LVL, LOC_RAM) |
				PERF_MEM_S(LVLNUM, RAM) | PERF_MEM_S(SNOOP, MISS) },
};

enum model_tlb {
	MODEL_TLB_L1,
	MODEL_TLB_L2,
	MODEL_TLB_WALK,
	MODEL_NR_TLBS
};

static const struct {
	double floor_cycles, tail_cycles;
	uint64_t data_src;
} model_tlbs[MODEL_NR_TLBS] = {
	[MODEL_TLB_L1] = { 0, 0, PERF_MEM_S(TLB, HIT) | PERF_MEM_S(TLB, L1) },
	[MODEL_TLB_L2] = { 7, 0, PERF_MEM_S(TLB, HIT) | PERF_MEM_S(TLB, L2) },
	[MODEL_TLB_WALK] = { 25, 15, PERF_MEM_S(TLB, MISS) | PERF_MEM_S(TLB, L2) },
};

/* Tags of one set lie in order of use, the last used first; 0 is an empty way. */
struct model_cache {
	uint64_t *tags;
	double *ready; /* cycle at which the line has arrived; NULL where nobody asks */
	unsigned nr_sets, nr_ways;
};

struct model_page {
	uint64_t vpn;
	uint64_t frame;
	uint32_t seen_in; /* the last interval + 1 that touched it */
};

struct model {
	struct model_cache l1, l2, l3, tlb1, tlb2;
	uint64_t rng_latency, rng_frames;
	double cycles;

	struct model_page *pages; /* in order of first touch */
	size_t nr_pages, cap_pages;
	uint32_t *buckets; /* page number + 1 by hash of its vpn */
	size_t nr_buckets;
	uint64_t run_next, run_left;
};

static void model_cache_init(struct model_cache *c, unsigned sets, unsigned ways,
			     int timed)
{
	c->nr_sets = sets;
	c->nr_ways = ways;
	c->tags = stream_alloc((size_t)sets * ways, sizeof(*c->tags));
	c->ready = timed ? stream_alloc((size_t)sets * ways, sizeof(*c->ready)) : NULL;
}

/* Looks a line up and makes it the last used of its set: 1 hit, 0 it took the place of
 * the least recently used one. */
static int model_cache_access(struct model_cache *c, uint64_t line)
{
	size_t at = (size_t)(line & (c->nr_sets - 1)) * c->nr_ways;
	uint64_t *tags = c->tags + at, tag = line + 1;
	unsigned way = 0;
	int hit;

	if (tags[0] == tag)
		return 1;
	while (way < c->nr_ways - 1 && tags[way] != tag)
		way++;
	hit = tags[way] == tag;
	memmove(tags + 1, tags, way * sizeof(*tags));
	tags[0] = tag;
	if (c->ready) {
		double *ready = c->ready + at, own = hit ? ready[way] : 0;

		memmove(ready + 1, ready, way * sizeof(*ready));
		ready[0] = own;
	}
	return hit;
}

static double *model_ready(struct model *m, uint64_t line)
{
	return m->l1.ready + (size_t)(line & (m->l1.nr_sets - 1)) * m->l1.nr_ways;
}

static void model_init(struct model *m, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	model_cache_init(&m->l1, 64, 8, 1);
	model_cache_init(&m->l2, 1024, 8, 0);
	model_cache_init(&m->l3, 8192, 16, 0);
	model_cache_init(&m->tlb1, 16, 4, 0);
	model_cache_init(&m->tlb2, 128, 12, 0);
	m->rng_latency = seed * 2 + 1;
	m->rng_frames = seed * 2 + 2;
	m->nr_buckets = 1 << 16;
	m->buckets = stream_alloc(m->nr_buckets, sizeof(*m->buckets));
}

static void model_fini(struct model *m)
{
	free(m->l1.tags);
	free(m->l1.ready);
	free(m->l2.tags);
	free(m->l3.tags);
	free(m->tlb1.tags);
	free(m->tlb2.tags);
	free(m->pages);
	free(m->buckets);
}

static size_t model_bucket(const struct model *m, uint64_t vpn)
{
	return (vpn * 0x9e3779b97f4a7c15u >> 20) & (m->nr_buckets - 1);
}

static void model_rehash(struct model *m)
{
	free(m->buckets);
	m->nr_buckets *= 2;
	m->buckets = stream_alloc(m->nr_buckets, sizeof(*m->buckets));
	for (size_t i = 0; i < m->nr_pages; i++) {
		size_t b = model_bucket(m, m->pages[i].vpn);

		while (m->buckets[b])
			b = (b + 1) & (m->nr_buckets - 1);
		m->buckets[b] = (uint32_t)i + 1;
	}
}

/* The next free frame of the current run; runs are aligned to their size, and every order
 * is half as likely as the one below. */
static uint64_t model_frame(struct model *m)
{
	if (!m->run_left) {
		uint64_t r = stream_random(&m->rng_frames);
		unsigned order = (unsigned)__builtin_ctzll(r | 1u << MODEL_MAX_ORDER);

		m->run_left = UINT64_C(1) << order;
		m->run_next = stream_random(&m->rng_frames) % (MODEL_NR_FRAMES >> order)
			      << order;
	}
	m->run_left--;
	return m->run_next++;
}

/* The page of an access; its frame is allocated when it is seen for the first time. */
static struct model_page *model_page(struct model *m, uint64_t vpn)
{
	size_t b = model_bucket(m, vpn);

	for (; m->buckets[b]; b = (b + 1) & (m->nr_buckets - 1))
		if (m->pages[m->buckets[b] - 1].vpn == vpn)
			return &m->pages[m->buckets[b] - 1];
	m->pages = stream_grow(m->pages, m->nr_pages, &m->cap_pages, sizeof(*m->pages));
	m->pages[m->nr_pages] = (struct model_page){ vpn, model_frame(m), 0 };
	m->buckets[b] = (uint32_t)++m->nr_pages;
	if (m->nr_pages * 2 > m->nr_buckets)
		model_rehash(m);
	return &m->pages[m->nr_pages - 1];
}

static enum model_tlb model_translate(struct model *m, uint64_t vpn)
{
	if (model_cache_access(&m->tlb1, vpn))
		return MODEL_TLB_L1;
	return model_cache_access(&m->tlb2, vpn) ? MODEL_TLB_L2 : MODEL_TLB_WALK;
}

static enum model_level model_lookup(struct model *m, uint64_t line)
{
	if (model_cache_access(&m->l1, line))
		return *model_ready(m, line) > m->cycles ? MODEL_LFB : MODEL_L1;
	if (model_cache_access(&m->l2, line))
		return MODEL_L2;
	return model_cache_access(&m->l3, line) ? MODEL_L3 : MODEL_RAM;
}

struct model_access {
	enum model_level level;
	enum model_tlb tlb;
	double cycles; /* latency without the L1 tail, which only a kept sample draws */
};

/*
 * One data access: what served it, and the core's clock moved on by what it stalled.  An
 * access that straddles two lines is as slow as the slower one.
 */
static struct model_access model_access(struct model *m, uint64_t addr, unsigned size,
					int is_store)
{
	struct model_access a;
	uint64_t line = addr >> 6, last = (addr + (size ? size - 1 : 0)) >> 6;

	a.tlb = model_translate(m, addr >> MODEL_PAGE_SHIFT);
	a.level = model_lookup(m, line);
	if (last == line + 1) {
		enum model_level other = model_lookup(m, last);

		a.level = other > a.level ? other : a.level;
	}
	a.cycles = model_levels[a.level].floor_cycles + model_tlbs[a.tlb].floor_cycles;
	if (a.level == MODEL_LFB) {
		double left = *model_ready(m, line) - m->cycles;

		a.cycles += left > 0 ? left : 0;
	} else if (a.level != MODEL_L1) {
		a.cycles += stream_exponential(&m->rng_latency,
					       model_levels[a.level].tail_cycles);
		*model_ready(m, line) = m->cycles + a.cycles;
	}
	if (a.tlb == MODEL_TLB_WALK)
		a.cycles += stream_exponential(&m->rng_latency,
					       model_tlbs[a.tlb].tail_cycles);
	m->cycles += (a.cycles - model_levels[MODEL_L1].floor_cycles) *
		     (is_store ? MODEL_STORE_EXPOSED : MODEL_LOAD_EXPOSED);
	return a;
}

/* What the access says of itself when it is the one that is sampled. */
static void model_describe(struct model *m, struct stream_sample *s,
			   const struct model_access *a, int is_store)
{
	double cycles = a->cycles;

	if (a->level == MODEL_L1 || a->level == MODEL_LFB)
		cycles += stream_exponential(&m->rng_latency,
					     model_levels[a->level].tail_cycles);
	s->weight = (uint32_t)cycles;
	s->data_src = (is_store ? PERF_MEM_S(OP, STORE) : PERF_MEM_S(OP, LOAD)) |
		      model_levels[a->level].data_src | model_tlbs[a->tlb].data_src |
		      PERF_MEM_S(LOCK, NA);
	s->phys = model_page(m, s->addr >> MODEL_PAGE_SHIFT)->frame << MODEL_PAGE_SHIFT |
		  (s->addr & ((1u << MODEL_PAGE_SHIFT) - 1));
	s->page_shift = MODEL_PAGE_SHIFT;
}

#endif
