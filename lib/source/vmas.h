/* SPDX-License-Identifier: MIT */
/* A process's mappings from one scan to the next: told when they change. */
#ifndef MEMHEAT_SOURCE_VMAS_H
#define MEMHEAT_SOURCE_VMAS_H

#include "source/round.h"
#include "source/watch.h"

/* A mapping as it was at the last scan. */
struct vma {
	uint64_t start, end, pgoff;
	uint32_t path_hash;
	uint8_t prot, shared;
};

struct vmas {
	struct vma *v;
	size_t nr, cap;
};

#define VMA_NEW SIZE_MAX

struct vma mh_vma_of(const struct mh_ev_map *map);

/*
 * The next mapping of a scan, in the order of addresses: tell which of @before are gone
 * up to where it ends, and the mapping itself if it is new.
 *
 * @old: the position in @before, 0 at first; moved along
 * @same: where it is in @before; VMA_NEW
 */
int mh_vmas_meet(const struct vmas *before, size_t *old, size_t *same,
		 const struct mh_ev_map *map, const struct watched *p,
		 const struct round *r, struct mh_err *err);

/* The scan is over: the rest of @before is gone. */
int mh_vmas_end(const struct vmas *before, size_t old, const struct watched *p,
		const struct round *r, struct mh_err *err);

#endif
