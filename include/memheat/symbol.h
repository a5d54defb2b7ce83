/* SPDX-License-Identifier: MIT */
/*
 * From addresses to what they belong to: the recorded mappings of each address space over
 * time. (Names of objects and code through ELF and DWARF build on this.)
 */
#ifndef MEMHEAT_SYMBOL_H
#define MEMHEAT_SYMBOL_H

#include <memheat/base.h>
#include <memheat/event.h>

/* An address space: a pid between two execs (or a fork and its exec). */
struct mh_space {
	uint32_t pid;
	uint32_t generation;     /* 0, 1, ... of this pid */
	struct mh_range time_ns; /* it lived; end UINT64_MAX: to the end of the trace */
	const char *comm;        /* last name; "" if not known */
};

struct mh_mapping {
	uint32_t space; /* index for mh_maps_space() */
	struct mh_range addr;
	struct mh_range time_ns; /* when it was there */
	uint64_t pgoff;
	uint8_t prot, shared;
	const char *path; /* as in /proc/PID/maps */
};

struct mh_maps;

int mh_maps_new(struct mh_maps **out, struct mh_err *err) MH_MUST_CHECK;
void mh_maps_free(struct mh_maps *maps);

/* Learn from MAP and TASK events; other kinds are ignored. They are applied by time, and
 * those of one time in the order in which they were added. */
int mh_maps_add(struct mh_maps *maps, const struct mh_event *ev,
		struct mh_err *err) MH_MUST_CHECK;

/* Call once after the last mh_maps_add(): sorts and indexes; look-ups work from then on.
 */
int mh_maps_finish(struct mh_maps *maps, struct mh_err *err) MH_MUST_CHECK;

size_t mh_maps_nr_spaces(const struct mh_maps *maps);
const struct mh_space *mh_maps_space(const struct mh_maps *maps, size_t i);
/* Index of the space of @pid at @time_ns; a pid never heard of, or pid 0, has a space too
 * when a mapping or task of it was added; -1 otherwise. */
long mh_maps_space_at(const struct mh_maps *maps, uint32_t pid, uint64_t time_ns);

/* Mappings of a space, sorted by address, then time. */
const struct mh_mapping *mh_maps_of(const struct mh_maps *maps, size_t space, size_t *nr);
/* The mapping of @addr at that time; NULL: none known. */
const struct mh_mapping *mh_maps_find(const struct mh_maps *maps, size_t space,
				      uint64_t addr, uint64_t time_ns);

/* A short name for a person: "[heap]", "libc.so.6 rw-", "[anon]", "[anon:NAME]". */
void mh_mapping_name(const struct mh_mapping *m, char *buf, size_t size);

#endif
