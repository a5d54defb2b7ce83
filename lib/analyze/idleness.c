/* SPDX-License-Identifier: MIT */
/*
 * A list of runs per address space, each with the time it was last accessed. A snapshot
 * makes the next list from the last one: rows and old runs both ascend, so it is one
 * merge. What a snapshot does not cover is forgotten; what it covers for the first time
 * counts as accessed when the snapshot began, since nothing older is known.
 */
#include "analyze/idleness.h"

#include <stdlib.h>

#include "base/vec.h"

struct runs {
	struct mh_idle_run *v;
	size_t nr, cap;
};

struct space {
	uint64_t key, first_ns;
	struct runs now, next;
	size_t at; /* in now: runs before it end below the row under way */
};

struct part {
	const struct mh_scan_opts *opts;
	const struct mh_idleness_ops *ops;
	void *arg;
	struct mh_scan scan;
	struct mh_snap snap;
	struct {
		struct space *v;
		size_t nr, cap;
	} spaces;
	size_t open; /* index + 1 of the space of the snapshot under way */
	bool counts; /* a row said how many bytes, not which */
};

static void part_free(void *part)
{
	struct part *p = part;
	size_t i;

	for (i = 0; i < p->spaces.nr; i++) {
		free(p->spaces.v[i].now.v);
		free(p->spaces.v[i].next.v);
	}
	free(p->spaces.v);
	free(p);
}

static void *part_new(const void *arg)
{
	const struct part *from = arg;
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		*p = *from;
		mh_scan_init(&p->scan, p->opts);
	}
	return p;
}

static int append(struct runs *to, struct mh_idle_run run)
{
	struct mh_idle_run *last = to->nr ? &to->v[to->nr - 1] : NULL;

	if (run.addr.start >= run.addr.end)
		return 0;
	if (last && last->last_ns == run.last_ns && last->assumed == run.assumed &&
	    last->addr.end == run.addr.start) {
		last->addr.end = run.addr.end;
		return 0;
	}
	last = mh_vec_push(to);
	if (!last)
		return -1;
	*last = run;
	last->seen = 0;
	return 0;
}

static void tell_gone(struct part *p, const struct runs *runs)
{
	size_t i;

	for (i = 0; i < runs->nr; i++) {
		const struct mh_idle_run *r = &runs->v[i];

		if (r->seen < mh_range_len(r->addr))
			p->ops->gone(p->arg, &p->snap, r,
				     (mh_range_len(r->addr) - r->seen) * p->snap.weight);
	}
}

/* The snapshot is over: its list becomes the current one. */
static void close_snapshot(struct part *p)
{
	struct runs old;
	struct space *s;

	if (!p->open)
		return;
	s = &p->spaces.v[p->open - 1];
	if (p->ops->gone)
		tell_gone(p, &s->now);
	if (p->ops->after)
		p->ops->after(p->arg, &p->snap, s->first_ns, s->next.v, s->next.nr);
	old = s->now;
	s->now = s->next;
	s->next = old;
	s->next.nr = 0;
	s->at = 0;
	p->open = 0;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct part *p = arg;
	struct space *s;
	size_t i;

	close_snapshot(p);
	p->snap = *snap;
	for (i = 0; i < p->spaces.nr && p->spaces.v[i].key != snap->key; i++)
		;
	if (i == p->spaces.nr) {
		s = mh_vec_push(&p->spaces);
		if (!s)
			return -1;
		s->key = snap->key;
		s->first_ns = snap->time_ns.start;
	}
	p->open = i + 1;
	return 0;
}

static void tell_first(struct part *p, uint64_t start, uint64_t end)
{
	if (p->ops->first && start < end)
		p->ops->first(p->arg, &p->snap, (end - start) * p->snap.weight);
}

/* The part of an accessed row that @run is: what is before it is new. */
static void access_run(struct part *p, uint64_t *done, const struct mh_idle_run *run,
		       struct mh_range r)
{
	tell_first(p, *done, r.start);
	p->ops->again(p->arg, &p->snap, run, mh_range_len(r) * p->snap.weight);
	*done = r.end;
}

static int keep_run(struct space *s, uint64_t *done, const struct mh_idle_run *run,
		    struct mh_range r, uint64_t start_ns)
{
	struct mh_idle_run kept = *run;

	if (append(&s->next,
		   (struct mh_idle_run){ { *done, r.start }, start_ns, true, 0 }))
		return -1;
	kept.addr = r;
	*done = r.end;
	return append(&s->next, kept);
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct part *p = arg;
	struct space *s = &p->spaces.v[p->open - 1];
	uint64_t done = row->addr.start;
	size_t i;

	p->counts |= !row->exact;
	while (s->at < s->now.nr && s->now.v[s->at].addr.end <= row->addr.start)
		s->at++;
	for (i = s->at; i < s->now.nr && s->now.v[i].addr.start < row->addr.end; i++) {
		struct mh_range r = s->now.v[i].addr;

		if (r.start < row->addr.start)
			r.start = row->addr.start;
		if (r.end > row->addr.end)
			r.end = row->addr.end;
		s->now.v[i].seen += mh_range_len(r);
		if (row->touched)
			access_run(p, &done, &s->now.v[i], r);
		else if (keep_run(s, &done, &s->now.v[i], r, snap->time_ns.start))
			return -1;
	}
	if (!row->touched)
		return append(&s->next, (struct mh_idle_run){ { done, row->addr.end },
							      snap->time_ns.start,
							      true,
							      0 });
	tell_first(p, done, row->addr.end);
	return append(&s->next,
		      (struct mh_idle_run){ row->addr, snap->time_ns.end, false, 0 });
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct part *p = part;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

int mh_idleness_run(struct mh_session *s, const struct mh_session_source *src,
		    enum mh_event_kind kind, const struct mh_scan_opts *scan,
		    const struct mh_idleness_ops *ops, void *arg, const char *what,
		    struct mh_err *err)
{
	struct part shared = { .opts = scan, .ops = ops, .arg = arg };
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .part_free = part_free };
	struct mh_filter f;
	struct part *p;
	int ret;

	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (ret)
		return ret;
	p = a.part;
	if (p->counts)
		ret = mh_fail(err, MH_ENOSUP,
			      "%s tells how many bytes of a mapping were touched, not "
			      "which: %s damon or idle",
			      src->name, what);
	else
		close_snapshot(p);
	part_free(p);
	return ret;
}
