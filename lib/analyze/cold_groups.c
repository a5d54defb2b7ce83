/* SPDX-License-Identifier: MIT */
/*
 * Each byte is of one group of every kind, so that groups add up: what the trace does not
 * tell of is the group "unknown". The lists of mglru say type and node in their names.
 */
#include "analyze/cold_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static const char *const kinds_of_groups[] = { "type", "node", "mapping" };

static uint32_t find_group(struct mh_cold_groups *g, const char *by, const char *name)
{
	struct mh_cold_group *found;
	uint32_t i;

	for (i = 0; i < g->groups.nr; i++)
		if (g->groups.v[i].by == by && !strcmp(g->groups.v[i].name, name))
			return i + 1;
	found = mh_vec_push(&g->groups);
	if (!found)
		return 0;
	memset(found, 0, sizeof(*found));
	found->by = by;
	snprintf(found->name, sizeof(found->name), "%s", name);
	found->buckets = calloc(g->nr_buckets, sizeof(*found->buckets));
	return found->buckets ? (uint32_t)g->groups.nr : 0;
}

static int add(struct mh_cold_groups *g, uint32_t *group, const char *by,
	       const char *name, size_t bucket, uint64_t bytes)
{
	if (!*group)
		*group = find_group(g, by, name);
	if (!*group)
		return -1;
	g->groups.v[*group - 1].buckets[bucket] += bytes;
	g->groups.v[*group - 1].bytes += bytes;
	return 0;
}

static int add_kind(struct mh_cold_groups *g, struct mh_page_kind kind, size_t bucket,
		    uint64_t bytes)
{
	static const char *const types[] = { "unknown", "anon", "file" };
	uint32_t node = kind.node ? kind.node : g->only_node;
	char name[16] = "unknown";

	if (node)
		snprintf(name, sizeof(name), "%u", node - 1);
	return add(g, &g->of_type[kind.type], kinds_of_groups[0], types[kind.type],
		   bucket, bytes) ||
	       add(g, &g->of_node[node], kinds_of_groups[1], name, bucket, bytes);
}

/* "[lru:PATH:node0:anon]" */
static bool kind_of_list(struct mh_page_kind *kind, const struct mh_mapping *m)
{
	const char *at = m ? m->path : "", *type;
	unsigned node;
	int len = 0;

	if (strncmp(at, "[lru:", 5) != 0)
		return false;
	type = strrchr(at, ':');
	for (at = type; at[-1] != ':'; at--)
		if (at[-1] == '[')
			return false;
	if (sscanf(at, "node%u:%n", &node, &len) != 1 || at + len != type + 1 ||
	    node >= MH_NR_PAGE_NODES)
		return false;
	kind->node = (uint8_t)(node + 1);
	kind->type = strcmp(type, ":anon]") == 0 ? MH_PAGE_ANON : MH_PAGE_FILE;
	return true;
}

static int count_mapping(struct mh_cold_groups *g, size_t i, uint64_t bytes,
			 size_t bucket)
{
	const struct mh_mapping *m = g->places.v[i].mapping;
	char name[96] = "unknown";

	if (m && !g->of_place[i])
		mh_mapping_name(m, name, sizeof(name));
	return add(g, &g->of_place[i], kinds_of_groups[2], name, bucket, bytes);
}

static int count_kinds(struct mh_cold_groups *g, uint64_t key, struct mh_range addr,
		       uint32_t weight, size_t bucket)
{
	struct mh_page_kind kind;
	uint64_t end;

	for (; addr.start < addr.end; addr.start = end) {
		kind = mh_page_kinds_at(&g->kinds, key, addr.start, &end);
		if (end > addr.end || end <= addr.start)
			end = addr.end;
		if (add_kind(g, kind, bucket, (end - addr.start) * weight))
			return -1;
	}
	return 0;
}

static bool has_kinds(const struct mh_cold_groups *g)
{
	return g->kinds.any || g->kinds.nodes;
}

