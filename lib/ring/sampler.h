/* SPDX-License-Identifier: MIT */
/*
 * Samples taken from tasks, a cgroup or the whole machine: per CPU a ring for the samples
 * of all events and a small one for what maps and tasks do, shared by all tasks.
 *
 * Why so: an event that follows forks must be bound to a CPU to have a ring. The samples
 * have their ring alone, so that what was lost in it are samples, and samples + lost can
 * be held against an event that only counts. Count and sample are one group, which the
 * kernel starts and stops at one moment.
 */
#ifndef MEMHEAT_RING_SAMPLER_H
#define MEMHEAT_RING_SAMPLER_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>
#include <memheat/event.h>

#include "ring/parse.h"

struct mh_sampler;

enum mh_sampler_lead {
	MH_LEAD_NONE,
	MH_LEAD_COUNT, /* the same event, only counted: its total is in the totals */
	MH_LEAD_OTHER  /* `lead`, without which the kernel refuses the event */
};

#define MH_SAMPLER_EVENTS_MAX 8

/* One event that samples. Its samples carry its index as their `event`. */
struct mh_sampler_event {
	struct perf_event_attr attr; /* type, config, period, sample_type with TIME */
	enum mh_sampler_lead led_by; /* leads its group */
	struct perf_event_attr lead;
	const char *cpus; /* as in sysfs, "0-7,16": where its PMU is; NULL: everywhere */
	unsigned aux_kib; /* per CPU, of an event that writes an AUX area; 0: none */
};

/* A piece of an AUX area, lent for the call. */
struct mh_sampler_aux {
	const uint8_t *p;
	size_t len;
	uint64_t time_ns, flags; /* of the record that tells of it; PERF_AUX_FLAG_* */
	uint32_t pid, tid, cpu;
	uint16_t source, event;
	uint64_t period;
	uint32_t time_mult; /* ticks of the PMU's clock to ns; 0: not known */
	uint16_t time_shift;
};

struct mh_sampler_spec {
	const struct mh_sampler_event *events; /* copied */
	size_t nr_events;
	bool children;     /* follow forks, not only new threads */
	bool on_exec;      /* begin at the exec of the task */
	unsigned ring_kib; /* per CPU; halved until the kernel agrees */
	const char *cpus;  /* sample on these only; NULL: on all */
	uint16_t source;   /* of the events */
	const char *name;  /* of the source, for notices */
	const struct mh_log *log;
	/* Called for each sample before it is handed out, with what else its record says;
	 * may change it. Returns 0; > 0: leave it out; < 0: as a failure. NULL: none. */
	int (*on_sample)(void *arg, struct mh_event *ev,
			 const struct mh_ring_extra *extra, struct mh_err *err);
	/* Called for each piece of an AUX area; hands its samples to @fn. */
	int (*on_aux)(void *arg, const struct mh_sampler_aux *aux, mh_event_fn fn,
		      void *fn_arg, struct mh_err *err);
	void *arg;
};

/* Nothing is opened yet. */
int mh_sampler_open(struct mh_sampler **out, const struct mh_sampler_spec *spec,
		    struct mh_err *err) MH_MUST_CHECK;

/*
 * Add what is to be watched; events are open and stopped then, but maps and tasks are
 * already told of. A process is added with all its threads, those included that appear
 * meanwhile; threads that are watched already, or inherited it, are left as they are.
 *
 * Returns MH_OK; MH_ENOTARGET; MH_EPERM; MH_ENOSUP; MH_ESYS; MH_ENOMEM.
 */
int mh_sampler_add_task(struct mh_sampler *s, pid_t tid,
			struct mh_err *err) MH_MUST_CHECK;
int mh_sampler_add_process(struct mh_sampler *s, pid_t pid,
			   struct mh_err *err) MH_MUST_CHECK;
int mh_sampler_add_cgroup(struct mh_sampler *s, int cgroup_fd,
			  struct mh_err *err) MH_MUST_CHECK;
int mh_sampler_add_system(struct mh_sampler *s, struct mh_err *err) MH_MUST_CHECK;

/* Events opened by us; threads that inherited theirs do not count. */
size_t mh_sampler_nr_tasks(const struct mh_sampler *s);

int mh_sampler_enable(struct mh_sampler *s, struct mh_err *err) MH_MUST_CHECK;
void mh_sampler_disable(struct mh_sampler *s);

/* Readable when a ring is half full or tasks have gone. */
int mh_sampler_fd(const struct mh_sampler *s);

/*
 * Hand out what the rings hold: MAP and TASK by time over all CPUs, samples in the order
 * of their rings, LOST where a ring says it.
 *
 * @last: hold nothing back; losses that no record told are given as LOST
 * Returns MH_OK; MH_END when every task has gone; a failure of @fn.
 */
int mh_sampler_drain(struct mh_sampler *s, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err) MH_MUST_CHECK;

struct mh_sampler_totals {
	uint64_t count;       /* of the counting events, now */
	uint64_t samples;     /* read from the rings */
	uint64_t left_out;    /* of these, by on_sample */
	uint64_t lost;        /* handed out as LOST */
	uint64_t kernel_lost; /* as the kernel counts, known after the last drain */
	uint64_t side_lost;   /* MAP and TASK records that were lost */
	uint64_t malformed;   /* records that could not be understood */
};
void mh_sampler_totals(const struct mh_sampler *s, struct mh_sampler_totals *out);

unsigned mh_sampler_ring_kib(const struct mh_sampler *s); /* as granted */
unsigned mh_sampler_nr_rings(const struct mh_sampler *s);
unsigned mh_sampler_lacks(const struct mh_sampler *s); /* enum mh_perf_lack */
/* The attributes of an event as the kernel took them. */
const struct perf_event_attr *mh_sampler_attr(const struct mh_sampler *s, size_t event);

/* CLOCK_MONOTONIC less the clock of the records, where that is another one. */
void mh_sampler_set_clock(struct mh_sampler *s, int64_t offset_ns);

/* Sample every @period-th from now on. Threads that inherited the event keep theirs. */
int mh_sampler_set_period(struct mh_sampler *s, size_t event, uint64_t period,
			  struct mh_err *err) MH_MUST_CHECK;

void mh_sampler_close(struct mh_sampler *s);

#endif
