/* SPDX-License-Identifier: MIT */
/*
 * A sampler from inside, for its four files: sampler.c (life), sampler_open.c (events and
 * rings), sampler_drain.c (rounds), sampler_end.c (who has gone, what was lost).
 */
#ifndef MEMHEAT_RING_SAMPLER_LIVE_H
#define MEMHEAT_RING_SAMPLER_LIVE_H

#include <sys/resource.h>

#include "ring/open.h"
#include "ring/ring.h"
#include "ring/sampler.h"

/* What is opened per task and CPU: for each event its leader and itself, then the side
 * event that tells of maps and tasks. */
#define SAMPLER_LEAD(event)   (2 * (event))
#define SAMPLER_SAMPLE(event) (2 * (event) + 1)
#define SAMPLER_SIDE(s)       (2 * (s)->nr_events)
#define SAMPLER_NR_SLOTS(s)   (2 * (s)->nr_events + 1)

struct sampler_event {
	struct perf_event_attr attr, lead;
	enum mh_sampler_lead led_by;
	struct mh_ring_layout layout;
	unsigned aux_kib;
	bool *on; /* by lane */
};

struct sampler_task {
	pid_t pid; /* -1: all tasks; with PERF_FLAG_PID_CGROUP a descriptor */
	int *fds;  /* SAMPLER_NR_SLOTS per lane; -1: none */
};

struct sampler_lane {
	int cpu;
	bool sampled; /* some event is on it */
	struct mh_ring samples, side;
	struct mh_aux aux;
	int samples_fd, side_fd; /* whose rings they are; -1: not mapped yet */
	size_t poll_task; /* whose event is waited on; nr of tasks: all have gone */
	uint64_t last_ns; /* time of the last record */
	uint64_t nr_samples, lost;
	uint64_t kernel_lost; /* by the kernel's own counter, at the end */
};

struct sampler_held {
	uint64_t time_ns;
	size_t offset, len; /* in bytes */
};

struct sampler_id {
	uint64_t id; /* the kernel's, of an event that samples */
	unsigned event;
};

struct mh_sampler {
	struct mh_sampler_spec spec; /* its events are copied below */
	struct sampler_event events[MH_SAMPLER_EVENTS_MAX];
	size_t nr_events;
	struct perf_event_attr side;
	struct mh_ring_layout side_layout;
	struct {
		struct sampler_lane *v;
		size_t nr, cap;
	} lanes;
	struct {
		struct sampler_task *v;
		size_t nr, cap;
	} tasks;
	struct {
		struct sampler_id *v; /* ascending; empty when there is one event */
		size_t nr, cap;
	} ids;
	struct {
		pid_t *v;
		size_t nr, cap;
	} inherited; /* threads whose FORK was seen while a process was added */
	struct {
		struct sampler_held *v;
		size_t nr, cap;
	} held;
	struct {
		uint8_t *v;
		size_t nr, cap;
	} bytes; /* of the held records */
	unsigned ring_kib, lacks;
	unsigned long flags;
	bool learn; /* note the threads of FORK records */
	bool mapped;
	uint64_t left_out, side_lost, malformed;
	int64_t clock_offset_ns; /* CLOCK_MONOTONIC less the records' clock */
	int epfd;
	struct rlimit nofile; /* as it was; rlim_max 0: not changed */
};

static inline int sampler_fd(const struct mh_sampler *s, size_t task, size_t lane,
			     size_t slot)
{
	return s->tasks.v[task].fds[SAMPLER_NR_SLOTS(s) * lane + slot];
}

/* ---- sampler_open.c ---- */

/* Open all events for a task (or whatever @pid stands for); the first maps the rings. */
int mh_sampler_add_any(struct mh_sampler *s, pid_t pid, struct mh_err *err) MH_MUST_CHECK;
void mh_sampler_close_task(struct mh_sampler *s, struct sampler_task *t);
void mh_sampler_unmap(struct mh_sampler *s);

/* ---- sampler_drain.c ---- */

/* Take the side records out of their rings, so that FORK has been seen. */
int mh_sampler_hold(struct mh_sampler *s, struct mh_err *err) MH_MUST_CHECK;
/* By the clock of the records. */
uint64_t mh_sampler_now_ns(const struct mh_sampler *s);

/* ---- sampler_end.c ---- */

/* Wait on the rings of @lane through the events of @task; 0, or -1. */
int mh_sampler_poll(struct mh_sampler *s, size_t lane, size_t task);
bool mh_sampler_all_gone(struct mh_sampler *s);
/* Give what no record told of lane @i as LOST. */
int mh_sampler_emit_untold(struct mh_sampler *s, size_t i, mh_event_fn fn, void *arg,
			   struct mh_err *err) MH_MUST_CHECK;

#endif
