/* SPDX-License-Identifier: MIT */
/*
 * The frames of a trace's call chains. What a damaged block had is missing: chains end
 * where a frame is not known.
 */
#include "analyze/session.h"

static int take(struct mh_session *s, const struct mh_batch *b, struct mh_err *err)
{
	uint32_t i;

	for (i = 0; i < b->nr; i++) {
		if (mh_frames_add(&s->frames, b->events[i].source, &b->events[i].stack))
			return mh_fail(err, MH_ENOMEM, "no memory for call chains");
	}
	return MH_OK;
}

int mh_session_frames(struct mh_session *s, const struct mh_frames **out,
		      struct mh_err *err)
{
	struct mh_filter f = { .kinds = 1u << MH_EV_STACK };
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	int ret;

	*out = &s->frames;
	if (s->frames_read)
		return MH_OK;
	ret = mh_cursor_open(&c, s->reader, &f, err);
	if (ret)
		return ret;
	do {
		ret = mh_cursor_next(c, &batch, err);
		if (ret == MH_OK)
			ret = take(s, &batch, err);
	} while (ret == MH_OK || ret == MH_EFORMAT);
	mh_cursor_close(c);
	if (ret != MH_END)
		return ret;
	mh_frames_finish(&s->frames);
	ret = mh_session_unwind(s, err);
	s->frames_read = !ret;
	return ret;
}
