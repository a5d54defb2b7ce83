/* SPDX-License-Identifier: MIT */
/*
 * What --at names. Mappings are asked first, since that costs nothing; only if none has
 * the name are files opened for a variable, and the heap log read for a function whose
 * blocks it may be. Of blocks every place counts where one ever was.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/blocks.h"
#include "base/vec.h"

bool mh_at_names(const struct mh_mapping *m, const char *at)
{
	char name[256];

	mh_mapping_name(m, name, sizeof(name));
	return strstr(name, at) || strstr(m->path, at);
}

static bool any_mapping(const struct mh_session *s)
{
	size_t i, j, nr;

	for (i = 0; i < mh_maps_nr_spaces(s->maps); i++) {
		const struct mh_mapping *m = mh_maps_of(s->maps, i, &nr);

		for (j = 0; j < nr; j++) {
			if (mh_at_names(&m[j], s->opts.at))
				return true;
		}
	}
	return false;
}

static int add(struct mh_at *at, uint64_t key, struct mh_range addr)
{
	struct mh_at_range *r = mh_vec_push(at);

	if (!r)
		return -1;
	r->key = key;
	r->addr = addr;
	return 0;
}

static int add_variable(void *arg, size_t space, struct mh_range addr)
{
	return add(arg, space, addr) ? MH_ENOMEM : MH_OK;
}

/* "insert" finds "insert" and "insert(int)". */
static bool is_function(const char *function, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(function, name, len) && (!function[len] || function[len] == '(');
}

static int add_blocks(struct mh_session *s, struct mh_err *err)
{
	struct mh_blocks b = { 0 };
	size_t i;
	int ret = mh_blocks_read(&b, s, NULL, err);

	for (i = 0; !ret && i < b.blocks.nr; i++) {
		const struct mh_block *block = &b.blocks.v[i];

		if (block->site == MH_NO_SITE ||
		    !is_function(b.sites.v[block->site].function, s->opts.at))
			continue;
		if (add(&s->at, block->key, block->addr))
			ret = mh_fail(err, MH_ENOMEM, "no memory for --at");
	}
	mh_blocks_fini(&b);
	return ret;
}

static int by_place(const void *a, const void *b)
{
	const struct mh_at_range *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->addr.start < y->addr.start ? -1 : x->addr.start > y->addr.start;
}

/* Blocks lie where others were before: make them disjoint. */
static void join(struct mh_at *at)
{
	size_t i, n = 0;

	if (at->nr)
		qsort(at->v, at->nr, sizeof(*at->v), by_place);
	for (i = 0; i < at->nr; i++) {
		struct mh_at_range *last = n ? &at->v[n - 1] : NULL;

		if (last && last->key == at->v[i].key &&
		    at->v[i].addr.start <= last->addr.end) {
			if (at->v[i].addr.end > last->addr.end)
				last->addr.end = at->v[i].addr.end;
		} else {
			at->v[n++] = at->v[i];
		}
	}
	at->nr = n;
}

int mh_at_find(struct mh_session *s, struct mh_err *err)
{
	struct mh_symtab *st = NULL;
	int ret;

	s->at.mappings = any_mapping(s);
	if (s->at.mappings)
		return MH_OK;
	ret = mh_symtab_new(&st, s->maps, NULL, err);
	if (!ret)
		ret = mh_symtab_find(st, s->opts.at, add_variable, &s->at, err);
	mh_symtab_free(st);
	if (!ret)
		ret = add_blocks(s, err);
	join(&s->at);
	return ret;
}

size_t mh_at_index(const struct mh_at *at, uint64_t key, uint64_t addr)
{
	size_t lo = 0, hi = at->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mh_at_range *r = &at->v[mid];

		if (r->key < key || (r->key == key && r->addr.end <= addr))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int mh_session_at_known(const struct mh_session *s)
{
	return !s->opts.at || s->at.mappings || s->at.nr;
}

int mh_session_is_at(const struct mh_session *s, uint32_t pid, uint64_t time_ns,
		     uint64_t addr)
{
	struct mh_keys keys = { .maps = s->maps };
	uint64_t key = mh_keys_of(&keys, pid, time_ns);
	size_t i = mh_at_index(&s->at, key, addr);

	return i < s->at.nr && s->at.v[i].key == key && s->at.v[i].addr.start <= addr;
}
