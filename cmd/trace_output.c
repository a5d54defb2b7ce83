/* SPDX-License-Identifier: MIT */
/*
 * A trace made from another is written beside its place and renamed when whole, so that
 * it may replace its own input and a failure leaves what was there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "temp.h"
#include "trace_output.h"

int mh_trace_output_open(struct mh_trace_output *out, const char *path,
			 enum mh_policy policy, struct mh_err *err)
{
	struct mh_writer_opts opts = { .policy = policy,
				       .no_tail = 1,
				       .log = &mh_log_stderr };
	struct stat st;
	int in_place, status;

	memset(out, 0, sizeof(*out));
	out->path = path;
	if (!strcmp(path, "-") && isatty(STDOUT_FILENO))
		return mh_fail(
			err, MH_EINPUT,
			"a trace is not for a terminal; give -o a file, or a pipe");
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return mh_fail(err, MH_EINPUT, "%s is a directory, not a file to write",
			       path);
	in_place = !strcmp(path, "-") || (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
	status = in_place ? MH_OK : mh_temp_name(&out->temp, path, err);
	return status ? status
		      : mh_writer_open(&out->writer, out->temp ? out->temp : path, &opts,
				       err);
}

int mh_trace_output_close(struct mh_trace_output *out, int status, struct mh_err *err)
{
	struct mh_err later;
	int closed = mh_writer_close(out->writer, status < 0 ? &later : err);

	if (status >= 0)
		status = closed;
	status = mh_temp_close(out->temp, out->path, status, err);
	memset(out, 0, sizeof(*out));
	return status;
}
