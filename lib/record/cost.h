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

/*
 * PSS and huge pages, of which smaps_rollup tells. The kernel walks the page tables for
 * it and holds the process's mmap lock meanwhile, so all processes have their turn
 * together, as often as a hundredth of a CPU allows.
 */
struct mh_rollups {
	bool turn;
	uint64_t due_ns, cpu_ns, longest_ns; /* of this turn; longest: the clock's time */
};

/* Is it time for a turn? */
void mh_rollups_begin(struct mh_rollups *r, uint64_t now_ns);
/* Fill in pss and huge of @out->pid where that is; they stay as they are otherwise. */
void mh_rollups_read(struct mh_rollups *r, struct mh_ev_footprint *out,
		     const char *sysroot);
/* Puts off the next turn; false: this was none. */
bool mh_rollups_end(struct mh_rollups *r, uint64_t now_ns);
/* From a text as in /proc/PID/smaps_rollup. */
void mh_cost_parse_rollup(struct mh_ev_footprint *out, const char *text);

int mh_stat_tell(mh_event_fn fn, void *arg, uint32_t pid, const char *name,
		 uint64_t value, struct mh_err *err) MH_MUST_CHECK;

#endif
