/* SPDX-License-Identifier: MIT */
#include "record/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/cost.h"

/* In version 2 and in version 1. key NULL: the file is one number. */
static const struct figure {
	const char *name;
	struct {
		const char *file, *key;
	} places[2];
} figures[] = {
	{ "cgroup.current",
	  { { "memory.current", NULL }, { "memory.usage_in_bytes", NULL } } },
	{ "cgroup.peak",
	  { { "memory.peak", NULL }, { "memory.max_usage_in_bytes", NULL } } },
	{ "cgroup.inactive_file",
	  { { "memory.stat", "inactive_file" },
	    { "memory.stat", "total_inactive_file" } } },
	{ "cgroup.unevictable",
	  { { "memory.stat", "unevictable" }, { "memory.stat", "total_unevictable" } } },
	{ "cgroup.kernel",
	  { { "memory.stat", "kernel" }, { "memory.kmem.usage_in_bytes", NULL } } },
};

#define NR_FIGURES (sizeof(figures) / sizeof(figures[0]))

/* "key number" in its own line; v1 lists the group's own bytes under the short key. */
static bool find_key(const char *text, const char *key, uint64_t *value)
{
	size_t len = strlen(key);

	for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL) {
		if (!strncmp(text, key, len) && text[len] == ' ') {
			*value = strtoull(text + len, NULL, 10);
			return true;
		}
	}
	return false;
}

static bool read_figure(const char *dir, const char *file, const char *key,
			uint64_t *value)
{
	char path[PATH_MAX], text[16384], *end;
	size_t len;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	in = fopen(path, "re");
	if (!in)
		return false;
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	if (key)
		return find_key(text, key, value);
	*value = strtoull(text, &end, 10);
	return end != text;
}

int mh_cgroup_tell(const char *dir, mh_event_fn fn, void *arg, struct mh_err *err)
{
	int ret = MH_OK;
	uint64_t value;
	size_t i, v1;

	/* Both versions have a memory.stat. */
	v1 = !read_figure(dir, figures[0].places[0].file, NULL, &value);
	for (i = 0; !ret && i < NR_FIGURES; i++) {
		const struct figure *f = &figures[i];

		if (read_figure(dir, f->places[v1].file, f->places[v1].key, &value))
			ret = mh_stat_tell(fn, arg, 0, f->name, value, err);
	}
	return ret;
}
