/* SPDX-License-Identifier: MIT */
/*
 * A list of segments per address space, each with the time it was last accessed. A
 * snapshot makes the next list from the last one: rows and old segments both ascend, so
 * it is one merge. What a snapshot does not cover is forgotten; what it covers for the
 * first time counts as accessed when the snapshot began, since nothing older is known.
 */
#include "analyze/ages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct segment {
	struct mh_range addr;
	uint64_t last_ns;
};

struct segments {
	struct segment *v;
	size_t nr, cap;
};

struct space {
	uint64_t key, first_ns;
	struct segments now, next;
	size_t at; /* in now: segments before it end below the row under way */
};

struct part {
	const struct mh_scan_opts *opts;
	const struct mh_moments *moments;
	struct mh_age *ages;
	size_t nr_ages;
	struct mh_scan scan;
	struct mh_snap snap;
	struct {
		struct space *v;
		size_t nr, cap;
	} spaces;
	size_t open;      /* index + 1 of the space of the snapshot under way */
	uint64_t *cold;   /* [age * nr_moments + moment]; MH_NO_DATA */
	double *promoted; /* per age: bytes */
	bool counts;      /* a row said how many bytes, not which */
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
	free(p->cold);
	free(p->promoted);
	free(p);
}

static void *part_new(const void *arg)
{
	const struct part *from = arg;
	struct part *p = calloc(1, sizeof(*p));
	size_t i, n = from->nr_ages * from->moments->nr;

	if (!p)
		return NULL;
	*p = *from;
	mh_scan_init(&p->scan, p->opts);
	p->cold = malloc((n + 1) * sizeof(*p->cold));
	p->promoted = calloc(p->nr_ages + 1, sizeof(*p->promoted));
	if (!p->cold || !p->promoted) {
		part_free(p);
		return NULL;
	}
	for (i = 0; i < n; i++)
		p->cold[i] = MH_NO_DATA;
	return p;
}

static int append(struct segments *to, struct mh_range addr, uint64_t last_ns)
{
	struct segment *last = to->nr ? &to->v[to->nr - 1] : NULL;

	if (addr.start >= addr.end)
		return 0;
	if (last && last->last_ns == last_ns && last->addr.end == addr.start) {
		last->addr.end = addr.end;
		return 0;
	}
	last = mh_vec_push(to);
	if (!last)
		return -1;
	*last = (struct segment){ addr, last_ns };
	return 0;
}

static void add_cold(struct part *p, const struct space *s, size_t age, uint64_t bytes)
{
	uint64_t middle = p->snap.time_ns.start + mh_range_len(p->snap.time_ns) / 2;
	uint64_t *to;

	if (!p->moments->nr || p->snap.time_ns.end - s->first_ns < p->ages[age].age_ns)
		return;
	to = &p->cold[age * p->moments->nr + mh_moments_nearest(p->moments, middle)];
	*to = (*to == MH_NO_DATA ? 0 : *to) + bytes;
}

/* The snapshot is over: its list becomes the current one. */
static void close_snapshot(struct part *p)
{
	struct segments old;
	struct space *s;
	size_t i, j;

	if (!p->open)
		return;
	s = &p->spaces.v[p->open - 1];
	for (i = 0; i < p->nr_ages; i++) {
		uint64_t bytes = 0;

		for (j = 0; j < s->next.nr; j++)
			if (p->snap.time_ns.end - s->next.v[j].last_ns >=
			    p->ages[i].age_ns)
				bytes += mh_range_len(s->next.v[j].addr);
		add_cold(p, s, i, bytes);
	}
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

static void promote(struct part *p, const struct segment *seg, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < p->nr_ages; i++)
		if (p->snap.time_ns.start > seg->last_ns &&
		    p->snap.time_ns.start - seg->last_ns >= p->ages[i].age_ns)
			p->promoted[i] += (double)bytes;
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
		if (row->touched) {
			promote(p, &s->now.v[i], mh_range_len(r));
			continue;
		}
		if (append(&s->next, (struct mh_range){ done, r.start },
			   snap->time_ns.start) ||
		    append(&s->next, r, s->now.v[i].last_ns))
			return -1;
		done = r.end;
	}
	if (row->touched)
		return append(&s->next, row->addr, snap->time_ns.end);
	return append(&s->next, (struct mh_range){ done, row->addr.end },
		      snap->time_ns.start);
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct part *p = part;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* MH_NO_DATA is the largest value: it sorts to the end. */
static uint64_t median_of(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	while (n && v[n - 1] == MH_NO_DATA)
		n--;
	return n ? v[n / 2] : MH_NO_DATA;
}

static void take(struct part *p, struct mh_age *ages)
{
	const struct mh_moments *m = p->moments;
	uint64_t span = m->nr ? m->v[m->nr - 1].time_ns.end - m->v[0].time_ns.start : 0;
	size_t i;

	close_snapshot(p);
	for (i = 0; i < p->nr_ages; i++) {
		uint64_t age = ages[i].age_ns;

		ages[i].cold = m->nr ? median_of(p->cold + i * m->nr, m->nr) : MH_NO_DATA;
		ages[i].promoted =
			span > age ? p->promoted[i] / ((double)(span - age) * 1e-9) : NAN;
	}
}

int mh_ages_run(struct mh_age *ages, size_t nr, struct mh_session *s,
		const struct mh_session_source *src, enum mh_event_kind kind,
		const struct mh_scan_opts *scan, const struct mh_moments *moments,
		struct mh_err *err)
{
	struct part shared = {
		.opts = scan, .moments = moments, .ages = ages, .nr_ages = nr
	};
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .part_free = part_free };
	struct mh_filter f;
	int ret;

	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (ret)
		return ret;
	if (((struct part *)a.part)->counts)
		ret = mh_fail(err, MH_ENOSUP,
			      "%s tells how many bytes of a mapping were touched, not "
			      "which: cold.AGE and promo.AGE need damon or idle",
			      src->name);
	else
		take(a.part, ages);
	part_free(a.part);
	return ret;
}
