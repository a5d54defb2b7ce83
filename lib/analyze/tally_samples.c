/* SPDX-License-Identifier: MIT */
/*
 * Rows from samples: counts per place, and per 2 MiB chunk for the hottest one. Samples
 * do not say what was not touched: there are no working set sizes, busy or idle shares.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/lookup.h"
#include "analyze/tally.h"
#include "base/vec.h"

struct chunk {
	uint64_t key, number, weight;
	uint32_t row;
};

struct tally {
	const struct mh_tally_frame *frame;
	struct mh_keys keys;
	struct mh_lookup lookup;
	uint64_t *weight; /* per place */
	struct mh_numbering index;
	struct {
		struct chunk *v;
		size_t nr, cap;
	} chunks;
	uint64_t nr_outside;
};

static void part_free(void *part)
{
	struct tally *t = part;

	mh_lookup_fini(&t->lookup);
	mh_numbering_fini(&t->index);
	free(t->weight);
	free(t->chunks.v);
	free(t);
}

static void *part_new(const void *arg)
{
	const struct mh_tally_frame *f = arg;
	struct tally *t = calloc(1, sizeof(*t));
	size_t i;

	if (!t)
		return NULL;
	t->frame = f;
	t->keys.maps = f->scan->session->maps;
	t->weight = calloc(f->places->nr + 1, sizeof(*t->weight));
	if (!t->weight || mh_lookup_init(&t->lookup, f->places->nr)) {
		part_free(t);
		return NULL;
	}
	for (i = 0; i < f->places->nr; i++) {
		const struct mh_place *p = &f->places->v[i];

		t->lookup.v[i] = (struct mh_stretch){ p->key, p->addr.start,
						      mh_range_len(p->addr) };
	}
	return t;
}

/* A chunk is counted per row: two mappings may share one. */
static struct chunk *chunk_of(struct tally *t, uint64_t key, uint64_t number,
			      uint32_t row)
{
	uint64_t h = (key * 1000003 + row) * UINT64_C(0x9e3779b97f4a7c15) + number;
	struct chunk *c;
	uint32_t i;

	for (;; h++) {
		i = mh_numbering_get(&t->index, h);
		if (i == MH_NUMBER_NONE)
			break;
		c = &t->chunks.v[i];
		if (c->key == key && c->number == number && c->row == row)
			return c;
	}
	c = mh_vec_push(&t->chunks);
	if (!c || mh_numbering_set(&t->index, h, (uint32_t)t->chunks.nr - 1))
		return NULL;
	*c = (struct chunk){ key, number, 0, row };
	return c;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	struct tally *t = part;
	const struct mh_sample_columns *c = &b->sample;
	struct chunk *last = NULL;
	uint32_t i;

	if (b->kind != MH_EV_SAMPLE || !c->addr || !c->time_ns)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		uint64_t addr = c->addr[i], key, weight;
		uint32_t place, row;

		if (!addr)
			continue;
		weight = t->frame->periods && c->period ? c->period[i] : 1;
		key = mh_keys_of(&t->keys, c->pid ? c->pid[i] : 0, c->time_ns[i]);
		place = mh_lookup_find(&t->lookup, key, addr);
		if (place == MH_LOOKUP_NONE) {
			t->nr_outside++;
			continue;
		}
		t->weight[place] += weight;
		row = t->frame->rows->of_place[place];
		if (!last || last->key != key || last->row != row ||
		    last->number != addr >> MH_OCCUPANCY_SHIFT)
			last = chunk_of(t, key, addr >> MH_OCCUPANCY_SHIFT, row);
		if (!last)
			return mh_fail(err, MH_ENOMEM, "no memory for mappings");
		last->weight += weight;
	}
	return MH_OK;
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct tally *a = into, *b = from;
	size_t i;

	for (i = 0; i < a->frame->places->nr; i++)
		a->weight[i] += b->weight[i];
	for (i = 0; i < b->chunks.nr; i++) {
		const struct chunk *c = &b->chunks.v[i];
		struct chunk *to = chunk_of(a, c->key, c->number, c->row);

		if (!to)
			return mh_fail(err, MH_ENOMEM, "no memory for mappings");
		to->weight += c->weight;
	}
	a->nr_outside += b->nr_outside;
	return MH_OK;
}

void mh_tally_samples(struct mh_analysis *out, const struct mh_tally_frame *f)
{
	*out = (struct mh_analysis){ .arg = f,
				     .part_new = part_new,
				     .batch = part_batch,
				     .merge = part_merge,
				     .part_free = part_free };
}

static void fill_hottest(struct mh_rows *rows, const struct tally *t)
{
	uint64_t ns = mh_range_len(t->frame->time_ns);
	size_t i;

	for (i = 0; i < t->chunks.nr; i++) {
		const struct chunk *c = &t->chunks.v[i];
		struct mh_mapping_row *row = &rows->rows.v[c->row];
		double rate = (double)c->weight * 1e9 / (double)ns;
		struct mh_range r = { c->number << MH_OCCUPANCY_SHIFT,
				      (c->number + 1) << MH_OCCUPANCY_SHIFT };

		if (r.start < row->addr.start)
			r.start = row->addr.start;
		if (r.end > row->addr.end)
			r.end = row->addr.end;
		/* The lower address wins a tie, whatever the order of the threads. */
		if (rate < row->hottest ||
		    (rate == row->hottest && r.start > row->hottest_addr.start))
			continue;
		row->hottest = rate;
		row->hottest_ns = ns;
		row->hottest_addr = r;
	}
}

int mh_tally_samples_take(struct mh_rows *rows, uint64_t *nr_outside,
			  struct mh_analysis *a, struct mh_err *err)
{
	struct tally *t = a->part;
	uint64_t all = 0;
	size_t i;

	(void)err;
	for (i = 0; i < t->frame->places->nr; i++)
		all += t->weight[i];
	for (i = 0; i < t->frame->places->nr && all; i++)
		rows->rows.v[rows->of_place[i]].share +=
			(double)t->weight[i] / (double)all;
	if (mh_range_len(t->frame->time_ns))
		fill_hottest(rows, t);
	*nr_outside = t->nr_outside;
	part_free(t);
	a->part = NULL;
	return MH_OK;
}
