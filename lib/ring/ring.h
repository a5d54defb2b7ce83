/* SPDX-License-Identifier: MIT */
/*
 * One ring buffer of perf_event_open(2), read record by record. Records are lent in
 * place; only one that wraps around the end of the ring is copied, to a bounce buffer.
 * Nothing is allocated while reading.
 */
#ifndef MEMHEAT_RING_RING_H
#define MEMHEAT_RING_RING_H

#include <stdbool.h>

#include <memheat/base.h>

struct perf_event_mmap_page;

struct mh_ring {
	struct perf_event_mmap_page *page; /* NULL: not mapped */
	const uint8_t *data;
	uint64_t size; /* of data, a power of two */
	uint64_t head, tail, released;
	uint8_t *bounce;
	size_t map_len; /* 0: the memory is the caller's (tests) */
};

/*
 * Map the ring of @fd with @kib KiB of data, a power of two and at least a page.
 *
 * Returns MH_OK; MH_EPERM when the kernel's limit of locked memory is in the way;
 * MH_ESYS; MH_ENOMEM.
 */
int mh_ring_map(struct mh_ring *r, int fd, unsigned kib,
		struct mh_err *err) MH_MUST_CHECK;

/* A ring in the caller's memory, laid out as the kernel does it; for tests. */
int mh_ring_init(struct mh_ring *r, struct perf_event_mmap_page *page, const void *data,
		 uint64_t size, struct mh_err *err) MH_MUST_CHECK;

/* Unmap and free. An @r that was zeroed or released is allowed. */
void mh_ring_fini(struct mh_ring *r);

/*
 * Look how far the kernel has written. mh_ring_next() then ends there, so that a target
 * which writes faster than we read cannot hold us for ever.
 */
void mh_ring_begin(struct mh_ring *r);

/*
 * The next record, header included. Room is given back to the kernel as reading goes on
 * and at the end, so @record is valid until the next call only.
 *
 * Returns MH_OK; MH_END; MH_EFORMAT when a header cannot be: all that the ring holds is
 * then skipped, since where the next record begins is not known.
 */
int mh_ring_next(struct mh_ring *r, const uint8_t **record, size_t *len) MH_MUST_CHECK;

/*
 * The area beside a ring that a PMU of its own writes (Arm SPE): a piece of it is told by
 * a record of the ring, and read in place or, where it wraps, as a copy.
 */
struct mh_aux {
	struct perf_event_mmap_page *page; /* of the ring; NULL: not mapped */
	const uint8_t *data;
	uint64_t size;   /* a power of two */
	uint8_t *bounce; /* of size */
	bool mapped;     /* false: the memory is the caller's (tests) */
};

/* @ring: mapped already through the same @fd; @kib: a power of two and at least a page */
int mh_aux_map(struct mh_aux *a, const struct mh_ring *ring, int fd, unsigned kib,
	       struct mh_err *err) MH_MUST_CHECK;
int mh_aux_init(struct mh_aux *a, struct perf_event_mmap_page *page, const void *data,
		uint64_t size, struct mh_err *err) MH_MUST_CHECK;
void mh_aux_fini(struct mh_aux *a);

/* The @len bytes from @offset on, lent until mh_aux_done(). NULL: there cannot be so
 * many. */
const uint8_t *mh_aux_piece(struct mh_aux *a, uint64_t offset, uint64_t len);
/* The kernel may write over what is before @end. */
void mh_aux_done(struct mh_aux *a, uint64_t end);

#endif
