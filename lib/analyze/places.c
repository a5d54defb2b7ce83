/* SPDX-License-Identifier: MIT */
#include "analyze/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

int mh_places_same_object(const struct mh_place *a, const struct mh_place *b)
{
	const struct mh_mapping *x = a->mapping, *y = b->mapping;

	if (a->key != b->key || !x != !y)
		return 0;
	if (!x)
		return 1;
	/* Paths are kept once: equal strings have one address. */
	if (x->path != y->path)
		return 0;
	return *x->path == '/' || (x->prot == y->prot && x->shared == y->shared);
}

static int is_piece_of(const struct mh_place *a, const struct mh_place *b)
{
	return mh_places_same_object(a, b) && a->mapping->prot == b->mapping->prot &&
	       a->addr.end == b->addr.start;
}

/* ---- the union of a space's mappings ---- */

struct order {
	const struct mh_mapping *m;
	struct mh_range addr; /* of it, or the part that --at asks for */
	uint64_t life_ns;
};

/* Elementary ranges between all bounds; each gets the mapping that was there longest. */
struct paint {
	uint64_t *bounds;
	const struct mh_mapping **owner;
	size_t *next; /* a range at or after this one that has no owner, with shortcuts */
	struct {
		struct order *v;
		size_t nr, cap;
	} order;
	size_t nr_bounds;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_life(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->life_ns != y->life_ns)
		return x->life_ns > y->life_ns ? -1 : 1;
	if (x->m != y->m)
		return x->m < y->m ? -1 : 1;
	return x->addr.start < y->addr.start ? -1 : x->addr.start > y->addr.start;
}

static size_t unowned(struct paint *p, size_t i)
{
	while (p->next[i] != i) {
		p->next[i] = p->next[p->next[i]];
		i = p->next[i];
	}
	return i;
}

static size_t bound_of(const struct paint *p, uint64_t addr)
{
	const uint64_t *at =
		bsearch(&addr, p->bounds, p->nr_bounds, sizeof(addr), by_value);

	mh_assert(at);
	return (size_t)(at - p->bounds);
}

static void paint_fini(struct paint *p)
{
	free(p->bounds);
	free(p->owner);
	free(p->next);
	free(p->order.v);
}

static int add_order(struct paint *p, const struct mh_session *s,
		     const struct mh_mapping *m, struct mh_range addr)
{
	uint64_t end_ns = mh_reader_info(s->reader)->time_ns.end;
	struct order *o = mh_vec_push(&p->order);

	if (!o)
		return -1;
	o->m = m;
	o->addr = addr;
	o->life_ns =
		(m->time_ns.end < end_ns ? m->time_ns.end : end_ns) - m->time_ns.start;
	return 0;
}

/* The mapping, or those parts of it that --at asks for. */
static int add_parts(struct paint *p, const struct mh_session *s,
		     const struct mh_mapping *m)
{
	size_t i;

	if (!s->opts.at || mh_at_names(m, s->opts.at))
		return add_order(p, s, m, m->addr);
	for (i = mh_at_index(&s->at, m->space, m->addr.start);
	     i < s->at.nr && s->at.v[i].key == m->space &&
	     s->at.v[i].addr.start < m->addr.end;
	     i++) {
		struct mh_range r = s->at.v[i].addr;

		r.start = r.start < m->addr.start ? m->addr.start : r.start;
		r.end = r.end > m->addr.end ? m->addr.end : r.end;
		if (add_order(p, s, m, r))
			return -1;
	}
	return 0;
}

static int paint_init(struct paint *p, const struct mh_session *s,
		      const struct mh_mapping *m, size_t nr)
{
	size_t i, n = 0;

	for (i = 0; i < nr; i++) {
		if (add_parts(p, s, &m[i]))
			return -1;
	}
	nr = p->order.nr;
	p->bounds = malloc((2 * nr + 1) * sizeof(*p->bounds));
	p->owner = calloc(2 * nr + 1, sizeof(*p->owner));
	p->next = malloc((2 * nr + 1) * sizeof(*p->next));
	if (!p->bounds || !p->owner || !p->next)
		return -1;
	for (i = 0; i < nr; i++) {
		p->bounds[n++] = p->order.v[i].addr.start;
		p->bounds[n++] = p->order.v[i].addr.end;
	}
	qsort(p->bounds, n, sizeof(*p->bounds), by_value);
	for (i = 0; i < n; i++) {
		if (!p->nr_bounds || p->bounds[p->nr_bounds - 1] != p->bounds[i])
			p->bounds[p->nr_bounds++] = p->bounds[i];
	}
	for (i = 0; i <= p->nr_bounds; i++)
		p->next[i] = i;
	if (nr)
		qsort(p->order.v, nr, sizeof(*p->order.v), by_life);
	return 0;
}

static void paint_all(struct paint *p)
{
	size_t i, k;

	for (i = 0; i < p->order.nr; i++) {
		const struct order *o = &p->order.v[i];
		size_t end = bound_of(p, o->addr.end);

		for (k = unowned(p, bound_of(p, o->addr.start)); k < end;
		     k = unowned(p, k)) {
			p->owner[k] = o->m;
			p->next[k] = k + 1;
		}
	}
}

static int add_place(struct mh_places *out, const struct mh_session *s,
		     struct mh_place place)
{
	const struct mh_range *only = &s->opts.filter.addr;
	struct mh_place *p;

	if (only->end && place.addr.start < only->start)
		place.addr.start = only->start;
	if (only->end && place.addr.end > only->end)
		place.addr.end = only->end;
	if (place.addr.start >= place.addr.end)
		return 0;
	if (out->nr && is_piece_of(&out->v[out->nr - 1], &place)) {
		out->v[out->nr - 1].addr.end = place.addr.end;
		return 0;
	}
	p = mh_vec_push(out);
	if (!p)
		return -1;
	*p = place;
	return 0;
}

static int add_space(struct mh_places *out, const struct mh_session *s, size_t space)
{
	struct paint p = { 0 };
	size_t nr, i;
	const struct mh_mapping *m = mh_maps_of(s->maps, space, &nr);
	int failed = nr ? paint_init(&p, s, m, nr) : 0;

	if (!failed && nr)
		paint_all(&p);
	for (i = 0; i + 1 < p.nr_bounds && !failed; i++) {
		if (p.owner[i])
			failed = add_place(out, s,
					   (struct mh_place){ .key = space,
							      .addr = { p.bounds[i],
									p.bounds[i + 1] },
							      .mapping = p.owner[i] });
	}
	paint_fini(&p);
	return failed;
}

int mh_places_of_maps(struct mh_places *out, const struct mh_session *s,
		      struct mh_err *err)
{
	size_t i;

	for (i = 0; i < mh_maps_nr_spaces(s->maps); i++) {
		if (mh_session_has_pid(s, mh_maps_space(s->maps, i)->pid) &&
		    add_space(out, s, i))
			return mh_fail(err, MH_ENOMEM, "no memory for mappings");
	}
	return MH_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct mh_place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->addr.start < y->addr.start ? -1 : x->addr.start > y->addr.start;
}

void mh_places_sort(struct mh_places *p)
{
	if (p->nr)
		qsort(p->v, p->nr, sizeof(*p->v), by_place);
}

void mh_places_fini(struct mh_places *p)
{
	free(p->v);
	memset(p, 0, sizeof(*p));
}

size_t mh_places_find(const struct mh_places *p, uint64_t key, uint64_t addr)
{
	size_t lo = 0, hi = p->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mh_place *at = &p->v[mid];

		if (at->key < key || (at->key == key && at->addr.end <= addr))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
