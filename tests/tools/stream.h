/* SPDX-License-Identifier: MIT */
/*
 * Memory-access sample streams as files, for the tools beside this header.
 *
 * "stream v1" (*.smp) is nothing but 64-byte records, little endian, no header: what a
 * sampling recorder would have handed over, in the order it would have done so.
 *
 * "pages v1" (*.pages) is what an idle-page scan would have seen: a header, the ranges of
 * pages that are watched, then per interval its start and end and one bitmap per range
 * (each padded to a byte; bit i of byte i / 8, lowest first, is page i of the range).
 *
 *	u32 magic "PGS1", u32 nr_intervals, u32 nr_ranges, u32 0
 *	nr_ranges times    u64 start_page, u64 nr_pages
 *	nr_intervals times u64 t_start_ns, u64 t_end_ns, bitmaps
 *
 * Both are read and written on little-endian machines only.
 */
#ifndef TESTS_TOOLS_STREAM_H
#define TESTS_TOOLS_STREAM_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little endian");

struct stream_sample {
	uint64_t time_ns;
	uint64_t ip;
	uint64_t addr;
	uint64_t phys;
	uint64_t data_src;
	uint32_t pid;
	uint32_t tid;
	uint32_t cpu;
	uint32_t weight;
	uint8_t page_shift;
	uint8_t pad[7];
};

_Static_assert(sizeof(struct stream_sample) == 64, "stream v1 records have 64 bytes");

#define STREAM_PAGES_MAGIC 0x31534750u /* "PGS1" */

struct stream_pages_header {
	uint32_t magic;
	uint32_t nr_intervals;
	uint32_t nr_ranges;
	uint32_t zero;
};

struct stream_pages_range {
	uint64_t start_page;
	uint64_t nr_pages;
};

/* splitmix64: one word of state, so a seed is the whole of it. */
static inline uint64_t stream_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* In (0, 1], so that its logarithm is finite. */
static inline double stream_uniform(uint64_t *state)
{
	return (double)((stream_random(state) >> 11) + 1) * 0x1p-53;
}

static inline double stream_exponential(uint64_t *state, double mean)
{
	return -mean * log(stream_uniform(state));
}

static inline _Noreturn void stream_die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static inline void *stream_alloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size);

	if (!p)
		stream_die("memory", "cannot allocate");
	return p;
}

/* Room for one more item in a doubling array that holds nr of them. */
static inline void *stream_grow(void *items, size_t nr, size_t *cap, size_t size)
{
	if (nr < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 1024;
	items = realloc(items, *cap * size);
	if (!items)
		stream_die("memory", "cannot allocate");
	return items;
}

/* The whole of a file; the caller frees it. */
static inline void *stream_slurp(size_t *size, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	void *data;

	if (!f || fstat(fileno(f), &st) < 0)
		stream_die(path, "cannot be opened");
	*size = (size_t)st.st_size;
	data = stream_alloc(*size, 1);
	if (fread(data, 1, *size, f) != *size)
		stream_die(path, "cannot be read");
	fclose(f);
	return data;
}

static inline struct stream_sample *stream_load(size_t *nr, const char *path)
{
	size_t size;
	struct stream_sample *s = stream_slurp(&size, path);

	if (size % sizeof(*s))
		stream_die(path, "is not whole 64-byte records");
	*nr = size / sizeof(*s);
	return s;
}

static inline FILE *stream_create(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f)
		stream_die(path, "cannot be created");
	return f;
}

static inline void stream_put(FILE *f, const void *data, size_t size)
{
	if (size && fwrite(data, 1, size, f) != size)
		stream_die("output", "cannot be written");
}

static inline void stream_finish(FILE *f, const char *path)
{
	if (fclose(f) != 0)
		stream_die(path, "cannot be written");
}

/* A number of an option, decimal or 0x...; anything else ends the program. */
static inline uint64_t stream_number(const char *text)
{
	char *end;
	uint64_t v = strtoull(text, &end, 0);

	if (end == text || *end || *text == '-')
		stream_die(text, "is not a number");
	return v;
}

#endif
