/* SPDX-License-Identifier: MIT */
/*
 * A model of DAMON's sysfs files in memory: which directories a count makes, what `state`
 * accepts when, and who is refused with which errno. Features come and go with the age of
 * the kernel that it plays. /proc is a real folder below the test's own.
 *
 * It checks what a kernel would not: that no pair of limits is ever out of order.
 */
#ifndef MEMHEAT_FAKE_DAMON_H
#define MEMHEAT_FAKE_DAMON_H

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "source/damon/fs.h"

#define FAKE_KDAMOND 500 /* thread id of the first kdamond */
#define FAKE_FILES   1024

struct fake_damon {
	/* What the kernel has. */
	bool has_commit, has_avail, has_goal, has_tried, has_total_bytes,
		has_apply_interval, has_filters, has_ops_filters, has_pages,
		has_addr_unit, newest;
	const char *avail;  /* names, a newline after each */
	const char *filter; /* types that it knows, a newline after each */
	/* What happens. */
	int busy;                 /* so many accesses get EBUSY */
	bool hang;                /* a write of state does not come back */
	bool eperm_off;           /* older kernels: off after the targets' end */
	bool module;              /* an exclusive kdamond runs */
	bool target_ended;        /* processes of the targets are gone */
	bool commit_ends;         /* a commit ends the kdamond, and nobody is told */
	int reused;               /* at `on` and `commit` this pid is another's */
	uint64_t tuned_sample_us; /* what update_tuned_intervals puts into the files */
	size_t nr_tried;          /* regions that there are on request */
	size_t tried_size;        /* of each */

	bool running;
	int pid;
	size_t nr_waits, nr_commits;
	size_t nr_files, nr_writes;
	struct {
		char path[160], value[64];
	} files[FAKE_FILES], writes[FAKE_FILES];
	struct damon_fs fs;
};

#define FAKE_OWN     "/sys/kernel/mm/damon/admin/kdamonds/0"
#define FAKE_CONTEXT FAKE_OWN "/contexts/0"

static char *fake_find(struct fake_damon *f, const char *path)
{
	size_t i;

	for (i = 0; i < f->nr_files; i++) {
		if (!strcmp(f->files[i].path, path))
			return f->files[i].value;
	}
	return NULL;
}

static void fake_set(struct fake_damon *f, const char *path, const char *value)
{
	char *have = fake_find(f, path);

	if (!have) {
		assert_true(f->nr_files < FAKE_FILES);
		snprintf(f->files[f->nr_files].path, sizeof(f->files[0].path), "%s",
			 path);
		have = f->files[f->nr_files++].value;
	}
	snprintf(have, sizeof(f->files[0].value), "%s", value);
}

static void fake_make(struct fake_damon *f, const char *dir, size_t i, const char *name,
		      const char *value)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%zu/%s", dir, i, name);
	fake_set(f, path, value);
}

/* What 6.16 to 7.3 have beside what is used: PATH=VALUE below DIR/i. */
static void fake_make_new(struct fake_damon *f, const char *dir, size_t i,
			  const char *const *files)
{
	char name[80];

	for (; f->newest && *files; files++) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(*files, "="), *files);
		fake_make(f, dir, i, name, strchr(*files, '=') + 1);
	}
}

/* Remove DIR/N/... for every N, as a count that is written does. */
static void fake_remove_below(struct fake_damon *f, const char *dir)
{
	size_t i = 0, len = strlen(dir);

	while (i < f->nr_files) {
		const char *path = f->files[i].path;

		if (!strncmp(path, dir, len) && path[len] == '/' &&
		    path[len + 1] >= '0' && path[len + 1] <= '9')
			f->files[i] = f->files[--f->nr_files];
		else
			i++;
	}
}

static uint64_t fake_u64(struct fake_damon *f, const char *path)
{
	const char *value = fake_find(f, path);

	assert_non_null(value);
	return strtoull(value, NULL, 10);
}

