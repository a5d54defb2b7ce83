/* SPDX-License-Identifier: MIT */
/*
 * The processes of a target while DAMON watches them: which there are, which one a target
 * index stands for at a time, and what they have mapped.
 */
#ifndef MEMHEAT_SOURCE_DAMON_PROCS_H
#define MEMHEAT_SOURCE_DAMON_PROCS_H

#include <stdbool.h>

#include <memheat/source.h>

#include "source/tell.h"
#include "source/tree.h"

struct damon_vma {
	uint64_t start, end, pgoff;
	uint32_t what; /* hash of protection and path */
};

struct damon_vmas {
	struct damon_vma *v;
	size_t nr, cap;
};

struct damon_proc {
	struct proc_stat stat;
	bool alive;               /* met in the look under way */
	bool unreadable;          /* said already that its maps cannot be read */
	uint64_t met_ns, seen_ns; /* first and last look that it was alive at */
	uint64_t data_ns;         /* end of its last snapshot; 0: none yet */
	struct damon_vmas vmas;
};

struct damon_procs {
	const struct mh_target *target;
	const struct mh_log *log;
	const char *sysroot;
	struct {
		struct damon_proc *v;
		size_t nr, cap;
	} procs;
	struct proc_list found;
	struct {
		pid_t *v;
		size_t nr, cap;
	} roots; /* those that were met and live, once any was */
	struct damon_vmas scratch;
	char *line;
	size_t line_cap;
	uint64_t exec_ns;    /* a spawned command's exec; 0: not yet, or not spawned */
	uint64_t last_ns;    /* of the last look */
	uint64_t last_ticks; /* the same since boot */
	bool met_any;
};

/*
 * Look at the processes: tell of those that came, changed or went (TASK, GAP) and of
 * their mappings (MAP).
 *
 * @maps: also read their mappings
 * Returns MH_OK; MH_ENOMEM; a failure of the sink.
 */
int mh_damon_procs_look(struct damon_procs *p, const struct mh_tell *to, bool maps,
			struct mh_err *err) MH_MUST_CHECK;

/* A snapshot of @pid ends at @time_ns. */
void mh_damon_procs_note(struct damon_procs *p, pid_t pid, uint64_t time_ns);

/* Bytes that the live ones had mapped at the last look. */
uint64_t mh_damon_procs_mapped(const struct damon_procs *p);

void mh_damon_procs_fini(struct damon_procs *p);

#endif
