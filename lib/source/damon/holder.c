/* SPDX-License-Identifier: MIT */
/*
 * The kernel does not keep who set up a kdamond of the sysfs interface, so its thread,
 * its operations and its state are what can be said. Modules are known by their
 * parameters; before Linux 7.2 not all tell their thread, which is then looked for by its
 * name.
 */
#include "source/damon/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/damon/lease.h"
#include "source/tree.h"

static const char *const modules[] = { "damon_stat", "damon_reclaim", "damon_lru_sort" };

/* A kernel thread called kdamond.N; 0: none. */
static pid_t find_thread(const struct damon_fs *fs)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct proc_stat st;
	pid_t found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc", fs->root);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    mh_proc_stat_read(&st, fs->root, (pid_t)atoi(entry->d_name)))
			continue;
		if (st.ppid == 2 && !strncmp(st.comm, "kdamond.", 8))
			found = st.pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool module_runs(struct damon_fs *fs, const char *name)
{
	char text[16];

	return !mh_damon_read(fs, text, sizeof(text), NULL,
			      "/sys/module/%s/parameters/enabled", name) &&
	       text[0] == 'Y';
}

bool mh_damon_holder_module(struct damon_holder *out, struct damon_fs *fs)
{
	uint64_t pid;
	size_t i;

	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		if (!module_runs(fs, modules[i]))
			continue;
		out->by = DAMON_BY_MODULE;
		snprintf(out->module, sizeof(out->module), "%s", modules[i]);
		snprintf(out->operations, sizeof(out->operations), "paddr");
		if (!mh_damon_read_u64(fs, &pid, NULL,
				       "/sys/module/%s/parameters/kdamond_pid",
				       modules[i]) &&
		    (int64_t)pid > 0)
			out->kdamond = (pid_t)pid;
		else
			out->kdamond = find_thread(fs);
		return true;
	}
	return false;
}

static bool read_running(struct damon_holder *out, struct damon_fs *fs, uint64_t index)
{
	char state[16];
	uint64_t pid;

	if (mh_damon_read(fs, state, sizeof(state), NULL,
			  DAMON_KDAMONDS "/%" PRIu64 "/state", index) ||
	    strcmp(state, "on") != 0)
		return false;
	out->index = index;
	if (!mh_damon_read_u64(fs, &pid, NULL, DAMON_KDAMONDS "/%" PRIu64 "/pid",
			       index) &&
	    (int64_t)pid > 0)
		out->kdamond = (pid_t)pid;
	return true;
}

void mh_damon_holder_operations(struct damon_holder *h, struct damon_fs *fs)
{
	if (mh_damon_read(fs, h->operations, sizeof(h->operations), NULL,
			  DAMON_KDAMONDS "/%" PRIu64 "/contexts/0/operations", h->index))
		h->operations[0] = '\0';
}

static void read_sysfs(struct damon_holder *out, struct damon_fs *fs)
{
	uint64_t i;

	out->by = DAMON_BY_SYSFS;
	for (i = 0; i < out->nr_kdamonds && !read_running(out, fs, i); i++)
		;
	mh_damon_holder_operations(out, fs);
}

int mh_damon_holder_read(struct damon_holder *out, struct damon_fs *fs,
			 struct mh_err *err)
{
	int ret;

	*out = (struct damon_holder){ 0 };
	ret = mh_damon_read_u64(fs, &out->nr_kdamonds, err,
				DAMON_KDAMONDS "/nr_kdamonds");
	if (ret == MH_ENOSUP)
		return mh_fail(err, MH_ENOSUP,
			       "no " DAMON_KDAMONDS ": the kernel lacks "
			       "CONFIG_DAMON_SYSFS (Linux 5.18)");
	if (ret == MH_EPERM)
		return mh_fail(err, MH_EPERM, "DAMON is for root only; run as root");
	if (ret)
		return ret;
	if (out->nr_kdamonds)
		read_sysfs(out, fs);
	else
		mh_damon_holder_module(out, fs);
	if (out->by == DAMON_BY_SYSFS) {
		if (mh_damon_lease_held(fs, &out->recorder))
			out->by = DAMON_BY_US;
		else if (mh_damon_lease_is_left(fs))
			out->by = DAMON_LEFT;
	}
	return MH_OK;
}

void mh_damon_holder_words(char *buf, size_t size, const struct damon_holder *h)
{
	char who[64] = "a kdamond that is off";

	if (h->kdamond)
		snprintf(who, sizeof(who), "kdamond %d%s%s%s", (int)h->kdamond,
			 *h->operations ? " (" : "", h->operations,
			 *h->operations ? ")" : "");
	switch (h->by) {
	case DAMON_BY_SYSFS:
		snprintf(buf, size, "%s, set up through sysfs by somebody else", who);
		break;
	case DAMON_BY_MODULE:
		snprintf(buf, size, "%s of the module %s", who, h->module);
		break;
	case DAMON_BY_US:
		snprintf(buf, size, "%s of the memheat with pid %d", who,
			 (int)h->recorder);
		break;
	case DAMON_LEFT:
		snprintf(buf, size, "%s that a killed memheat left", who);
		break;
	case DAMON_FREE:
	default:
		snprintf(buf, size, "nobody");
		break;
	}
}
