/* SPDX-License-Identifier: MIT */
/*
 * The view `levels`: samples by what they did and where they were served, each kind with
 * the distribution of its latencies. Split by process, thread, CPU or node, every part
 * has a table of its own.
 *
 * A latency of 0 is not one: the hardware gives none for stores, or for what it did not
 * time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/access.h"
#include "analyze/latency.h"
#include "analyze/numbering.h"
#include "analyze/pass.h"
#include "analyze/places.h"
#include "base/vec.h"

#define NR_OPS   5
#define NR_HITS  3
#define NR_CELLS (NR_OPS * MH_NR_MEM_LEVELS * NR_HITS)

#define CPUS_MAX 8192
#define NO_NODE  UINT64_MAX

struct cell {
	uint64_t samples, periods, nr_tlb_told, nr_tlb_miss, nr_hitm, nr_locked;
	struct mh_latency latency;
};

struct group {
	uint64_t key, time_ns; /* of one of its samples */
	uint32_t pid, tid;
	struct cell *cells[NR_CELLS]; /* NULL: no sample */
};

/* What all threads share. */
struct frame {
	const struct mh_session *session;
	const struct mh_places *at; /* NULL: no --at */
	enum mh_split split;
	uint64_t node_of[CPUS_MAX];
};

struct part {
	const struct frame *frame;
	struct mh_keys keys;
	struct mh_accesses accesses;
	struct mh_numbering index;
	struct {
		struct group *v;
		size_t nr, cap;
	} groups;
	uint64_t nr_untold;
};

/* ---- a pass ---- */

static void part_free(void *arg)
{
	struct part *p = arg;
	size_t i, k;

	for (i = 0; i < p->groups.nr; i++) {
		for (k = 0; k < NR_CELLS; k++)
			free(p->groups.v[i].cells[k]);
	}
	free(p->groups.v);
	mh_numbering_fini(&p->index);
	free(p);
}

static void *part_new(const void *arg)
{
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		p->frame = arg;
		p->keys.maps = p->frame->session->maps;
		p->accesses.session = p->frame->session;
	}
	return p;
}

static struct group *group_of(struct part *p, uint64_t key)
{
	uint32_t i = mh_numbering_get(&p->index, key);
	struct group *g;

	if (i != MH_NUMBER_NONE)
		return &p->groups.v[i];
	g = mh_vec_push(&p->groups);
	if (!g || mh_numbering_set(&p->index, key, (uint32_t)p->groups.nr - 1))
		return NULL;
	g->key = key;
	return g;
}

static struct cell *cell_of(struct group *g, unsigned i)
{
	if (!g->cells[i])
		g->cells[i] = calloc(1, sizeof(*g->cells[i]));
	return g->cells[i];
}

static unsigned index_of(const struct mh_mem_access *a)
{
	return ((unsigned)a->op * MH_NR_MEM_LEVELS + a->level) * NR_HITS + a->hit;
}

static uint64_t key_of(const struct part *p, const struct mh_sample_columns *c,
		       uint32_t i)
{
	uint32_t cpu = c->cpu ? c->cpu[i] : 0;

	switch (p->frame->split) {
	case MH_SPLIT_PROCESS:
		return c->pid ? c->pid[i] : 0;
	case MH_SPLIT_THREAD:
		return c->tid ? (uint64_t)c->pid[i] << 32 | c->tid[i] : 0;
	case MH_SPLIT_CPU:
		return cpu;
	case MH_SPLIT_NODE:
		return cpu < CPUS_MAX ? p->frame->node_of[cpu] : NO_NODE;
	case MH_SPLIT_NONE:
	default:
		return 0;
	}
}

static bool is_at(struct part *p, const struct mh_sample_columns *c, uint32_t i)
{
	const struct mh_places *at = p->frame->at;
	uint64_t key;
	size_t k;

	if (!at)
		return true;
	key = mh_keys_of(&p->keys, c->pid ? c->pid[i] : 0, c->time_ns[i]);
	k = mh_places_find(at, key, c->addr[i]);
	return k < at->nr && at->v[k].key == key && at->v[k].addr.start <= c->addr[i];
}

static void count(struct cell *cell, const struct mh_mem_access *a,
		  const struct mh_sample_columns *c, uint32_t i)
{
	cell->samples++;
	cell->periods += c->period && c->period[i] ? c->period[i] : 1;
	cell->nr_tlb_told += a->tlb != MH_TLB_UNKNOWN;
	cell->nr_tlb_miss += mh_access_missed_tlb(a);
	cell->nr_hitm += a->snoop == MH_SNOOP_HITM;
	cell->nr_locked += a->lock == MH_LOCK_YES;
	if (c->weight && c->weight[i])
		mh_latency_add(&cell->latency, c->weight[i]);
}

