/* SPDX-License-Identifier: MIT */
/* Where a report goes: standard output, its pager, or a file that appears when whole. */
#ifndef MEMHEAT_OUTPUT_H
#define MEMHEAT_OUTPUT_H

#include <stdio.h>
#include <sys/types.h>

#include <memheat/base.h>

struct mh_output {
	FILE *f;
	const char *path; /* borrowed; NULL: standard output */
	char *temp;       /* owned; NULL: written in place */
	pid_t pager;      /* 0: none */
};

/*
 * @path: borrowed; NULL or "-": standard output
 * @page: through a pager when that is a terminal
 */
int mh_output_open(struct mh_output *out, const char *path, int page,
		   struct mh_err *err) MH_MUST_CHECK;

/*
 * Finish: flush, rename into place, wait for the pager. With @status < 0 (what was
 * written is not whole) the file does not appear; that status is returned.
 */
int mh_output_close(struct mh_output *out, int status, struct mh_err *err) MH_MUST_CHECK;

#endif
