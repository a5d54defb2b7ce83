/* SPDX-License-Identifier: MIT */
/* Where a user's caches are. */
#ifndef MEMHEAT_CACHE_DIR_H
#define MEMHEAT_CACHE_DIR_H

#define MH_CACHE_DIR_MAX 4096

/* $XDG_CACHE_HOME, or ~/.cache; NULL: neither is known. */
const char *mh_cache_dir(char buf[MH_CACHE_DIR_MAX]);

#endif
