/* SPDX-License-Identifier: MIT */
/*
 * The heap log of a recording: the ring that the preloaded shim writes to (heap_ring.h),
 * taken in as HEAP and STACK events.
 */
#ifndef MEMHEAT_RECORD_HEAP_H
#define MEMHEAT_RECORD_HEAP_H

#include <memheat/base.h>
#include <memheat/event.h>

struct mh_heap_log;

/*
 * @shim: path of the shim; @threshold: bytes of the smallest block that is logged
 * Returns MH_OK; MH_ENOSUP when the shim is not there, MH_ESYS, MH_ENOMEM.
 */
int mh_heap_log_open(struct mh_heap_log **out, const char *shim, uint64_t threshold,
		     struct mh_err *err) MH_MUST_CHECK;
void mh_heap_log_close(struct mh_heap_log *log);

/* "NAME=VALUE" for the environment of the command, ended by NULL; lent. */
const char *const *mh_heap_log_env(const struct mh_heap_log *log);

/* When to take what is there: soon after a time in which much came. */
uint64_t mh_heap_log_next_ns(const struct mh_heap_log *log);

/* Hand over what is in the ring; @last: nothing comes after it. */
int mh_heap_log_take(struct mh_heap_log *log, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err) MH_MUST_CHECK;

/* Whether the shim is in an address space of @pid, as far as it was taken. */
int mh_heap_log_has(const struct mh_heap_log *log, uint32_t pid);

/*
 * Whether a program can be preloaded: MH_OK; MH_END: preloading does nothing there,
 * because it is static or gains privileges; MH_ENOSUP: it would not even start.
 *
 * @why: for a person, "" where it can or is no ELF file
 */
int mh_heap_preload_check(const char *program, char *why, size_t size);

#endif
