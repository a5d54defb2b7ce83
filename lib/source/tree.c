/* SPDX-License-Identifier: MIT */
/*
 * Descendants are found through /proc/PID/task/TID/children, which costs nothing per
 * process that is not ours; kernels without CONFIG_PROC_CHILDREN get a scan of /proc.
 * Orphans of a spawned command are re-parented to us (child subreaper), so the walk
 * begins at our own process then.
 */
#include "source/tree.h"

#include "base/vec.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read a small file whole, NUL-terminated; its length, or -1. */
static ssize_t read_small(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int mh_proc_stat_read(struct proc_stat *out, const char *sysroot, pid_t pid)
{
	char path[PATH_MAX], buf[1024];
	char *name, *rest;
	size_t len;
	int ppid;

	snprintf(path, sizeof(path), "%s/proc/%d/stat", sysroot, (int)pid);
	if (read_small(path, buf, sizeof(buf)) <= 0)
		return MH_ENOTARGET;
	/* The name is in parentheses and may hold any character, parentheses too. */
	name = strchr(buf, '(');
	rest = strrchr(buf, ')');
	if (!name || !rest || rest < name)
		return MH_ENOTARGET;
	memset(out, 0, sizeof(*out));
	out->pid = pid;
	len = (size_t)(rest - name - 1);
	if (len >= sizeof(out->comm))
		len = sizeof(out->comm) - 1;
	memcpy(out->comm, name + 1, len);
	/* Fields 3, 4, 22, 26 and 28 of proc(5). */
	if (sscanf(rest + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		   "%*d "
		   "%*d %lu %*u %*d %*u %lu %*u %lu",
		   &out->state, &ppid, &out->start_ticks, &out->start_code,
		   &out->start_stack) != 5)
		return MH_ENOTARGET;
	out->ppid = ppid;
	return MH_OK;
}

static bool listed(const struct proc_list *list, pid_t pid)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (list->v[i].pid == pid)
			return true;
	return false;
}

static int add_pid(struct proc_list *list, const char *sysroot, pid_t pid,
		   struct mh_err *err)
{
	struct proc_stat stat, *slot;

	if (listed(list, pid) || mh_proc_stat_read(&stat, sysroot, pid))
		return MH_OK;
	if (stat.state == 'Z' || stat.state == 'X')
		return MH_OK;
	slot = mh_vec_push(list);
	if (!slot)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*slot = stat;
	return MH_OK;
}

/* Numbers separated by white space: the children and cgroup.procs files. */
static int add_pids_of_file(struct proc_list *list, const char *sysroot, const char *path,
			    struct mh_err *err)
{
	FILE *in = fopen(path, "re");
	int pid, status = MH_OK;

	if (!in)
		return MH_ENOTARGET;
	while (!status && fscanf(in, "%d", &pid) == 1)
		status = add_pid(list, sysroot, pid, err);
	fclose(in);
	return status;
}

/* Children of every thread of @pid; MH_ENOSUP when the kernel has no such files. */
static int add_children(struct proc_list *list, const char *sysroot, pid_t pid,
			struct mh_err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int status = MH_OK;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc/%d/task", sysroot, (int)pid);
	dir = opendir(path);
	if (!dir)
		return MH_OK; /* it ended */
	while (!status && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/proc/%d/task/%s/children", sysroot,
			 (int)pid, entry->d_name);
		status = add_pids_of_file(list, sysroot, path, err);
		if (status == MH_ENOTARGET)
			status = access(path, F_OK) && errno == ENOENT && !kill(pid, 0)
					 ? MH_ENOSUP
					 : MH_OK;
	}
	closedir(dir);
	return status;
}

