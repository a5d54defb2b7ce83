/* SPDX-License-Identifier: MIT */
/*
 * The events share the first one's ring. What was dropped after the last hit is known
 * from the kernel's counter only (Linux 6.0); a record of it comes with the next hit.
 */
#include "ring/tracepoint.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ring/open.h"
#include "ring/parse.h"
#include "ring/ring.h"

#define IDS_MAX 4

struct mh_tracepoint {
	int fds[IDS_MAX]; /* the first: -1 where there is none */
	size_t nr;
	struct mh_ring ring;
	struct mh_ring_layout layout;
	unsigned ring_kib;
	uint64_t lost;
};

#define SAMPLE_TYPE (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW)

static int open_event(struct mh_tracepoint *t, pid_t tid, uint64_t id, struct mh_err *err)
{
	struct mh_perf_place place = { .pid = tid, .cpu = -1, .group_fd = -1 };
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.config = id,
		.sample_period = 1,
		.sample_type = SAMPLE_TYPE,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.sample_id_all = 1,
		.watermark = 1,
		.disabled = 1,
	};
	int ret = mh_perf_open(&t->fds[t->nr], &attr, &place, NULL, err);

	if (ret)
		return ret;
	if (t->nr++ && ioctl(t->fds[t->nr - 1], PERF_EVENT_IOC_SET_OUTPUT, t->fds[0]))
		return mh_fail_errno(err, "cannot share a ring among tracepoints");
	return MH_OK;
}

static int map_ring(struct mh_tracepoint *t, unsigned kib, struct mh_err *err)
{
	unsigned page_kib = (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
	int ret;

	t->ring_kib = page_kib;
	while (t->ring_kib < kib)
		t->ring_kib *= 2;
	while ((ret = mh_ring_map(&t->ring, t->fds[0], t->ring_kib, err)) &&
	       t->ring_kib > page_kib)
		t->ring_kib /= 2;
	return ret;
}

static struct mh_tracepoint *make(struct mh_err *err)
{
	struct mh_tracepoint *t = calloc(1, sizeof(*t));

	if (!t) {
		mh_fail(err, MH_ENOMEM, "out of memory");
		return NULL;
	}
	t->fds[0] = -1;
	t->layout.sample_type = SAMPLE_TYPE;
	t->layout.sample_id_all = true;
	return t;
}

int mh_tracepoint_init(struct mh_tracepoint **out, struct perf_event_mmap_page *page,
		       const void *data, uint64_t size, struct mh_err *err)
{
	struct mh_tracepoint *t = make(err);
	int ret;

	*out = NULL;
	if (!t)
		return MH_ENOMEM;
	ret = mh_ring_init(&t->ring, page, data, size, err);
	if (ret) {
		mh_tracepoint_close(t);
		return ret;
	}
	t->ring_kib = (unsigned)(size / 1024);
	*out = t;
	return MH_OK;
}

int mh_tracepoint_open(struct mh_tracepoint **out, pid_t tid, const uint64_t *ids,
		       size_t nr_ids, unsigned ring_kib, struct mh_err *err)
{
	struct mh_tracepoint *t = make(err);
	int ret = MH_OK;
	size_t i;

	mh_assert(nr_ids && nr_ids <= IDS_MAX);
	*out = NULL;
	if (!t)
		return MH_ENOMEM;
	for (i = 0; !ret && i < nr_ids; i++) {
		ret = open_event(t, tid, ids[i], err);
		/* Output can be redirected only to a ring that is there. */
		if (!ret && !i)
			ret = map_ring(t, ring_kib, err);
	}
	for (i = 0; !ret && i < nr_ids; i++)
		if (ioctl(t->fds[i], PERF_EVENT_IOC_ENABLE, 0))
			ret = mh_fail_errno(err, "cannot start a tracepoint");
	if (ret) {
		mh_tracepoint_close(t);
		return ret;
	}
	*out = t;
	return MH_OK;
}

int mh_tracepoint_fd(const struct mh_tracepoint *t)
{
	return t->fds[0];
}

void mh_tracepoint_begin(struct mh_tracepoint *t)
{
	mh_ring_begin(&t->ring);
}

int mh_tracepoint_next(struct mh_tracepoint *t, struct mh_tracepoint_hit *hit)
{
	struct mh_ring_extra extra;
	const uint8_t *record;
	struct mh_event ev;
	size_t len;
	int ret;

	for (;;) {
		ret = mh_ring_next(&t->ring, &record, &len);
		if (ret == MH_END)
			return MH_END;
		if (!ret)
			ret = mh_ring_parse(&ev, &t->layout, record, len, &extra);
		*hit = (struct mh_tracepoint_hit){ .lost = 1 };
		if (ret == MH_EFORMAT) {
			t->lost++;
			return MH_OK;
		}
		if (ret)
			continue;
		hit->time_ns = ev.time_ns;
		if (ev.kind == MH_EV_LOST && ev.lost.cause == MH_LOST_RING) {
			hit->lost = ev.lost.count;
			t->lost += ev.lost.count;
			return MH_OK;
		}
		if (ev.kind != MH_EV_SAMPLE || !extra.raw)
			continue;
		hit->lost = 0;
		hit->tid = ev.sample.tid;
		hit->raw = extra.raw;
		hit->len = extra.raw_len;
		return MH_OK;
	}
}

unsigned mh_tracepoint_ring_kib(const struct mh_tracepoint *t)
{
	return t->ring_kib;
}

uint64_t mh_tracepoint_lost(const struct mh_tracepoint *t)
{
	return t->lost;
}

void mh_tracepoint_close(struct mh_tracepoint *t)
{
	if (!t)
		return;
	mh_ring_fini(&t->ring);
	while (t->nr)
		close(t->fds[--t->nr]);
	free(t);
}
