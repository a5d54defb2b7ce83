/* SPDX-License-Identifier: MIT */
/*
 * A layer per node that the pages are on. Pages whose node is not known are in none.
 */
#include "source/idle/kinds.h"

#include <string.h>

#include "source/idle/blocks.h"
#include "source/idle/pagemap.h"

static bool bit_is_set(const uint8_t *bits, size_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static uint64_t pfn_of(const struct idle_kinds *k, size_t i)
{
	return k->entries ? k->entries[i] & PAGEMAP_PFN_MASK : k->first_pfn + i;
}

static int tell_layer(const struct idle_kinds *k, unsigned layer, const uint8_t *bits,
		      const struct round *r, struct mh_err *err)
{
	struct mh_event ev = mh_round_event(r, MH_EV_PAGES);

	ev.pages.start_ns = r->time_ns;
	ev.pages.pid = k->pid;
	ev.pages.start = k->start;
	ev.pages.nr_pages = k->nr;
	ev.pages.page_shift = (uint8_t)k->page_shift;
	ev.pages.layer = (uint8_t)layer;
	ev.pages.accessed = bits;
	ev.pages.observed = k->known;
	return mh_round_send(r, &ev, err);
}

/* One node's pages; how many there are. */
static size_t choose(const struct idle_kinds *k, const uint8_t *nodes, uint8_t node,
		     uint8_t *bits)
{
	size_t i, nr = 0;

	memset(bits, 0, (k->nr + 7) / 8);
	for (i = 0; i < k->nr; i++) {
		if (nodes[i] != node)
			continue;
		bits[i / 8] |= (uint8_t)(1u << i % 8);
		nr++;
	}
	return nr;
}

static int tell_nodes(const struct idle_kinds *k, const struct idle_nodes *n,
		      const struct round *r, struct mh_err *err)
{
	uint8_t nodes[IDLE_BLOCK_PFNS], bits[IDLE_BLOCK_PFNS / 8];
	bool seen[IDLE_NODES_MAX] = { 0 };
	int status = MH_OK;
	uint32_t node;
	size_t i;

	for (i = 0; i < k->nr; i++) {
		node = bit_is_set(k->known, i) ? mh_idle_nodes_of(n, pfn_of(k, i))
					       : MH_NODE_NONE;
		nodes[i] = node < IDLE_NODES_MAX ? (uint8_t)node : UINT8_MAX;
		if (node < IDLE_NODES_MAX)
			seen[node] = true;
	}
	for (i = 0; !status && i < IDLE_NODES_MAX; i++)
		if (seen[i] && choose(k, nodes, (uint8_t)i, bits))
			status =
				tell_layer(k, MH_PAGES_NODE0 + (unsigned)i, bits, r, err);
	return status;
}

int mh_idle_kinds_tell(const struct idle_kinds *k, const struct idle_nodes *n,
		       const struct round *r, struct mh_err *err)
{
	int status = tell_layer(k, MH_PAGES_FILE, k->file, r, err);

	return status || n->nr_nodes < 2 ? status : tell_nodes(k, n, r, err);
}
