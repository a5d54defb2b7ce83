/* SPDX-License-Identifier: MIT */
/*
 * The files of the cache, in <base>/memheat/symbols. They are written under another name
 * and renamed, so that who reads sees a whole file, and two writers leave that of the
 * later one. Folders of somebody else are left alone: what is in them may be made up, and
 * root would leave files there that their owner cannot remove.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "symbol/cache.h"

#define LEFT_OVER_S 3600 /* a file being written is not that old */

/* ---- folders ---- */

static bool is_own(int fd, mode_t others)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & others);
}

static bool is_in_own(const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];
	struct stat st;
	int len = slash ? (int)(slash - path) : 0;

	return snprintf(parent, sizeof(parent), "%.*s", len ? len : 1, path) <
		       (int)sizeof(parent) &&
	       !stat(parent, &st) && st.st_uid == geteuid();
}

/* The folder @name in @at, which nobody else may write to; -1. */
static int folder_in(int at, const char *name, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags);

	if (fd < 0 && errno == ENOENT && make && !mkdirat(at, name, 0700))
		fd = openat(at, name, flags);
	if (fd >= 0 && !is_own(fd, S_IWGRP | S_IWOTH)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The folder of the files; -1: not there, or not ours. */
static int open_folder(const char *base, bool make)
{
	int at, memheat, fd = -1;

	at = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 && errno == ENOENT && make && is_in_own(base) && !mkdir(base, 0700))
		at = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return -1;
	memheat = is_own(at, 0) ? folder_in(at, "memheat", make) : -1;
	if (memheat >= 0) {
		fd = folder_in(memheat, "symbols", make);
		close(memheat);
	}
	close(at);
	return fd;
}

/* ---- reading ---- */

/* The whole file; NULL. */
static uint8_t *read_all(int fd, size_t *len)
{
	struct stat st;
	uint8_t *bytes;
	ssize_t n = 1;

	*len = 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_size <= 0 || (uint64_t)st.st_size > MH_CACHE_FILE_MAX)
		return NULL;
	bytes = malloc((size_t)st.st_size);
	while (bytes && n > 0 && *len < (size_t)st.st_size) {
		n = read(fd, bytes + *len, (size_t)st.st_size - *len);
		if (n > 0)
			*len += (size_t)n;
	}
	return bytes;
}

bool mh_cache_read(struct mh_cache *c, const char *base, const char *name,
		   struct mh_names *names)
{
	int folder = open_folder(base, false), fd;
	uint8_t *bytes = NULL;
	bool ok = false;
	size_t len;

	if (folder < 0)
		return false;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		bytes = read_all(fd, &len);
	if (bytes)
		ok = mh_cache_decode(c, bytes, len, names);
	/* It was of use: it is not the next to be removed. */
	if (ok)
		(void)futimens(fd, NULL);
	free(bytes);
	if (fd >= 0)
		close(fd);
	close(folder);
	return ok;
}

/* ---- writing ---- */

static bool write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	for (; len; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n <= 0)
			return false;
	}
	return true;
}

static bool write_file(int folder, const char *name, const struct mh_wbuf *bytes)
{
	char temp[64];
	bool ok;
	int fd;

	/* No other process has this name, and no other table in this one. */
	snprintf(temp, sizeof(temp), ".%ld.%p", (long)getpid(), (const void *)bytes->p);
	fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write_all(fd, bytes->p, bytes->len);
	ok = !close(fd) && ok;
	if (ok)
		ok = !renameat(folder, temp, folder, name);
	if (!ok)
		(void)unlinkat(folder, temp, 0);
	return ok;
}

bool mh_cache_write(const struct mh_cache *c, const char *base, const char *name)
{
	struct mh_wbuf bytes = { 0 };
	bool ok = false;
	int folder;

	mh_cache_encode(c, &bytes);
	folder =
		bytes.bad || bytes.len > MH_CACHE_FILE_MAX ? -1 : open_folder(base, true);
	if (folder >= 0) {
		ok = write_file(folder, name, &bytes);
		close(folder);
	}
	mh_wbuf_fini(&bytes);
	return ok;
}

/* ---- the limit ---- */

struct kept_file {
	char name[256];
	uint64_t size;
	struct timespec used;
};

struct kept_files {
	struct kept_file *v;
	size_t nr, cap;
	uint64_t size;
};

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct kept_file *)a)->used;
	const struct timespec *y = &((const struct kept_file *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

static void look_at(struct kept_files *files, int folder, const char *name)
{
	struct kept_file *f;
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return;
	if (name[0] == '.') {
		/* Being written, or left when its writer was killed. */
		if (time(NULL) - st.st_mtim.tv_sec > LEFT_OVER_S)
			(void)unlinkat(folder, name, 0);
		return;
	}
	f = mh_vec_push(files);
	if (!f)
		return;
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->size = (uint64_t)st.st_size;
	f->used = st.st_mtim;
	files->size += f->size;
}

void mh_cache_trim(const char *base, uint64_t max)
{
	struct kept_files files = { 0 };
	int folder = open_folder(base, false);
	DIR *dir = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *e;
	size_t i;

	if (!dir) {
		if (folder >= 0)
			close(folder);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		look_at(&files, folder, e->d_name);
	if (files.nr)
		qsort(files.v, files.nr, sizeof(*files.v), by_use);
	for (i = 0; i < files.nr && files.size > max; i++) {
		if (!unlinkat(folder, files.v[i].name, 0))
			files.size -= files.v[i].size;
	}
	free(files.v);
	closedir(dir);
}
