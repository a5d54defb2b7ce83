/* SPDX-License-Identifier: MIT */
/*
 * Read before each file by clang-tidy in scripts/lint, and by no compiler.
 *
 * The analyzer looks at one file at a time and cannot see that mh_fail() gives back the
 * status it was given. Without that it follows paths where a failure returns MH_OK and
 * calls every output of a refused value garbage.
 */
#include <memheat/base.h>

#define mh_fail(err, status, ...) ((void)mh_fail(err, status, __VA_ARGS__), (status))
#define mh_fail_errno(err, ...)   ((void)mh_fail_errno(err, __VA_ARGS__), MH_ESYS)
