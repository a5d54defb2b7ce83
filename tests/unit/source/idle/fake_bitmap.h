/* SPDX-License-Identifier: MIT */
/*
 * The page_idle bitmap as the kernel behaves: bits written are added, tails and pages off
 * the LRU have none, and the file ends where the last whole word does.
 */
#ifndef MEMHEAT_TEST_FAKE_BITMAP_H
#define MEMHEAT_TEST_FAKE_BITMAP_H

#include <errno.h>
#include <string.h>

#include "source/idle/blocks.h"

#define FAKE_PFNS     (3u * IDLE_BLOCK_PFNS)
#define FAKE_LRU      (1u << 5)
#define FAKE_HEAD     (1u << 15)
#define FAKE_TAIL     (1u << 16)
#define FAKE_HUGETLB  (1u << 17)
#define FAKE_NOPAGE   (1u << 20)
#define FAKE_ZERO     (1u << 24)
#define FAKE_MAX_READ 4096

struct fake_bitmap {
	uint64_t idle[FAKE_PFNS / 64];
	uint64_t flags[FAKE_PFNS];
	uint64_t end; /* bytes of the file */
	size_t max_read, nr_reads, nr_writes, longest;
	size_t nr_flags; /* that were read */
};

static inline int fake_is_idle(const struct fake_bitmap *f, uint64_t pfn)
{
	return f->idle[pfn / 64] >> pfn % 64 & 1;
}

/* As when the page is used. */
static inline void fake_touch(struct fake_bitmap *f, uint64_t pfn)
{
	while (f->flags[pfn] & FAKE_TAIL)
		pfn--;
	f->idle[pfn / 64] &= ~(1ull << pfn % 64);
}

static inline size_t fake_clip(struct fake_bitmap *f, size_t size, uint64_t offset)
{
	if (offset >= f->end)
		return 0;
	size = size < f->end - offset ? size : (size_t)(f->end - offset);
	f->longest = size > f->longest ? size : f->longest;
	return size < f->max_read ? size : f->max_read;
}

static inline ssize_t fake_read(void *arg, void *buf, size_t size, uint64_t offset)
{
	struct fake_bitmap *f = arg;
	uint64_t word, left, pfn;
	size_t i;

	if (size % 8 || offset % 8) {
		errno = EINVAL;
		return -1;
	}
	f->nr_reads++;
	size = fake_clip(f, size, offset);
	for (i = 0; i < size / 8; i++) {
		word = f->idle[offset / 8 + i];
		for (left = word; left; left &= left - 1) {
			pfn = (offset + i * 8) * 8 + (uint64_t)__builtin_ctzll(left);
			if ((f->flags[pfn] & (FAKE_LRU | FAKE_TAIL)) != FAKE_LRU)
				word &= ~(left & -left);
		}
		memcpy((char *)buf + i * 8, &word, 8);
	}
	return (ssize_t)size;
}

static inline ssize_t fake_write(void *arg, const void *buf, size_t size, uint64_t offset)
{
	struct fake_bitmap *f = arg;
	const char *from = buf;
	uint64_t word, pfn;
	size_t i;

	if (size % 8 || offset % 8) {
		errno = EINVAL;
		return -1;
	}
	if (offset >= f->end) {
		errno = ENXIO;
		return -1;
	}
	f->nr_writes++;
	size = fake_clip(f, size, offset);
	for (i = 0; i < size; i += 8) {
		memcpy(&word, from + i, 8);
		for (; word; word &= word - 1) {
			pfn = (offset + i) * 8 + (uint64_t)__builtin_ctzll(word);
			if (f->flags[pfn] & FAKE_LRU && !(f->flags[pfn] & FAKE_TAIL))
				f->idle[pfn / 64] |= 1ull << pfn % 64;
		}
	}
	return (ssize_t)size;
}

static inline ssize_t fake_flags(void *arg, void *buf, size_t size, uint64_t offset)
{
	struct fake_bitmap *f = arg;

	if (offset >= sizeof(f->flags))
		return 0;
	if (size > sizeof(f->flags) - offset)
		size = sizeof(f->flags) - offset;
	f->nr_flags += size / sizeof(f->flags[0]);
	memcpy(buf, (char *)f->flags + offset, size);
	return (ssize_t)size;
}

/* Every page on the LRU, by itself. */
static inline void fake_init(struct fake_bitmap *f)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < FAKE_PFNS; i++)
		f->flags[i] = FAKE_LRU;
	f->end = sizeof(f->idle);
	f->max_read = FAKE_MAX_READ;
}

static inline void fake_folio(struct fake_bitmap *f, uint64_t pfn, uint64_t nr,
			      uint64_t flags)
{
	uint64_t i;

	f->flags[pfn] = flags | FAKE_HEAD;
	for (i = 1; i < nr; i++)
		f->flags[pfn + i] = flags | FAKE_TAIL;
}

static inline struct idle_io fake_io(struct fake_bitmap *f)
{
	return (struct idle_io){ f, fake_read, fake_write, fake_flags };
}

#endif
