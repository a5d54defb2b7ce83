/* SPDX-License-Identifier: MIT */
/*
 * Speaking to a person: single lines on standard error, each with the program's name, so
 * that they can be told from what a recorded command prints.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cmd.h"

static void MH_PRINTF(2, 0) line(const char *prefix, const char *fmt, va_list ap)
{
	/* One write per line: the recorded command writes to the same terminal. */
	char buf[1024];
	int len = vsnprintf(buf, sizeof(buf), fmt, ap);

	if (len < 0)
		return;
	fflush(stdout);
	fprintf(stderr, "memheat: %s%s%s\n", prefix, buf,
		(size_t)len >= sizeof(buf) ? "..." : "");
}

void mh_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("", fmt, ap);
	va_end(ap);
}

int mh_failed(const struct mh_err *err)
{
	mh_say("%s", err->msg);
	return MH_EXIT_FAILED;
}

int mh_usage(const struct mh_cmd *cmd, const char *fmt, ...)
{
	char what[768];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (cmd)
		mh_say("%s: %s (see: memheat help %s)", cmd->name, what, cmd->name);
	else
		mh_say("%s (see: memheat help)", what);
	return MH_EXIT_USAGE;
}

static void say_notice(void *arg, enum mh_level level, const char *msg)
{
	(void)arg;
	mh_say("%s%s", level == MH_WARNING ? "warning: " : "", msg);
}

static void say_warning(void *arg, enum mh_level level, const char *msg)
{
	if (level == MH_WARNING)
		say_notice(arg, level, msg);
}

const struct mh_log mh_log_stderr = { .fn = say_notice };
const struct mh_log mh_log_quiet = { .fn = say_warning };
