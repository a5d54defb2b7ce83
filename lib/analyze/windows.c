/* SPDX-License-Identifier: MIT */
/*
 * Unions of ranges, level by level: touched ranges are gathered for ten moments, sorted
 * and joined; the ten unions of one level are the input of the next. One thread does it,
 * since a window may lie across any cut.
 */
#include "analyze/windows.h"

#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "base/vec.h"

#define FACTOR 10

struct keyed {
	uint64_t key;
	struct mh_range r;
};

struct bag {
	struct keyed *v;
	size_t nr, cap;
	size_t joined; /* size after the last join */
};

struct part {
	const struct mh_moments *moments;
	struct mh_scan scan;
	struct mh_windows result;
	size_t moment;      /* of the snapshot under way */
	uint32_t weight;    /* of its bytes: one source, one weight */
	size_t first;       /* moment with which window bags[0] begins */
	struct bag bags[2]; /* the lowest level's window and the one after it: targets
			     * are read one after the other, one may be ahead */
	struct bag upper[MH_NR_WINDOW_LEVELS]; /* what the level above has gathered */
	size_t filled[MH_NR_WINDOW_LEVELS];
	bool any[MH_NR_WINDOW_LEVELS]; /* of what was gathered: there were data */
};

struct shared {
	const struct mh_scan_opts *scan;
	const struct mh_moments *moments;
};

static int by_place(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->r.start < y->r.start ? -1 : x->r.start > y->r.start;
}

static int bag_add(struct bag *b, uint64_t key, struct mh_range r)
{
	struct keyed *last = b->nr ? &b->v[b->nr - 1] : NULL;

	/* Rows ascend: neighbours are joined before they cost a sort. */
	if (last && last->key == key && last->r.end == r.start && b->nr > b->joined) {
		last->r.end = r.end;
		return 0;
	}
	last = mh_vec_push(b);
	if (!last)
		return -1;
	*last = (struct keyed){ key, r };
	return 0;
}

/* Sort and join; returns the bytes of the union. */
static uint64_t bag_join(struct bag *b)
{
	uint64_t bytes = 0;
	size_t i, n = 0;

	if (b->nr)
		qsort(b->v, b->nr, sizeof(*b->v), by_place);
	for (i = 0; i < b->nr; i++) {
		struct keyed *to = n ? &b->v[n - 1] : NULL;

		if (to && to->key == b->v[i].key && b->v[i].r.start <= to->r.end) {
			if (b->v[i].r.end > to->r.end)
				to->r.end = b->v[i].r.end;
			continue;
		}
		b->v[n++] = b->v[i];
	}
	b->nr = b->joined = n;
	for (i = 0; i < n; i++)
		bytes += mh_range_len(b->v[i].r);
	return bytes;
}

/* Move all of @from into @to, which is joined when it has doubled. */
static int bag_pour(struct bag *to, struct bag *from)
{
	size_t i;

	for (i = 0; i < from->nr; i++) {
		struct keyed *k = mh_vec_push(to);

		if (!k)
			return -1;
		*k = from->v[i];
	}
	from->nr = from->joined = 0;
	if (to->nr > 2 * to->joined + 65536)
		bag_join(to);
	return 0;
}

static int keep_value(struct mh_window_values *values, uint64_t bytes)
{
	uint64_t *v = mh_vec_push(values);

	if (!v)
		return -1;
	*v = bytes;
	return 0;
}

/* @from holds a window of @level: note its size and hand it on. */
static int close_window(struct part *p, unsigned level, struct bag *from, bool whole,
			bool data)
{
	uint64_t bytes = bag_join(from);

	if (whole && data && keep_value(&p->result.level[level], bytes * p->weight))
		return -1;
	if (bag_pour(&p->upper[level], from))
		return -1;
	data = p->any[level] |= data;
	if (level + 1 == MH_NR_WINDOW_LEVELS || ++p->filled[level] < FACTOR)
		return 0;
	p->filled[level] = 0;
	p->any[level] = false;
	return close_window(p, level + 1, &p->upper[level], whole, data);
}

static bool any_data(const struct part *p, size_t first)
{
	size_t i;

	for (i = first; i < first + FACTOR && i < p->moments->nr; i++) {
		if (p->moments->v[i].bytes != MH_NO_DATA)
			return true;
	}
	return false;
}

static int advance(struct part *p)
{
	struct bag full = p->bags[0];
	bool whole = p->first + FACTOR <= p->moments->nr;
	int failed = close_window(p, 0, &full, whole, any_data(p, p->first));

	p->bags[0] = p->bags[1];
	p->bags[1] = full; /* empty now; its memory is used again */
	p->first += FACTOR;
	return failed;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct part *p = arg;

	p->weight = snap->weight;
	p->moment = mh_moments_nearest(
		p->moments, snap->time_ns.start + mh_range_len(snap->time_ns) / 2);
	while (p->moment > p->first + FACTOR + 1) {
		if (advance(p))
			return -1;
	}
	return 0;
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct part *p = arg;
	size_t ahead = p->moment >= p->first + FACTOR;

	return row->touched ? bag_add(&p->bags[ahead], snap->key, row->addr) : 0;
}

static void *part_new(const void *arg)
{
	const struct shared *shared = arg;
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		p->moments = shared->moments;
		mh_scan_init(&p->scan, shared->scan);
	}
	return p;
}

static void part_free(void *part)
{
	struct part *p = part;
	unsigned i;

	for (i = 0; i < 2; i++)
		free(p->bags[i].v);
	for (i = 0; i < MH_NR_WINDOW_LEVELS; i++)
		free(p->upper[i].v);
	mh_windows_fini(&p->result);
	free(p);
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct part *p = part;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

/* What is left of unfinished windows counts for `all` only. */
static int finish(struct part *p)
{
	struct bag *all = &p->upper[MH_NR_WINDOW_LEVELS - 1];
	unsigned i;

	while (p->first < p->moments->nr) {
		if (advance(p))
			return -1;
	}
	for (i = 0; i + 1 < MH_NR_WINDOW_LEVELS; i++) {
		if (bag_pour(all, &p->upper[i]))
			return -1;
	}
	p->result.all = bag_join(all) * p->weight;
	return 0;
}

int mh_windows_run(struct mh_windows *out, struct mh_session *s,
		   const struct mh_session_source *src, enum mh_event_kind kind,
		   const struct mh_scan_opts *scan, const struct mh_moments *moments,
		   struct mh_err *err)
{
	struct shared shared = { scan, moments };
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .part_free = part_free };
	struct mh_filter f;
	int ret;

	memset(out, 0, sizeof(*out));
	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (ret)
		return ret;
	if (finish(a.part)) {
		ret = mh_fail(err, MH_ENOMEM, "no memory for longer windows");
	} else {
		*out = ((struct part *)a.part)->result;
		memset(&((struct part *)a.part)->result, 0, sizeof(*out));
	}
	part_free(a.part);
	return ret;
}

void mh_windows_fini(struct mh_windows *w)
{
	unsigned i;

	for (i = 0; i < MH_NR_WINDOW_LEVELS; i++)
		free(w->level[i].v);
	memset(w, 0, sizeof(*w));
}
