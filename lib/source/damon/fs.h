/* SPDX-License-Identifier: MIT */
/*
 * The files that DAMON is driven by, behind a table: tests put a model of the kernel in
 * its place. Everything that is ever written to DAMON goes through mh_damon_write().
 */
#ifndef MEMHEAT_SOURCE_DAMON_FS_H
#define MEMHEAT_SOURCE_DAMON_FS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>

#define DAMON_DIR      "/sys/kernel/mm/damon"
#define DAMON_KDAMONDS DAMON_DIR "/admin/kdamonds"
#define DAMON_OWN      DAMON_KDAMONDS "/0"
#define DAMON_CONTEXT  DAMON_OWN "/contexts/0"

/* Set in the environment, nothing is ever written to the DAMON of this machine. */
#define DAMON_READONLY "MEMHEAT_DAMON_READONLY"

struct damon_fs {
	char root[PATH_MAX / 2]; /* prefix of /sys, /proc and /run */
	/* Length read, or -errno. */
	ssize_t (*read)(struct damon_fs *fs, const char *path, char *buf, size_t size);
	/* 0 or -errno; -ETIMEDOUT when the kernel did not come back. */
	int (*write)(struct damon_fs *fs, const char *path, const char *value);
	/* Sleep between tries; tests do not. */
	void (*wait)(struct damon_fs *fs, unsigned ms);
	bool (*may_write)(struct damon_fs *fs); /* as far as can be told by looking */
	void *arg;
	unsigned state_ms; /* how long a write of `state` may take */
	pid_t hung;        /* a helper that the kernel keeps; 0: none */
};

/* The files of this machine, or of the tree at @sysroot (NULL: ""). */
void mh_damon_fs_init(struct damon_fs *fs, const char *sysroot);

bool mh_damon_exists(struct damon_fs *fs, const char *fmt, ...) MH_PRINTF(2, 3);

/*
 * Read a file whose text ends at the first newline, NUL-terminated. EBUSY is waited out.
 *
 * Returns MH_OK; MH_ENOSUP when there is no such file; MH_EPERM; MH_ESYS.
 */
int mh_damon_read(struct damon_fs *fs, char *buf, size_t size, struct mh_err *err,
		  const char *fmt, ...) MH_PRINTF(5, 6) MH_MUST_CHECK;
int mh_damon_read_u64(struct damon_fs *fs, uint64_t *out, struct mh_err *err,
		      const char *fmt, ...) MH_PRINTF(4, 5) MH_MUST_CHECK;

/* Write a text. EBUSY is waited out for a few seconds; sys_errno says what went wrong. */
int mh_damon_write(struct damon_fs *fs, const char *path, const char *value,
		   struct mh_err *err) MH_MUST_CHECK;

#endif
