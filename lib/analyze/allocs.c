/* SPDX-License-Identifier: MIT */
/*
 * The view `allocs`: what each line of a program allocated, how long that lived and how
 * often it was accessed. Blocks of one site are taken together, as samples are too few to
 * tell them apart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/bias.h"
#include "analyze/blocks.h"
#include "analyze/pass.h"

struct count {
	const struct mh_session *session;
	const struct mh_blocks *blocks;
	struct mh_keys keys;
	uint64_t *events; /* of each site */
	uint64_t elsewhere;
};

static void part_free(void *part)
{
	struct count *c = part;

	free(c->events);
	free(c);
}

static void *part_new(const void *arg)
{
	const struct count *from = arg;
	struct count *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = *from;
	c->keys.maps = c->session->maps;
	c->events = calloc(c->blocks->sites.nr + 1, sizeof(*c->events));
	if (c->events)
		return c;
	free(c);
	return NULL;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *col = &b->sample;
	struct count *c = part;
	uint32_t i;

	(void)err;
	if (b->kind != MH_EV_SAMPLE || !col->addr || !col->time_ns)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		uint64_t key =
			mh_keys_of(&c->keys, col->pid ? col->pid[i] : 0, col->time_ns[i]);
		uint32_t site =
			mh_blocks_site(c->blocks, key, col->addr[i], col->time_ns[i]);

		if (site == MH_NO_SITE)
			c->elsewhere++;
		else
			c->events[site] +=
				col->period && col->period[i] ? col->period[i] : 1;
	}
	return MH_OK;
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct count *a = into, *b = from;
	size_t i;

	(void)err;
	for (i = 0; i < a->blocks->sites.nr; i++)
		a->events[i] += b->events[i];
	a->elsewhere += b->elsewhere;
	return MH_OK;
}

static void add_blocks(struct mh_allocs *out, const struct mh_blocks *b, uint64_t end_ns)
{
	size_t i;

	for (i = 0; i < b->blocks.nr; i++) {
		const struct mh_block *block = &b->blocks.v[i];
		struct mh_alloc_site *s;
		uint64_t end = block->time_ns.end < end_ns ? block->time_ns.end : end_ns;

		if (block->site == MH_NO_SITE) {
			out->nr_no_site++;
			continue;
		}
		s = &out->sites[block->site];
		s->nr++;
		s->bytes += mh_range_len(block->addr);
		if (end > block->time_ns.start)
			s->lifetime_ns += end - block->time_ns.start;
	}
}

/* The blocks' strings are taken over. */
static int make_sites(struct mh_allocs *out, struct mh_blocks *b, const struct count *c)
{
	size_t i;
	uint32_t f;

	out->sites = calloc(b->sites.nr + 1, sizeof(*out->sites));
	if (!out->sites)
		return -1;
	out->nr_sites = b->sites.nr;
	for (i = 0; i < b->sites.nr; i++) {
		struct mh_block_site *from = &b->sites.v[i];
		struct mh_alloc_site *s = &out->sites[i];

		s->events = c->events[i];
		s->nr_frames = from->nr_frames;
		for (f = 0; f < from->nr_frames; f++)
			s->frames[f] = (struct mh_alloc_frame){ from->frames[f].function,
								from->frames[f].offset,
								from->frames[f].column };
		from->nr_frames = 0;
	}
	return 0;
}

int mh_allocs_analyze(struct mh_allocs *out, struct mh_session *s, struct mh_err *err)
{
	struct mh_symtab_opts names = { .no_demangle = 1 };
	const struct mh_session_source *src;
	struct mh_blocks blocks = { 0 };
	struct count c = { .session = s, .blocks = &blocks };
	struct mh_analysis a = { .arg = &c,
				 .part_new = part_new,
				 .batch = part_batch,
				 .merge = part_merge,
				 .part_free = part_free };
	struct mh_filter f;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, 1u << MH_EV_SAMPLE, "table of allocations", &src, err);
	if (!ret)
		ret = mh_blocks_read(&blocks, s, &names, err);
	if (ret)
		return ret;
	mh_session_provenance(s, src, 1u << MH_EV_SAMPLE, &out->from);
	mh_bias_of(s, src, out->bias, sizeof(out->bias));
	out->known = blocks.known;
	out->nr_left_out = blocks.nr_left_out;
	mh_session_filter(s, src, &f);
	f.kinds = 1u << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_ADDR | MH_COL_THREAD | MH_COL_PERIOD;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret && make_sites(out, &blocks, a.part))
		ret = mh_fail(err, MH_ENOMEM, "no memory for allocations");
	if (!ret) {
		out->nr_elsewhere = ((const struct count *)a.part)->elsewhere;
		add_blocks(out, &blocks, mh_reader_info(s->reader)->time_ns.end);
	}
	mh_pass_release(&a, 1);
	mh_blocks_fini(&blocks);
	if (ret)
		mh_allocs_fini(out);
	return ret;
}
