/* SPDX-License-Identifier: MIT */
#include "analyze/sweep.h"

#include <stdlib.h>

struct shared {
	const struct mh_sweep *sweep;
	const struct mh_scan_ops *ops;
	void *arg;
};

struct part {
	struct mh_scan scan;
	const struct shared *shared;
};

static void *part_new(const void *arg)
{
	const struct shared *shared = arg;
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		p->shared = shared;
		mh_scan_init(&p->scan, &shared->sweep->scan);
	}
	return p;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	struct part *p = part;

	return mh_scan_batch(&p->scan, b, p->shared->ops, p->shared->arg, err);
}

int mh_sweep_init(struct mh_sweep *w, struct mh_session *s, const char *what,
		  struct mh_err *err)
{
	int ret;

	*w = (struct mh_sweep){ .s = s, .scan = { .session = s } };
	ret = mh_session_pick(s, 1u << MH_EV_REGION | 1u << MH_EV_PAGES, what, &w->src,
			      err);
	if (ret)
		return ret;
	w->kind = mh_session_data_kind(w->src);
	ret = mh_moments_skip(&w->scan, w->src, w->kind, s, err);
	if (!ret && s->opts.at) {
		ret = mh_places_of_maps(&w->places, s, err);
		w->scan.at = &w->places;
	}
	return ret;
}

int mh_sweep_run(struct mh_sweep *w, const struct mh_scan_ops *ops, void *arg,
		 struct mh_err *err)
{
	struct shared shared = { w, ops, arg };
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .part_free = free };
	struct mh_filter f;
	int ret;

	mh_session_filter(w->s, w->src, &f);
	f.kinds = 1u << w->kind;
	ret = mh_pass_run(w->s, &f, &a, 1, err);
	if (!ret)
		free(a.part);
	return ret;
}

int mh_sweep_moments(struct mh_moments *out, struct mh_sweep *w, struct mh_err *err)
{
	return mh_moments_run(out, &w->scan, w->src, w->kind, w->s, err);
}

void mh_sweep_fini(struct mh_sweep *w)
{
	mh_places_fini(&w->places);
}
