/* SPDX-License-Identifier: MIT */
/*
 * What makes a hardware event, as numbers: the part of struct perf_event_attr that names
 * of events stand for. A structure of our own, since libpfm4's headers declare the
 * kernel's once more.
 */
#ifndef MEMHEAT_SOURCE_MEM_ENCODING_H
#define MEMHEAT_SOURCE_MEM_ENCODING_H

#include <stdbool.h>
#include <stdint.h>

#include <memheat/base.h>

struct mem_encoding {
	uint32_t type;
	uint64_t config, config1, config2;
	int precise; /* -1: not said */
	bool exclude_user, exclude_kernel;
};

/*
 * Encode an event by a name of libpfm4 ("MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=30:u").
 * What the library is known to encode wrongly is put right.
 *
 * @full: receives the name with everything spelled out; room for @size
 * Returns MH_OK; MH_END when it knows no such name here, or is not here itself; MH_EINPUT
 * when it knows the event and not the rest; MH_ENOSUP when it does not start.
 */
int mh_mem_pfm_encode(struct mem_encoding *out, const char *name, char *full, size_t size,
		      struct mh_err *err) MH_MUST_CHECK;

#endif
