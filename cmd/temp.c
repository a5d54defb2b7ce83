/* SPDX-License-Identifier: MIT */
/*
 * What is written appears under its name when it is whole, so that a full disk or Ctrl-C
 * never leaves half a file, nor destroys the one before. A file without a name
 * (O_TMPFILE) would need no signals, but linkat() does not replace what is there. SIGKILL
 * leaves it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "temp.h"

/* What a signal removes; the only thing its handler can reach is a global. */
static const char *volatile doomed;

static void remove_and_end(int sig)
{
	const char *path = doomed;

	if (path)
		unlink(path);
	/* By what it was: SA_RESETHAND has put the default back. */
	raise(sig);
}

static void end_by(int sig)
{
	struct sigaction old,
		sa = { .sa_handler = remove_and_end, .sa_flags = SA_RESETHAND };

	/* What the caller ignores (nohup) stays ignored. */
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(sig, &sa, NULL);
}

int mh_temp_name(char **out, const char *path, struct mh_err *err)
{
	if (asprintf(out, "%s.tmp.%ld", path, (long)getpid()) < 0) {
		*out = NULL;
		return mh_fail_errno(err, "cannot write %s", path);
	}
	doomed = *out;
	end_by(SIGINT);
	end_by(SIGTERM);
	end_by(SIGHUP);
	return MH_OK;
}

int mh_temp_close(char *temp, const char *path, int status, struct mh_err *err)
{
	if (!temp)
		return status;
	if (status >= 0 && rename(temp, path) != 0)
		status = mh_fail_errno(err, "cannot write %s", path);
	if (status < 0)
		unlink(temp);
	doomed = NULL;
	free(temp);
	return status;
}
