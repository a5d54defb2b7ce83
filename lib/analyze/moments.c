/* SPDX-License-Identifier: MIT */
#include "analyze/moments.h"

#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/numbering.h"
#include "base/vec.h"

/* What one snapshot says of one target; also a gap of it. */
struct record {
	struct mh_range time_ns;
	uint32_t pid;
	bool data;
	uint64_t bytes, at_least[MH_NR_LEVELS];
};

struct part {
	struct mh_scan scan;
	struct {
		struct record *v;
		size_t nr, cap;
	} records;
	bool hits, exact;
};

static void *part_new(const void *arg)
{
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		mh_scan_init(&p->scan, arg);
		p->exact = true;
	}
	return p;
}

static void part_free(void *part)
{
	struct part *p = part;

	free(p->records.v);
	free(p);
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct part *p = arg;
	struct record *r = mh_vec_push(&p->records);

	if (!r)
		return -1;
	r->time_ns = snap->time_ns;
	r->pid = snap->pid;
	r->data = true;
	return 0;
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	static const unsigned percent[MH_NR_LEVELS] = { 5, 25, 50 };
	struct part *p = arg;
	struct record *r = &p->records.v[p->records.nr - 1];
	unsigned i;

	r->bytes += row->touched * snap->weight;
	p->exact &= row->exact;
	if (!row->max_accesses)
		return 0;
	p->hits = true;
	for (i = 0; i < MH_NR_LEVELS; i++) {
		if (row->nr_accesses && 100 * (uint64_t)row->nr_accesses >=
						percent[i] * (uint64_t)row->max_accesses)
			r->at_least[i] += row->touched * snap->weight;
	}
	return 0;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct part *p = part;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct part *a = into, *b = from;
	size_t i;

	for (i = 0; i < b->records.nr; i++) {
		struct record *r = mh_vec_push(&a->records);

		if (!r)
			return mh_fail(err, MH_ENOMEM, "no memory for the snapshots");
		*r = b->records.v[i];
	}
	a->hits |= b->hits;
	a->exact &= b->exact;
	return MH_OK;
}

void mh_moments_analysis(struct mh_analysis *out, const struct mh_scan_opts *scan)
{
	*out = (struct mh_analysis){ .arg = scan,
				     .part_new = part_new,
				     .batch = part_batch,
				     .merge = part_merge,
				     .part_free = part_free };
}

/* ---- grouping ---- */

static uint64_t middle(struct mh_range r)
{
	return r.start + (r.end - r.start) / 2;
}

static int by_snapshot(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (middle(x->time_ns) != middle(y->time_ns))
		return middle(x->time_ns) < middle(y->time_ns) ? -1 : 1;
	if (x->time_ns.start != y->time_ns.start)
		return x->time_ns.start < y->time_ns.start ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (int)y->data - (int)x->data;
}

/* Blocks and threads cut snapshots: equal ones become one. */
static void join_pieces(struct part *p)
{
	size_t i, k, n = 0;

	for (i = 0; i < p->records.nr; i++) {
		struct record *r = &p->records.v[i],
			      *to = n ? &p->records.v[n - 1] : NULL;

		if (!to || to->pid != r->pid || to->time_ns.start != r->time_ns.start ||
		    to->time_ns.end != r->time_ns.end) {
			p->records.v[n++] = *r;
			continue;
		}
		to->data |= r->data;
		to->bytes += r->bytes;
		for (k = 0; k < MH_NR_LEVELS; k++)
			to->at_least[k] += r->at_least[k];
	}
	p->records.nr = n;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int find_interval(struct mh_moments *m, const struct part *p)
{
	uint64_t *len = malloc((p->records.nr + 1) * sizeof(*len));
	size_t i, n = 0;

	if (!len)
		return -1;
	for (i = 0; i < p->records.nr; i++) {
		if (p->records.v[i].data)
			len[n++] = mh_range_len(p->records.v[i].time_ns);
	}
	m->nr_snapshots = n;
	if (n) {
		qsort(len, n, sizeof(*len), by_value);
		m->interval_ns = len[n / 2];
	}
	free(len);
	return 0;
}

static int add_gaps(struct part *p, const struct mh_session *s,
		    const struct mh_session_source *src)
{
	uint64_t from = p->scan.opts->not_before_ns;
	size_t i;

	for (i = 0; i < s->gaps.nr; i++) {
		const struct mh_gap *gap = &s->gaps.v[i];
		struct record *r;

		if (gap->source != src->id || gap->time_ns.start >= gap->time_ns.end ||
		    (gap->pid && !mh_session_has_pid(s, gap->pid)) ||
		    middle(gap->time_ns) < from ||
		    !mh_range_overlaps(gap->time_ns, s->window))
			continue;
		r = mh_vec_push(&p->records);
		if (!r)
			return -1;
		r->time_ns = gap->time_ns;
		r->pid = gap->pid;
	}
	return 0;
}

/* Add a record to the moment under way, or begin a new one. */
static int add_record(struct mh_moments *m, const struct record *r,
		      struct mh_numbering *seen, uint64_t *first)
{
	struct mh_moment *at = m->nr ? &m->v[m->nr - 1] : NULL;
	uint32_t number = (uint32_t)m->nr;
	unsigned i;

	if (!at || 2 * (middle(r->time_ns) - *first) >= m->interval_ns ||
	    mh_numbering_get(seen, r->pid) == number) {
		at = mh_vec_push(m);
		if (!at)
			return -1;
		number++;
		*first = middle(r->time_ns);
		at->bytes = MH_NO_DATA;
		at->time_ns = r->time_ns;
	}
	if (mh_numbering_set(seen, r->pid, number))
		return -1;
	if (!r->data)
		return 0;
	if (at->bytes == MH_NO_DATA) {
		at->bytes = 0;
		at->time_ns = r->time_ns;
	}
	at->bytes += r->bytes;
	for (i = 0; i < MH_NR_LEVELS; i++)
		at->at_least[i] += r->at_least[i];
	if (r->time_ns.start < at->time_ns.start)
		at->time_ns.start = r->time_ns.start;
	if (r->time_ns.end > at->time_ns.end)
		at->time_ns.end = r->time_ns.end;
	return 0;
}

/* A gap of one target while others have data is no moment without data. */
static void drop_covered_gaps(struct mh_moments *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->nr; i++) {
		const struct mh_moment *at = &m->v[i];
		const struct mh_moment *before = n ? &m->v[n - 1] : NULL;
		const struct mh_moment *after = i + 1 < m->nr ? at + 1 : NULL;
		uint64_t mid = middle(at->time_ns);

		if (at->bytes == MH_NO_DATA && ((before && before->bytes != MH_NO_DATA &&
						 mid < before->time_ns.end) ||
						(after && after->bytes != MH_NO_DATA &&
						 mid >= after->time_ns.start)))
			continue;
		m->v[n++] = *at;
	}
	m->nr = n;
}

