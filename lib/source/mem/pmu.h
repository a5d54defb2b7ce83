/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of a PMU in /sys/bus/event_source/devices: its number, where it
 * is, which bits its terms are in, and the events that it names itself.
 */
#ifndef MEMHEAT_SOURCE_MEM_PMU_H
#define MEMHEAT_SOURCE_MEM_PMU_H

#include "source/mem/encoding.h"

struct mem_pmu {
	char name[64];
	uint32_t type;
	char cpus[512];  /* a list; "": on all */
	int max_precise; /* -1: it does not tell */
	char dir[512];
};

/* MH_OK; MH_END: there is none of that name. @sysroot: prefix of /sys. */
int mh_mem_pmu_read(struct mem_pmu *out, const char *sysroot,
		    const char *name) MH_MUST_CHECK;

/* Whether a file such as "events/mem-loads" or "format/swfilt" is there. */
bool mh_mem_pmu_has(const struct mem_pmu *pmu, const char *file);

/*
 * Encode terms: "event=0xcd,umask=1,ldlat=30", names of the PMU's events among them. A
 * later one overrides an earlier one.
 *
 * Returns MH_OK; MH_EINPUT names the term that the PMU does not have.
 */
int mh_mem_pmu_encode(struct mem_encoding *out, const struct mem_pmu *pmu,
		      const char *terms, struct mh_err *err) MH_MUST_CHECK;

#endif
