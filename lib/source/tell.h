/* SPDX-License-Identifier: MIT */
/* What a source says of itself: META "source.<id>.<name>" and STAT. */
#ifndef MEMHEAT_SOURCE_TELL_H
#define MEMHEAT_SOURCE_TELL_H

#include <memheat/source.h>

struct mh_tell {
	mh_event_fn fn;
	void *arg;
	uint16_t source;
	uint64_t time_ns; /* of what is told; 0: now */
};

/* CLOCK_MONOTONIC. */
uint64_t mh_tell_now_ns(void);

int mh_tell_meta(const struct mh_tell *to, struct mh_err *err, const char *name,
		 const char *fmt, ...) MH_PRINTF(4, 5);
int mh_tell_stat(const struct mh_tell *to, struct mh_err *err, const char *name,
		 uint64_t value);

#endif
