/* SPDX-License-Identifier: MIT */
/*
 * Says what a stream of stream.h is made of, one JSON object per file.
 *
 *	streamstat FILE.smp|FILE.pages...
 *
 * Of samples: figures of 65,536-sample blocks, averaged over the whole blocks of the file
 * (or of all of it when it is shorter): distinct instruction pointers, their entropy,
 * pages, distinct data_src, how often an access hits the same address as the last one of
 * its instruction pointer and thread, and the median gap to the previous sample of the
 * same CPU.  Of pages: the share that is touched, and two sizes per interval for
 * comparison, of the bitmaps and of 16 intervals turned into histories by page, deflated.
 */
#include "stream_deflate.h"

#define BLOCK     65536
#define MAX_CPUS  1024
#define NR_SLOTS  (BLOCK * 4)
#define HISTORIES 16

/* Distinct 64-bit keys of one block, with a count and a last value each. */
struct key_set {
	uint64_t *keys, *last;
	uint32_t *counts;
	size_t nr;
};

struct figures {
	double ips, ip_bits, pages, data_srcs, repeats, gap_ns;
};

static void set_init(struct key_set *s)
{
	s->keys = stream_alloc(NR_SLOTS, sizeof(*s->keys));
	s->last = stream_alloc(NR_SLOTS, sizeof(*s->last));
	s->counts = stream_alloc(NR_SLOTS, sizeof(*s->counts));
	s->nr = 0;
}

static void set_fini(struct key_set *s)
{
	free(s->keys);
	free(s->last);
	free(s->counts);
}

static size_t set_add(struct key_set *s, uint64_t key)
{
	uint64_t hash = key * 0x9e3779b97f4a7c15u;
	size_t i = (hash >> 32) & (NR_SLOTS - 1);

	while (s->counts[i] && s->keys[i] != key)
		i = (i + 1) & (NR_SLOTS - 1);
	s->nr += !s->counts[i]++;
	s->keys[i] = key;
	return i;
}

