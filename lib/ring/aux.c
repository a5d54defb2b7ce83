/* SPDX-License-Identifier: MIT */
/* The AUX area (perf_event_open(2), "AUX records"): mapped writable, so that the kernel
 * stops at what has not been read instead of writing over it. */
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ring/ring.h"

int mh_aux_init(struct mh_aux *a, struct perf_event_mmap_page *page, const void *data,
		uint64_t size, struct mh_err *err)
{
	mh_assert(size && !(size & (size - 1)));
	*a = (struct mh_aux){ .page = page, .data = data, .size = size };
	a->bounce = malloc((size_t)size);
	if (!a->bounce)
		return mh_fail(err, MH_ENOMEM, "out of memory for an AUX area");
	return MH_OK;
}

int mh_aux_map(struct mh_aux *a, const struct mh_ring *ring, int fd, unsigned kib,
	       struct mh_err *err)
{
	size_t size = (size_t)kib * 1024;
	void *data;
	int ret;

	ring->page->aux_offset = ring->map_len;
	ring->page->aux_size = size;
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)ring->map_len);
	if (data == MAP_FAILED)
		return mh_fail_errno(err, "cannot map an AUX area of %u KiB", kib);
	ret = mh_aux_init(a, ring->page, data, size, err);
	a->mapped = !ret;
	if (ret)
		munmap(data, size);
	return ret;
}

void mh_aux_fini(struct mh_aux *a)
{
	/* What was mapped is ours to unmap, though nothing writes through this pointer.
	 */
	if (a->mapped)
		munmap((void *)(uintptr_t)a->data, (size_t)a->size);
	free(a->bounce);
	*a = (struct mh_aux){ 0 };
}

const uint8_t *mh_aux_piece(struct mh_aux *a, uint64_t offset, uint64_t len)
{
	size_t at = (size_t)(offset & (a->size - 1)), first;

	if (!a->page || len > a->size)
		return NULL;
	/* What the record tells of has been written before the record was. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	first = (size_t)a->size - at;
	if (len <= first)
		return a->data + at;
	memcpy(a->bounce, a->data + at, first);
	memcpy(a->bounce + first, a->data, (size_t)len - first);
	return a->bounce;
}

void mh_aux_done(struct mh_aux *a, uint64_t end)
{
	__atomic_store_n(&a->page->aux_tail, end, __ATOMIC_RELEASE);
}
