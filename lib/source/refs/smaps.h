/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/smaps, one mapping at a time, through a small buffer: a process may have
 * 65,000 mappings, and each read() is a walk of page tables that may stall it, so reads
 * are timed.
 */
#ifndef MEMHEAT_SOURCE_REFS_SMAPS_H
#define MEMHEAT_SOURCE_REFS_SMAPS_H

#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>

#define SMAPS_PATH_MAX 4352 /* PATH_MAX and " (deleted)", octal escapes cut */

/* Sizes in bytes. */
struct smaps_entry {
	uint64_t start, end, pgoff;
	uint64_t ino;
	uint32_t maj, min;
	uint8_t prot, shared; /* as in struct mh_ev_map */
	bool hugetlb;         /* accessed bits are not kept for it */
	uint64_t rss, pss, swap, huge, referenced;
	char path[SMAPS_PATH_MAX];
};

struct smaps {
	ssize_t (*read)(void *arg, void *buf, size_t size); /* as read(2) */
	void *arg;
	size_t used, pos; /* of buf */
	size_t line_len;  /* of the line at pos */
	bool eof;
	int sys_errno; /* of a read that failed */
	char buf[65536];
};

void mh_smaps_init(struct smaps *s, ssize_t (*read)(void *, void *, size_t), void *arg);

/*
 * The next mapping.
 *
 * Returns MH_OK; MH_END; MH_ESYS when reading failed (also when the process went);
 * MH_EFORMAT when a line is not what proc(5) says.
 */
int mh_smaps_next(struct smaps *s, struct smaps_entry *out,
		  struct mh_err *err) MH_MUST_CHECK;

#endif
