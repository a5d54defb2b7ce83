/* SPDX-License-Identifier: MIT */
/*
 * Renaming, with the tail file that an unfinished trace has beside it: without it the
 * old trace would lose its last rows. Devices and pipes are left alone.
 */
#include "record/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_regular(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISREG(st.st_mode);
}

static void tail_of(char *out, size_t size, const char *path, const char *suffix)
{
	snprintf(out, size, "%s%s.tail", path, suffix);
}

static void move_tail(const char *path, const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];

	tail_of(a, sizeof(a), path, from);
	tail_of(b, sizeof(b), path, to);
	if (rename(a, b) && errno == ENOENT)
		unlink(b); /* one that stayed would be of another trace */
}

int mh_trace_keep_old(const char *path, bool *moved, struct mh_err *err)
{
	char old[PATH_MAX];

	*moved = false;
	if (!strcmp(path, "-") || !is_regular(path))
		return MH_OK;
	if (snprintf(old, sizeof(old), "%s.old", path) >= (int)sizeof(old))
		return mh_fail(err, MH_EINPUT, "the file name '%.64s...' is too long",
			       path);
	if (rename(path, old))
		return mh_fail_errno(err, "cannot keep '%s' as '%s'", path, old);
	move_tail(path, "", ".old");
	*moved = true;
	return MH_OK;
}

void mh_trace_bring_back(const char *path, bool moved)
{
	char old[PATH_MAX];

	if (!strcmp(path, "-") || !is_regular(path))
		return;
	unlink(path);
	if (!moved)
		return;
	snprintf(old, sizeof(old), "%s.old", path);
	if (!rename(old, path))
		move_tail(path, ".old", "");
}
