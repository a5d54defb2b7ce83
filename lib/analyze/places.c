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

static int name_has(const struct mh_mapping *m, const char *at)
{
	char name[256];

	if (!at)
		return 1;
	mh_mapping_name(m, name, sizeof(name));
	return strstr(name, at) || strstr(m->path, at);
}

/* ---- the union of a space's mappings ---- */

struct order {
	const struct mh_mapping *m;
	uint64_t life_ns;
};

/* Elementary ranges between all bounds; each gets the mapping that was there longest. */
struct paint {
	uint64_t *bounds;
	const struct mh_mapping **owner;
	size_t *next; /* a range at or after this one that has no owner, with shortcuts */
	struct order *order;
	size_t nr_bounds, nr;
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
	return x->m < y->m ? -1 : x->m > y->m;
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
	const uint64_t *at = bsearch(&addr, p->bounds, p->nr_bounds, sizeof(addr),
				     by_value);

	mh_assert(at);
	return (size_t)(at - p->bounds);
}

static void paint_fini(struct paint *p)
{
	free(p->bounds);
	free(p->owner);
	free(p->next);
	free(p->order);
}

static int paint_init(struct paint *p, const struct mh_session *s,
		      const struct mh_mapping *m, size_t nr)
{
	uint64_t end_ns = mh_reader_info(s->reader)->time_ns.end;
	size_t i, n = 0;

	p->bounds = malloc((2 * nr + 1) * sizeof(*p->bounds));
	p->owner = calloc(2 * nr + 1, sizeof(*p->owner));
	p->next = malloc((2 * nr + 1) * sizeof(*p->next));
	p->order = malloc((nr + 1) * sizeof(*p->order));
	if (!p->bounds || !p->owner || !p->next || !p->order)
		return -1;
	for (i = 0; i < nr; i++) {
		const struct mh_range *t = &m[i].time_ns;

		if (!name_has(&m[i], s->opts.at))
			continue;
		p->order[p->nr].m = &m[i];
		p->order[p->nr++].life_ns =
			(t->end < end_ns ? t->end : end_ns) - t->start;
		p->bounds[n++] = m[i].addr.start;
		p->bounds[n++] = m[i].addr.end;
	}
	qsort(p->bounds, n, sizeof(*p->bounds), by_value);
	for (i = 0; i < n; i++) {
		if (!p->nr_bounds || p->bounds[p->nr_bounds - 1] != p->bounds[i])
			p->bounds[p->nr_bounds++] = p->bounds[i];
	}
	for (i = 0; i <= p->nr_bounds; i++)
		p->next[i] = i;
	qsort(p->order, p->nr, sizeof(*p->order), by_life);
	return 0;
}

static void paint_all(struct paint *p)
{
	size_t i, k;

	for (i = 0; i < p->nr; i++) {
		const struct mh_mapping *m = p->order[i].m;
		size_t end = bound_of(p, m->addr.end);

		for (k = unowned(p, bound_of(p, m->addr.start)); k < end;
		     k = unowned(p, k)) {
			p->owner[k] = m;
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
					   (struct mh_place){
						   .key = space,
						   .addr = { p.bounds[i], p.bounds[i + 1] },
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
