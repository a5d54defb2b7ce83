/* SPDX-License-Identifier: MIT */
/* The decoder's life and memory, and which kind's columns a block has. */
#include "trace/decode.h"

#include <errno.h>
#include <stdlib.h>

#include "base/pages.h"
#include "base/vec.h"

static void arena_reset(struct mh_arena *a)
{
	while (a->nr)
		free(a->v[--a->nr]);
	a->total = 0;
}

int mh_decoder_new(struct mh_decoder **out, struct mh_err *err)
{
	struct mh_decoder *d = calloc(1, sizeof(*d));

	*out = d;
	if (!d)
		goto fail;
	if (!mh_unpacker_init(&d->u))
		goto fail;
	return MH_OK;
fail:
	mh_decoder_free(d);
	*out = NULL;
	return mh_fail(err, MH_ENOMEM, "out of memory");
}

void mh_decoder_free(struct mh_decoder *d)
{
	if (!d)
		return;
	mh_unpacker_fini(&d->u);
	mh_occupancy_fini(&d->occupancy);
	arena_reset(&d->arena);
	free(d->arena.v);
	free(d->sample);
	mh_pages_free(d->region, sizeof(*d->region));
	free(d->events);
	free(d);
}

uint8_t *mh_arena_bytes(struct mh_arena *a, size_t len)
{
	uint8_t **slot;

	if (len > MH_MAX_MEMORY - a->total) {
		errno = EOVERFLOW;
		return NULL;
	}
	slot = mh_vec_push(a);
	if (slot)
		*slot = malloc(len ? len : 1);
	if (!slot || !*slot) {
		errno = ENOMEM;
		return NULL;
	}
	a->total += len;
	return *slot;
}

/* Room for the rows of a kind, once. */
static void *room(void *rows, size_t size)
{
	return rows ? rows : malloc(size);
}

int mh_decode_block(struct mh_decoder *d, const struct mh_block *b, uint32_t columns,
		    bool any_order, struct mh_batch *batch)
{
	const struct mh_block_head *h = &b->head;

	arena_reset(&d->arena);
	d->u.no_memory = false;
	*batch = (struct mh_batch){ .kind = h->kind,
				    .source = (uint16_t)h->source,
				    .nr = h->items,
				    .time_ns = { h->t_min, mh_after(h->t_max) } };
	if (!h->items || h->items > MH_BATCH_MAX || h->source > UINT16_MAX ||
	    h->t_min > h->t_max)
		return MH_EFORMAT;
	switch (h->kind) {
	case MH_EV_SAMPLE:
		d->sample = room(d->sample, sizeof(*d->sample));
		if (!d->sample)
			return MH_ENOMEM;
		return mh_decode_sample(d, b, columns ? columns : UINT32_MAX, any_order,
					batch);
	case MH_EV_REGION:
		/* All of its columns are used, of samples mostly a few. */
		if (!d->region)
			d->region = mh_pages_new(sizeof(*d->region));
		if (!d->region)
			return MH_ENOMEM;
		return mh_decode_region(d, b, batch);
	case MH_EV_PAGES:
		d->events = room(d->events, sizeof(*d->events));
		if (!d->events)
			return MH_ENOMEM;
		return mh_decode_pages(d, b, batch);
	default:
		if (h->kind >= MH_NR_EVENT_KINDS || !h->kind)
			return MH_EFORMAT;
		d->events = room(d->events, sizeof(*d->events));
		if (!d->events)
			return MH_ENOMEM;
		return mh_decode_table(d, b, batch);
	}
}
