/* SPDX-License-Identifier: MIT */
/* A sorted array. Ids of a source count from 1, so that a frame is where its id says. */
#include "event/frames.h"

#include <stdlib.h>

#include "base/vec.h"

static int add(struct mh_frames *f, struct mh_stack_frame frame)
{
	struct mh_stack_frame *to = mh_vec_push(&f->list);

	if (!to)
		return -1;
	*to = frame;
	return 0;
}

int mh_frames_add(struct mh_frames *f, uint16_t source, const struct mh_ev_stack *frame)
{
	return add(f, (struct mh_stack_frame){ .ip = frame->ip,
					       .id = frame->id,
					       .parent = frame->parent,
					       .source = source });
}

int mh_frames_alias(struct mh_frames *f, uint16_t source, uint32_t id, uint32_t to)
{
	return add(f, (struct mh_stack_frame){
			      .id = id, .parent = to, .source = source, .alias = true });
}

static int order(uint16_t source, uint32_t id, const struct mh_stack_frame *f)
{
	if (source != f->source)
		return source < f->source ? -1 : 1;
	return (id > f->id) - (id < f->id);
}

static int by_id(const void *a, const void *b)
{
	const struct mh_stack_frame *x = a, *y = b;

	return order(x->source, x->id, y);
}

uint32_t mh_frames_free_id(const struct mh_frames *f, uint16_t source)
{
	uint32_t id = 1;
	size_t i;

	for (i = 0; i < f->list.nr; i++)
		if (f->list.v[i].source == source && f->list.v[i].id >= id)
			id = f->list.v[i].id + 1;
	return id;
}

/* Frames come in order as a rule. */
static bool is_sorted(const struct mh_frames *f)
{
	size_t i;

	for (i = 1; i < f->list.nr; i++)
		if (by_id(&f->list.v[i - 1], &f->list.v[i]) >= 0)
			return false;
	return true;
}

void mh_frames_finish(struct mh_frames *f)
{
	size_t i, nr = 0;

	if (is_sorted(f))
		return;
	qsort(f->list.v, f->list.nr, sizeof(*f->list.v), by_id);
	for (i = 0; i < f->list.nr; i++) {
		if (!nr || by_id(&f->list.v[nr - 1], &f->list.v[i]))
			f->list.v[nr++] = f->list.v[i];
	}
	f->list.nr = nr;
}

void mh_frames_fini(struct mh_frames *f)
{
	free(f->list.v);
	*f = (struct mh_frames){ 0 };
}

static const struct mh_stack_frame *at(const struct mh_frames *f, uint16_t source,
				       uint32_t id)
{
	size_t lo = 0, hi = f->list.nr;

	/* With one source the guess is right. */
	if (!id || !hi)
		return NULL;
	if (id <= hi && !order(source, id, &f->list.v[id - 1]))
		return &f->list.v[id - 1];
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = order(source, id, &f->list.v[mid]);

		if (!d)
			return &f->list.v[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct mh_stack_frame *mh_frames_find(const struct mh_frames *f, uint16_t source,
					    uint32_t id)
{
	const struct mh_stack_frame *frame = at(f, source, id);

	if (frame && frame->alias)
		frame = at(f, source, frame->parent);
	return frame && frame->alias ? NULL : frame;
}

const struct mh_stack_frame *mh_frames_caller(const struct mh_frames *f,
					      const struct mh_stack_frame *frame)
{
	const struct mh_stack_frame *caller =
		frame->parent < frame->id ? at(f, frame->source, frame->parent) : NULL;

	return caller && caller->alias ? NULL : caller;
}

const struct mh_stack_frame *mh_frames_caller_of(const struct mh_frames *f,
						 uint16_t source, uint32_t stack,
						 uint64_t ip)
{
	const struct mh_stack_frame *frame = mh_frames_find(f, source, stack);

	if (!frame || mh_ip_is_kernel(frame->ip) != mh_ip_is_kernel(ip))
		return frame;
	return mh_frames_caller(f, frame);
}
