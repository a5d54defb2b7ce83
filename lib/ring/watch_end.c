/* SPDX-License-Identifier: MIT */
/* Who has gone, what was lost without a word, and the sums. */
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ring/watch_live.h"

/* ---- waiting ---- */

static int poll_change(struct mh_watch *w, size_t lane, size_t task, int op)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = lane };
	size_t event;
	int ret = 0;

	/* The ring is one for all events; a wake-up comes through the one that wrote. */
	for (event = 0; event < w->nr_events; event++) {
		int fd = watch_fd(w, task, lane, WATCH_SAMPLE(event));

		if (fd >= 0 && epoll_ctl(w->epfd, op, fd, &ev))
			ret = -1;
	}
	if (epoll_ctl(w->epfd, op, watch_fd(w, task, lane, WATCH_SIDE(w)), &ev))
		ret = -1;
	return ret;
}

int mh_watch_poll(struct mh_watch *w, size_t lane, size_t task)
{
	return poll_change(w, lane, task, EPOLL_CTL_ADD);
}

/* Wait on the events of another task when the one waited on has gone. */
static void follow(struct mh_watch *w, size_t lane)
{
	size_t *task = &w->lanes.v[lane].poll_task;

	if (*task >= w->tasks.nr)
		return;
	poll_change(w, lane, *task, EPOLL_CTL_DEL);
	while (++*task < w->tasks.nr) {
		if (!mh_watch_poll(w, lane, *task))
			return;
		poll_change(w, lane, *task, EPOLL_CTL_DEL);
	}
}

static bool has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

/* One look at who has hung up; false when nobody new has. */
static bool move_on(struct mh_watch *w)
{
	struct epoll_event ev[64];
	bool moved = false;
	int k, nr = epoll_wait(w->epfd, ev, 64, 0);

	for (k = 0; k < nr; k++) {
		size_t lane = (size_t)ev[k].data.u64;
		int fd;

		/* The events of a task hang up together: the second finds the next
		 * task, which is asked itself. */
		if (!(ev[k].events & EPOLLHUP) ||
		    w->lanes.v[lane].poll_task >= w->tasks.nr)
			continue;
		fd = watch_fd(w, w->lanes.v[lane].poll_task, lane, WATCH_SIDE(w));
		if (!has_hung_up(fd))
			continue;
		follow(w, lane);
		moved = true;
	}
	return moved;
}

bool mh_watch_all_gone(struct mh_watch *w)
{
	size_t i;

	while (move_on(w))
		;
	for (i = 0; i < w->lanes.nr; i++) {
		if (w->lanes.v[i].poll_task < w->tasks.nr)
			return false;
	}
	return true;
}

/* ---- what was lost ---- */

static void read_events(const struct mh_watch *w, size_t task, size_t lane,
			uint64_t *count, uint64_t *lost)
{
	uint64_t values[2];
	size_t i;

	for (i = 0; i < w->nr_events; i++) {
		const struct watch_event *e = &w->events[i];

		if (!e->on[lane])
			continue;
		if (e->led_by == MH_LEAD_COUNT &&
		    read(watch_fd(w, task, lane, WATCH_LEAD(i)), values, 8) == 8)
			*count += values[0];
		if (e->attr.read_format & PERF_FORMAT_LOST &&
		    read(watch_fd(w, task, lane, WATCH_SAMPLE(i)), values, 16) == 16)
			*lost += values[1];
	}
}

static void read_lane(const struct mh_watch *w, size_t lane, uint64_t *count,
		      uint64_t *lost)
{
	size_t i;

	*count = *lost = 0;
	for (i = 0; i < w->tasks.nr; i++)
		read_events(w, i, lane, count, lost);
}

/* Every event is a sample, and counted beside. */
static bool is_complete(const struct mh_watch *w)
{
	size_t i;

	for (i = 0; i < w->nr_events; i++) {
		const struct watch_event *e = &w->events[i];

		if (e->led_by != MH_LEAD_COUNT || e->attr.freq ||
		    e->attr.sample_period != 1)
			return false;
	}
	return true;
}

/*
 * The kernel tells of a loss when there is room again, so what was lost at the very end
 * is only in its counter (Linux 6.0). Beyond that, some events of a machine-wide watch
 * are counted and give neither sample nor loss; they are lost to us all the same.
 */
int mh_watch_emit_untold(struct mh_watch *w, size_t i, mh_event_fn fn, void *arg,
			 struct mh_err *err)
{
	struct watch_lane *lane = &w->lanes.v[i];
	struct mh_event ev = { .kind = MH_EV_LOST, .source = w->spec.source };
	uint64_t count, lost;

	read_lane(w, i, &count, &lost);
	lane->kernel_lost = lost;
	if (is_complete(w) && count > lane->nr_samples + lost)
		lost = count - lane->nr_samples;
	if (lost <= lane->lost)
		return MH_OK;
	ev.time_ns = mh_watch_now_ns(w);
	ev.lost = (struct mh_ev_lost){ .start_ns =
					       lane->last_ns ? lane->last_ns : ev.time_ns,
				       .count = lost - lane->lost,
				       .cpu = (uint32_t)lane->cpu,
				       .cause = MH_LOST_RING };
	lane->lost = lost;
	return fn(arg, &ev, err);
}

void mh_watch_totals(const struct mh_watch *w, struct mh_watch_totals *out)
{
	uint64_t count, lost;
	size_t i;

	*out = (struct mh_watch_totals){ .left_out = w->left_out,
					 .side_lost = w->side_lost,
					 .malformed = w->malformed };
	for (i = 0; i < w->lanes.nr; i++) {
		read_lane(w, i, &count, &lost);
		out->count += count;
		out->samples += w->lanes.v[i].nr_samples;
		out->lost += w->lanes.v[i].lost;
		out->kernel_lost += w->lanes.v[i].kernel_lost;
	}
}
