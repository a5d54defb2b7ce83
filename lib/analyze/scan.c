/* SPDX-License-Identifier: MIT */
#include "analyze/scan.h"

#include <string.h>

void mh_scan_init(struct mh_scan *scan, const struct mh_scan_opts *opts)
{
	memset(scan, 0, sizeof(*scan));
	scan->opts = opts;
	scan->keys.maps = opts->session->maps;
}

struct to {
	const struct mh_scan_ops *ops;
	void *arg;
};

/* Begin a snapshot unless it is the one under way. Returns 1 when it is filtered out. */
static int begin(struct mh_scan *scan, uint32_t pid, uint64_t start_ns, uint64_t end_ns,
		 uint16_t source, const struct to *to)
{
	const struct mh_range *window = &scan->opts->session->window;
	struct mh_snap *snap = &scan->snap;
	uint64_t middle = start_ns + (end_ns - start_ns) / 2;

	if (start_ns >= end_ns) {
		start_ns = middle = end_ns;
		end_ns++;
	}
	if (middle < scan->opts->not_before_ns || end_ns <= window->start ||
	    start_ns >= window->end)
		return 1;
	if (snap->pid == pid && snap->time_ns.start == start_ns &&
	    snap->time_ns.end == end_ns)
		return 0;
	snap->pid = pid;
	snap->time_ns = (struct mh_range){ start_ns, end_ns };
	snap->weight = mh_session_weight(scan->opts->session, source);
	/* What was mapped when the snapshot was taken names its addresses. */
	snap->key = mh_keys_of(&scan->keys, pid, end_ns - 1);
	snap->aggr_ns = scan->opts->session->intervals.tuned.nr
				? mh_session_aggr_ns(scan->opts->session,
						     scan->opts->source, end_ns)
				: scan->opts->aggr_ns;
	return to->ops->snapshot ? to->ops->snapshot(to->arg, snap) : 0;
}

/* A piece of a row. Bytes known only as a count are shared out by size. */
static int give_piece(struct mh_scan *scan, const struct mh_scan_row *row,
		      struct mh_range r, const struct to *to)
{
	struct mh_scan_row piece = *row;

	if (r.start < row->addr.start)
		r.start = row->addr.start;
	if (r.end > row->addr.end)
		r.end = row->addr.end;
	if (r.start >= r.end)
		return 0;
	piece.addr = r;
	if (row->exact)
		piece.touched = row->touched ? mh_range_len(r) : 0;
	else
		piece.touched = (uint64_t)((unsigned __int128)row->touched *
					   mh_range_len(r) / mh_range_len(row->addr));
	return to->ops->row(to->arg, &scan->snap, &piece);
}

static int has_age(const struct mh_scan *scan, const struct mh_scan_row *row)
{
	const struct mh_range *want = &scan->opts->session->opts.age_ns;
	uint64_t age_ns = row->age * scan->snap.aggr_ns;

	return row->age != MH_NO_AGE && scan->snap.aggr_ns && age_ns >= want->start &&
	       age_ns < want->end;
}

static int give(struct mh_scan *scan, const struct mh_scan_row *row, const struct to *to)
{
	const struct mh_session_opts *o = &scan->opts->session->opts;
	const struct mh_places *at = scan->opts->at;
	size_t i;

	if (row->value < o->min_rate || mh_range_len(row->addr) < o->min_size)
		return 0;
	if (o->age_ns.end && !has_age(scan, row))
		return 0;
	if (!at) {
		if (!o->filter.addr.end)
			return to->ops->row(to->arg, &scan->snap, row);
		return give_piece(scan, row, o->filter.addr, to);
	}
	for (i = mh_places_find(at, scan->snap.key, row->addr.start);
	     i < at->nr && at->v[i].key == scan->snap.key &&
	     at->v[i].addr.start < row->addr.end;
	     i++) {
		if (give_piece(scan, row, at->v[i].addr, to))
			return -1;
	}
	return 0;
}

/* Whether every row is given as it is. */
static bool gives_all(const struct mh_scan *scan)
{
	const struct mh_session_opts *o = &scan->opts->session->opts;

	return !(o->min_rate > 0) && !o->min_size && !o->age_ns.end &&
	       !o->filter.addr.end && !scan->opts->at;
}

