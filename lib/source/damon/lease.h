/* SPDX-License-Identifier: MIT */
/*
 * What memheat has set up in DAMON, on record under /run/memheat, so that the next start
 * can remove what a killed one left, and only that.
 */
#ifndef MEMHEAT_SOURCE_DAMON_LEASE_H
#define MEMHEAT_SOURCE_DAMON_LEASE_H

#include "source/damon/fs.h"

#define DAMON_LEASE_VALUES 64

struct damon_lease {
	int lock_fd; /* held while we record; the kernel lets go when we die */
	pid_t kdamond;
	uint64_t kdamond_start; /* its start time, in ticks since boot */
	size_t nr;
	struct {
		char path[160], value[32];
	} values[DAMON_LEASE_VALUES]; /* what was written where, to be found again */
};

/*
 * Take the lock. Returns MH_OK; MH_ESYS when another memheat has it (sys_errno
 * EWOULDBLOCK), or /run/memheat cannot be made.
 */
int mh_damon_lease_take(struct damon_lease *l, struct damon_fs *fs,
			struct mh_err *err) MH_MUST_CHECK;

/* Note a value that was written. */
void mh_damon_lease_note(struct damon_lease *l, const char *path, const char *value);
/* Forget the values below @prefix: they are written anew. */
void mh_damon_lease_forget(struct damon_lease *l, const char *prefix);

/* Put it on disk, whole or not at all. */
int mh_damon_lease_save(const struct damon_lease *l, struct damon_fs *fs,
			struct mh_err *err) MH_MUST_CHECK;

/* Remove the record and let the lock go. */
void mh_damon_lease_drop(struct damon_lease *l, struct damon_fs *fs, bool remove_record);

/* Whether a memheat that lives has the lock, and its pid. */
bool mh_damon_lease_held(struct damon_fs *fs, pid_t *recorder);

/*
 * Whether all that DAMON holds now is what a memheat, now dead, wrote in this boot: the
 * same kdamond thread or none, and every value as written.
 */
bool mh_damon_lease_is_left(struct damon_fs *fs);

/* Start time of a process or kernel thread; 0: not there. */
uint64_t mh_damon_start_ticks(const struct damon_fs *fs, pid_t pid);

#endif
