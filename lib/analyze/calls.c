/* SPDX-License-Identifier: MIT */
/* From a site outwards to the first caller that is known, and back adding those between.
 */
#include "analyze/calls.h"

#include <stdlib.h>

#include "base/vec.h"

/* The slot of a frame in a space: where it is, or the free one. */
static uint64_t slot_of(const struct mh_calls *c, uint64_t key, uint32_t frame,
			uint32_t *at)
{
	uint64_t h = (key ^ (uint64_t)frame << 32) * UINT64_C(0x9e3779b97f4a7c15);

	for (;; h++) {
		*at = mh_numbering_get(&c->index, h);
		if (*at == MH_NUMBER_NONE)
			return h;
		if (c->list.v[*at].key == key && c->list.v[*at].frame == frame)
			return h;
	}
}

static int add(struct mh_calls *c, uint32_t *at, const struct mh_site *s,
	       const struct mh_stack_frame *f)
{
	uint32_t i;
	uint64_t slot = slot_of(c, s->key, f->id, &i);
	struct mh_call *call = mh_vec_push(&c->list);

	if (!call)
		return -1;
	*call = (struct mh_call){ .key = s->key,
				  .ip = f->ip ? f->ip - 1 : 0,
				  .time_ns = s->time_ns,
				  .frame = f->id,
				  .parent = *at };
	*at = (uint32_t)c->list.nr - 1;
	return mh_numbering_set(&c->index, slot, *at);
}

int mh_calls_init(struct mh_calls *c, struct mh_session *s,
		  const struct mh_session_source *src, struct mh_err *err)
{
	const struct mh_frames *frames;
	int ret = mh_session_frames(s, &frames, err);
	size_t i;

	*c = (struct mh_calls){ .source = src->id };
	for (i = 0; !ret && i < frames->list.nr && !c->frames; i++)
		if (frames->list.v[i].source == src->id)
			c->frames = frames;
	return ret;
}

static int caller_of(struct mh_calls *c, uint32_t *out, const struct mh_site *s)
{
	const struct mh_stack_frame *new[MH_CALLS_DEPTH];
	const struct mh_stack_frame *f =
		mh_frames_caller_of(c->frames, c->source, s->stack, s->ip);
	uint32_t at = MH_CALL_NONE;
	size_t nr = 0;

	for (; f && nr < MH_CALLS_DEPTH; f = mh_frames_caller(c->frames, f)) {
		slot_of(c, s->key, f->id, &at);
		if (at != MH_CALL_NONE)
			break;
		new[nr++] = f;
	}
	while (nr-- > 0)
		if (add(c, &at, s, new[nr]))
			return -1;
	*out = at;
	return 0;
}

uint32_t *mh_calls_of_all(struct mh_calls *c, const struct mh_site *sites, size_t nr)
{
	uint32_t *of = calloc(nr + 1, sizeof(*of));
	size_t i;

	for (i = 0; of && i < nr; i++) {
		if (caller_of(c, &of[i], &sites[i])) {
			free(of);
			return NULL;
		}
	}
	return of;
}

void mh_calls_fini(struct mh_calls *c)
{
	free(c->list.v);
	mh_numbering_fini(&c->index);
}