static double set_entropy(const struct key_set *s, size_t total)
{
	double bits = 0;

	for (size_t i = 0; i < NR_SLOTS; i++)
		if (s->counts[i])
			bits -= s->counts[i] * log2((double)s->counts[i] / (double)total);
	return bits / (double)total;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double median_gap(const struct stream_sample *s, size_t nr)
{
	static uint64_t last[MAX_CPUS];
	uint64_t *gaps = stream_alloc(nr, sizeof(*gaps));
	size_t nr_gaps = 0, middle;
	double median;

	memset(last, 0, sizeof(last));
	for (size_t i = 0; i < nr; i++) {
		uint64_t *before = &last[s[i].cpu % MAX_CPUS];

		if (*before)
			gaps[nr_gaps++] = s[i].time_ns - *before;
		*before = s[i].time_ns;
	}
	qsort(gaps, nr_gaps, sizeof(*gaps), by_value);
	middle = nr_gaps / 2;
	median = nr_gaps ? (double)gaps[middle] : 0;
	free(gaps);
	return median;
}

static void add_block(struct figures *f, const struct stream_sample *s, size_t nr)
{
	struct key_set ips, pages, data_srcs, users;
	size_t repeats = 0;

	set_init(&ips);
	set_init(&pages);
	set_init(&data_srcs);
	set_init(&users);
	for (size_t i = 0; i < nr; i++) {
		size_t user = set_add(&users, s[i].ip ^ (uint64_t)s[i].tid << 48);

		set_add(&ips, s[i].ip);
		set_add(&pages, s[i].addr >> 12 ^ (uint64_t)s[i].pid << 44);
		set_add(&data_srcs, s[i].data_src);
		repeats += users.counts[user] > 1 && users.last[user] == s[i].addr;
		users.last[user] = s[i].addr;
	}
	f->ips += (double)ips.nr;
	f->ip_bits += set_entropy(&ips, nr);
	f->pages += (double)pages.nr;
	f->data_srcs += (double)data_srcs.nr;
	f->repeats += (double)repeats / (double)nr;
	f->gap_ns += median_gap(s, nr);
	set_fini(&ips);
	set_fini(&pages);
	set_fini(&data_srcs);
	set_fini(&users);
}

static void stat_samples(const char *path)
{
	size_t nr, nr_blocks = 0;
	struct stream_sample *s = stream_load(&nr, path);
	struct figures f = { 0 };

	if (!nr)
		stream_die(path, "has no samples");
	for (size_t at = 0; at < nr && (at + BLOCK <= nr || !nr_blocks); at += BLOCK) {
		add_block(&f, s + at, nr - at < BLOCK ? nr - at : BLOCK);
		nr_blocks++;
	}
	printf("{\"file\": \"%s\", \"samples\": %zu, \"blocks\": %zu, \"ips\": %.0f, "
	       "\"ip_bits\": %.2f, \"pages\": %.0f, \"data_srcs\": %.1f, "
	       "\"repeat_share\": %.3f, \"median_gap_ns\": %.0f}\n",
	       path, nr, nr_blocks, f.ips / (double)nr_blocks,
	       f.ip_bits / (double)nr_blocks, f.pages / (double)nr_blocks,
	       f.data_srcs / (double)nr_blocks, f.repeats / (double)nr_blocks,
	       f.gap_ns / (double)nr_blocks);
	free(s);
}

/* Bit i of a page's byte: touched in interval i of eight. */
static size_t history_size(const uint8_t *bitmaps, size_t stride, size_t nr_bits,
			   unsigned nr_intervals)
{
	uint8_t *history = stream_alloc(nr_bits, 1);
	size_t size = 0;

	for (unsigned first = 0; first < nr_intervals; first += 8) {
		memset(history, 0, nr_bits);
		for (unsigned i = 0; i < 8 && first + i < nr_intervals; i++) {
			const uint8_t *b = bitmaps + (first + i) * stride;

			for (size_t p = 0; p < nr_bits; p++)
				history[p] |= (uint8_t)((b[p / 8] >> p % 8 & 1) << i);
		}
		size += stream_deflated(history, nr_bits, 9, Z_RLE);
	}
	free(history);
	return size;
}

static void stat_pages(const char *path, const uint8_t *data, size_t size)
{
	const struct stream_pages_header *h = (const void *)data;
	const struct stream_pages_range *r = (const void *)(h + 1);
	size_t nr_bytes = 0, stride, z_bitmap = 0, z_history = 0;
	uint64_t nr_pages = 0, touched = 0;
	const uint8_t *at;
	double cells;

	if (size < sizeof(*h) + h->nr_ranges * sizeof(*r))
		stream_die(path, "ends within its header");
	for (uint32_t i = 0; i < h->nr_ranges; i++) {
		nr_pages += r[i].nr_pages;
		nr_bytes += (r[i].nr_pages + 7) / 8;
	}
	stride = nr_bytes + 16;
	at = (const uint8_t *)(r + h->nr_ranges) + 16;
	if (size != sizeof(*h) + h->nr_ranges * sizeof(*r) + h->nr_intervals * stride)
		stream_die(path, "has a size that does not fit its header");
	if (!nr_pages || !h->nr_intervals)
		stream_die(path, "has no pages or no intervals");
	for (uint32_t i = 0; i < h->nr_intervals; i++) {
		uint32_t left = h->nr_intervals - i;

		z_bitmap +=
			stream_deflated(at + i * stride, nr_bytes, 9, Z_DEFAULT_STRATEGY);
		for (size_t b = 0; b < nr_bytes; b++)
			touched += (uint64_t)__builtin_popcount(at[i * stride + b]);
		if (i % HISTORIES == 0)
			z_history += history_size(at + i * stride, stride, nr_bytes * 8,
						  left < HISTORIES ? left : HISTORIES);
	}
	cells = (double)nr_pages * h->nr_intervals;
	printf("{\"file\": \"%s\", \"intervals\": %u, \"ranges\": %u, \"pages\": %llu, "
	       "\"touched_share\": %.4f, \"z6_bitmap_bits_per_page\": %.4f, "
	       "\"rle_history_bits_per_page\": %.4f}\n",
	       path, h->nr_intervals, h->nr_ranges, (unsigned long long)nr_pages,
	       (double)touched / cells, (double)z_bitmap * 8 / cells,
	       (double)z_history * 8 / cells);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct stream_pages_header *h;
		size_t size;
		uint8_t *data = stream_slurp(&size, argv[i]);

		h = (const void *)data;
		if (size >= sizeof(*h) && h->magic == STREAM_PAGES_MAGIC)
			stat_pages(argv[i], data, size);
		else
			stat_samples(argv[i]);
		free(data);
	}
	return argc > 1 ? 0 : 2;
}
