/* SPDX-License-Identifier: MIT */
/* Notices to a person: composed here, shown by whoever owns the terminal. */
#include <memheat/base.h>

#include <stdio.h>

void mh_log_say(const struct mh_log *log, enum mh_level level, const char *fmt, ...)
{
	char msg[512];
	va_list args;

	if (!log || !log->fn)
		return;
	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	log->fn(log->arg, level, msg);
}
