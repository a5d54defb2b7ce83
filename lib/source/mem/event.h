/* SPDX-License-Identifier: MIT */
/*
 * Which events a recording of memory accesses is made of: the best of this CPU, or the
 * ones that were named.
 */
#ifndef MEMHEAT_SOURCE_MEM_EVENT_H
#define MEMHEAT_SOURCE_MEM_EVENT_H

#include <memheat/source.h>

#include "ring/sampler.h"
#include "source/mem/pmu.h"

enum mem_kind {
	MEM_PRECISE,    /* Intel's PEBS: the hardware writes the records */
	MEM_IBS,        /* AMD: many samples are of no memory access */
	MEM_SPE,        /* Arm: packets in an AUX area instead of records */
	MEM_BREAKPOINT, /* every access to a few bytes */
	MEM_OTHER       /* whatever a name stood for */
};

struct mem_event {
	char name[256]; /* as told in META */
	char pmu[64];
	enum mem_kind kind;
	struct mem_encoding enc;
	uint64_t bp_type; /* HW_BREAKPOINT_*; address and length are config1, config2 */
	struct mem_encoding lead; /* mem-loads-aux */
	bool has_lead;
	char cpus[512];  /* "": everywhere */
	uint64_t period; /* unless one is asked for */
	bool swfilt;     /* IBS: the kernel leaves modes out by software */
	bool no_scale;   /* samples x period is not a number of accesses */
};

struct mem_events {
	struct mem_event v[MH_SAMPLER_EVENTS_MAX];
	size_t nr;
	char fix[256]; /* after a failure: what mends it; "" */
};

/* Choose the events of this machine for loads and stores. MH_ENOSUP says why none. */
int mh_mem_choose(struct mem_events *out, const struct mh_source_opts *opts,
		  struct mh_err *err) MH_MUST_CHECK;

/*
 * Add the event that @name stands for: "mem:0x7f00[/LEN][:rwx]", "PMU/TERM,.../[MODS]",
 * "r1cd[:MODS]", a software event of perf, an event that sysfs names, a name of libpfm4.
 */
int mh_mem_add_named(struct mem_events *out, const char *name,
		     const struct mh_source_opts *opts, struct mh_err *err) MH_MUST_CHECK;

/* Choose or add, as @opts says. */
int mh_mem_events(struct mem_events *out, const struct mh_source_opts *opts,
		  struct mh_err *err) MH_MUST_CHECK;

#endif
