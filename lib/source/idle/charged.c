/* SPDX-License-Identifier: MIT */
/*
 * /proc/kpagecgroup has for each frame the inode of the group's directory that it is
 * charged to. All of it has to be read in every scan, some 30 ms per GiB of the machine.
 */
#include "source/idle/charged.h"

#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mh_idle_charged_init(struct idle_charged *c, const char *sysroot, const char *cgroup,
			 unsigned page_shift, struct mh_err *err)
{
	const struct mh_target all = { .type = MH_TARGET_SYSTEM };
	char path[PATH_MAX];
	int status;

	*c = (struct idle_charged){ .fd = -1, .sysroot = sysroot, .cgroup = cgroup };
	snprintf(path, sizeof(path), "%s/proc/kpagecgroup", sysroot);
	c->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0 && errno == ENOENT)
		return mh_fail(err, MH_ENOSUP,
			       "idle: --page-cache needs a kernel with CONFIG_MEMCG and "
			       "CONFIG_PROC_PAGE_MONITOR");
	if (c->fd < 0)
		return mh_fail_errno(err, "cannot open /proc/kpagecgroup");
	c->entries = malloc(IDLE_BLOCK_PFNS * sizeof(*c->entries));
	if (!c->entries)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	status = mh_idle_physical_init(&c->ram, sysroot, &all, page_shift, err);
	return status ? status : mh_idle_physical_choose(&c->ram, err);
}

/* ---- the group and those below ---- */

static int add_group(struct idle_charged *c, const char *dir_path, struct mh_err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	uint64_t *inode;
	int status = MH_OK;
	DIR *dir;

	if (stat(dir_path, &st))
		return MH_OK; /* removed meanwhile */
	inode = mh_vec_push(&c->inodes);
	if (!inode)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*inode = st.st_ino;
	dir = opendir(dir_path);
	while (dir && !status && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		status = add_group(c, path, err);
	}
	if (dir)
		closedir(dir);
	return status;
}

static bool is_ours(const struct idle_charged *c, uint64_t inode)
{
	size_t i;

	for (i = 0; i < c->inodes.nr; i++)
		if (c->inodes.v[i] == inode)
			return true;
	return false;
}

/* Neighbouring frames are mostly of one group. */
static int choose_frames(struct idle_charged *c, const struct idle_scan *scan,
			 struct mh_range pfns, struct mh_err *err)
{
	size_t size = (size_t)mh_range_len(pfns) * 8, done = 0, i;
	uint64_t last = 0;
	bool ours = false;

	while (done < size) {
		ssize_t n = pread(c->fd, (char *)c->entries + done, size - done,
				  (off_t)(pfns.start * 8 + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mh_fail_errno(err, "cannot read /proc/kpagecgroup");
		if (!n)
			break;
		done += (size_t)n;
	}
	for (i = 0; i < done / 8; i++) {
		if (c->entries[i] != last) {
			last = c->entries[i];
			ours = last && is_ours(c, last);
		}
		if (ours && !mh_idle_blocks_is_wanted(&scan->blocks, pfns.start + i))
			mh_idle_physical_set(&c->ram, pfns.start + i);
	}
	return MH_OK;
}

int mh_idle_charged_want(struct idle_charged *c, struct idle_scan *scan,
			 struct mh_err *err)
{
	int status;
	size_t i;

	c->inodes.nr = 0;
	mh_idle_physical_unset(&c->ram);
	status = add_group(c, c->cgroup, err);
	for (i = 0; !status && i < c->ram.pieces.nr; i++)
		status = choose_frames(c, scan, c->ram.pieces.v[i], err);
	return status ? status : mh_idle_physical_want(&c->ram, scan, err);
}

int mh_idle_charged_tell(struct idle_charged *c, struct idle_scan *scan,
			 uint64_t armed_ns, struct mh_err *err)
{
	return mh_idle_physical_tell(&c->ram, scan, armed_ns, err);
}

void mh_idle_charged_fini(struct idle_charged *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->inodes.v);
	free(c->entries);
	mh_idle_physical_fini(&c->ram);
}
