/* SPDX-License-Identifier: MIT */
/*
 * An age is counted in milliseconds, as the kernel gives it, less one as everywhere else.
 * Pages of a generation are touched when they may have been within the interval: those of
 * the youngest one, and of each that the next one followed within it.
 */
#include "source/mglru/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define NS_PER_MS 1000000u
#define GROWTH    (UINT64_C(2) << 20) /* mappings are multiples of it */

void mh_lru_lists_begin(struct lru_lists *l, const struct round *r, uint64_t start_ns)
{
	size_t i;

	l->round = r;
	l->start_ns = start_ns;
	l->bytes = l->young_bytes = 0;
	for (i = 0; i < l->lists.nr; i++)
		l->lists.v[i].met = false;
}

static uint64_t base_of(const struct lru_lists *l, const struct lru_list *list)
{
	return LRU_LIST_BASE + ((uint64_t)(list - l->lists.v) << LRU_LIST_SHIFT);
}

/* A group that was removed may live on with its pages, beside a new one of its name. */
static struct lru_list *find_list(struct lru_lists *l, const struct lru_node *n,
				  enum lru_type type)
{
	struct lru_list *list;
	size_t i;

	for (i = 0; i < l->lists.nr; i++) {
		list = &l->lists.v[i];
		if (list->memcg == n->memcg && list->node == n->node &&
		    list->type == type && !strcmp(list->path, n->path))
			return list;
	}
	if (l->lists.nr == LRU_LISTS_MAX)
		return NULL;
	list = mh_vec_push(&l->lists);
	if (!list)
		return NULL;
	*list = (struct lru_list){
		.memcg = n->memcg, .path = strdup(n->path), .node = n->node, .type = type
	};
	if (!list->path)
		l->lists.nr--;
	return list->path ? list : NULL;
}

static int tell_map(const struct lru_lists *l, const struct lru_list *list,
		    enum mh_map_op op, uint64_t bytes, struct mh_err *err)
{
	struct mh_event ev = mh_round_event(l->round, MH_EV_MAP);
	size_t size = strlen(list->path) + 32;
	char *name = malloc(size);
	int status;

	if (!name)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	snprintf(name, size, "[lru:%s:node%u:%s]", list->path, list->node,
		 list->type == LRU_ANON ? "anon" : "file");
	/* As of the interval that it is in. */
	ev.time_ns = l->start_ns;
	ev.map.op = (uint8_t)op;
	ev.map.start = base_of(l, list);
	ev.map.end = ev.map.start + bytes;
	ev.map.path = name;
	status = mh_round_send(l->round, &ev, err);
	free(name);
	return status;
}

static int grow(const struct lru_lists *l, struct lru_list *list, uint64_t bytes,
		struct mh_err *err)
{
	int status = MH_OK;

	if (bytes <= list->mapped)
		return MH_OK;
	if (list->mapped)
		status = tell_map(l, list, MH_MAP_REMOVE, list->mapped, err);
	list->mapped = (bytes + GROWTH - 1) / GROWTH * GROWTH;
	return status ? status : tell_map(l, list, MH_MAP_ADD, list->mapped, err);
}

static int tell_gen(struct lru_lists *l, uint64_t start, uint64_t bytes, uint64_t idle_ms,
		    struct mh_err *err)
{
	struct mh_event ev = mh_round_event(l->round, MH_EV_REGION);
	bool young = idle_ms * NS_PER_MS <= l->round->time_ns - l->start_ns;

	l->bytes += bytes;
	l->young_bytes += young ? bytes : 0;
	ev.region.start_ns = l->start_ns;
	ev.region.start = start;
	ev.region.end = start + bytes;
	ev.region.nr_accesses = young;
	ev.region.max_accesses = 1;
	ev.region.age = !idle_ms                    ? 0
			: idle_ms <= UINT32_MAX - 1 ? (uint32_t)idle_ms - 1
						    : UINT32_MAX - 1;
	return mh_round_send(l->round, &ev, err);
}

static int tell_list(struct lru_lists *l, const struct lru_node *n, enum lru_type type,
		     uint64_t bytes, struct mh_err *err)
{
	struct lru_list *list = find_list(l, n, type);
	uint64_t at;
	size_t i = n->nr;
	int status;

	if (!list)
		return mh_fail(err, MH_ENOMEM, "no memory for another control group");
	list->met = true;
	at = base_of(l, list);
	status = grow(l, list, bytes, err);
	while (!status && i--) {
		uint64_t size = n->gens[i].pages[type] << l->page_shift;

		if (size)
			status = tell_gen(l, at, size, mh_lru_idle_ms(n, i), err);
		at += size;
	}
	return status;
}

int mh_lru_lists_tell(struct lru_lists *l, const struct lru_node *n, struct mh_err *err)
{
	int status = MH_OK, type;
	uint64_t bytes;
	size_t i;

	for (type = LRU_ANON; !status && type <= LRU_FILE; type++) {
		for (bytes = i = 0; i < n->nr; i++)
			bytes += n->gens[i].pages[type] << l->page_shift;
		if (bytes >= 1ull << LRU_LIST_SHIFT)
			return mh_fail(err, MH_EFORMAT,
				       "lru_gen of debugfs gives %s more memory than "
				       "there can be",
				       n->path);
		if (bytes)
			status = tell_list(l, n, (enum lru_type)type, bytes, err);
	}
	return status;
}

int mh_lru_lists_end(struct lru_lists *l, struct mh_err *err)
{
	int status = MH_OK;
	size_t i;

	for (i = 0; !status && i < l->lists.nr; i++) {
		struct lru_list *list = &l->lists.v[i];

		if (list->met || !list->mapped)
			continue;
		status = tell_map(l, list, MH_MAP_REMOVE, list->mapped, err);
		list->mapped = 0;
	}
	return status;
}

void mh_lru_lists_fini(struct lru_lists *l)
{
	size_t i;

	for (i = 0; i < l->lists.nr; i++)
		free(l->lists.v[i].path);
	free(l->lists.v);
}
