/* SPDX-License-Identifier: MIT */
/* A file that takes its name when it is whole, and leaves nothing when it never is. */
#ifndef MEMHEAT_TEMP_H
#define MEMHEAT_TEMP_H

#include <memheat/base.h>

/*
 * The name, beside @path, under which to write it; to be given to mh_temp_close(). From
 * here to there SIGINT, SIGTERM and SIGHUP remove that file before they end us. One at a
 * time.
 */
int mh_temp_name(char **out, const char *path, struct mh_err *err) MH_MUST_CHECK;

/*
 * Rename to @path; with @status < 0 remove, and return that. NULL: nothing to do.
 *
 * @temp: released
 */
int mh_temp_close(char *temp, const char *path, int status,
		  struct mh_err *err) MH_MUST_CHECK;

#endif
