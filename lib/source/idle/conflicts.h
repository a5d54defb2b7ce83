/* SPDX-License-Identifier: MIT */
/* What on this machine makes the page_idle bitmap say less than the truth. */
#ifndef MEMHEAT_SOURCE_IDLE_CONFLICTS_H
#define MEMHEAT_SOURCE_IDLE_CONFLICTS_H

#include <memheat/base.h>

enum idle_conflict {
	IDLE_KDAMOND = 1 << 0,
	IDLE_LRU_GEN = 1 << 1,
	IDLE_NUMA_BALANCING = 1 << 2,
	IDLE_HYPERVISOR = 1 << 3
};

/* Flags of enum idle_conflict. */
unsigned mh_idle_conflicts(const char *sysroot);

/* Say each to a person. */
void mh_idle_conflicts_say(unsigned conflicts, const struct mh_log *log);

/* As words for META: "kdamond,lru_gen", "none". */
void mh_idle_conflicts_words(unsigned conflicts, char *buf, size_t size);

#endif