static int part_batch(void *arg, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *c = &b->sample;
	struct part *p = arg;
	uint32_t i;

	if (b->kind != MH_EV_SAMPLE)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		const struct mh_mem_access *a =
			mh_accesses_of(&p->accesses, c->data_src ? c->data_src[i] : 0);
		struct group *g;
		struct cell *cell;

		if (!a || !is_at(p, c, i))
			continue;
		if (!c->data_src || !c->data_src[i]) {
			p->nr_untold++;
			continue;
		}
		g = group_of(p, key_of(p, c, i));
		cell = g ? cell_of(g, index_of(a)) : NULL;
		if (!cell)
			return mh_fail(err, MH_ENOMEM, "no memory for levels");
		g->pid = c->pid ? c->pid[i] : 0;
		g->tid = c->tid ? c->tid[i] : 0;
		g->time_ns = c->time_ns ? c->time_ns[i] : 0;
		count(cell, a, c, i);
	}
	return MH_OK;
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct part *a = into, *b = from;
	size_t i, k;

	for (i = 0; i < b->groups.nr; i++) {
		struct group *from_group = &b->groups.v[i];
		struct group *g = group_of(a, from_group->key);

		for (k = 0; k < NR_CELLS; k++) {
			const struct cell *x = from_group->cells[k];
			struct cell *y;

			if (!x)
				continue;
			y = g ? cell_of(g, (unsigned)k) : NULL;
			if (!y)
				return mh_fail(err, MH_ENOMEM, "no memory for levels");
			y->samples += x->samples;
			y->periods += x->periods;
			y->nr_tlb_told += x->nr_tlb_told;
			y->nr_tlb_miss += x->nr_tlb_miss;
			y->nr_hitm += x->nr_hitm;
			y->nr_locked += x->nr_locked;
			mh_latency_merge(&y->latency, &x->latency);
		}
		if (g && !g->time_ns) {
			g->pid = from_group->pid;
			g->tid = from_group->tid;
			g->time_ns = from_group->time_ns;
		}
	}
	a->nr_untold += b->nr_untold;
	return MH_OK;
}

/* ---- nodes ---- */

/* META "host.node.<N>.cpus": "0-3,8". */
static void read_nodes(struct frame *f)
{
	unsigned node;
	size_t i;

	for (i = 0; i < CPUS_MAX; i++)
		f->node_of[i] = NO_NODE;
	for (node = 0; node < 1024; node++) {
		const char *list;
		char key[32], *end;

		snprintf(key, sizeof(key), "host.node.%u.cpus", node);
		list = mh_reader_meta(f->session->reader, key);
		while (list && *list >= '0' && *list <= '9') {
			unsigned long first = strtoul(list, &end, 10), last = first;

			if (*end == '-')
				last = strtoul(end + 1, &end, 10);
			for (; first <= last && first < CPUS_MAX; first++)
				f->node_of[first] = node;
			list = *end == ',' ? end + 1 : end;
		}
	}
}

/* ---- the view ---- */

static uint64_t samples_of(const struct group *g)
{
	uint64_t samples = 0;
	size_t k;

	for (k = 0; k < NR_CELLS; k++)
		samples += g->cells[k] ? g->cells[k]->samples : 0;
	return samples;
}

