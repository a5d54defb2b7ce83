/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing DAMON's files. The kernel answers EBUSY whenever anybody else is at
 * them, so every access is tried again for a while.
 *
 * A write of `state` can hang in the kernel for ever (a race with a kdamond that ends,
 * Linux 6.14 to 7.0). A process of its own does it, which can be left behind; a thread
 * would keep our process from ending.
 */
#include "source/damon/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUSY_TRIES       100 /* about 4 s */
#define BUSY_WAIT_MAX_MS 50
#define STATE_TIMEOUT_MS 20000

/* ---- this machine's files ---- */

static void full_path(char *out, size_t size, const struct damon_fs *fs, const char *path)
{
	snprintf(out, size, "%s%s", fs->root, path);
}

static ssize_t real_read(struct damon_fs *fs, const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	full_path(full, sizeof(full), fs, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len < size && (n = read(fd, buf + len, size - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (ssize_t)len;
}

static int write_file(const char *full, const char *value)
{
	size_t len = strlen(value);
	int fd = open(full, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, len) != (ssize_t)len)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

/* The helper keeps none of our descriptors: it may outlive us. */
static void helper_main(const char *full, const char *value, int fd)
	__attribute__((noreturn));
static void helper_main(const char *full, const char *value, int fd)
{
	int ret;

	setsid(); /* Ctrl-C is for us, not for a write under way */
	dup2(fd, STDIN_FILENO);
	syscall(SYS_close_range, 3, ~0U, 0);
	ret = write_file(full, value);
	if (write(STDIN_FILENO, &ret, sizeof(ret)) != sizeof(ret))
		_exit(1);
	_exit(0);
}

static int poll_for(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, ms);
	} while (n < 0 && errno == EINTR);
	return n;
}

static int write_by_helper(struct damon_fs *fs, const char *full, const char *value)
{
	int fds[2], ret = -EIO;
	pid_t pid;

	if (fs->hung)
		return -ETIMEDOUT;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		helper_main(full, value, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		ret = -EAGAIN;
	} else if (poll_for(fds[0], (int)fs->state_ms) == 0) {
		fs->hung = pid;
		ret = -ETIMEDOUT;
	} else {
		if (read(fds[0], &ret, sizeof(ret)) != sizeof(ret))
			ret = -EIO;
		waitpid(pid, NULL, 0);
	}
	close(fds[0]);
	return ret;
}

static bool is_state(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && !strcmp(name, "/state");
}

static bool readonly(const struct damon_fs *fs)
{
	return !*fs->root && getenv(DAMON_READONLY);
}

static int real_write(struct damon_fs *fs, const char *path, const char *value)
{
	char full[PATH_MAX];

	if (readonly(fs))
		return -EROFS;
	full_path(full, sizeof(full), fs, path);
	return is_state(path) ? write_by_helper(fs, full, value)
			      : write_file(full, value);
}

static void real_wait(struct damon_fs *fs, unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	(void)fs;
	nanosleep(&ts, NULL);
}

static bool real_may_write(struct damon_fs *fs)
{
	char full[PATH_MAX];

	full_path(full, sizeof(full), fs, DAMON_KDAMONDS "/nr_kdamonds");
	return !readonly(fs) && !access(full, W_OK);
}

void mh_damon_fs_init(struct damon_fs *fs, const char *sysroot)
{
	*fs = (struct damon_fs){ .read = real_read,
				 .write = real_write,
				 .wait = real_wait,
				 .may_write = real_may_write,
				 .state_ms = STATE_TIMEOUT_MS };
	snprintf(fs->root, sizeof(fs->root), "%s", sysroot ? sysroot : "");
}

/* ---- with patience and words ---- */

static unsigned busy_wait_ms(unsigned nr_tries)
{
	return nr_tries < 6 ? 1u << nr_tries : BUSY_WAIT_MAX_MS;
}

static ssize_t read_patiently(struct damon_fs *fs, const char *path, char *buf,
			      size_t size)
{
	unsigned i;
	ssize_t n;

	for (i = 0; (n = fs->read(fs, path, buf, size)) == -EBUSY && i < BUSY_TRIES; i++)
		fs->wait(fs, busy_wait_ms(i));
	return n;
}

bool mh_damon_exists(struct damon_fs *fs, const char *fmt, ...)
{
	char path[PATH_MAX / 2], buf[64];
	va_list args;
	ssize_t n;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	n = read_patiently(fs, path, buf, sizeof(buf));
	return n != -ENOENT && n != -ENOTDIR;
}

static int failed(struct mh_err *err, const char *what, const char *path, int sys_errno)
{
	int ret;

	if (sys_errno == ENOENT)
		ret = mh_fail(err, MH_ENOSUP, "this kernel has no '%s'", path);
	else if (sys_errno == EBUSY)
		ret = mh_fail(err, MH_ESYS, "'%s' is busy: somebody else is at DAMON",
			      path);
	else if (sys_errno == ETIMEDOUT)
		ret = mh_fail(err, MH_ESYS,
			      "the kernel hangs in '%s'; DAMON may need a reboot", path);
	else if (sys_errno == EROFS && getenv(DAMON_READONLY))
		ret = mh_fail(err, MH_EPERM,
			      DAMON_READONLY " is set: '%s' is not written", path);
	else {
		errno = sys_errno;
		ret = mh_fail_errno(err, "cannot %s '%s'", what, path);
	}
	if (err)
		err->sys_errno = sys_errno;
	return ret;
}

static int read_text(struct damon_fs *fs, char *buf, size_t size, const char *path,
		     struct mh_err *err)
{
	ssize_t n = read_patiently(fs, path, buf, size - 1);

	if (n < 0)
		return failed(err, "read", path, (int)-n);
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return MH_OK;
}

int mh_damon_read(struct damon_fs *fs, char *buf, size_t size, struct mh_err *err,
		  const char *fmt, ...)
{
	char path[PATH_MAX / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return read_text(fs, buf, size, path, err);
}

int mh_damon_read_u64(struct damon_fs *fs, uint64_t *out, struct mh_err *err,
		      const char *fmt, ...)
{
	char path[PATH_MAX / 2], buf[64], *end;
	va_list args;
	int ret;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	ret = read_text(fs, buf, sizeof(buf), path, err);
	if (ret)
		return ret;
	/* Some are signed (pid: -1); they wrap, as the caller casts them back. */
	*out = strtoull(buf, &end, 10);
	if (end == buf || *end)
		return mh_fail(err, MH_EFORMAT, "'%s' holds no number: '%.32s'", path,
			       buf);
	return MH_OK;
}

int mh_damon_write(struct damon_fs *fs, const char *path, const char *value,
		   struct mh_err *err)
{
	unsigned i;
	int ret;

	for (i = 0; (ret = fs->write(fs, path, value)) == -EBUSY && i < BUSY_TRIES; i++)
		fs->wait(fs, busy_wait_ms(i));
	return ret ? failed(err, "write", path, -ret) : MH_OK;
}
