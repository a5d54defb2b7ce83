/* SPDX-License-Identifier: MIT */
/*
 * fork(2) and two pipes. Not posix_spawn(3): the pid is needed before the exec, when the
 * sources attach to it.
 */
#include "record/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- is it there? ---- */

static int try_path(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (S_ISDIR(st.st_mode) || access(path, X_OK))
		return EACCES;
	return 0;
}

/* As execvp(3) looks; errno of what it would meet, 0 when it is there, then in @full. */
static int look_for(const char *name, char full[PATH_MAX])
{
	const char *path = getenv("PATH"), *end;
	int found = ENOENT, met;

	snprintf(full, PATH_MAX, "%s", name);
	if (strchr(name, '/'))
		return try_path(name);
	if (!*name)
		return ENOENT;
	if (!path)
		return 0; /* execvp(3) has a path of its own then */
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		snprintf(full, PATH_MAX, "%.*s%s%s", (int)(end - path), path,
			 end > path ? "/" : "", name);
		met = try_path(full);
		if (!met)
			return 0;
		if (met == EACCES)
			found = EACCES;
		if (!*end)
			return found;
	}
}

static int cannot_run(const char *name, int sys_errno, struct mh_err *err)
{
	if (sys_errno == ENOENT && !strchr(name, '/'))
		mh_fail(err, MH_ENOTARGET, "no command '%s' in PATH", name);
	else
		mh_fail(err, MH_ENOTARGET, "cannot run '%s': %s", name,
			strerror(sys_errno));
	if (err)
		err->sys_errno = sys_errno;
	return MH_ENOTARGET;
}

/* ---- the child's side ---- */

/* What the child gets that we do not have. */
struct extra {
	const char *const *env; /* NULL: nothing */
	bool quiet_stdout;
};

static void child_main(char *const *argv, int go_fd, int errno_fd,
		       const struct extra *extra) __attribute__((noreturn));
static void child_main(char *const *argv, int go_fd, int errno_fd,
		       const struct extra *extra)
{
	const char *const *env = extra->env;
	int sys_errno;
	ssize_t n;
	char byte;

	do {
		n = read(go_fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(0); /* the recording did not come about */
	/* The strings live as long as this image. */
	for (; env && *env; env++)
		putenv((char *)(uintptr_t)*env);
	if (extra->quiet_stdout)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	sys_errno = errno;
	n = write(errno_fd, &sys_errno, sizeof(sys_errno));
	_exit(n == sizeof(sys_errno) ? 127 : 126);
}

/* ---- ours ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int mh_child_look(char path[PATH_MAX], const char *name, struct mh_err *err)
{
	int missing = look_for(name, path);

	return missing ? cannot_run(name, missing, err) : MH_OK;
}

int mh_child_spawn(struct mh_child *c, char *const *argv, const char *const *env,
		   bool quiet_stdout, struct mh_err *err)
{
	const struct extra extra = { env, quiet_stdout };
	int go[2] = { -1, -1 }, report[2] = { -1, -1 }, ret = MH_OK;

	*c = (struct mh_child){ .pidfd = -1, .go_fd = -1, .errno_fd = -1, .status = -1 };
	if (pipe2(go, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) {
		ret = mh_fail_errno(err, "cannot make a pipe");
		goto out;
	}
	c->pid = fork();
	if (c->pid < 0) {
		c->pid = 0;
		ret = mh_fail_errno(err, "cannot start a process");
		goto out;
	}
	if (!c->pid) {
		close(go[1]);
		close(report[0]);
		child_main(argv, go[0], report[1], &extra);
	}
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	c->go_fd = go[1];
	c->errno_fd = report[0];
	go[1] = report[0] = -1;
out:
	close_fd(&go[0]);
	close_fd(&go[1]);
	close_fd(&report[0]);
	close_fd(&report[1]);
	return ret;
}

/* A write to a child that was killed while it waited must not kill us. */
static bool send_go(int fd)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	bool sent;

	sigaction(SIGPIPE, &ignore, &old);
	sent = write(fd, "g", 1) == 1;
	sigaction(SIGPIPE, &old, NULL);
	return sent;
}

int mh_child_go(struct mh_child *c, const char *name, struct mh_err *err)
{
	int sys_errno;
	ssize_t n = 0;

	if (send_go(c->go_fd)) {
		do {
			n = read(c->errno_fd, &sys_errno, sizeof(sys_errno));
		} while (n < 0 && errno == EINTR);
	}
	close_fd(&c->go_fd);
	close_fd(&c->errno_fd);
	return n == sizeof(sys_errno) ? cannot_run(name, sys_errno, err) : MH_OK;
}

bool mh_child_reap(struct mh_child *c)
{
	int status;

	if (!c->pid || c->status >= 0)
		return c->status >= 0;
	if (wait4(c->pid, &status, WNOHANG, &c->use) != c->pid)
		return false;
	c->status = status;
	return true;
}

void mh_child_reap_orphans(const struct mh_child *c)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		 (int)syscall(SYS_gettid));
	f = fopen(path, "re");
	if (!f)
		return;
	/* The kernel writes pids, which fit.  NOLINTNEXTLINE(cert-err34-c) */
	while (fscanf(f, "%d", &pid) == 1) {
		if (pid != c->pid)
			waitpid(pid, NULL, WNOHANG);
	}
	fclose(f);
}

void mh_child_fini(struct mh_child *c)
{
	bool held = c->go_fd >= 0;

	close_fd(&c->go_fd);
	close_fd(&c->errno_fd);
	if (held && c->pid && c->status < 0)
		waitpid(c->pid, NULL, 0);
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
}
