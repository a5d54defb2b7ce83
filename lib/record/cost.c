/* SPDX-License-Identifier: MIT */
/*
 * Cheap looks each time: /proc/PID/status walks no page table. What does (PSS, huge
 * pages) is read in turns; in a process of 64 GiB of small pages it takes about a second,
 * in which nobody else gets to the process's mappings.
 */
#include "record/cost.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/host.h"

#define ROLLUP_SHARE 100 /* of a CPU's time, one part */

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

static bool read_text(char *text, size_t size, const char *sysroot, pid_t pid,
		      const char *name)
{
	char path[PATH_MAX];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%d/%s", sysroot, (int)pid, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	len = fread(text, 1, size - 1, f);
	fclose(f);
	text[len] = '\0';
	return true;
}

int mh_cost_footprint(struct mh_ev_footprint *out, const char *sysroot, pid_t pid)
{
	char text[4096];

	if (!read_text(text, sizeof(text), sysroot, pid, "status") ||
	    mh_cost_parse_status(out, text))
		return MH_ENOTARGET;
	out->pid = (uint32_t)pid;
	return MH_OK;
}

/* ---- what walks page tables ---- */

void mh_cost_parse_rollup(struct mh_ev_footprint *out, const char *text)
{
	static const char *const huge[] = { "\nAnonHugePages:", "\nShmemPmdMapped:",
					    "\nFilePmdMapped:", "\nShared_Hugetlb:",
					    "\nPrivate_Hugetlb:" };
	uint64_t bytes;
	size_t i;

	if (!line_kib(text, "\nPss:", &out->pss))
		return;
	out->huge = 0;
	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++)
		if (line_kib(text, huge[i], &bytes))
			out->huge += bytes;
}

void mh_rollups_begin(struct mh_rollups *r, uint64_t now_ns)
{
	r->turn = now_ns >= r->due_ns;
	r->cpu_ns = r->longest_ns = 0;
}

void mh_rollups_read(struct mh_rollups *r, struct mh_ev_footprint *out,
		     const char *sysroot)
{
	uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), began_ns = mh_now_ns(), took;
	char text[4096];

	if (!r->turn)
		return;
	if (read_text(text, sizeof(text), sysroot, (pid_t)out->pid, "smaps_rollup"))
		mh_cost_parse_rollup(out, text);
	took = mh_now_ns() - began_ns;
	r->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	r->longest_ns = took > r->longest_ns ? took : r->longest_ns;
}

bool mh_rollups_end(struct mh_rollups *r, uint64_t now_ns)
{
	if (r->turn)
		r->due_ns = now_ns + r->cpu_ns * ROLLUP_SHARE;
	return r->turn && r->longest_ns;
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
