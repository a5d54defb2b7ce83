/* SPDX-License-Identifier: MIT */
/* Deep copies of events, made by the table of their fields. */
#include "record/early.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static char **string_of(struct mh_event *ev, const struct mh_field *f)
{
	return (char **)(void *)((char *)ev + f->offset);
}

static void release(struct mh_event *ev)
{
	const struct mh_field *f;
	size_t i, nr;

	f = mh_event_fields(ev->kind, &nr);
	for (i = 0; i < nr; i++) {
		if (f[i].type == MH_FIELD_STRING)
			free(*string_of(ev, &f[i]));
	}
}

int mh_early_keep(struct mh_early *e, const struct mh_event *ev, struct mh_err *err)
{
	struct mh_event *copy = mh_vec_push(e);
	const struct mh_field *f;
	size_t i, nr;
	int ok = 1;

	mh_assert(ev->kind != MH_EV_PAGES);
	if (!copy)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*copy = *ev;
	f = mh_event_fields(ev->kind, &nr);
	for (i = 0; i < nr; i++) {
		if (f[i].type != MH_FIELD_STRING)
			continue;
		*string_of(copy, &f[i]) = strdup(*string_of(copy, &f[i]));
		ok = ok && *string_of(copy, &f[i]);
	}
	if (ok)
		return MH_OK;
	release(copy);
	e->nr--;
	return mh_fail(err, MH_ENOMEM, "out of memory");
}

int mh_early_replay(struct mh_early *e, mh_event_fn fn, void *arg, struct mh_err *err)
{
	int ret = MH_OK;
	size_t i;

	for (i = 0; !ret && i < e->nr; i++)
		ret = fn(arg, &e->v[i], err);
	mh_early_fini(e);
	return ret;
}

void mh_early_fini(struct mh_early *e)
{
	size_t i;

	for (i = 0; i < e->nr; i++)
		release(&e->v[i]);
	free(e->v);
	*e = (struct mh_early){ 0 };
}