static void fake_make_context(struct fake_damon *f, const char *dir)
{
	static const char *const files[] = { "pause=N", "probes/nr_probes=0", NULL };

	if (f->has_avail)
		fake_make(f, dir, 0, "avail_operations", f->avail);
	fake_make(f, dir, 0, "operations", "vaddr");
	fake_make(f, dir, 0, "monitoring_attrs/intervals/sample_us", "5000");
	fake_make(f, dir, 0, "monitoring_attrs/intervals/aggr_us", "100000");
	fake_make(f, dir, 0, "monitoring_attrs/intervals/update_us", "60000000");
	if (f->has_goal) {
		static const char *const names[] = { "access_bp", "aggrs",
						     "min_sample_us", "max_sample_us" };
		char name[80];
		size_t i;

		for (i = 0; i < 4; i++) {
			snprintf(name, sizeof(name),
				 "monitoring_attrs/intervals/intervals_goal/%s",
				 names[i]);
			fake_make(f, dir, 0, name, "0");
		}
	}
	if (f->has_addr_unit)
		fake_make(f, dir, 0, "addr_unit", "1");
	fake_make(f, dir, 0, "monitoring_attrs/nr_regions/min", "10");
	fake_make(f, dir, 0, "monitoring_attrs/nr_regions/max", "1000");
	fake_make(f, dir, 0, "targets/nr_targets", "0");
	fake_make(f, dir, 0, "schemes/nr_schemes", "0");
	fake_make_new(f, dir, 0, files);
}

static void fake_make_scheme(struct fake_damon *f, const char *dir, size_t i)
{
	static const char *const limits[] = { "sz", "nr_accesses", "age" };
	static const char *const files[] = { "target_nid=-1",
					     "core_filters/nr_filters=0",
					     "dests/nr_dests=0",
					     "quotas/ms=0",
					     "quotas/bytes=0",
					     "quotas/effective_bytes=0",
					     "quotas/goal_tuner=consist",
					     "quotas/fail_charge_num=0",
					     "quotas/fail_charge_denom=0",
					     "quotas/goals/nr_goals=0",
					     "watermarks/metric=none",
					     "stats/nr_snapshots=0",
					     "stats/max_nr_snapshots=0",
					     NULL };
	char name[64];
	size_t k;

	fake_make(f, dir, i, "action", "stat");
	for (k = 0; k < 3; k++) {
		snprintf(name, sizeof(name), "access_pattern/%s/min", limits[k]);
		fake_make(f, dir, i, name, "0");
		snprintf(name, sizeof(name), "access_pattern/%s/max", limits[k]);
		fake_make(f, dir, i, name, "0");
	}
	if (f->has_apply_interval)
		fake_make(f, dir, i, "apply_interval_us", "0");
	if (f->has_filters)
		fake_make(f, dir, i, "filters/nr_filters", "0");
	if (f->has_ops_filters)
		fake_make(f, dir, i, "ops_filters/nr_filters", "0");
	if (f->has_pages)
		fake_make(f, dir, i, "stats/sz_ops_filter_passed", "0");
	if (f->has_tried)
		fake_make(f, dir, i, "tried_regions", "");
	if (f->has_tried && f->has_total_bytes)
		fake_make(f, dir, i, "tried_regions/total_bytes", "0");
	fake_make_new(f, dir, i, files);
}

static void fake_make_filter(struct fake_damon *f, const char *dir, size_t i)
{
	fake_make(f, dir, i, "type", "anon");
	fake_make(f, dir, i, "matching", "N");
	fake_make(f, dir, i, "memcg_path", "");
	if (f->has_pages)
		fake_make(f, dir, i, "allow", "N");
	fake_make(f, dir, i, "min", "0");
	fake_make(f, dir, i, "max", "0");
}

/* A count was written: its directories are made anew, with the kernel's defaults. */
static int fake_count(struct fake_damon *f, const char *path, const char *value)
{
	const char *name = strrchr(path, '/') + 1;
	size_t i, nr = strtoul(value, NULL, 10);
	static const char *const of_kdamond[] = { "refresh_ms=0", NULL };
	static const char *const of_target[] = { "obsolete_target=N", NULL };
	char dir[160];

	snprintf(dir, sizeof(dir), "%.*s", (int)(name - 1 - path), path);
	if (!strcmp(name, "nr_kdamonds") && f->running)
		return -EBUSY;
	if (!strcmp(name, "nr_contexts") && nr > 1)
		return -EINVAL;
	fake_remove_below(f, dir);
	for (i = 0; i < nr; i++) {
		if (!strcmp(name, "nr_kdamonds")) {
			fake_make(f, dir, i, "state", "off");
			fake_make(f, dir, i, "pid", "-1");
			fake_make(f, dir, i, "contexts/nr_contexts", "0");
			fake_make_new(f, dir, i, of_kdamond);
		} else if (!strcmp(name, "nr_contexts")) {
			fake_make_context(f, dir);
		} else if (!strcmp(name, "nr_targets")) {
			fake_make(f, dir, i, "pid_target", "0");
			fake_make(f, dir, i, "regions/nr_regions", "0");
			fake_make_new(f, dir, i, of_target);
		} else if (!strcmp(name, "nr_regions")) {
			fake_make(f, dir, i, "start", "0");
			fake_make(f, dir, i, "end", "0");
		} else if (!strcmp(name, "nr_schemes")) {
			fake_make_scheme(f, dir, i);
		} else if (!strcmp(name, "nr_filters")) {
			fake_make_filter(f, dir, i);
		}
	}
	fake_set(f, path, value);
	return 0;
}

