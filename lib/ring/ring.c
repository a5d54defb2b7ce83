/* SPDX-License-Identifier: MIT */
/*
 * The reader's half of the kernel's ring protocol (perf_event_open(2), "MMAP layout"):
 * acquire data_head, read, release data_tail. The overwrite mode is not handled.
 */
#include "ring/ring.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_MAX 65536 /* header.size is 16 bits */

static int is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

int mh_ring_init(struct mh_ring *r, struct perf_event_mmap_page *page, const void *data,
		 uint64_t size, struct mh_err *err)
{
	mh_assert(is_power_of_two(size));
	*r = (struct mh_ring){ .page = page, .data = data, .size = size };
	r->bounce = malloc(RECORD_MAX);
	if (!r->bounce)
		return mh_fail(err, MH_ENOMEM,
			       "out of memory for a ring's bounce buffer");
	r->tail = r->released = page->data_tail;
	r->head = r->tail;
	return MH_OK;
}

int mh_ring_map(struct mh_ring *r, int fd, unsigned kib, struct mh_err *err)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE), size = (size_t)kib * 1024;
	uint8_t *base;
	int ret;

	mh_assert(size >= page_size);
	base = mmap(NULL, page_size + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return mh_fail_errno(err, "cannot map a ring of %u KiB", kib);
	ret = mh_ring_init(r, (struct perf_event_mmap_page *)(void *)base,
			   base + page_size, size, err);
	if (ret) {
		munmap(base, page_size + size);
		*r = (struct mh_ring){ 0 };
		return ret;
	}
	r->map_len = page_size + size;
	return MH_OK;
}

void mh_ring_fini(struct mh_ring *r)
{
	if (r->map_len)
		munmap(r->page, r->map_len);
	free(r->bounce);
	*r = (struct mh_ring){ 0 };
}

void mh_ring_begin(struct mh_ring *r)
{
	if (r->page)
		r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
}

static void release(struct mh_ring *r)
{
	if (r->released == r->tail)
		return;
	__atomic_store_n(&r->page->data_tail, r->tail, __ATOMIC_RELEASE);
	r->released = r->tail;
}

static int skip_all(struct mh_ring *r)
{
	r->tail = r->head;
	release(r);
	return MH_EFORMAT;
}

static const uint8_t *unwrap(struct mh_ring *r, uint64_t offset, size_t len)
{
	size_t first = (size_t)(r->size - offset);

	if (len <= first)
		return r->data + offset;
	memcpy(r->bounce, r->data + offset, first);
	memcpy(r->bounce + first, r->data, len - first);
	return r->bounce;
}

int mh_ring_next(struct mh_ring *r, const uint8_t **record, size_t *len)
{
	uint64_t left = r->head - r->tail, offset = r->tail & (r->size - 1);
	struct perf_event_header header;

	if (!r->page || !left) {
		if (r->page)
			release(r);
		return MH_END;
	}
	/* Storing the tail costs a cache line that the kernel reads, so not each time. */
	if (r->tail - r->released >= r->size / 4)
		release(r);
	if (left > r->size || left < sizeof(header))
		return skip_all(r);
	memcpy(&header, unwrap(r, offset, sizeof(header)), sizeof(header));
	if (header.size < sizeof(header) || header.size > left)
		return skip_all(r);
	*record = unwrap(r, offset, header.size);
	*len = header.size;
	r->tail += header.size;
	return MH_OK;
}
