/* SPDX-License-Identifier: MIT */
/*
 * lru_gen names groups as the machine does. In a cgroup namespace of its own a recorder
 * sees other paths and finds none of them; it is for the machine's root.
 */
#include "source/mglru/group.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rest of @path below @dir; NULL: it is not below it. */
static const char *rest_of(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (!strcmp(dir, "/"))
		return path;
	if (strncmp(path, dir, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

bool mh_lru_group_has(const char *group, const char *path)
{
	return rest_of(path, group) != NULL;
}

/* "36 35 0:32 ROOT MOUNTPOINT rw,... - cgroup2 ...": false: of another file system. */
static bool is_cgroup(char *line, char **root, char **mount)
{
	char *save = NULL, *word = strtok_r(line, " ", &save);
	unsigned i;

	for (i = 0; word && i < 3; i++)
		word = strtok_r(NULL, " ", &save);
	*root = word;
	*mount = word ? strtok_r(NULL, " ", &save) : NULL;
	while (word && strcmp(word, "-") != 0)
		word = strtok_r(NULL, " ", &save);
	word = word ? strtok_r(NULL, " ", &save) : NULL;
	return word && (!strcmp(word, "cgroup") || !strcmp(word, "cgroup2"));
}

static int join(char **out, const char *root, const char *rest, struct mh_err *err)
{
	size_t size = strlen(root) + strlen(rest) + 2, len;

	*out = malloc(size);
	if (!*out)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	snprintf(*out, size, "%s%s", strcmp(root, "/") ? root : "", rest);
	len = strlen(*out);
	while (len > 1 && (*out)[len - 1] == '/')
		(*out)[--len] = '\0';
	if (!len)
		strcpy(*out, "/");
	return MH_OK;
}

int mh_lru_group_path(char **out, const char *sysroot, const char *dir,
		      struct mh_err *err)
{
	char path[PATH_MAX], *line = NULL, *root, *mount;
	size_t cap = 0, longest = 0;
	const char *rest;
	int status = MH_OK;
	FILE *in;

	*out = NULL;
	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", sysroot);
	in = fopen(path, "re");
	if (!in)
		return mh_fail_errno(err, "cannot open /proc/self/mountinfo");
	while (!status && getline(&line, &cap, in) > 0) {
		if (!is_cgroup(line, &root, &mount))
			continue;
		rest = rest_of(dir, mount);
		if (!rest || strlen(mount) < longest)
			continue;
		longest = strlen(mount);
		free(*out);
		status = join(out, root, rest, err);
	}
	free(line);
	fclose(in);
	if (!status && !*out)
		return mh_fail(err, MH_ENOTARGET, "'%s' is in no cgroup hierarchy", dir);
	return status;
}