/* What the kernel checks when it is switched on. */
static int fake_validate(struct fake_damon *f)
{
	const char *operations;

	if (!fake_find(f, FAKE_OWN "/contexts/nr_contexts") ||
	    fake_u64(f, FAKE_OWN "/contexts/nr_contexts") != 1)
		return -EINVAL;
	operations = fake_find(f, FAKE_CONTEXT "/operations");
	if (f->avail && !strstr(f->avail, operations))
		return -EINVAL;
	if (f->target_ended && strcmp(operations, "paddr") != 0)
		return -EINVAL;
	if (!strcmp(operations, "paddr") &&
	    fake_u64(f, FAKE_CONTEXT "/targets/nr_targets") > 1)
		return -EINVAL;
	return 0;
}

static void fake_tried(struct fake_damon *f)
{
	static const char *const files[] = { "probes/0/hits=3", NULL };
	const char *dir = FAKE_CONTEXT "/schemes/0/tried_regions";
	char value[32];
	size_t i;

	for (i = 0; i < f->nr_tried; i++) {
		snprintf(value, sizeof(value), "%zu", f->tried_size * i);
		fake_make(f, dir, i, "start", value);
		snprintf(value, sizeof(value), "%zu", f->tried_size * (i + 1));
		fake_make(f, dir, i, "end", value);
		snprintf(value, sizeof(value), "%zu", i % 3);
		fake_make(f, dir, i, "nr_accesses", value);
		fake_make(f, dir, i, "age", "7");
		/* Odd ones have a quarter of a page: no region passes whole. */
		if (f->has_pages)
			fake_make(f, dir, i, "sz_filter_passed", i % 2 ? "1024" : "0");
		fake_make_new(f, dir, i, files);
	}
}

/* A process of the fake /proc. */
static void fake_process(const struct fake_damon *f, int pid, const char *comm,
			 unsigned long start_ticks)
{
	char path[PATH_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/proc", f->fs.root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/proc/%d", f->fs.root, pid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/proc/%d/stat", f->fs.root, pid);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out,
		"%d (%s) S 2 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %lu 0 0 0 0 0 0 0\n",
		pid, comm, start_ticks);
	fclose(out);
}

static void fake_reuse(const struct fake_damon *f)
{
	if (f->reused)
		fake_process(f, f->reused, "another", 7777);
}

static void fake_off(struct fake_damon *f)
{
	f->running = false;
	fake_set(f, FAKE_OWN "/state", "off");
	fake_set(f, FAKE_OWN "/pid", "-1");
}

static int fake_state(struct fake_damon *f, const char *word)
{
	char value[32];
	int ret = 0;

	if (f->hang)
		return -ETIMEDOUT;
	if (!strcmp(word, "on")) {
		ret = f->running || f->module ? -EBUSY : fake_validate(f);
		if (ret)
			return ret;
		f->running = true;
		fake_reuse(f);
		snprintf(value, sizeof(value), "%d", f->pid);
		fake_set(f, FAKE_OWN "/state", "on");
		fake_set(f, FAKE_OWN "/pid", value);
	} else if (!strcmp(word, "off")) {
		if (!f->running)
			return f->eperm_off ? -EPERM : -EINVAL;
		fake_off(f);
	} else if (!strcmp(word, "commit") && f->has_commit) {
		ret = f->running ? fake_validate(f) : -EINVAL;
		fake_reuse(f);
		f->nr_commits += !ret;
		if (f->commit_ends)
			fake_off(f);
	} else if (!strcmp(word, "update_tuned_intervals") && f->has_goal) {
		snprintf(value, sizeof(value), "%" PRIu64, f->tuned_sample_us);
		fake_set(f, FAKE_CONTEXT "/monitoring_attrs/intervals/sample_us", value);
		snprintf(value, sizeof(value), "%" PRIu64, f->tuned_sample_us * 20);
		fake_set(f, FAKE_CONTEXT "/monitoring_attrs/intervals/aggr_us", value);
	} else if (!strcmp(word, "update_schemes_tried_regions") && f->has_tried) {
		fake_tried(f);
	} else if (!strcmp(word, "clear_schemes_tried_regions") && f->has_tried) {
		fake_remove_below(f, FAKE_CONTEXT "/schemes/0/tried_regions");
	} else {
		return -EINVAL;
	}
	return ret;
}

