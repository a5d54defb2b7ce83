/* SPDX-License-Identifier: MIT */
/*
 * A regular file is written under another name and renamed when whole (temp.h); what is
 * none (/dev/stdout, a pipe) is written in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "pager.h"
#include "temp.h"

static int open_in_place(struct mh_output *out, struct mh_err *err)
{
	out->f = fopen(out->path, "we");
	if (!out->f)
		return mh_fail_errno(err, "cannot write %s", out->path);
	return MH_OK;
}

static int open_beside(struct mh_output *out, struct mh_err *err)
{
	int fd, status;

	status = mh_temp_name(&out->temp, out->path, err);
	if (status)
		return status;
	fd = open(out->temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	out->f = fd < 0 ? NULL : fdopen(fd, "w");
	if (out->f)
		return MH_OK;
	status = mh_fail_errno(err, "cannot write %s", out->path);
	if (fd >= 0)
		close(fd);
	status = mh_temp_close(out->temp, out->path, status, err);
	out->temp = NULL;
	return status;
}

int mh_output_open(struct mh_output *out, const char *path, int page, struct mh_err *err)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (!path || !strcmp(path, "-")) {
		out->f = stdout;
		if (page)
			mh_pager_start(&out->pager, &out->f);
		return MH_OK;
	}
	out->path = path;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return mh_fail(err, MH_EINPUT, "%s is a directory, not a file to write",
			       path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return open_in_place(out, err);
	return open_beside(out, err);
}

static int finish_stdout(struct mh_output *out, int status)
{
	/* A failure of standard output itself is told by main(), once for all commands.
	 */
	if (out->pager)
		mh_pager_wait(out->pager, out->f);
	return status;
}

int mh_output_close(struct mh_output *out, int status, struct mh_err *err)
{
	int bad;

	if (!out->f)
		return status;
	if (!out->path)
		return finish_stdout(out, status);
	bad = fflush(out->f) != 0 || ferror(out->f);
	if (bad && status >= 0)
		status = mh_fail_errno(err, "cannot write %s", out->path);
	if (fclose(out->f) != 0 && status >= 0)
		status = mh_fail_errno(err, "cannot write %s", out->path);
	status = mh_temp_close(out->temp, out->path, status, err);
	memset(out, 0, sizeof(*out));
	return status;
}
