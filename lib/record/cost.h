/* SPDX-License-Identifier: MIT */
/*
 * What a recording looks at once a second for itself: the CPU time of the observer and of
 * the targets, and the size of the targets where no source tells it.
 */
#ifndef MEMHEAT_RECORD_COST_H
#define MEMHEAT_RECORD_COST_H

#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>
#include <memheat/event.h>

uint64_t mh_cost_own_cpu_ns(void);

/* CPU time of all threads of @pid; false when it is gone. */
bool mh_cost_cpu_ns(pid_t pid, uint64_t *ns);

/*
 * Resident and swapped bytes from a text as in /proc/PID/status.
 *
 * Returns MH_OK; MH_ENOTARGET for a process without memory (ended, or a kernel thread).
 */
int mh_cost_parse_status(struct mh_ev_footprint *out, const char *text) MH_MUST_CHECK;
int mh_cost_footprint(struct mh_ev_footprint *out, const char *sysroot,
		      pid_t pid) MH_MUST_CHECK;

int mh_stat_tell(mh_event_fn fn, void *arg, uint32_t pid, const char *name,
		 uint64_t value, struct mh_err *err) MH_MUST_CHECK;

#endif
