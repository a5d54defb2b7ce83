/* SPDX-License-Identifier: MIT */
/* The live processes of a target: roots and their descendants, or a cgroup's members. */
#ifndef MEMHEAT_SOURCE_TREE_H
#define MEMHEAT_SOURCE_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include <memheat/source.h>

/* What /proc/PID/stat says. */
struct proc_stat {
	pid_t pid, ppid;
	char comm[16];
	char state;
	uint64_t start_ticks;             /* since boot */
	uint64_t start_code, start_stack; /* of the address space: an exec changes them */
};

struct proc_list {
	struct proc_stat *v;
	size_t nr, cap;
};

/*
 * List the live processes of @target. Those that end while being listed are left out, and
 * so are zombies.
 *
 * @list: emptied first; the caller's, released with free(list->v)
 * Returns MH_OK; MH_ENOMEM; MH_ENOTARGET when the cgroup is not there (any more); MH_ESYS
 * when /proc or the cgroup cannot be read at all.
 */
int mh_tree_list(struct proc_list *list, const struct mh_target *target,
		 const char *sysroot, struct mh_err *err) MH_MUST_CHECK;

/* Read /proc/PID/stat; MH_ENOTARGET when the process is gone. */
int mh_proc_stat_read(struct proc_stat *out, const char *sysroot,
		      pid_t pid) MH_MUST_CHECK;

/* CPU time that the threads of a process have had, and have stood in line for. */
struct proc_sched {
	uint64_t run_ns, wait_ns;
};

/* Sums of /proc/PID/task/TID/schedstat; false, and zeroes, where there is none. */
bool mh_proc_sched_read(struct proc_sched *out, const char *sysroot, pid_t pid);

/*
 * CPU time in ns that the threads of a process have had, for comparison only: any change
 * means that it ran. As above, or utime and stime where there is no schedstat.
 */
uint64_t mh_proc_run_ns(const char *sysroot, pid_t pid);

#endif
