/* SPDX-License-Identifier: MIT */
/*
 * perf_event_open(2) with the patience that kernels of ten years need: attributes that an
 * older or stricter kernel refuses are given up one by one, and refusals are put in words
 * that name what mends them. Events are described by the kernel's own structure.
 */
#ifndef MEMHEAT_RING_OPEN_H
#define MEMHEAT_RING_OPEN_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>

/* What was asked for and is not there; by bit, for META and notices. */
enum mh_perf_lack {
	MH_LACKS_KERNEL = 1 << 0,    /* kernel-mode events: perf_event_paranoid */
	MH_LACKS_LOST = 1 << 1,      /* PERF_FORMAT_LOST: Linux 6.0 */
	MH_LACKS_BUILD_ID = 1 << 2,  /* build ids in MMAP2: Linux 5.12 */
	MH_LACKS_THREADS = 1 << 3,   /* inherit to threads only: Linux 5.13 */
	MH_LACKS_PRECISE = 1 << 4,   /* the precision asked for: a lower one was taken */
	MH_LACKS_PHYS = 1 << 5,      /* physical addresses: Linux 4.14, and privilege */
	MH_LACKS_PAGE_SIZE = 1 << 6, /* sizes of the data's pages: Linux 5.11 */
	MH_LACKS_WEIGHT_STRUCT = 1 << 7 /* three weights: Linux 5.12; one remains */
};

/* What a lack means to a person, one at a time: "" past the last. @bit counts from 0. */
const char *mh_perf_lack_words(unsigned bit);

/* Which task, CPU and group; flags as for perf_event_open(2), close-on-exec is added. */
struct mh_perf_place {
	pid_t pid;
	int cpu;
	int group_fd; /* -1: a group of its own */
	unsigned long flags;
};

/*
 * Open one event.
 *
 * @attr: changed where something had to be given up, so that the next call with it
 *	succeeds at once
 * @lacks: receives further bits; may be NULL when nothing may be given up
 * Returns MH_OK; MH_EPERM, MH_ENOSUP, MH_ENOTARGET (no such task); MH_ESYS (sys_errno:
 * EMFILE, ENODEV for a CPU that is offline, ...).
 */
int mh_perf_open(int *fd, struct perf_event_attr *attr, const struct mh_perf_place *place,
		 unsigned *lacks, struct mh_err *err) MH_MUST_CHECK;

/* What this process may do, by reading only. */
struct mh_perf_rights {
	bool supported; /* the kernel has perf events */
	int paranoid;   /* kernel.perf_event_paranoid */
	bool perfmon;   /* CAP_PERFMON or CAP_SYS_ADMIN: paranoid does not matter */
};

/* @sysroot: prefix of /proc; NULL: "" */
void mh_perf_rights_read(struct mh_perf_rights *out, const char *sysroot);

#endif
