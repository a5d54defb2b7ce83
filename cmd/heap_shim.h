/* SPDX-License-Identifier: MIT */
/* Where the shim of the heap log is, and `--heap` of the commands that record. */
#ifndef MEMHEAT_CMD_HEAP_SHIM_H
#define MEMHEAT_CMD_HEAP_SHIM_H

#include <limits.h>

#include <memheat/record.h>

#define MH_HEAP_DEFAULT "64K"

/*
 * Beside the program, as in a build folder; in ../lib of its folder; or where it was to
 * be installed. Whether it is there is for the recording to say.
 */
const char *mh_heap_shim(char path[PATH_MAX]);

#endif
