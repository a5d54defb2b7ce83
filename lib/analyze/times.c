/* SPDX-License-Identifier: MIT */
/* When regions pass the filters: the way from "what was hot" to "when was that". */
#include <stdlib.h>
#include <string.h>

#include "analyze/sweep.h"
#include "base/vec.h"

struct times {
	struct {
		struct mh_range *v;
		size_t nr, cap;
	} spans;
	bool counted; /* the snapshot under way */
};

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	(void)snap;
	((struct times *)arg)->counted = false;
	return 0;
}

/* Snapshots that follow each other grow one span, so that memory is for the breaks. */
static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct times *t = arg;
	struct mh_range *last = t->spans.nr ? &t->spans.v[t->spans.nr - 1] : NULL;

	(void)row;
	if (t->counted)
		return 0;
	t->counted = true;
	if (last && last->end == snap->time_ns.start) {
		last->end = snap->time_ns.end;
		return 0;
	}
	last = mh_vec_push(&t->spans);
	if (!last)
		return -1;
	*last = snap->time_ns;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct mh_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void fill(struct mh_times *out, const struct mh_sweep *w, struct times *t)
{
	uint64_t start_ns = w->s->start_ns;
	size_t i, n = 0;

	if (t->spans.nr)
		qsort(t->spans.v, t->spans.nr, sizeof(*t->spans.v), by_start);
	for (i = 0; i < t->spans.nr; i++) {
		struct mh_range r = t->spans.v[i];

		r.start = r.start > start_ns ? r.start - start_ns : 0;
		r.end = r.end > start_ns ? r.end - start_ns : 0;
		if (n && r.start <= t->spans.v[n - 1].end) {
			if (r.end > t->spans.v[n - 1].end)
				t->spans.v[n - 1].end = r.end;
			continue;
		}
		t->spans.v[n++] = r;
	}
	out->ranges = t->spans.v;
	out->nr_ranges = n;
	t->spans.v = NULL;
	for (i = 0; i < n; i++)
		out->sum_ns += mh_range_len(out->ranges[i]);
	mh_session_provenance(w->s, w->src, 1u << w->kind, &out->from);
}

int mh_times_analyze(struct mh_times *out, struct mh_session *s, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct times t = { 0 };
	struct mh_sweep w;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_sweep_init(&w, s, "table of times", err);
	if (!ret)
		ret = mh_sweep_run(&w, &ops, &t, err);
	if (!ret)
		fill(out, &w, &t);
	free(t.spans.v);
	mh_sweep_fini(&w);
	return ret;
}
