/* SPDX-License-Identifier: MIT */
/*
 * Errors with words. The message is composed once, where the subject is known; everything
 * above passes the status on. Messages that are too long are cut, never an error.
 */
#include <memheat/base.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mh_fail(struct mh_err *err, int status, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return status;
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	err->sys_errno = 0;
	return status;
}

static int status_of_errno(int sys_errno)
{
	switch (sys_errno) {
	case EPERM:
	case EACCES:
		return MH_EPERM;
	case ENOMEM:
		return MH_ENOMEM;
	default:
		return MH_ESYS;
	}
}

int mh_fail_errno(struct mh_err *err, const char *fmt, ...)
{
	int sys_errno = errno;
	size_t used;
	va_list args;

	if (!err)
		return status_of_errno(sys_errno);
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", strerror(sys_errno));
	err->sys_errno = sys_errno;
	return status_of_errno(sys_errno);
}

void mh_assert_failed(const char *file, int line, const char *cond)
{
	fprintf(stderr, "memheat: %s:%d: broken promise: %s\n", file, line, cond);
	abort();
}
