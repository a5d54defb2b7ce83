/* SPDX-License-Identifier: MIT */
/*
 * Loads, instruction by instruction. Samples are far apart, so the step from one to the
 * next is some multiple of the true stride: what nearly all steps are a multiple of is
 * taken for it, if they also go one way. Steps of random accesses have a common divisor
 * too, the size of an element, but go both ways.
 */
#include "analyze/loads.h"

#include <math.h>
#include <stdlib.h>

#include "base/vec.h"

#define STEP_MAX  (INT64_C(64) << 20) /* farther away is another array */
#define STEPS_MIN 8
#define MOST      0.9

static void part_free(void *part)
{
	struct mh_loads *l = part;

	mh_numbering_fini(&l->index);
	free(l->loads.v);
	free(l);
}

static void *part_new(const void *arg)
{
	struct mh_loads *l = calloc(1, sizeof(*l));

	if (l) {
		l->session = arg;
		l->keys.maps = l->session->maps;
	}
	return l;
}

/* The slot of (@key, @ip): an index, or MH_NUMBER_NONE with *h where it belongs. */
static uint32_t find(const struct mh_loads *l, uint64_t key, uint64_t ip, uint64_t *h)
{
	*h = key * UINT64_C(0x9e3779b97f4a7c15) + ip;
	for (;; ++*h) {
		uint32_t i = mh_numbering_get(&l->index, *h);

		if (i == MH_NUMBER_NONE ||
		    (l->loads.v[i].key == key && l->loads.v[i].ip == ip))
			return i;
	}
}

static struct mh_load *load_of(struct mh_loads *l, uint64_t key, uint64_t ip)
{
	uint64_t h;
	uint32_t i = find(l, key, ip, &h);
	struct mh_load *load;

	if (i != MH_NUMBER_NONE)
		return &l->loads.v[i];
	load = mh_vec_push(&l->loads);
	if (!load || mh_numbering_set(&l->index, h, (uint32_t)l->loads.nr - 1))
		return NULL;
	load->key = key;
	load->ip = ip;
	return load;
}

const struct mh_load *mh_loads_find(const struct mh_loads *l, uint64_t key, uint64_t ip)
{
	uint64_t h;
	uint32_t i = find(l, key, ip, &h);

	return i == MH_NUMBER_NONE ? NULL : &l->loads.v[i];
}

static bool is_far(unsigned level)
{
	return level >= MH_LEVEL_L3 && level <= MH_LEVEL_PMEM;
}

static void count(struct mh_load *load, const struct mh_mem_access *access, uint64_t addr,
		  uint32_t tid, uint64_t cycles)
{
	int64_t step = (int64_t)(addr - load->last);

	load->samples++;
	if (access->level != MH_LEVEL_UNKNOWN) {
		load->leveled++;
		load->missed += is_far(access->level) ||
				(access->hit == MH_MISS && access->level == MH_LEVEL_L2);
	}
	if (cycles) {
		unsigned bucket = (unsigned)(4 * log2((double)cycles));

		load->latency[bucket < MH_LOAD_BUCKETS ? bucket : MH_LOAD_BUCKETS - 1]++;
		load->nr_latency++;
	}
	if (load->samples > 1 && load->tid == tid && step && llabs(step) < STEP_MAX &&
	    load->nr_steps < MH_LOAD_STEPS)
		load->steps[load->nr_steps++] = step;
	load->last = addr;
	load->tid = tid;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *c = &b->sample;
	struct mh_loads *l = part;
	uint32_t i;

	if (b->kind != MH_EV_SAMPLE || !c->ip || !c->addr || !c->time_ns)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		struct mh_mem_access access = { 0 };
		struct mh_load *load;

		if (c->data_src)
			mh_mem_access_decode(&access, c->data_src[i]);
		if (!c->ip[i] || !c->addr[i] ||
		    (access.op != MH_MEM_OP_UNKNOWN && access.op != MH_MEM_LOAD))
			continue;
		load = load_of(
			l, mh_keys_of(&l->keys, c->pid ? c->pid[i] : 0, c->time_ns[i]),
			c->ip[i]);
		if (!load)
			return mh_fail(err, MH_ENOMEM, "no memory for loads");
		count(load, &access, c->addr[i], c->tid ? c->tid[i] : 0,
		      c->weight ? c->weight[i] : 0);
	}
	return MH_OK;
}

void mh_loads_analysis(struct mh_analysis *out, const struct mh_session *session)
{
	*out = (struct mh_analysis){ .arg = session,
				     .part_new = part_new,
				     .batch = part_batch,
				     .part_free = part_free };
}

/* ---- descriptions ---- */

/* Cycles that @p of the samples do not exceed, to a fifth. */
static uint64_t latency(const struct mh_load *l, double p)
{
	double left = p * l->nr_latency;
	unsigned i;

	for (i = 0; i < MH_LOAD_BUCKETS - 1; i++) {
		left -= l->latency[i];
		if (left <= 0)
			break;
	}
	return (uint64_t)exp2((i + 0.5) / 4);
}

static int64_t gcd(int64_t a, int64_t b)
{
	a = llabs(a);
	b = llabs(b);
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static double share_of_multiples(const struct mh_load *l, int64_t of)
{
	unsigned i, n = 0;

	for (i = 0; i < l->nr_steps; i++)
		n += l->steps[i] % of == 0;
	return (double)n / l->nr_steps;
}

static void describe_steps(struct mh_profile_load *out, const struct mh_load *l)
{
	unsigned i, up = 0;
	int64_t best = 0;
	double one_way;

	if (l->nr_steps < STEPS_MIN)
		return;
	for (i = 0; i < l->nr_steps; i++) {
		int64_t g = gcd(l->steps[i], l->steps[(i + 1) % l->nr_steps]);

		up += l->steps[i] > 0;
		if (g > best && share_of_multiples(l, g) >= MOST)
			best = g;
	}
	one_way = (double)(up * 2 > l->nr_steps ? up : l->nr_steps - up) / l->nr_steps;
	if (!best || one_way < MOST)
		return;
	out->stride = up * 2 > l->nr_steps ? best : -best;
	out->confidence = one_way * share_of_multiples(l, best);
}

void mh_load_describe(struct mh_profile_load *out, const struct mh_load *l)
{
	*out = (struct mh_profile_load){ .samples = l->samples,
					 .leveled = l->leveled,
					 .missed = l->missed };
	if (l->nr_latency) {
		out->latency_p50 = latency(l, 0.5);
		out->latency_p95 = latency(l, 0.95);
	}
	describe_steps(out, l);
}
