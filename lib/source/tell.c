/* SPDX-License-Identifier: MIT */
#include "source/tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

uint64_t mh_tell_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t time_of(const struct mh_tell *to)
{
	return to->time_ns ? to->time_ns : mh_tell_now_ns();
}

int mh_tell_meta(const struct mh_tell *to, struct mh_err *err, const char *name,
		 const char *fmt, ...)
{
	char key[96], value[512];
	struct mh_event ev;
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	snprintf(key, sizeof(key), "source.%u.%s", to->source, name);
	mh_event_init(&ev, MH_EV_META);
	ev.time_ns = time_of(to);
	ev.meta.key = key;
	ev.meta.value = value;
	return to->fn(to->arg, &ev, err);
}

int mh_tell_stat(const struct mh_tell *to, struct mh_err *err, const char *name,
		 uint64_t value)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STAT);
	ev.source = to->source;
	ev.time_ns = time_of(to);
	ev.stat.name = name;
	ev.stat.value = value;
	return to->fn(to->arg, &ev, err);
}
