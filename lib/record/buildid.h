/* SPDX-License-Identifier: MIT */
/*
 * Build-ids of what is mapped, read when it is: a report may be made when the file has
 * been replaced. Each file is read once.
 */
#ifndef MEMHEAT_RECORD_BUILDID_H
#define MEMHEAT_RECORD_BUILDID_H

#include <memheat/base.h>
#include <memheat/event.h>

struct mh_build_ids {
	struct mh_build_ids_file {
		uint64_t ino;
		uint32_t maj, min;
		uint8_t len; /* 0: it has none, or cannot be read */
		uint8_t id[MH_BUILD_ID_MAX];
	} * v;
	size_t nr, cap;
};

/* Fill in the build-id of a MAP event of a file that has none yet. */
void mh_build_ids_fill(struct mh_build_ids *b, struct mh_ev_map *map,
		       const char *sysroot);
void mh_build_ids_fini(struct mh_build_ids *b);

#endif
