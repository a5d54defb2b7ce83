/* SPDX-License-Identifier: MIT */
/* Code addresses that samples name, or pairs of code and data, with what fell on each. */
#ifndef MEMHEAT_ANALYZE_SITES_H
#define MEMHEAT_ANALYZE_SITES_H

#include "analyze/access.h"
#include "analyze/blocks.h"
#include "analyze/numbering.h"
#include "analyze/pass.h"

struct mh_site {
	uint64_t key; /* of the space */
	uint64_t ip;
	uint64_t addr;    /* 0 where it was not asked */
	uint32_t block;   /* site of the block that was there; MH_NO_SITE */
	uint32_t stack;   /* id of its call chain; 0 where it was not asked */
	uint32_t code;    /* which generated function was at ip; 0: none is known */
	uint64_t time_ns; /* of one of its samples */
	uint64_t samples, periods, weight;
	uint64_t nr_exact; /* of the samples: the code address is the access's own */
	uint8_t level;     /* enum mh_mem_level; 0 where it was not asked */
	/* What the hardware told; see struct mh_code_row. */
	uint64_t nr_told, nr_loads, nr_stores, nr_latency;
	uint64_t nr_tlb_miss, nr_hitm, nr_locked, nr_far;
	uint64_t levels[MH_NR_MEM_LEVELS];
};

struct mh_sites {
	const struct mh_session *session;
	struct mh_keys keys;
	struct mh_accesses accesses;
	struct mh_numbering index;
	struct {
		struct mh_site *v;
		size_t nr, cap;
	} sites;
	const struct mh_places *at; /* NULL: no --at */
	const struct mh_blocks *blocks;
	bool by_addr, by_level, by_stack;
	uint64_t nr_no_addr;  /* by_addr: samples without one */
	uint64_t nr_left_out; /* samples of pairs past MH_SITES_MAX */
};

#define MH_SITES_MAX (1u << 20)

/* A JIT compiler puts other functions where one was, so that an address alone is no site:
 * the number of what was there; 0: none is known. */
static inline uint32_t mh_code_at(const struct mh_session *s, uint64_t key, uint64_t ip,
				  uint64_t time_ns)
{
	if (!s->jit || key & MH_KEY_UNKNOWN)
		return 0;
	return mh_jit_times_at(s->jit, (size_t)key, ip, time_ns);
}

/* What all threads share. */
struct mh_sites_frame {
	const struct mh_session *session;
	const struct mh_places *at;
	const struct mh_blocks *blocks; /* told apart, too; NULL: none */
	bool by_addr;  /* tell data addresses apart too; those without one are left out */
	bool by_level; /* and where they were served from */
	bool by_stack; /* and call chains */
};

/*
 * One pass over the samples that @filter lets through; a->part is the struct mh_sites.
 * What JIT compilers tell of their code is read for it, once.
 */
int mh_sites_run(struct mh_analysis *a, struct mh_session *s,
		 const struct mh_filter *filter, const struct mh_sites_frame *f,
		 struct mh_err *err) MH_MUST_CHECK;

#endif
