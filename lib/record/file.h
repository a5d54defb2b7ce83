/* SPDX-License-Identifier: MIT */
/* The previous trace of the same name is kept as NAME.old, with its tail file. */
#ifndef MEMHEAT_RECORD_FILE_H
#define MEMHEAT_RECORD_FILE_H

#include <stdbool.h>

#include <memheat/base.h>

/* Move a regular file @path aside; *moved says whether there was one. */
int mh_trace_keep_old(const char *path, bool *moved, struct mh_err *err) MH_MUST_CHECK;

/* Undo it: remove the new file and bring the old one back. */
void mh_trace_bring_back(const char *path, bool moved);

#endif
