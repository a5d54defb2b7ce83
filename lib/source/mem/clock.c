/* SPDX-License-Identifier: MIT */
/*
 * A pair of clocks: an event on our own thread tells of its renaming, at perf's time. The
 * thread is given the name that it has, between two looks at the other clock; a pair is
 * as exact as these are close.
 *
 * The clocks run apart by what NTP corrects, at most 500 ppm, so that pairs a second
 * apart, with the rate between them, leave microseconds.
 */
#include "source/mem/clock.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "ring/open.h"
#include "ring/parse.h"
#include "source/tell.h"

#define LAYOUT   (PERF_SAMPLE_TID | PERF_SAMPLE_TIME)
#define TRIES    5
#define MAX_RATE 0.01   /* more is a jump, not a rate */
#define CLOSE_NS 20000u /* a pair as exact as this needs no second try */

static struct perf_event_attr attr_of(void)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = LAYOUT,
		.sample_id_all = 1,
		.comm = 1,
		.exclude_kernel = 1,
	};
}

/* perf's time of the last record; 0: there is none. */
static uint64_t last_time(struct mem_clock *c)
{
	const struct mh_ring_layout layout = { .sample_type = LAYOUT,
					       .sample_id_all = true };
	const uint8_t *record;
	struct mh_event ev;
	uint64_t time = 0;
	size_t len;

	mh_ring_begin(&c->ring);
	while (mh_ring_next(&c->ring, &record, &len) == MH_OK) {
		if (mh_ring_parse(&ev, &layout, record, len, NULL) == MH_OK &&
		    ev.kind == MH_EV_TASK)
			time = ev.time_ns;
	}
	return time;
}

void mh_mem_clock_take(struct mem_clock *c, uint64_t perf_ns, uint64_t mono_ns)
{
	double elapsed = (double)(perf_ns - c->perf_ns);

	if (c->nr_pairs) {
		uint64_t said = mh_mem_clock_monotonic(c, perf_ns);
		uint64_t off = said > mono_ns ? said - mono_ns : mono_ns - said;
		double rate =
			elapsed > 0 ? (double)(mono_ns - c->mono_ns) / elapsed - 1 : 0;

		if (c->nr_pairs > 1 && off > c->residual_max_ns)
			c->residual_max_ns = off;
		/* Over less than a tenth of a second a rate is but the pairs' error. */
		if (elapsed > 1e8)
			c->rate = rate < MAX_RATE && rate > -MAX_RATE ? rate : 0;
	}
	c->perf_ns = perf_ns;
	c->mono_ns = mono_ns;
	c->nr_pairs++;
}

void mh_mem_clock_pair(struct mem_clock *c)
{
	uint64_t best_ns = UINT64_MAX, perf_ns = 0, mono_ns = 0;
	char name[16];
	unsigned i;

	if (prctl(PR_GET_NAME, name))
		return;
	for (i = 0; i < TRIES && best_ns > CLOSE_NS; i++) {
		uint64_t before = mh_tell_now_ns(), after, time;

		prctl(PR_SET_NAME, name);
		after = mh_tell_now_ns();
		time = last_time(c);
		if (!time || after - before >= best_ns)
			continue;
		best_ns = after - before;
		perf_ns = time;
		mono_ns = before + (after - before) / 2;
	}
	if (perf_ns)
		mh_mem_clock_take(c, perf_ns, mono_ns);
}

int mh_mem_clock_open(struct mem_clock *c, struct mh_err *err)
{
	struct perf_event_attr attr = attr_of();
	struct mh_perf_place self = { .pid = 0, .cpu = -1, .group_fd = -1 };
	unsigned page_kib = (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
	int ret;

	*c = (struct mem_clock){ .fd = -1 };
	ret = mh_perf_open(&c->fd, &attr, &self, NULL, err);
	if (ret)
		return ret;
	ret = mh_ring_map(&c->ring, c->fd, page_kib, err);
	if (!ret) {
		mh_mem_clock_pair(c);
		if (!c->nr_pairs)
			ret = mh_fail(err, MH_ENOSUP,
				      "the clock of perf events cannot be compared with "
				      "CLOCK_MONOTONIC");
	}
	if (ret)
		mh_mem_clock_close(c);
	return ret;
}

uint64_t mh_mem_clock_monotonic(const struct mem_clock *c, uint64_t perf_ns)
{
	int64_t since = (int64_t)(perf_ns - c->perf_ns);

	return c->mono_ns + (uint64_t)since +
	       (uint64_t)(int64_t)((double)since * c->rate);
}

void mh_mem_clock_close(struct mem_clock *c)
{
	mh_ring_fini(&c->ring);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