static void fake_in_order(struct fake_damon *f)
{
	const char *attrs = FAKE_CONTEXT "/monitoring_attrs";
	char low[160], high[160];

	snprintf(low, sizeof(low), "%s/intervals/sample_us", attrs);
	snprintf(high, sizeof(high), "%s/intervals/aggr_us", attrs);
	if (!fake_find(f, low))
		return;
	assert_true(fake_u64(f, low) <= fake_u64(f, high));
	snprintf(low, sizeof(low), "%s/nr_regions/min", attrs);
	snprintf(high, sizeof(high), "%s/nr_regions/max", attrs);
	assert_true(fake_u64(f, low) <= fake_u64(f, high));
}

static ssize_t fake_read(struct damon_fs *fs, const char *path, char *buf, size_t size)
{
	struct fake_damon *f = fs->arg;
	const char *value = fake_find(f, path);

	if (f->busy && strstr(path, "/damon/")) {
		f->busy--;
		return -EBUSY;
	}
	if (!value)
		return -ENOENT;
	return snprintf(buf, size, "%s\n", value);
}

static int fake_write(struct damon_fs *fs, const char *path, const char *value)
{
	struct fake_damon *f = fs->arg;
	const char *name = strrchr(path, '/') + 1;

	if (f->busy) {
		f->busy--;
		return -EBUSY;
	}
	if (!fake_find(f, path))
		return -ENOENT;
	assert_true(f->nr_writes < FAKE_FILES);
	snprintf(f->writes[f->nr_writes].path, sizeof(f->writes[0].path), "%s", path);
	snprintf(f->writes[f->nr_writes++].value, sizeof(f->writes[0].value), "%s",
		 value);
	if (!strcmp(name, "state"))
		return fake_state(f, value);
	if (!strcmp(name, "type") && !strstr(f->filter, value))
		return -EINVAL;
	if (!strncmp(name, "nr_", 3) && strcmp(name, "nr_accesses") != 0)
		return fake_count(f, path, value);
	fake_set(f, path, value);
	fake_in_order(f);
	return 0;
}

static void fake_wait(struct damon_fs *fs, unsigned ms)
{
	struct fake_damon *f = fs->arg;

	(void)ms;
	f->nr_waits++;
}

static bool fake_may_write(struct damon_fs *fs)
{
	(void)fs;
	return true;
}

/* A file of the tree that is read as it is: /proc, tracefs. */
static inline void fake_file(const struct damon_fs *fs, const char *path,
			     const char *text)
{
	char full[PATH_MAX], *slash;
	FILE *out;

	snprintf(full, sizeof(full), "%s%s", fs->root, path);
	for (slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	out = fopen(full, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* One of 6.18: pages of processes are counted, filters have folders of their own. */
static inline void fake_make_newer(struct fake_damon *f)
{
	f->has_goal = f->has_ops_filters = f->has_pages = f->has_addr_unit = true;
	f->filter = "anon\nactive\nmemcg\nyoung\nhugepage_size\nunmapped\n";
}

/* One of 7.3, in which the folder `filters` is gone, as it is going to be. */
static inline void fake_make_newest(struct fake_damon *f)
{
	fake_make_newer(f);
	f->has_filters = false;
	f->newest = true;
}

/* A kernel of 6.12 with a fresh /run and /proc. */
static void fake_init(struct fake_damon *f)
{
	static int nr;
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];

	memset(f, 0, sizeof(*f));
	f->has_commit = f->has_avail = f->has_tried = true;
	f->has_total_bytes = f->has_apply_interval = true;
	f->has_filters = true;
	f->avail = "vaddr\nfvaddr\npaddr\n";
	f->filter = "anon\nmemcg\naddr\ntarget\nyoung\n";
	f->pid = FAKE_KDAMOND;
	f->tried_size = 0x1000;
	f->fs = (struct damon_fs){ .read = fake_read,
				   .write = fake_write,
				   .wait = fake_wait,
				   .may_write = fake_may_write,
				   .arg = f };
	snprintf(f->fs.root, sizeof(f->fs.root), "%s/damon.%d.%d", tmp ? tmp : "/tmp",
		 (int)getpid(), nr++);
	assert_int_equal(mkdir(f->fs.root, 0755), 0);
	snprintf(path, sizeof(path), "%s/run", f->fs.root);
	assert_int_equal(mkdir(path, 0755), 0);
	fake_set(f, "/sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds", "0");
	fake_set(f, "/proc/sys/kernel/random/boot_id", "0dd1-b007");
	fake_process(f, FAKE_KDAMOND, "kdamond.0", 1000);
	fake_process(f, 42, "target", 900);
}

#endif
