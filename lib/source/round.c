/* SPDX-License-Identifier: MIT */
#include "source/round.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

uint64_t mh_round_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct mh_event mh_round_event(const struct round *r, enum mh_event_kind kind)
{
	struct mh_event ev;

	mh_event_init(&ev, kind);
	ev.source = r->source;
	ev.time_ns = r->time_ns;
	return ev;
}

int mh_round_send(const struct round *r, const struct mh_event *ev, struct mh_err *err)
{
	return r->fn(r->arg, ev, err);
}

int mh_round_gap(const struct round *r, uint64_t start_ns, pid_t pid,
		 enum mh_gap_cause cause, struct mh_err *err)
{
	struct mh_event ev = mh_round_event(r, MH_EV_GAP);

	ev.gap.start_ns = start_ns;
	ev.gap.pid = (uint32_t)pid;
	ev.gap.cause = (uint8_t)cause;
	return mh_round_send(r, &ev, err);
}

int mh_round_stat(const struct round *r, pid_t pid, const char *name, uint64_t value,
		  struct mh_err *err)
{
	struct mh_event ev = mh_round_event(r, MH_EV_STAT);

	ev.stat.pid = (uint32_t)pid;
	ev.stat.name = name;
	ev.stat.value = value;
	return mh_round_send(r, &ev, err);
}

int mh_round_meta(const struct round *r, const char *name, const char *value,
		  struct mh_err *err)
{
	struct mh_event ev;
	char key[64];

	mh_event_init(&ev, MH_EV_META);
	ev.time_ns = mh_round_now_ns();
	snprintf(key, sizeof(key), "source.%u.%s", r->source, name);
	ev.meta.key = key;
	ev.meta.value = value;
	return mh_round_send(r, &ev, err);
}

int mh_round_failed(struct mh_err *err, pid_t pid, const char *file)
{
	if (errno == ENOENT || errno == ESRCH)
		return mh_fail(err, MH_ENOTARGET, "process %d ended", (int)pid);
	if (errno == EACCES || errno == EPERM)
		return mh_fail(
			err, MH_EPERM,
			"cannot use /proc/%d/%s: it is another user's process or has "
			"privileges; run as root",
			(int)pid, file);
	return mh_fail_errno(err, "cannot use /proc/%d/%s", (int)pid, file);
}

int mh_round_open(int *fd, const struct round *r, pid_t pid, const char *file, int flags,
		  struct mh_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/proc/%d/%s", r->sysroot, (int)pid, file);
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? mh_round_failed(err, pid, file) : MH_OK;
}
