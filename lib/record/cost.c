/* SPDX-License-Identifier: MIT */
/*
 * Cheap looks only: no page table is walked (smaps would stall the target). So shared
 * pages count whole, and huge pages are not told.
 */
#include "record/cost.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/host.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t mh_cost_own_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

bool mh_cost_cpu_ns(pid_t pid, uint64_t *ns)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		return false;
	*ns = clock_ns(clock);
	return true;
}

static bool line_kib(const char *text, const char *name, uint64_t *bytes)
{
	const char *line = strstr(text, name);
	uint64_t kib;
	char *end;

	if (!line)
		return false;
	kib = strtoull(line + strlen(name), &end, 10);
	if (end == line + strlen(name))
		return false;
	*bytes = kib * 1024;
	return true;
}

int mh_cost_parse_status(struct mh_ev_footprint *out, const char *text)
{
	*out = (struct mh_ev_footprint){ .pss = MH_NO_BYTES,
					 .swap = MH_NO_BYTES,
					 .huge = MH_NO_BYTES };
	if (!line_kib(text, "\nVmRSS:", &out->rss))
		return MH_ENOTARGET;
	line_kib(text, "\nVmSwap:", &out->swap);
	return MH_OK;
}

int mh_cost_footprint(struct mh_ev_footprint *out, const char *sysroot, pid_t pid)
{
	char path[PATH_MAX], text[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%d/status", sysroot, (int)pid);
	f = fopen(path, "re");
	if (!f)
		return MH_ENOTARGET;
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	if (mh_cost_parse_status(out, text))
		return MH_ENOTARGET;
	out->pid = (uint32_t)pid;
	return MH_OK;
}

int mh_stat_tell(mh_event_fn fn, void *arg, uint32_t pid, const char *name,
		 uint64_t value, struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STAT);
	ev.time_ns = mh_now_ns();
	ev.stat.pid = pid;
	ev.stat.name = name;
	ev.stat.value = value;
	return fn(arg, &ev, err);
}