static int by_samples(const void *x, const void *y)
{
	const struct group *a = x, *b = y;
	uint64_t n = samples_of(a), m = samples_of(b);

	if (n != m)
		return n > m ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

static void name_part(struct mh_level_part *out, const struct frame *f,
		      const struct group *g)
{
	long space = mh_maps_space_at(f->session->maps, g->pid, g->time_ns);
	const char *comm =
		space < 0 ? "" : mh_maps_space(f->session->maps, (size_t)space)->comm;
	const char *gap = *comm ? " " : "";

	switch (f->split) {
	case MH_SPLIT_PROCESS:
		snprintf(out->name, sizeof(out->name), "%.20s%s%" PRIu32, comm, gap,
			 g->pid);
		break;
	case MH_SPLIT_THREAD:
		snprintf(out->name, sizeof(out->name), "%.20s%s%" PRIu32 "/%" PRIu32,
			 comm, gap, g->pid, g->tid);
		break;
	case MH_SPLIT_CPU:
		snprintf(out->name, sizeof(out->name), "cpu %" PRIu64, g->key);
		break;
	case MH_SPLIT_NODE:
		if (g->key == NO_NODE)
			snprintf(out->name, sizeof(out->name), "node not known");
		else
			snprintf(out->name, sizeof(out->name), "node %" PRIu64, g->key);
		break;
	case MH_SPLIT_NONE:
	default:
		break;
	}
}

static void fill_row(struct mh_level_row *row, const struct cell *c, unsigned k)
{
	row->hit = (uint8_t)(k % NR_HITS);
	row->level = (uint8_t)(k / NR_HITS % MH_NR_MEM_LEVELS);
	row->op = (uint8_t)(k / NR_HITS / MH_NR_MEM_LEVELS);
	row->samples = c->samples;
	row->share = (double)c->periods;
	row->nr_latency = c->latency.nr;
	row->latency_sum = c->latency.sum;
	row->latency_p50 = mh_latency_percentile(&c->latency, 50);
	row->latency_p90 = mh_latency_percentile(&c->latency, 90);
	row->latency_p99 = mh_latency_percentile(&c->latency, 99);
	row->latency_max = c->latency.max;
	row->nr_tlb_told = c->nr_tlb_told;
	row->nr_tlb_miss = c->nr_tlb_miss;
	row->nr_hitm = c->nr_hitm;
	row->nr_locked = c->nr_locked;
}

static void fill_part(struct mh_levels *out, const struct group *g, size_t part)
{
	size_t first = out->nr_rows, i;
	double all = 0;
	unsigned k;

	for (k = 0; k < NR_CELLS; k++) {
		if (!g->cells[k])
			continue;
		out->rows[out->nr_rows].part = part;
		fill_row(&out->rows[out->nr_rows++], g->cells[k], k);
		all += (double)g->cells[k]->periods;
	}
	for (i = first; i < out->nr_rows; i++)
		out->rows[i].share /= all;
	out->parts[part].samples = samples_of(g);
	out->from.nr_samples += out->parts[part].samples;
}

static int fill(struct mh_levels *out, struct part *p, struct mh_err *err)
{
	size_t nr = p->groups.nr, i, k, nr_rows = 0;

	if (nr)
		qsort(p->groups.v, nr, sizeof(*p->groups.v), by_samples);
	for (i = 0; i < nr; i++) {
		for (k = 0; k < NR_CELLS; k++)
			nr_rows += p->groups.v[i].cells[k] != NULL;
	}
	out->parts = calloc(nr + 1, sizeof(*out->parts));
	out->rows = calloc(nr_rows + 1, sizeof(*out->rows));
	if (!out->parts || !out->rows)
		return mh_fail(err, MH_ENOMEM, "no memory for levels");
	out->nr_parts = nr ? nr : 1;
	for (i = 0; i < nr; i++) {
		name_part(&out->parts[i], p->frame, &p->groups.v[i]);
		fill_part(out, &p->groups.v[i], i);
	}
	out->nr_untold = p->nr_untold;
	return MH_OK;
}

static int collect(struct mh_analysis *a, const struct frame *f, struct mh_session *s,
		   const struct mh_session_source *src, struct mh_err *err)
{
	struct mh_filter filter;

	mh_session_filter(s, src, &filter);
	filter.kinds = 1u << MH_EV_SAMPLE;
	filter.columns = MH_COL_TIME | MH_COL_THREAD | MH_COL_CPU | MH_COL_DATA_SRC |
			 MH_COL_WEIGHT | MH_COL_PERIOD | (f->at ? MH_COL_ADDR : 0);
	*a = (struct mh_analysis){ .arg = f,
				   .part_new = part_new,
				   .batch = part_batch,
				   .merge = part_merge,
				   .part_free = part_free };
	return mh_pass_run(s, &filter, a, 1, err);
}

int mh_levels_analyze(struct mh_levels *out, struct mh_session *s, enum mh_split split,
		      struct mh_err *err)
{
	const struct mh_session_source *src;
	struct frame *f = calloc(1, sizeof(*f));
	struct mh_places at = { 0 };
	struct mh_analysis a = { 0 };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, 1u << MH_EV_SAMPLE, "table of levels", &src, err);
	if (!ret && !f)
		ret = mh_fail(err, MH_ENOMEM, "no memory for levels");
	if (!ret) {
		f->session = s;
		f->split = split;
		read_nodes(f);
	}
	if (!ret && s->opts.at) {
		ret = mh_places_of_maps(&at, s, err);
		f->at = &at;
	}
	if (!ret)
		ret = collect(&a, f, s, src, err);
	if (!ret) {
		out->split = split;
		out->unit = mh_session_unit(src, false);
		mh_session_provenance(s, src, 1u << MH_EV_SAMPLE, &out->from);
		out->from.nr_samples = 0;
		ret = fill(out, a.part, err);
	}
	mh_pass_release(&a, 1);
	mh_places_fini(&at);
	free(f);
	if (ret)
		mh_levels_fini(out);
	return ret;
}
