/* SPDX-License-Identifier: MIT */
/*
 * What sources have in common that read and clear accessed bits now and then: when the
 * next scan is due, which processes the target has by then, and who came and went.
 *
 * A source's own struct for a process begins with a struct watched.
 */
#ifndef MEMHEAT_SOURCE_WATCH_H
#define MEMHEAT_SOURCE_WATCH_H

#include <stdbool.h>

#include "source/round.h"
#include "source/tree.h"

struct watched {
	struct proc_stat stat;
	bool alive;              /* met in the scan under way */
	bool unreadable;         /* a warning was given; tried again at each scan */
	uint64_t armed_ns;       /* its bits are clear since then; 0: never */
	uint64_t run_ns;         /* CPU time at arming */
	struct proc_sched sched; /* the same, and its waiting; zeroes: not known */
};

struct watch_ops {
	const char *name; /* of the source, in what is said */
	double overhead;  /* share of a CPU that scans may take when none is asked for */
	size_t size;      /* of what begins with struct watched */
	/* It is another program now: what was known of its pages is void. */
	void (*forget)(struct watched *p);
	/* Release what it holds, not the struct. */
	void (*fini)(struct watched *p);
	/* The processes are listed: look, clear, tell. A process that has ended is left
	 * with alive unset. */
	int (*scan)(void *src, struct mh_err *err);
	/* After it: tell what it cost. */
	int (*tell_cost)(void *src, uint64_t took_ns, struct mh_err *err);
	uint64_t (*scanned)(const void *src); /* bytes of the last scan */
};

struct watch {
	const struct watch_ops *ops;
	void *src; /* argument of the ops */
	struct mh_target target;
	struct mh_log log;
	char *sysroot;
	uint64_t interval_ns;
	double overhead;
	uint64_t opened_ns;
	uint64_t last_ns;    /* of the last scan; 0: none yet */
	uint64_t last_ticks; /* the same in ticks since boot */
	uint64_t deadline_ns;
	uint64_t least_ns; /* from the last scan to the next: its cost by overhead */
	uint64_t told_interval_ns; /* the lengthened interval that was said last */
	bool met_any;
	struct {
		struct watched **v; /* in the order in which they were met */
		size_t nr, cap;
	} procs;
	struct proc_list found;
	struct round round;
};

/* Returns MH_OK; MH_EINPUT for an interval or overhead that cannot be; MH_ENOMEM.
 * mh_watch_fini() whatever is returned. */
int mh_watch_init(struct watch *w, const struct watch_ops *ops, void *src, uint16_t id,
		  const struct mh_target *target, const struct mh_source_opts *opts,
		  struct mh_err *err) MH_MUST_CHECK;
void mh_watch_fini(struct watch *w);

/* META of the interval and the overhead. */
int mh_watch_tell_params(const struct watch *w, struct mh_err *err);

/* A source's step(): scan when it is due. MH_END when all that was watched has ended. */
int mh_watch_step(struct watch *w, int last, mh_event_fn fn, void *arg,
		  struct mh_err *err);

/* Whether it has run since it was armed; of an armed one tell how long it ran, and how
 * long it stood in line for a CPU meanwhile. */
int mh_watch_ran(const struct watched *p, const struct round *r, bool *ran,
		 struct mh_err *err);

/* Remember the CPU time that it has had until now: it is being armed. */
void mh_watch_note_run(struct watched *p, const struct round *r);

/* What a process's failed scan means for the recording: MH_OK to go on without it, having
 * told why; else @status, with *why in *err. */
int mh_watch_failed(struct watch *w, struct watched *p, int status,
		    const struct mh_err *why, struct mh_err *err);

#endif
