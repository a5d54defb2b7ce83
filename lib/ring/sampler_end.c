/* SPDX-License-Identifier: MIT */
/* Who has gone, what was lost without a word, and the sums. */
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ring/sampler_live.h"

/* ---- waiting ---- */

static int poll_change(struct mh_sampler *s, size_t lane, size_t task, int op)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = lane };
	size_t event;
	int ret = 0;

	/* The ring is one for all events; a wake-up comes through the one that wrote. */
	for (event = 0; event < s->nr_events; event++) {
		int fd = sampler_fd(s, task, lane, SAMPLER_SAMPLE(event));

		if (fd >= 0 && epoll_ctl(s->epfd, op, fd, &ev))
			ret = -1;
	}
	if (epoll_ctl(s->epfd, op, sampler_fd(s, task, lane, SAMPLER_SIDE(s)), &ev))
		ret = -1;
	return ret;
}

int mh_sampler_poll(struct mh_sampler *s, size_t lane, size_t task)
{
	return poll_change(s, lane, task, EPOLL_CTL_ADD);
}

/* Wait on the events of another task when the one waited on has gone. */
static void follow(struct mh_sampler *s, size_t lane)
{
	size_t *task = &s->lanes.v[lane].poll_task;

	if (*task >= s->tasks.nr)
		return;
	poll_change(s, lane, *task, EPOLL_CTL_DEL);
	while (++*task < s->tasks.nr) {
		if (!mh_sampler_poll(s, lane, *task))
			return;
		poll_change(s, lane, *task, EPOLL_CTL_DEL);
	}
}

static bool has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

/* One look at who has hung up; false when nobody new has. */
static bool move_on(struct mh_sampler *s)
{
	struct epoll_event ev[64];
	bool moved = false;
	int k, nr = epoll_wait(s->epfd, ev, 64, 0);

	for (k = 0; k < nr; k++) {
		size_t lane = (size_t)ev[k].data.u64;
		int fd;

		/* The events of a task hang up together: the second finds the next
		 * task, which is asked itself. */
		if (!(ev[k].events & EPOLLHUP) ||
		    s->lanes.v[lane].poll_task >= s->tasks.nr)
			continue;
		fd = sampler_fd(s, s->lanes.v[lane].poll_task, lane, SAMPLER_SIDE(s));
		if (!has_hung_up(fd))
			continue;
		follow(s, lane);
		moved = true;
	}
	return moved;
}

bool mh_sampler_all_gone(struct mh_sampler *s)
{
	size_t i;

	while (move_on(s))
		;
	for (i = 0; i < s->lanes.nr; i++) {
		if (s->lanes.v[i].poll_task < s->tasks.nr)
			return false;
	}
	return true;
}

/* ---- what was lost ---- */

static void read_events(const struct mh_sampler *s, size_t task, size_t lane,
			uint64_t *count, uint64_t *lost)
{
	uint64_t values[2];
	size_t i;

	for (i = 0; i < s->nr_events; i++) {
		const struct sampler_event *e = &s->events[i];

		if (!e->on[lane])
			continue;
		if (e->led_by == MH_LEAD_COUNT &&
		    read(sampler_fd(s, task, lane, SAMPLER_LEAD(i)), values, 8) == 8)
			*count += values[0];
		if (e->attr.read_format & PERF_FORMAT_LOST &&
		    read(sampler_fd(s, task, lane, SAMPLER_SAMPLE(i)), values, 16) == 16)
			*lost += values[1];
	}
}

static void read_lane(const struct mh_sampler *s, size_t lane, uint64_t *count,
		      uint64_t *lost)
{
	size_t i;

	*count = *lost = 0;
	for (i = 0; i < s->tasks.nr; i++)
		read_events(s, i, lane, count, lost);
}

/* Every event is a sample, and counted beside. */
static bool is_complete(const struct mh_sampler *s)
{
	size_t i;

	for (i = 0; i < s->nr_events; i++) {
		const struct sampler_event *e = &s->events[i];

		if (e->led_by != MH_LEAD_COUNT || e->attr.freq ||
		    e->attr.sample_period != 1)
			return false;
	}
	return true;
}

/*
 * The kernel tells of a loss when there is room again, so what was lost at the very end
 * is only in its counter (Linux 6.0). Beyond that, some events of a machine-wide sampler
 * are counted and give neither sample nor loss; they are lost to us all the same.
 */
int mh_sampler_emit_untold(struct mh_sampler *s, size_t i, mh_event_fn fn, void *arg,
			   struct mh_err *err)
{
	struct sampler_lane *lane = &s->lanes.v[i];
	struct mh_event ev = { .kind = MH_EV_LOST, .source = s->spec.source };
	uint64_t count, lost;

	read_lane(s, i, &count, &lost);
	lane->kernel_lost = lost;
	if (is_complete(s) && count > lane->nr_samples + lost)
		lost = count - lane->nr_samples;
	if (lost <= lane->lost)
		return MH_OK;
	ev.time_ns = mh_sampler_now_ns(s);
	ev.lost = (struct mh_ev_lost){ .start_ns =
					       lane->last_ns ? lane->last_ns : ev.time_ns,
				       .count = lost - lane->lost,
				       .cpu = (uint32_t)lane->cpu,
				       .cause = MH_LOST_RING };
	lane->lost = lost;
	return fn(arg, &ev, err);
}

void mh_sampler_totals(const struct mh_sampler *s, struct mh_sampler_totals *out)
{
	uint64_t count, lost;
	size_t i;

	*out = (struct mh_sampler_totals){ .left_out = s->left_out,
					   .side_lost = s->side_lost,
					   .malformed = s->malformed };
	for (i = 0; i < s->lanes.nr; i++) {
		read_lane(s, i, &count, &lost);
		out->count += count;
		out->samples += s->lanes.v[i].nr_samples;
		out->lost += s->lanes.v[i].lost;
		out->kernel_lost += s->lanes.v[i].kernel_lost;
	}
}
