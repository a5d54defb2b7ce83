/* SPDX-License-Identifier: MIT */
/* Provenance: on which machine and how a recording was made, as META. */
#ifndef MEMHEAT_RECORD_HOST_H
#define MEMHEAT_RECORD_HOST_H

#include <memheat/base.h>
#include <memheat/event.h>

/* @sysroot: prefix of /proc and /sys; NULL: "". What cannot be read is left out. */
int mh_host_tell(const char *sysroot, mh_event_fn fn, void *arg,
		 struct mh_err *err) MH_MUST_CHECK;

/* One META event with a formatted value. */
int mh_meta_tell(mh_event_fn fn, void *arg, struct mh_err *err, const char *key,
		 const char *fmt, ...) MH_PRINTF(5, 6) MH_MUST_CHECK;

/* A command line as one META value: words quoted where a shell would need it. */
int mh_meta_tell_words(mh_event_fn fn, void *arg, struct mh_err *err, const char *key,
		       char *const *words) MH_MUST_CHECK;

uint64_t mh_now_ns(void); /* CLOCK_MONOTONIC, the clock of every trace */

#endif