int mh_moments_take(struct mh_moments *out, struct mh_analysis *a,
		    const struct mh_session *s, const struct mh_session_source *src,
		    struct mh_err *err)
{
	struct part *p = a->part;
	struct mh_numbering seen = { 0 };
	uint64_t first = 0;
	int failed;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->hits = p->hits;
	out->exact = p->exact;
	failed = find_interval(out, p) || add_gaps(p, s, src);
	if (p->records.nr)
		qsort(p->records.v, p->records.nr, sizeof(*p->records.v), by_snapshot);
	join_pieces(p);
	/* Every snapshot piece counted once above; the joined number is the right one. */
	for (i = 0, out->nr_snapshots = 0; i < p->records.nr; i++)
		out->nr_snapshots += p->records.v[i].data;
	for (i = 0; i < p->records.nr && !failed; i++)
		failed = add_record(out, &p->records.v[i], &seen, &first);
	drop_covered_gaps(out);
	mh_numbering_fini(&seen);
	part_free(p);
	a->part = NULL;
	if (!failed)
		return MH_OK;
	mh_moments_fini(out);
	return mh_fail(err, MH_ENOMEM, "no memory for the working set sizes");
}

int mh_moments_run(struct mh_moments *out, const struct mh_scan_opts *scan,
		   const struct mh_session_source *src, enum mh_event_kind kind,
		   struct mh_session *s, struct mh_err *err)
{
	struct mh_analysis a = { 0 };
	struct mh_filter f;
	int ret;

	mh_moments_analysis(&a, scan);
	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	return ret ? ret : mh_moments_take(out, &a, s, src, err);
}

void mh_moments_fini(struct mh_moments *m)
{
	free(m->v);
	memset(m, 0, sizeof(*m));
}

size_t mh_moments_nearest(const struct mh_moments *m, uint64_t time_ns)
{
	size_t lo = 0, hi = m->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (middle(m->v[mid].time_ns) <= time_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == m->nr)
		return m->nr - 1;
	if (lo &&
	    time_ns - middle(m->v[lo - 1].time_ns) <= middle(m->v[lo].time_ns) - time_ns)
		return lo - 1;
	return lo;
}

int mh_moments_skip(struct mh_scan_opts *scan, const struct mh_session_source *src,
		    enum mh_event_kind kind, struct mh_session *s, struct mh_err *err)
{
	struct mh_moments m = { 0 };
	struct mh_analysis a;
	struct mh_filter f;
	int ret;

	scan->source = src->id;
	scan->aggr_ns = mh_session_meta_u64(s, src->id, "aggr_us") * 1000;
	if (!s->opts.skip || kind == MH_EV_SAMPLE)
		return MH_OK;
	mh_moments_analysis(&a, scan);
	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret)
		ret = mh_moments_take(&m, &a, s, src, err);
	if (ret)
		return ret;
	scan->nr_skipped = s->opts.skip < m.nr ? s->opts.skip : m.nr;
	/* Halfway between the last that is left out and the first that stays. */
	if (s->opts.skip >= m.nr)
		scan->not_before_ns = UINT64_MAX;
	else
		scan->not_before_ns = middle(
			(struct mh_range){ middle(m.v[s->opts.skip - 1].time_ns) + 1,
					   middle(m.v[s->opts.skip].time_ns) });
	mh_moments_fini(&m);
	return MH_OK;
}
