/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "heap_shim.h"

#define NAME "libmemheat-heap.so"

#ifndef MEMHEAT_LIBDIR /* for who reads this file without the Makefile */
#define MEMHEAT_LIBDIR "/usr/local/lib"
#endif

const char *mh_heap_shim(char path[PATH_MAX])
{
	static const char *const places[] = { "", "../lib/", NULL };
	char self[PATH_MAX / 2], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (i = 0; slash && places[i]; i++) {
		slash[1] = '\0';
		snprintf(path, PATH_MAX, "%s%s%s", self, places[i], NAME);
		if (!access(path, R_OK))
			return path;
	}
	snprintf(path, PATH_MAX, "%s/%s", MEMHEAT_LIBDIR, NAME);
	return path;
}
