/* SPDX-License-Identifier: MIT */
/*
 * The pager is started when there is something to show, so that a long analysis does not
 * sit behind an empty screen. While it runs Ctrl-C is its business. LESS=FRX: show
 * colour, leave the text on the screen, end at once when it fits.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

static int in_path(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	while (path && *path) {
		int len = (int)strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", len, path, name);
		if (access(file, X_OK) == 0)
			return 1;
		path += len + (path[len] == ':');
	}
	return 0;
}

/* NULL: the user wants none, or there is none. */
static const char *choose_pager(void)
{
	const char *pager = getenv("MEMHEAT_PAGER");

	if (!pager)
		pager = getenv("PAGER");
	if (!pager)
		pager = in_path("less") ? "less" : "";
	return *pager && strcmp(pager, "cat") ? pager : NULL;
}

static void become_pager(const char *pager, int fd)
{
	setenv("LESS", "FRX", 0);
	if (dup2(fd, STDIN_FILENO) >= 0)
		execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	_exit(127);
}

void mh_pager_start(pid_t *pid, FILE **f)
{
	const char *pager = choose_pager();
	int fds[2];
	FILE *pipe_end;

	if (!isatty(STDOUT_FILENO) || !pager || pipe(fds) != 0)
		return;
	pipe_end = fdopen(fds[1], "w");
	if (!pipe_end) {
		close(fds[0]);
		close(fds[1]);
		return;
	}
	fflush(stdout);
	*pid = fork();
	if (*pid == 0) {
		close(fds[1]);
		become_pager(pager, fds[0]);
	}
	close(fds[0]);
	if (*pid < 0) {
		*pid = 0;
		fclose(pipe_end);
		return;
	}
	signal(SIGINT, SIG_IGN);
	/* A person who has read enough closes the pipe; that is no failure of ours. */
	signal(SIGPIPE, SIG_IGN);
	*f = pipe_end;
}

void mh_pager_wait(pid_t pid, FILE *f)
{
	fclose(f);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}
