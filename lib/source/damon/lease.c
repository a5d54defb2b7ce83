/* SPDX-License-Identifier: MIT */
/*
 * Two files under /run/memheat. `damon.lock` is locked for as long as its holder lives.
 * `damon.state` has one fact per line: boot_id, recorder, kdamond, and one line per value
 * written. Any difference to what is found means that it is somebody else's by now.
 */
#include "source/damon/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/tree.h"

#define RUN_DIR    "/run/memheat"
#define LOCK_FILE  RUN_DIR "/damon.lock"
#define STATE_FILE RUN_DIR "/damon.state"
#define LOCK_TRIES 10
#define MAGIC      "memheat-damon 1"

static void path_of(char *out, size_t size, const struct damon_fs *fs, const char *path)
{
	snprintf(out, size, "%s%s", fs->root, path);
}

uint64_t mh_damon_start_ticks(const struct damon_fs *fs, pid_t pid)
{
	struct proc_stat st;

	return pid > 0 && !mh_proc_stat_read(&st, fs->root, pid) ? st.start_ticks : 0;
}

static int read_boot_id(struct damon_fs *fs, char *buf, size_t size, struct mh_err *err)
{
	return mh_damon_read(fs, buf, size, err, "/proc/sys/kernel/random/boot_id");
}

/* ---- the lock ---- */

int mh_damon_lease_take(struct damon_lease *l, struct damon_fs *fs, struct mh_err *err)
{
	char path[PATH_MAX];
	int fd, busy, i;

	*l = (struct damon_lease){ .lock_fd = -1 };
	path_of(path, sizeof(path), fs, RUN_DIR);
	if (mkdir(path, 0755) && errno != EEXIST)
		return mh_fail_errno(err, "cannot make '%s'", path);
	path_of(path, sizeof(path), fs, LOCK_FILE);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return mh_fail_errno(err, "cannot open '%s'", path);
	/* Somebody who only looks whether it is taken holds it for a moment. */
	for (i = 0; (busy = flock(fd, LOCK_EX | LOCK_NB)) && i < LOCK_TRIES; i++)
		fs->wait(fs, 5);
	if (busy) {
		int sys_errno = errno, ret;

		close(fd);
		ret = mh_fail(err, MH_ESYS, "another memheat is using DAMON");
		if (err)
			err->sys_errno = sys_errno;
		return ret;
	}
	l->lock_fd = fd;
	return MH_OK;
}

static bool is_locked(const struct damon_fs *fs)
{
	char path[PATH_MAX];
	bool locked;
	int fd;

	path_of(path, sizeof(path), fs, LOCK_FILE);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return locked;
}

/* ---- writing ---- */

void mh_damon_lease_note(struct damon_lease *l, const char *path, const char *value)
{
	size_t i;

	for (i = 0; i < l->nr && strcmp(l->values[i].path, path) != 0; i++)
		;
	/* What no longer fits is not needed to tell ours from another's. */
	if (i == DAMON_LEASE_VALUES)
		return;
	snprintf(l->values[i].path, sizeof(l->values[i].path), "%s", path);
	snprintf(l->values[i].value, sizeof(l->values[i].value), "%s", value);
	if (i == l->nr)
		l->nr++;
}

void mh_damon_lease_forget(struct damon_lease *l, const char *prefix)
{
	size_t i = 0;

	while (i < l->nr) {
		if (strncmp(l->values[i].path, prefix, strlen(prefix)) != 0)
			i++;
		else
			l->values[i] = l->values[--l->nr];
	}
}

static int print_state(FILE *f, const struct damon_lease *l, struct damon_fs *fs,
		       struct mh_err *err)
{
	char boot[64];
	size_t i;
	int ret = read_boot_id(fs, boot, sizeof(boot), err);

