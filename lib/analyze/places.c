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

static int add_space(struct mh_places *out, const struct mh_session *s, size_t space)
{
	const struct mh_range *only = &s->opts.filter.addr;
	uint64_t covered = 0;
	size_t nr, i;
	const struct mh_mapping *m = mh_maps_of(s->maps, space, &nr);

	for (i = 0; i < nr; i++) {
		struct mh_place place = { .key = space,
					  .addr = m[i].addr,
					  .mapping = &m[i] };
		struct mh_place *p;

		if (place.addr.start < covered)
			place.addr.start = covered;
		if (only->end && place.addr.start < only->start)
			place.addr.start = only->start;
		if (only->end && place.addr.end > only->end)
			place.addr.end = only->end;
		if (place.addr.start >= place.addr.end || !name_has(&m[i], s->opts.at))
			continue;
		covered = place.addr.end;
		if (out->nr && is_piece_of(&out->v[out->nr - 1], &place)) {
			out->v[out->nr - 1].addr.end = place.addr.end;
			continue;
		}
		p = mh_vec_push(out);
		if (!p)
			return -1;
		*p = place;
	}
	return 0;
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
