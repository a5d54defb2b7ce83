/* SPDX-License-Identifier: MIT */
/*
 * Two bytes per page of 4 KiB that was told of, in chunks of 2 MiB found by a hash. Kinds
 * are told when they change, so all of the trace up to the window's end is read.
 */
#include "analyze/page_kinds.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/pass.h"
#include "base/vec.h"

#define PAGE_SHIFT  12
#define CHUNK_SHIFT 21
#define CHUNK_PAGES (1u << (CHUNK_SHIFT - PAGE_SHIFT))

struct part {
	struct mh_page_kinds *k;
	struct mh_keys keys;
};

/* Spaces are numbered, so that number and chunk fit into one key. */
static uint64_t chunk_key(uint32_t space, uint64_t addr)
{
	return (uint64_t)space << (64 - CHUNK_SHIFT) | addr >> CHUNK_SHIFT;
}

static uint32_t space_of(struct mh_page_kinds *k, uint64_t key)
{
	uint32_t i = mh_numbering_get(&k->spaces, key);

	if (i != MH_NUMBER_NONE)
		return i;
	i = (uint32_t)k->spaces.nr;
	return mh_numbering_set(&k->spaces, key, i) ? MH_NUMBER_NONE : i;
}

static struct mh_page_kind *chunk_of(struct mh_page_kinds *k, uint32_t space,
				     uint64_t addr)
{
	uint64_t key = chunk_key(space, addr);
	uint32_t i = mh_numbering_get(&k->chunks, key);
	struct mh_page_kind(*chunk)[512];

	if (i != MH_NUMBER_NONE)
		return k->kinds.v[i];
	i = (uint32_t)k->kinds.nr;
	chunk = mh_vec_push(&k->kinds);
	if (!chunk || mh_numbering_set(&k->chunks, key, i))
		return NULL;
	memset(chunk, 0, sizeof(*chunk));
	return *chunk;
}

static void set_kind(struct mh_page_kinds *k, struct mh_page_kind *kind, uint8_t layer,
		     bool is)
{
	if (layer == MH_PAGES_FILE) {
		kind->type = is ? MH_PAGE_FILE : MH_PAGE_ANON;
		k->any = true;
		return;
	}
	k->nodes = true;
	if (is)
		kind->node = (uint8_t)(layer - MH_PAGES_NODE0 + 1);
	else if (kind->node == layer - MH_PAGES_NODE0 + 1)
		kind->node = 0;
}

static bool bit_is_set(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static int take_event(struct part *p, const struct mh_event *ev)
{
	const struct mh_ev_pages *pages = &ev->pages;
	struct mh_page_kind *chunk = NULL;
	uint64_t i, at, step, addr = pages->start;
	uint32_t space;

	if (pages->layer < MH_PAGES_FILE || pages->layer >= MH_PAGES_NODES_END ||
	    pages->page_shift < PAGE_SHIFT)
		return 0;
	space = space_of(p->k, mh_keys_of(&p->keys, pages->pid,
					  ev->time_ns ? ev->time_ns - 1 : 0));
	if (space >= 1u << CHUNK_SHIFT)
		return -1;
	step = UINT64_C(1) << (pages->page_shift - PAGE_SHIFT);
	for (i = 0; i < pages->nr_pages * step; i++, addr += 1u << PAGE_SHIFT) {
		at = addr >> PAGE_SHIFT & (CHUNK_PAGES - 1);
		if (!at)
			chunk = NULL;
		if (pages->observed && !bit_is_set(pages->observed, i / step))
			continue;
		if (!chunk)
			chunk = chunk_of(p->k, space, addr);
		if (!chunk)
			return -1;
		set_kind(p->k, &chunk[at], pages->layer,
			 bit_is_set(pages->accessed, i / step));
	}
	return 0;
}

static void *part_new(const void *arg)
{
	struct part *p = malloc(sizeof(*p));

	if (p)
		*p = *(const struct part *)arg;
	return p;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	uint32_t i;

	if (b->kind != MH_EV_PAGES)
		return MH_OK;
	for (i = 0; i < b->nr; i++)
		if (take_event(part, &b->events[i]))
			return mh_fail(err, MH_ENOMEM, "no memory for the pages' kinds");
	return MH_OK;
}

int mh_page_kinds_read(struct mh_page_kinds *k, struct mh_session *s,
		       const struct mh_session_source *src, struct mh_err *err)
{
	struct part shared = { .k = k, .keys.maps = s->maps };
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .part_free = free };
	struct mh_filter f;
	int ret;

	mh_session_filter(s, src, &f);
	f.kinds = 1u << MH_EV_PAGES;
	f.time_ns.start = 0;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret)
		free(a.part);
	return ret;
}

struct mh_page_kind mh_page_kinds_at(const struct mh_page_kinds *k, uint64_t key,
				     uint64_t addr, uint64_t *end)
{
	uint32_t space = mh_numbering_get(&k->spaces, key), i = MH_NUMBER_NONE;
	uint64_t at = addr >> PAGE_SHIFT & (CHUNK_PAGES - 1);
	const struct mh_page_kind *chunk;
	struct mh_page_kind kind;

	if (space != MH_NUMBER_NONE)
		i = mh_numbering_get(&k->chunks, chunk_key(space, addr));
	*end = ((addr >> CHUNK_SHIFT) + 1) << CHUNK_SHIFT;
	if (i == MH_NUMBER_NONE)
		return (struct mh_page_kind){ 0 };
	chunk = k->kinds.v[i];
	kind = chunk[at];
	while (++at < CHUNK_PAGES && chunk[at].type == kind.type &&
	       chunk[at].node == kind.node)
		;
	*end = (addr >> CHUNK_SHIFT << CHUNK_SHIFT) + (at << PAGE_SHIFT);
	return kind;
}

void mh_page_kinds_fini(struct mh_page_kinds *k)
{
	mh_numbering_fini(&k->spaces);
	mh_numbering_fini(&k->chunks);
	free(k->kinds.v);
}
