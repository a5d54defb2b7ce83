/* SPDX-License-Identifier: MIT */
/* A trace that a command makes from another: it appears under its name when whole. */
#ifndef MEMHEAT_TRACE_OUTPUT_H
#define MEMHEAT_TRACE_OUTPUT_H

#include <memheat/trace.h>

struct mh_trace_output {
	struct mh_writer *writer;
	const char *path; /* borrowed */
	char *temp;       /* owned; NULL: written in place */
};

/* @path: "-": standard output, which must not be a terminal */
int mh_trace_output_open(struct mh_trace_output *out, const char *path,
			 enum mh_policy policy, struct mh_err *err) MH_MUST_CHECK;

/* With @status < 0 nothing appears and the status is returned. */
int mh_trace_output_close(struct mh_trace_output *out, int status,
			  struct mh_err *err) MH_MUST_CHECK;

#endif
