/* SPDX-License-Identifier: MIT */
/*
 * Copies of stacks become chains when somebody first asks for the frames of a session:
 * frames are added behind those of the trace, and the id of a copy becomes another name
 * of its innermost frame. Only what the session's filters let through is unwound.
 */
#include <stdlib.h>

#include "analyze/session.h"
#include "base/vec.h"
#include "event/chains.h"

struct chains_of {
	uint16_t source;
	struct mh_chains chains;
};

struct work {
	struct mh_session *s;
	struct mh_unwinder *unwinder;
	struct {
		struct chains_of *v;
		size_t nr, cap;
	} sources;
	struct {
		uint64_t *v;
		size_t nr, cap;
	} chain; /* the kernel's part, then the program's */
};

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for call chains");
}

static struct mh_chains *chains_of(struct work *w, uint16_t source)
{
	struct chains_of *c;
	size_t i;

	for (i = 0; i < w->sources.nr; i++)
		if (w->sources.v[i].source == source)
			return &w->sources.v[i].chains;
	c = mh_vec_push(&w->sources);
	if (!c)
		return NULL;
	c->source = source;
	c->chains.base = mh_frames_free_id(&w->s->frames, source) - 1;
	return &c->chains;
}

static int take_frame(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct work *w = arg;

	return mh_frames_add(&w->s->frames, ev->source, &ev->stack) ? no_memory(err)
								    : MH_OK;
}

static int put_ip(struct work *w, uint64_t ip)
{
	uint64_t *to = mh_vec_push(&w->chain);

	if (!to)
		return -1;
	*to = ip;
	return 0;
}

/* @frames: those of the trace, finished; what is added meanwhile is behind them */
static int make_chain(struct work *w, const struct mh_frames *frames,
		      const struct mh_event *ev, const struct mh_unwound *un)
{
	const struct mh_stack_frame *f =
		mh_frames_find(frames, ev->source, ev->stack_copy.inner);
	int failed = 0;
	size_t i;

	w->chain.nr = 0;
	for (; f && !failed; f = mh_frames_caller(frames, f))
		failed = put_ip(w, f->ip);
	for (i = 0; i < un->nr && !failed; i++)
		failed = put_ip(w, un->ips[i]);
	return failed;
}

static int unwind_one(struct work *w, const struct mh_frames *frames,
		      const struct mh_event *ev, struct mh_err *err)
{
	struct mh_chains *chains = chains_of(w, ev->source);
	struct mh_unwound un;
	uint32_t id;
	int ret = mh_unwind(w->unwinder, &un, ev, err);

	if (ret)
		return ret;
	w->s->unwound.nr[un.end]++;
	if (!chains || make_chain(w, frames, ev, &un))
		return no_memory(err);
	ret = mh_chains_put(chains, &id, ev, (const uint8_t *)w->chain.v, w->chain.nr,
			    false, take_frame, w, err);
	if (!ret && mh_frames_alias(&w->s->frames, ev->source, ev->stack_copy.id, id))
		ret = no_memory(err);
	return ret;
}

static int unwind_all(struct work *w, struct mh_err *err)
{
	const struct mh_session *s = w->s;
	struct mh_filter f = { .kinds = 1u << MH_EV_STACK_COPY,
			       .pids = s->opts.filter.pids,
			       .nr_pids = s->opts.filter.nr_pids };
	/* The table may move while frames are added; the trace's own stay as they are. */
	const struct mh_frames *frames = &w->s->frames;
	struct mh_frames own = *frames;
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	uint32_t i;
	int ret;

	own.list.v = malloc((own.list.nr + 1) * sizeof(*own.list.v));
	if (!own.list.v)
		return no_memory(err);
	for (i = 0; i < own.list.nr; i++)
		own.list.v[i] = frames->list.v[i];
	if (s->window.start || s->window.end != UINT64_MAX)
		f.time_ns = s->window;
	ret = mh_cursor_open(&c, s->reader, &f, err);
	while (!ret) {
		ret = mh_cursor_next(c, &batch, err);
		for (i = 0; !ret && i < batch.nr; i++)
			ret = unwind_one(w, &own, &batch.events[i], err);
		if (ret == MH_EFORMAT)
			ret = MH_OK;
	}
	mh_cursor_close(c);
	free(own.list.v);
	return ret == MH_END ? MH_OK : ret;
}

int mh_session_unwind(struct mh_session *s, struct mh_err *err)
{
	const struct mh_symtab_opts files = { .debug_dirs = s->opts.debug_dirs };
	struct work w = { .s = s };
	size_t i;
	int ret;

	if (!mh_reader_info(s->reader)->rows[MH_EV_STACK_COPY])
		return MH_OK;
	ret = mh_unwinder_new(&w.unwinder, s->maps, &files, err);
	if (!ret)
		ret = unwind_all(&w, err);
	mh_frames_finish(&s->frames);
	for (i = 0; i < w.sources.nr; i++)
		mh_chains_fini(&w.sources.v[i].chains);
	free(w.sources.v);
	free(w.chain.v);
	mh_unwinder_free(w.unwinder);
	return ret;
}

const struct mh_unwind_counts *mh_session_unwound(const struct mh_session *s)
{
	return &s->unwound;
}

int mh_session_each_frame(struct mh_session *s, mh_event_fn fn, void *arg,
			  struct mh_err *err)
{
	const struct mh_frames *frames;
	int ret = mh_session_frames(s, &frames, err);
	struct mh_event ev;
	size_t i;

	mh_event_init(&ev, MH_EV_STACK);
	ev.time_ns = s->start_ns;
	for (i = 0; !ret && i < frames->list.nr; i++) {
		const struct mh_stack_frame *f = &frames->list.v[i];

		if (f->alias)
			continue;
		ev.source = f->source;
		ev.stack = (struct mh_ev_stack){ .id = f->id,
						 .parent = f->parent,
						 .ip = f->ip };
		ret = fn(arg, &ev, err);
	}
	return ret;
}

uint32_t mh_session_frame_of(const struct mh_session *s, uint16_t source, uint32_t stack)
{
	const struct mh_stack_frame *f = mh_frames_find(&s->frames, source, stack);

	return f ? f->id : 0;
}