/* A piece within one mapping, or in none (@i past the last). */
static int count_piece(struct mh_cold_groups *g, size_t i, uint64_t key,
		       struct mh_range addr, uint32_t weight, size_t bucket)
{
	bool mapped = i < g->places.nr;
	uint64_t bytes = mh_range_len(addr) * weight;
	struct mh_page_kind kind;

	if (!bytes)
		return 0;
	if (mapped ? count_mapping(g, i, bytes, bucket)
		   : add(g, &g->unmapped, kinds_of_groups[2], "unknown", bucket, bytes))
		return -1;
	if (mapped && kind_of_list(&kind, g->places.v[i].mapping))
		return add_kind(g, kind, bucket, bytes);
	return has_kinds(g) ? count_kinds(g, key, addr, weight, bucket) : 0;
}

int mh_cold_groups_count(struct mh_cold_groups *g, uint64_t key, struct mh_range addr,
			 uint64_t bytes, uint32_t weight, size_t bucket)
{
	const struct mh_places *p = &g->places;
	size_t i = mh_places_find(p, key, addr.start);
	uint64_t at = addr.start;

	/* Where only a count is known, rows are mappings. */
	if (bytes < mh_range_len(addr))
		addr.end = addr.start + bytes;
	for (; i < p->nr && p->v[i].key == key && p->v[i].addr.start < addr.end; i++) {
		struct mh_range piece = { p->v[i].addr.start, p->v[i].addr.end };

		if (piece.start < at)
			piece.start = at;
		if (piece.end > addr.end)
			piece.end = addr.end;
		if (count_piece(g, p->nr, key, (struct mh_range){ at, piece.start },
				weight, bucket) ||
		    count_piece(g, i, key, piece, weight, bucket))
			return -1;
		at = piece.end;
	}
	return count_piece(g, p->nr, key, (struct mh_range){ at, addr.end }, weight,
			   bucket);
}

static int kind_index(const struct mh_cold_group *g)
{
	int i = 0;

	while (kinds_of_groups[i] != g->by)
		i++;
	return i;
}

static int by_size(const void *a, const void *b)
{
	const struct mh_cold_group *x = a, *y = b;

	if (x->by != y->by)
		return kind_index(x) - kind_index(y);
	if (!strcmp(x->by, "node"))
		return strlen(x->name) != strlen(y->name)
			       ? (int)strlen(x->name) - (int)strlen(y->name)
			       : strcmp(x->name, y->name);
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

void mh_cold_groups_take(struct mh_cold_groups *g, struct mh_cold *out)
{
	if (g->groups.nr)
		qsort(g->groups.v, g->groups.nr, sizeof(*g->groups.v), by_size);
	out->groups = g->groups.v;
	out->nr_groups = g->groups.nr;
	g->groups.v = NULL;
	g->groups.nr = 0;
}

int mh_cold_groups_init(struct mh_cold_groups *g, struct mh_session *s,
			const struct mh_session_source *src, struct mh_err *err)
{
	const char *nodes = mh_session_meta(s, src->id, "nodes");
	char *end;
	int ret = mh_places_of_maps(&g->places, s, err);

	if (!ret)
		ret = mh_page_kinds_read(&g->kinds, s, src, err);
	if (ret)
		return ret;
	if (nodes && *nodes && !strchr(nodes, ',')) {
		unsigned long node = strtoul(nodes, &end, 10);

		if (!*end && node < MH_NR_PAGE_NODES) {
			g->only_node = (uint32_t)node + 1;
			g->kinds.nodes = true;
		}
	}
	g->of_place = calloc(g->places.nr + 1, sizeof(*g->of_place));
	return g->of_place ? MH_OK
			   : mh_fail(err, MH_ENOMEM, "no memory for the cold bytes");
}

void mh_cold_groups_fini(struct mh_cold_groups *g)
{
	size_t i;

	for (i = 0; i < g->groups.nr; i++)
		free(g->groups.v[i].buckets);
	free(g->groups.v);
	free(g->of_place);
	mh_places_fini(&g->places);
	mh_page_kinds_fini(&g->kinds);
}