	if (ret)
		return ret;
	fprintf(f, MAGIC "\nboot_id %s\n", boot);
	fprintf(f, "recorder %d\n", (int)getpid());
	fprintf(f, "kdamond %d %" PRIu64 "\n", (int)l->kdamond, l->kdamond_start);
	for (i = 0; i < l->nr; i++)
		fprintf(f, "value %s %s\n", l->values[i].path, l->values[i].value);
	fprintf(f, "end\n");
	return MH_OK;
}

int mh_damon_lease_save(const struct damon_lease *l, struct damon_fs *fs,
			struct mh_err *err)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	FILE *f;
	int ret;

	path_of(path, sizeof(path), fs, STATE_FILE);
	path_of(fresh, sizeof(fresh), fs, STATE_FILE ".new");
	f = fopen(fresh, "we");
	if (!f)
		return mh_fail_errno(err, "cannot write '%s'", fresh);
	ret = print_state(f, l, fs, err);
	if (fclose(f) && !ret)
		ret = mh_fail_errno(err, "cannot write '%s'", fresh);
	if (!ret && rename(fresh, path))
		ret = mh_fail_errno(err, "cannot write '%s'", path);
	return ret;
}

void mh_damon_lease_drop(struct damon_lease *l, struct damon_fs *fs, bool remove_record)
{
	char path[PATH_MAX];

	if (l->lock_fd < 0)
		return;
	path_of(path, sizeof(path), fs, STATE_FILE);
	if (remove_record)
		unlink(path);
	close(l->lock_fd);
	l->lock_fd = -1;
}

/* ---- reading ---- */

bool mh_damon_lease_held(struct damon_fs *fs, pid_t *recorder)
{
	char path[PATH_MAX], line[256];
	int pid = 0;
	FILE *f;

	*recorder = 0;
	if (!is_locked(fs))
		return false;
	path_of(path, sizeof(path), fs, STATE_FILE);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "recorder %d", &pid) != 1)
		;
	if (f)
		fclose(f);
	*recorder = (pid_t)pid;
	return true;
}

static bool thread_matches(struct damon_fs *fs, pid_t kdamond, uint64_t start)
{
	char state[16];
	uint64_t pid;

	if (mh_damon_read(fs, state, sizeof(state), NULL, DAMON_OWN "/state") ||
	    mh_damon_read_u64(fs, &pid, NULL, DAMON_OWN "/pid"))
		return false;
	if (!strcmp(state, "off"))
		return true;
	return kdamond > 0 && (pid_t)pid == kdamond && start &&
	       mh_damon_start_ticks(fs, kdamond) == start;
}

/* One line of the record against what is there now. */
static bool line_matches(struct damon_fs *fs, char *line, bool *ended)
{
	char path[160], value[64], now[64];
	uint64_t start;
	int pid;

	if (!strcmp(line, "end\n"))
		return *ended = true;
	if (sscanf(line, "boot_id %63s", value) == 1)
		return !read_boot_id(fs, now, sizeof(now), NULL) && !strcmp(now, value);
	if (sscanf(line, "recorder %d", &pid) == 1)
		return true; /* dead, or the lock were held */
	if (sscanf(line, "kdamond %d %" SCNu64, &pid, &start) == 2)
		return thread_matches(fs, (pid_t)pid, start);
	if (sscanf(line, "value %159s %63s", path, value) == 2)
		return !strncmp(path, DAMON_DIR "/", strlen(DAMON_DIR "/")) &&
		       !mh_damon_read(fs, now, sizeof(now), NULL, "%s", path) &&
		       !strcmp(now, value);
	return false;
}

bool mh_damon_lease_is_left(struct damon_fs *fs)
{
	bool matches = false, ended = false;
	char path[PATH_MAX], line[256];
	FILE *f;

	if (is_locked(fs))
		return false;
	path_of(path, sizeof(path), fs, STATE_FILE);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		matches = !strcmp(line, MAGIC "\n");
	while (matches && fgets(line, sizeof(line), f))
		matches = !ended && line_matches(fs, line, &ended);
	fclose(f);
	return matches && ended;
}
