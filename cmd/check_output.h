/* SPDX-License-Identifier: MIT */
/* The formats of a verdict: several at once, each to a file or standard output. */
#ifndef MEMHEAT_CMD_CHECK_OUTPUT_H
#define MEMHEAT_CMD_CHECK_OUTPUT_H

#include <memheat/view.h>

#include "options.h"

/* MH_EINPUT when one of @formats (NAME or NAME=FILE) is wrong; before anything runs. */
int mh_check_formats(const struct mh_strings *formats, struct mh_err *err) MH_MUST_CHECK;

/* Write @v in every format, as text where none goes to standard output; and, as Markdown,
 * to the end of $GITHUB_STEP_SUMMARY where that is set. */
int mh_check_write(const struct mh_verdict *v, const struct mh_strings *formats,
		   struct mh_err *err) MH_MUST_CHECK;

#endif
