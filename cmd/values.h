/* SPDX-License-Identifier: MIT */
/*
 * Numbers as a person types them: sizes, times, shares, ranges. Nothing is rounded into
 * range: what does not fit is refused with a line that says what is right.
 *
 * All return MH_OK or MH_EINPUT and leave *out alone in the second case.
 */
#ifndef MEMHEAT_VALUES_H
#define MEMHEAT_VALUES_H

#include <memheat/base.h>

int mh_value_count(uint64_t *out, const char *s, struct mh_err *err) MH_MUST_CHECK;
int mh_value_size(uint64_t *out, const char *s, struct mh_err *err) MH_MUST_CHECK;
int mh_value_time(uint64_t *out, const char *s, struct mh_err *err) MH_MUST_CHECK;

/* A finite number, or a number and '%', which divides it by 100. */
int mh_value_number(double *out, const char *s, struct mh_err *err) MH_MUST_CHECK;
/* Such a number from 0 to 1. */
int mh_value_ratio(double *out, const char *s, struct mh_err *err) MH_MUST_CHECK;

/* A:B, A:+LEN, A: (to the end, UINT64_MAX) or :B (from 0); never empty. */
int mh_value_size_range(struct mh_range *out, const char *s,
			struct mh_err *err) MH_MUST_CHECK;
int mh_value_time_range(struct mh_range *out, const char *s,
			struct mh_err *err) MH_MUST_CHECK;
int mh_value_numbers(double out[2], const char *s, struct mh_err *err) MH_MUST_CHECK;
int mh_value_extent(uint32_t out[2], const char *s, struct mh_err *err) MH_MUST_CHECK;

#endif
