/* SPDX-License-Identifier: MIT */
/*
 * From /proc/zoneinfo, which every kernel has: each zone's first frame and how many it
 * spans. Zones of two nodes may interleave on some machines: a frame that lies in zones
 * of different nodes belongs to none here.
 */
#include "source/idle/nodes.h"

#include "base/vec.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct idle_zone {
	struct mh_range pfns;
	uint32_t node; /* index; MH_NODE_NONE: of several nodes */
};

static uint32_t node_index(struct idle_nodes *n, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < n->nr_nodes; i++)
		if (n->nodes[i].id == id)
			return i;
	if (n->nr_nodes == IDLE_NODES_MAX)
		return MH_NODE_NONE;
	n->nodes[n->nr_nodes].id = id;
	return (uint32_t)n->nr_nodes++;
}

static int add_zone(struct idle_nodes *n, uint32_t id, struct mh_range pfns,
		    struct mh_err *err)
{
	struct idle_zone *zone = mh_vec_push(&n->zones);

	if (!zone)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*zone = (struct idle_zone){ pfns, node_index(n, id) };
	return MH_OK;
}

/* A part that zones of two nodes claim goes before both, as of none. */
static int mark_overlaps(struct idle_nodes *n, struct mh_err *err)
{
	size_t i, j, nr = n->zones.nr;

	for (i = 0; i < nr; i++) {
		for (j = i + 1; j < nr; j++) {
			struct idle_zone a = n->zones.v[i], b = n->zones.v[j], *both;

			if (a.node == b.node || !mh_range_overlaps(a.pfns, b.pfns))
				continue;
			both = mh_vec_push(&n->zones);
			if (!both)
				return mh_fail(err, MH_ENOMEM, "out of memory");
			both->pfns.start =
				a.pfns.start > b.pfns.start ? a.pfns.start : b.pfns.start;
			both->pfns.end =
				a.pfns.end < b.pfns.end ? a.pfns.end : b.pfns.end;
			both->node = MH_NODE_NONE;
		}
	}
	return MH_OK;
}

int mh_idle_nodes_init(struct idle_nodes *n, const char *sysroot, struct mh_err *err)
{
	char path[PATH_MAX], line[256];
	uint64_t spanned = 0, start;
	uint32_t id = 0;
	int status = MH_OK;
	FILE *in;

	*n = (struct idle_nodes){ 0 };
	snprintf(path, sizeof(path), "%s/proc/zoneinfo", sysroot);
	in = fopen(path, "re");
	while (in && !status && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "Node %" SCNu32 ", zone", &id) == 1)
			spanned = 0;
		else if (sscanf(line, " spanned %" SCNu64, &spanned) == 1)
			continue;
		else if (sscanf(line, " start_pfn: %" SCNu64, &start) == 1 && spanned)
			status = add_zone(
				n, id, (struct mh_range){ start, start + spanned }, err);
	}
	if (in)
		fclose(in);
	return status ? status : mark_overlaps(n, err);
}

void mh_idle_nodes_begin(struct idle_nodes *n)
{
	size_t i;

	for (i = 0; i < n->nr_nodes; i++)
		n->nodes[i].observed = n->nodes[i].accessed = 0;
}

static bool holds(const struct idle_zone *z, uint64_t pfn)
{
	return pfn >= z->pfns.start && pfn < z->pfns.end;
}

/* The last zone that holds it: overlaps stand at the end. */
static uint32_t index_of(const struct idle_nodes *n, uint64_t pfn)
{
	size_t i = n->zones.nr;

	while (i && !holds(&n->zones.v[i - 1], pfn))
		i--;
	return i ? n->zones.v[i - 1].node : MH_NODE_NONE;
}

uint32_t mh_idle_nodes_of(const struct idle_nodes *n, uint64_t pfn)
{
	uint32_t i = index_of(n, pfn);

	return i == MH_NODE_NONE ? i : n->nodes[i].id;
}

void mh_idle_nodes_count(struct idle_nodes *n, uint64_t pfn, uint64_t bytes,
			 uint64_t accessed)
{
	uint32_t node = n->nr_nodes > 1 ? index_of(n, pfn) : MH_NODE_NONE;

	if (node == MH_NODE_NONE)
		return;
	n->nodes[node].observed += bytes;
	n->nodes[node].accessed += accessed;
}

int mh_idle_nodes_tell_ids(const struct idle_nodes *n, const struct round *r,
			   struct mh_err *err)
{
	char ids[IDLE_NODES_MAX * 12] = "";
	size_t i, len = 0;

	for (i = 0; i < n->nr_nodes; i++)
		len += (size_t)snprintf(ids + len, sizeof(ids) - len, "%s%" PRIu32,
					i ? "," : "", n->nodes[i].id);
	return mh_round_meta(r, "nodes", ids, err);
}

int mh_idle_nodes_tell(const struct idle_nodes *n, const struct round *r,
		       struct mh_err *err)
{
	char name[64];
	int status = MH_OK;
	size_t i;

	for (i = 0; !status && n->nr_nodes > 1 && i < n->nr_nodes; i++) {
		snprintf(name, sizeof(name), "idle.node%" PRIu32 ".observed_bytes",
			 n->nodes[i].id);
		status = mh_round_stat(r, 0, name, n->nodes[i].observed, err);
		if (status)
			break;
		snprintf(name, sizeof(name), "idle.node%" PRIu32 ".accessed_bytes",
			 n->nodes[i].id);
		status = mh_round_stat(r, 0, name, n->nodes[i].accessed, err);
	}
	return status;
}

void mh_idle_nodes_fini(struct idle_nodes *n)
{
	free(n->zones.v);
}