/* Without children files: every process whose parent is listed, until none is new. */
static int add_descendants_by_scan(struct proc_list *list, const char *sysroot,
				   pid_t self, struct mh_err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct proc_stat stat;
	size_t before;
	int status = MH_OK;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc", sysroot);
	do {
		before = list->nr;
		dir = opendir(path);
		if (!dir)
			return mh_fail_errno(err, "cannot list '%s'", path);
		while (!status && (entry = readdir(dir))) {
			pid_t pid = atoi(entry->d_name);

			if (pid <= 0 || mh_proc_stat_read(&stat, sysroot, pid))
				continue;
			if (stat.ppid == self || listed(list, stat.ppid))
				status = add_pid(list, sysroot, pid, err);
		}
		closedir(dir);
	} while (!status && list->nr > before);
	return status;
}

static int add_descendants(struct proc_list *list, const char *sysroot, pid_t self,
			   struct mh_err *err)
{
	int status = self ? add_children(list, sysroot, self, err) : MH_OK;
	size_t i;

	/* The list grows while it is walked: children of children are reached too. */
	for (i = 0; !status && i < list->nr; i++)
		status = add_children(list, sysroot, list->v[i].pid, err);
	if (status == MH_ENOSUP)
		return add_descendants_by_scan(list, sysroot, self, err);
	return status;
}

/* @below: of a group below the one asked for, which may be removed at any time. */
static int cgroup_unread(const char *path, bool below, struct mh_err *err)
{
	bool removed = errno == ENOENT || errno == ENODEV;
	int status;

	if (removed && below)
		return MH_OK;
	status = mh_fail_errno(err, "cannot read '%s'", path);
	return removed ? MH_ENOTARGET : status;
}

static int add_cgroup(struct proc_list *list, const char *sysroot, const char *dir_path,
		      bool below, struct mh_err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int status;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir_path);
	status = add_pids_of_file(list, sysroot, path, err);
	if (status == MH_ENOTARGET)
		return cgroup_unread(path, below, err);
	dir = opendir(dir_path);
	if (!dir)
		return cgroup_unread(dir_path, below, err);
	while (!status && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		status = add_cgroup(list, sysroot, path, true, err);
	}
	closedir(dir);
	return status;
}

int mh_tree_list(struct proc_list *list, const struct mh_target *target,
		 const char *sysroot, struct mh_err *err)
{
	int status = MH_OK;
	size_t i;

	list->nr = 0;
	if (target->type == MH_TARGET_CGROUP)
		return add_cgroup(list, sysroot, target->cgroup, false, err);
	for (i = 0; !status && i < target->nr_pids; i++)
		status = add_pid(list, sysroot, target->pids[i], err);
	if (!status && (target->children || target->spawned))
		status = add_descendants(list, sysroot, target->spawned ? getpid() : 0,
					 err);
	return status;
}

static uint64_t stat_ticks(const char *sysroot, pid_t pid)
{
	unsigned long utime, stime;
	char path[PATH_MAX], buf[1024];
	const char *rest;

	snprintf(path, sizeof(path), "%s/proc/%d/stat", sysroot, (int)pid);
	if (read_small(path, buf, sizeof(buf)) <= 0 || !(rest = strrchr(buf, ')')) ||
	    sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   &utime, &stime) != 2)
		return 0;
	return utime + stime;
}

bool mh_proc_sched_read(struct proc_sched *out, const char *sysroot, pid_t pid)
{
	char path[PATH_MAX], buf[128], *rest;
	struct dirent *entry;
	bool any = false;
	DIR *dir;

	*out = (struct proc_sched){ 0 };
	snprintf(path, sizeof(path), "%s/proc/%d/task", sysroot, (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/proc/%d/task/%s/schedstat", sysroot,
			 (int)pid, entry->d_name);
		if (read_small(path, buf, sizeof(buf)) > 0) {
			out->run_ns += strtoull(buf, &rest, 10);
			out->wait_ns += strtoull(rest, NULL, 10);
			any = true;
		}
	}
	if (dir)
		closedir(dir);
	return any;
}

uint64_t mh_proc_run_ns(const char *sysroot, pid_t pid)
{
	struct proc_sched sched;

	return mh_proc_sched_read(&sched, sysroot, pid) ? sched.run_ns
							: stat_ticks(sysroot, pid);
}
