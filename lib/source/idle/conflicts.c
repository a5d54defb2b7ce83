/* SPDX-License-Identifier: MIT */
/*
 * Read only: nothing is switched off for a person. Each is a reason why an idle bit may
 * be wrong, in words that say which way it is wrong.
 */
#include "source/idle/conflicts.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	enum idle_conflict flag;
	const char *word;
	enum mh_level level;
	const char *said;
} table[] = {
	{ IDLE_KDAMOND, "kdamond", MH_WARNING,
	  "idle: a kdamond is running: where DAMON watches the same pages, both clear "
	  "the "
	  "same bits, and pages in use may be told as idle" },
	{ IDLE_LRU_GEN, "lru_gen", MH_WARNING,
	  "idle: multi-gen LRU is enabled: read(2) does not end a page's idleness, and "
	  "under memory pressure pages in use may be told as idle "
	  "(/sys/kernel/mm/lru_gen/enabled)" },
	{ IDLE_NUMA_BALANCING, "numa_balancing", MH_WARNING,
	  "idle: NUMA balancing is on: it unmaps and moves pages, and a moved page "
	  "may count as accessed; run: sysctl kernel.numa_balancing=0" },
	{ IDLE_HYPERVISOR, "hypervisor", MH_NOTICE,
	  "idle: this is a virtual machine: pages that only its host or its devices "
	  "touch "
	  "are told as idle" },
};

#define NR_CONFLICTS (sizeof(table) / sizeof(table[0]))

static bool read_line(const char *sysroot, const char *file, char *buf, size_t size)
{
	char path[PATH_MAX];
	FILE *in;
	bool ok;

	snprintf(path, sizeof(path), "%s%s", sysroot, file);
	in = fopen(path, "re");
	ok = in && fgets(buf, (int)size, in);
	if (in)
		fclose(in);
	return ok;
}

static bool number_is_set(const char *sysroot, const char *file, unsigned long mask)
{
	char buf[64];

	return read_line(sysroot, file, buf, sizeof(buf)) &&
	       (strtoul(buf, NULL, 0) & mask);
}

/* By name among all tasks: DAMON's modules start their own, which no file lists. */
static bool kdamond_runs(const char *sysroot)
{
	char path[PATH_MAX / 2], file[64], name[32];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc", sysroot);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid <= 0)
			continue;
		snprintf(file, sizeof(file), "/proc/%d/comm", pid);
		found = read_line(sysroot, file, name, sizeof(name)) &&
			!strncmp(name, "kdamond.", strlen("kdamond."));
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool has_hypervisor(const char *sysroot)
{
	char path[PATH_MAX], *line = NULL;
	bool found = false;
	size_t cap = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", sysroot);
	in = fopen(path, "re");
	while (in && !found && getline(&line, &cap, in) > 0)
		found = !strncmp(line, "flags", 5) && strstr(line, " hypervisor");
	if (in)
		fclose(in);
	free(line);
	return found;
}

unsigned mh_idle_conflicts(const char *sysroot)
{
	unsigned found = 0;

	if (kdamond_runs(sysroot))
		found |= IDLE_KDAMOND;
	if (number_is_set(sysroot, "/sys/kernel/mm/lru_gen/enabled", 1))
		found |= IDLE_LRU_GEN;
	if (number_is_set(sysroot, "/proc/sys/kernel/numa_balancing", ULONG_MAX))
		found |= IDLE_NUMA_BALANCING;
	if (has_hypervisor(sysroot))
		found |= IDLE_HYPERVISOR;
	return found;
}

void mh_idle_conflicts_say(unsigned conflicts, const struct mh_log *log)
{
	size_t i;

	for (i = 0; i < NR_CONFLICTS; i++)
		if (conflicts & table[i].flag)
			mh_log_say(log, table[i].level, "%s", table[i].said);
}

void mh_idle_conflicts_words(unsigned conflicts, char *buf, size_t size)
{
	size_t i, used = 0;

	snprintf(buf, size, "none");
	for (i = 0; i < NR_CONFLICTS && used < size; i++) {
		if (conflicts & table[i].flag)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
						 used ? "," : "", table[i].word);
	}
}
