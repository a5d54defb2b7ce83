/* SPDX-License-Identifier: MIT */
/* Counting sorts: the permutations that SAMPLE blocks are made of. */
#include "trace/order.h"

#include <string.h>

static void starts_from_counts(uint32_t *count, size_t nr_keys)
{
	uint32_t sum = 0;
	size_t k;

	for (k = 0; k < nr_keys; k++) {
		uint32_t c = count[k];

		count[k] = sum;
		sum += c;
	}
}

void mh_order_by(uint16_t *order, const uint16_t *rows, const uint16_t *key, size_t n,
		 size_t nr_keys, uint32_t *count)
{
	size_t i;

	memset(count, 0, nr_keys * sizeof(*count));
	for (i = 0; i < n; i++)
		count[key[i]]++;
	starts_from_counts(count, nr_keys);
	if (rows) {
		for (i = 0; i < n; i++)
			order[count[key[rows[i]]]++] = rows[i];
	} else {
		for (i = 0; i < n; i++)
			order[count[key[i]]++] = (uint16_t)i;
	}
}

/* One pass by both, where there are not too many pairs. */
static void order_at_once(uint16_t *order, bool places, uint8_t *begins,
			  struct mh_grouping *g, const uint16_t *thread,
			  size_t nr_threads, const uint16_t *ip, size_t nr_ips, size_t n)
{
	size_t nr_keys = nr_threads * nr_ips, i;

	memset(g->count, 0, nr_keys * sizeof(*g->count));
	for (i = 0; i < n; i++) {
		g->key[i] = thread[i] * (uint32_t)nr_ips + ip[i];
		g->count[g->key[i]]++;
	}
	starts_from_counts(g->count, nr_keys);
	memset(begins, 0, n);
	/* An empty group begins where the next one does. */
	for (i = 0; i < nr_keys && g->count[i] < n; i++)
		begins[g->count[i]] = 1;
	if (places) {
		for (i = 0; i < n; i++)
			order[i] = (uint16_t)g->count[g->key[i]]++;
	} else {
		for (i = 0; i < n; i++)
			order[g->count[g->key[i]]++] = (uint16_t)i;
	}
	/* Each count has become the end of its group. */
	for (i = 0; i < nr_threads; i++)
		g->thread_end[i] = g->count[(i + 1) * nr_ips - 1];
}

void mh_order_groups(uint16_t *order, bool places, uint8_t *begins, struct mh_grouping *g,
		     const uint16_t *thread, size_t nr_threads, const uint16_t *ip,
		     size_t nr_ips, size_t n)
{
	size_t i;

	if (nr_threads * nr_ips <= MH_MAX_GROUPS) {
		order_at_once(order, places, begins, g, thread, nr_threads, ip, nr_ips,
			      n);
		return;
	}
	mh_order_by(g->tmp, NULL, ip, n, nr_ips, g->count);
	mh_order_by(order, g->tmp, thread, n, nr_threads, g->count);
	memcpy(g->thread_end, g->count, nr_threads * sizeof(*g->thread_end));
	begins[0] = 1;
	for (i = 1; i < n; i++)
		begins[i] = ip[order[i]] != ip[order[i - 1]] ||
			    thread[order[i]] != thread[order[i - 1]];
	if (places) {
		memcpy(g->tmp, order, n * sizeof(*order));
		for (i = 0; i < n; i++)
			order[g->tmp[i]] = (uint16_t)i;
	}
}

void mh_sort_ids(const uint64_t *value, size_t n, uint16_t *ids, uint16_t *tmp,
		 uint32_t *count)
{
	uint64_t differ = 0;
	unsigned shift;
	size_t i;

	for (i = 0; i < n; i++) {
		ids[i] = (uint16_t)i;
		differ |= value[i] ^ value[0];
	}
	/* Least significant byte first; bytes that all have in common need no pass. */
	for (shift = 0; shift < 64; shift += 8) {
		if (!(differ >> shift & 0xff))
			continue;
		memset(count, 0, 256 * sizeof(*count));
		for (i = 0; i < n; i++)
			count[value[i] >> shift & 0xff]++;
		starts_from_counts(count, 256);
		for (i = 0; i < n; i++)
			tmp[count[value[ids[i]] >> shift & 0xff]++] = ids[i];
		memcpy(ids, tmp, n * sizeof(*ids));
	}
}

static uint32_t slots_for(size_t n)
{
	uint32_t slots = 64;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

void mh_dict_reset(struct mh_dict *d, size_t n)
{
	uint32_t slots = slots_for(n);

	memset(d->slot, 0, slots * sizeof(*d->slot));
	d->mask = slots - 1;
	d->nr = d->last = 0;
}

void mh_page_frames_reset(struct mh_page_frames *f, size_t n)
{
	uint32_t slots = slots_for(n);

	memset(f->slot, 0, slots * sizeof(*f->slot));
	f->mask = slots - 1;
	f->nr = 0;
}
