/* SPDX-License-Identifier: MIT */
/*
 * One kind of sample taken from tasks, a cgroup or the whole machine: per CPU a ring for
 * the samples and a small one for what maps and tasks do, shared by the events of all
 * tasks.
 *
 * Why so: an event that follows forks must be bound to a CPU to have a ring. The samples
 * have their ring alone, so that what was lost in it are samples, and samples + lost can
 * be held against an event that only counts. Count and sample are one group, which the
 * kernel starts and stops at one moment.
 */
#ifndef MEMHEAT_RING_WATCH_H
#define MEMHEAT_RING_WATCH_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>
#include <memheat/event.h>

struct mh_watch;

struct mh_watch_spec {
	struct perf_event_attr sample; /* type, config, period, sample_type with TIME */
	bool count;                    /* count the same event beside it */
	bool children;                 /* follow forks, not only new threads */
	bool on_exec;                  /* begin at the exec of the task */
	unsigned ring_kib;             /* per CPU; halved until the kernel agrees */
	uint16_t source;               /* of the events */
	const struct mh_log *log;
};

/* Nothing is opened yet. */
int mh_watch_open(struct mh_watch **out, const struct mh_watch_spec *spec,
		  struct mh_err *err) MH_MUST_CHECK;

/*
 * Add what is to be watched; events are open and stopped then, but maps and tasks are
 * already told of. A process is added with all its threads, those included that appear
 * meanwhile; threads that are watched already, or inherited it, are left as they are.
 *
 * Returns MH_OK; MH_ENOTARGET; MH_EPERM; MH_ENOSUP; MH_ESYS; MH_ENOMEM.
 */
int mh_watch_add_task(struct mh_watch *w, pid_t tid, struct mh_err *err) MH_MUST_CHECK;
int mh_watch_add_process(struct mh_watch *w, pid_t pid, struct mh_err *err) MH_MUST_CHECK;
int mh_watch_add_cgroup(struct mh_watch *w, int cgroup_fd,
			struct mh_err *err) MH_MUST_CHECK;
int mh_watch_add_system(struct mh_watch *w, struct mh_err *err) MH_MUST_CHECK;

/* Events opened by us; threads that inherited theirs do not count. */
size_t mh_watch_nr_tasks(const struct mh_watch *w);

int mh_watch_enable(struct mh_watch *w, struct mh_err *err) MH_MUST_CHECK;
void mh_watch_disable(struct mh_watch *w);

/* Readable when a ring is half full or tasks have gone. */
int mh_watch_fd(const struct mh_watch *w);

/*
 * Hand out what the rings hold: MAP and TASK by time over all CPUs, samples in the order
 * of their rings, LOST where a ring says it.
 *
 * @last: hold nothing back; losses that no record told are given as LOST
 * Returns MH_OK; MH_END when every task has gone; a failure of @fn.
 */
int mh_watch_drain(struct mh_watch *w, int last, mh_event_fn fn, void *arg,
		   struct mh_err *err) MH_MUST_CHECK;

struct mh_watch_totals {
	uint64_t count;       /* of the counting event, now */
	uint64_t samples;     /* handed out */
	uint64_t lost;        /* handed out as LOST */
	uint64_t kernel_lost; /* as the kernel counts, known after the last drain */
	uint64_t side_lost;   /* MAP and TASK records that were lost */
	uint64_t malformed;   /* records that could not be understood */
};
void mh_watch_totals(const struct mh_watch *w, struct mh_watch_totals *out);

unsigned mh_watch_ring_kib(const struct mh_watch *w); /* as granted */
unsigned mh_watch_nr_rings(const struct mh_watch *w);
unsigned mh_watch_lacks(const struct mh_watch *w); /* enum mh_perf_lack */

void mh_watch_close(struct mh_watch *w);

#endif