static bool same_snapshot(const struct mh_region_columns *c, uint32_t a, uint32_t b)
{
	return c->start_ns[a] == c->start_ns[b] && c->time_ns[a] == c->time_ns[b] &&
	       (!c->pid || c->pid[a] == c->pid[b]);
}

static int region_batch(struct mh_scan *scan, const struct mh_batch *b,
			const struct to *to)
{
	const struct mh_region_columns *c = &b->region;
	bool all = gives_all(scan);
	uint32_t i, last = UINT32_MAX; /* the row that begin() was last called for */
	int ret = 0;

	for (i = 0; i < b->nr; i++) {
		uint64_t size = c->end[i] - c->start[i];
		struct mh_scan_row row = { .addr = { c->start[i], c->end[i] },
					   .age = c->age ? c->age[i] : MH_NO_AGE };

		if (c->start[i] >= c->end[i])
			continue;
		if (last == UINT32_MAX || !same_snapshot(c, i, last))
			ret = begin(scan, c->pid ? c->pid[i] : 0, c->start_ns[i],
				    c->time_ns[i], b->source, to);
		last = i;
		if (ret < 0)
			return ret;
		if (ret)
			continue;
		/* Bytes beside hits are those that DAMON's filters let pass: a part of
		 * the region, whatever was accessed. */
		if (c->touched && c->touched[i] != MH_NO_BYTES && !c->max_accesses[i]) {
			row.touched = c->touched[i] < size ? c->touched[i] : size;
			row.value = (double)row.touched / (double)size;
			row.exact = row.touched == 0 || row.touched == size;
		} else {
			row.nr_accesses = c->nr_accesses[i];
			row.max_accesses = c->max_accesses[i];
			if (!row.max_accesses)
				row.max_accesses = row.nr_accesses;
			if (row.max_accesses)
				row.value = (double)row.nr_accesses / row.max_accesses;
			/* A late check may count once more than there are. */
			if (row.value > 1)
				row.value = 1;
			row.touched = row.nr_accesses ? size : 0;
			row.exact = true;
		}
		if (all ? to->ops->row(to->arg, &scan->snap, &row) : give(scan, &row, to))
			return -1;
	}
	return 0;
}

static int bit(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

/* 0: not observed, 1: observed and idle, 2: accessed */
static int page_state(const struct mh_ev_pages *p, uint64_t i)
{
	if (p->observed && !bit(p->observed, i))
		return 0;
	return 1 + bit(p->accessed, i);
}

static int pages_event(struct mh_scan *scan, const struct mh_event *ev,
		       const struct to *to)
{
	const struct mh_ev_pages *p = &ev->pages;
	uint64_t i, j;
	int ret;

	if (p->layer !=
	    (scan->opts->session->opts.writes ? MH_PAGES_WRITE : MH_PAGES_ACCESS))
		return 0;
	ret = begin(scan, p->pid, p->start_ns, ev->time_ns, ev->source, to);
	if (ret)
		return ret < 0 ? ret : 0;
	for (i = 0; i < p->nr_pages; i = j) {
		int state = page_state(p, i);
		struct mh_scan_row row = { .exact = true,
					   .value = state == 2,
					   .age = MH_NO_AGE };

		for (j = i + 1; j < p->nr_pages; j++) {
			/* Whole bytes of one colour are most of a sparse bitmap. */
			if (j % 8 == 0 && !p->observed && j + 8 <= p->nr_pages &&
			    p->accessed[j / 8] == (state == 2 ? 0xff : 0)) {
				j += 7;
				continue;
			}
			if (page_state(p, j) != state)
				break;
		}
		if (!state)
			continue;
		row.addr = (struct mh_range){ p->start + (i << p->page_shift),
					      p->start + (j << p->page_shift) };
		row.touched = state == 2 ? mh_range_len(row.addr) : 0;
		if (give(scan, &row, to))
			return -1;
	}
	return 0;
}

int mh_scan_batch(struct mh_scan *scan, const struct mh_batch *b,
		  const struct mh_scan_ops *ops, void *arg, struct mh_err *err)
{
	struct to to = { ops, arg };
	uint32_t i;

	if (b->kind == MH_EV_REGION && region_batch(scan, b, &to))
		goto no_memory;
	if (b->kind != MH_EV_PAGES)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		if (pages_event(scan, &b->events[i], &to))
			goto no_memory;
	}
	return MH_OK;
no_memory:
	return mh_fail(err, MH_ENOMEM, "no memory for the view");
}
