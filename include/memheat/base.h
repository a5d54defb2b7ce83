/* SPDX-License-Identifier: MIT */
/*
 * The nouns that every layer shares: status codes, errors with words, address and time
 * ranges, notices to a person, and assertions on what callers promise.
 */
#ifndef MEMHEAT_BASE_H
#define MEMHEAT_BASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define MH_MUST_CHECK        __attribute__((warn_unused_result))
#define MH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum mh_status {
	MH_END = 1,       /* nothing more to read; not a failure */
	MH_OK = 0,        /* done, or: here is an item */
	MH_ESYS = -1,     /* a system call failed; mh_err.sys_errno says how */
	MH_EFORMAT = -2,  /* input bytes do not follow the documented format */
	MH_ENOSUP = -3,   /* this kernel, CPU or build lacks the feature */
	MH_EPERM = -4,    /* privilege is missing; the message names it */
	MH_ENOMEM = -5,   /* out of memory, or past a stated limit of it */
	MH_EINPUT = -6,   /* a value given by the user is wrong or out of range */
	MH_ENOTARGET = -7 /* what was to be watched is not there (any more) */
};

/*
 * Why a call failed. The caller owns it, usually on the stack; NULL: no words wanted.
 * The level that knows the subject fills it, upper levels pass it on.
 */
struct mh_err {
	int sys_errno; /* errno at the failure; 0 if none */
	char msg[512]; /* one line, lower case, no full stop; says what mends it */
};

/*
 * Explain a failure and return @status, so that it can be the operand of `return`.
 *
 * @err: may be NULL
 */
int mh_fail(struct mh_err *err, int status, const char *fmt, ...) MH_PRINTF(3, 4);

/* As mh_fail(), with ": <strerror(errno)>" appended; status MH_EPERM for EPERM and
 * EACCES, MH_ENOMEM for ENOMEM, else MH_ESYS. */
int mh_fail_errno(struct mh_err *err, const char *fmt, ...) MH_PRINTF(2, 3);

/* A broken promise of the caller: aborts with file, line and words, in every build. */
#define mh_assert(cond) ((cond) ? (void)0 : mh_assert_failed(__FILE__, __LINE__, #cond))
void mh_assert_failed(const char *file, int line, const char *cond)
	__attribute__((noreturn));

/* A half-open range [start, end) of addresses (bytes) or times (ns). */
struct mh_range {
	uint64_t start, end;
};

static inline uint64_t mh_range_len(struct mh_range r)
{
	return r.end - r.start;
}

static inline int mh_range_overlaps(struct mh_range a, struct mh_range b)
{
	return a.start < b.end && b.start < a.end;
}

enum mh_level {
	MH_NOTICE, /* a person should know it: an interval that was lengthened, a step
		      down */
	MH_WARNING /* results are affected: lost events, conflicts */
};

/* Where the library tells a person things while it works; it never prints itself. */
struct mh_log {
	void (*fn)(void *arg, enum mh_level level, const char *msg); /* NULL: silent */
	void *arg;
};

void mh_log_say(const struct mh_log *log, enum mh_level level, const char *fmt, ...)
	MH_PRINTF(3, 4);

#endif
