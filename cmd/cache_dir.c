/* SPDX-License-Identifier: MIT */
/*
 * The folder of caches, as the XDG Base Directory Specification has it: a relative path
 * is as good as none.
 */
#include "cache_dir.h"

#include <stdio.h>
#include <stdlib.h>

const char *mh_cache_dir(char buf[MH_CACHE_DIR_MAX])
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int len;

	if (xdg && xdg[0] == '/')
		len = snprintf(buf, MH_CACHE_DIR_MAX, "%s", xdg);
	else if (home && home[0] == '/')
		len = snprintf(buf, MH_CACHE_DIR_MAX, "%s/.cache", home);
	else
		return NULL;
	return len < MH_CACHE_DIR_MAX ? buf : NULL;
}
