/* SPDX-License-Identifier: MIT */
/*
 * What every unit test includes first.
 *
 * cmocka.h needs four headers before it, in an order that a formatter would change; that
 * is hidden here, with the two checks on calls that report through struct mh_err.
 *
 * A test program runs in the repository's top folder. TOP in its environment names that
 * folder, TMPDIR a fresh one that is removed afterwards.
 */
#ifndef MEMHEAT_TEST_H
#define MEMHEAT_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <memheat/base.h>
#include <stdio.h>
#include <string.h>

/* Built with AddressSanitizer: many times slower, and what was freed is kept. */
#if defined(__SANITIZE_ADDRESS__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#define TEST_SANITIZED __has_feature(address_sanitizer)
#else
#define TEST_SANITIZED 0
#endif

/* A test that cannot be run here says why; scripts/run-tests shows it. */
#define skip_because(...)                                                                \
	do {                                                                             \
		printf("# skipped: " __VA_ARGS__);                                       \
		printf("\n");                                                            \
		skip();                                                                  \
	} while (0)

/* The call gives @want (MH_OK, MH_END, a count); its words are shown when it fails. */
#define assert_status(call, want, err)                                                   \
	assert_status_at((call), (want), (err), #call, __FILE__, __LINE__)

/* The call gives the negative @want and explains it with a message that has @words. */
#define assert_fails(call, want, err, words)                                             \
	assert_fails_at((call), (want), (err), (words), #call, __FILE__, __LINE__)

static inline void assert_status_at(int got, int want, const struct mh_err *err,
				    const char *call, const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s gave %d, not %d%s%s\n", call, got, want, got < 0 ? ": " : "",
		    got < 0 ? err->msg : "");
	_fail(file, line);
}

static inline void assert_fails_at(int got, int want, const struct mh_err *err,
				   const char *words, const char *call, const char *file,
				   int line)
{
	if (got == want && strstr(err->msg, words))
		return;
	print_error("%s gave %d (%s), not %d with \"%s\"\n", call, got,
		    got < 0 ? err->msg : "no message", want, words);
	_fail(file, line);
}

#endif
