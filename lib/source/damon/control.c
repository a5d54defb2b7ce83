/* SPDX-License-Identifier: MIT */
/*
 * The order of writes. Directories appear when their count is written, with the kernel's
 * defaults, so each is written from the top down; a pair is written so that it is in
 * order at every moment. The kernel checks values when it is switched on.
 *
 * Which features there are is found by looking for their files.
 */
#include "source/damon/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "source/damon/holder.h"

#define INTERVALS DAMON_CONTEXT "/monitoring_attrs/intervals"
#define NR_LIMITS DAMON_CONTEXT "/monitoring_attrs/nr_regions"
#define TARGETS   DAMON_CONTEXT "/targets"
#define SCHEMES   DAMON_CONTEXT "/schemes"

/* ---- one value ---- */

static int set(struct damon_control *c, const char *path, const char *value,
	       struct mh_err *err)
{
	int ret = mh_damon_write(c->fs, path, value, err);

	if (!ret)
		mh_damon_lease_note(&c->lease, path, value);
	return ret;
}

static int set_u64(struct damon_control *c, const char *path, uint64_t value,
		   struct mh_err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return set(c, path, text, err);
}

/* Two values of which @low is never to be above @high, whatever stands there now. */
static int set_pair(struct damon_control *c, const char *low_path, uint64_t low,
		    const char *high_path, uint64_t high, struct mh_err *err)
{
	uint64_t now = 0;
	int ret = mh_damon_read_u64(c->fs, &now, err, "%s", high_path);

	if (!ret && high >= now) {
		ret = set_u64(c, high_path, high, err);
		return ret ? ret : set_u64(c, low_path, low, err);
	}
	if (!ret)
		ret = set_u64(c, low_path, low, err);
	return ret ? ret : set_u64(c, high_path, high, err);
}

/* ---- the parts of a context ---- */

/* The list has blanks or newlines between; before Linux 5.19 there is none. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at = list;

	while ((at = strstr(at, word))) {
		if ((at == list || strchr(" \n", at[-1])) && strchr(" \n", at[len]))
			return true;
		at += len;
	}
	return false;
}

/* "vaddr\npaddr\n" as "vaddr, paddr" */
static void put_words(char *out, size_t size, const char *list)
{
	size_t len = 0;

	*out = '\0';
	while (*(list += strspn(list, " \n")) && len < size) {
		int word = (int)strcspn(list, " \n");

		len += (size_t)snprintf(out + len, size - len, "%s%.*s", len ? ", " : "",
					word, list);
		list += word;
	}
}

static int set_operations(struct damon_control *c, const struct damon_params *p,
			  struct mh_err *err)
{
	char list[256], words[256];
	ssize_t n = c->fs->read(c->fs, DAMON_CONTEXT "/avail_operations", list,
				sizeof(list) - 1);

	if (n > 0) {
		list[n] = '\0';
		if (!has_word(list, p->operations)) {
			put_words(words, sizeof(words), list);
			return mh_fail(err, MH_ENOSUP,
				       "the DAMON of this kernel has no %s, only: %s",
				       p->operations, words);
		}
	} else if (!strcmp(p->operations, "fvaddr")) {
		return mh_fail(err, MH_ENOSUP,
			       "the DAMON of this kernel has no fvaddr (Linux 5.19)");
	}
	return set(c, DAMON_CONTEXT "/operations", p->operations, err);
}

static int set_goal(struct damon_control *c, const struct damon_params *p,
		    struct mh_err *err)
{
	int ret;

	c->goals = mh_damon_exists(c->fs, INTERVALS "/intervals_goal/access_bp");
	if (!p->goal.on)
		return MH_OK;
	if (!c->goals)
		return mh_fail(err, MH_ENOSUP,
			       "the DAMON of this kernel does not tune its intervals "
			       "(Linux 6.15); leave out --auto-intervals");
	ret = set_u64(c, INTERVALS "/intervals_goal/access_bp", p->goal.access_bp, err);
	if (!ret)
		ret = set_u64(c, INTERVALS "/intervals_goal/aggrs", p->goal.aggrs, err);
	if (!ret)
		ret = set_pair(c, INTERVALS "/intervals_goal/min_sample_us",
			       p->goal.sample_min_us,
			       INTERVALS "/intervals_goal/max_sample_us",
			       p->goal.sample_max_us, err);
	return ret;
}

static int set_attrs(struct damon_control *c, const struct damon_params *p,
		     struct mh_err *err)
{
	int ret;

	ret = set_pair(c, INTERVALS "/sample_us", p->sample_us, INTERVALS "/aggr_us",
		       p->aggr_us, err);

	if (!ret)
		ret = set_u64(c, INTERVALS "/update_us", p->update_us, err);
	if (!ret)
		ret = set_pair(c, NR_LIMITS "/min", p->nr_regions_min, NR_LIMITS "/max",
			       p->nr_regions_max, err);
	if (!ret)
		ret = set_goal(c, p, err);
	if (p->goal.on) /* the kernel may change them */
		mh_damon_lease_forget(&c->lease, INTERVALS "/");
	return ret;
}

static int set_ranges(struct damon_control *c, const struct damon_params *p,
		      size_t target, struct mh_err *err)
{
	char path[160];
	size_t i;
	int ret;

	if (!p->nr_ranges)
		return MH_OK;
	snprintf(path, sizeof(path), TARGETS "/%zu/regions/nr_regions", target);
	ret = set_u64(c, path, p->nr_ranges, err);
	for (i = 0; !ret && i < p->nr_ranges; i++) {
		snprintf(path, sizeof(path), TARGETS "/%zu/regions/%zu/start", target, i);
		ret = set_u64(c, path, p->ranges[i].start, err);
		snprintf(path, sizeof(path), TARGETS "/%zu/regions/%zu/end", target, i);
		if (!ret)
			ret = set_u64(c, path, p->ranges[i].end, err);
	}
	return ret;
}

int mh_damon_set_targets(struct damon_control *c, const struct damon_params *p,
			 struct mh_err *err)
{
	size_t i, nr = p->nr_pids ? p->nr_pids : 1;
	char path[160];
	int ret;

	mh_damon_lease_forget(&c->lease, TARGETS "/");
	ret = set_u64(c, TARGETS "/nr_targets", nr, err);
	for (i = 0; !ret && i < nr; i++) {
		snprintf(path, sizeof(path), TARGETS "/%zu/pid_target", i);
		if (p->nr_pids)
			ret = set_u64(c, path, (uint64_t)p->pids[i], err);
		if (!ret)
			ret = set_ranges(c, p, i, err);
	}
	return ret;
}

/*
 * Pages of processes are counted since Linux 6.18, which is the one that brought
 * addr_unit; before it the kernel says nothing and counts 0.
 */
static int check_filters(struct damon_control *c, const struct damon_params *p,
			 const char *dir, struct mh_err *err)
{
	if (!mh_damon_exists(c->fs, SCHEMES "/0/stats/sz_ops_filter_passed") ||
	    !mh_damon_exists(c->fs, "%s/nr_filters", dir))
		return mh_fail(err, MH_ENOSUP,
			       "the DAMON of this kernel does not count pages (Linux "
			       "6.14); leave out --page-filter");
	if (strcmp(p->operations, "paddr") != 0 &&
	    !mh_damon_exists(c->fs, DAMON_CONTEXT "/addr_unit"))
		return mh_fail(err, MH_ENOSUP,
			       "the DAMON of this kernel counts pages of physical memory "
			       "only, not of processes (Linux 6.18); use -a, or leave "
			       "out --page-filter");
	return MH_OK;
}

static int set_filter(struct damon_control *c, const struct mh_page_filter *f,
		      const char *dir, size_t i, struct mh_err *err)
{
	char path[160], high[160];
	struct mh_err why = { 0 };
	int ret;

	snprintf(path, sizeof(path), "%s/%zu/type", dir, i);
	ret = set(c, path, f->type, &why);
	if (ret && why.sys_errno == EINVAL)
		return mh_fail(err, MH_ENOSUP,
			       "the DAMON of this kernel has no filter '%s'", f->type);
	if (ret && err)
		*err = why;
	snprintf(path, sizeof(path), "%s/%zu/matching", dir, i);
	if (!ret)
		ret = set(c, path, f->non ? "N" : "Y", err);
	snprintf(path, sizeof(path), "%s/%zu/allow", dir, i);
	if (!ret)
		ret = set(c, path, f->reject ? "N" : "Y", err);
	snprintf(path, sizeof(path), "%s/%zu/memcg_path", dir, i);
	/* Too long for the record of what was written. */
	if (!ret && f->memcg)
		ret = mh_damon_write(c->fs, path, f->memcg, err);
	snprintf(path, sizeof(path), "%s/%zu/min", dir, i);
	snprintf(high, sizeof(high), "%s/%zu/max", dir, i);
	if (!ret && f->huge.end)
		ret = set_pair(c, path, f->huge.start, high, f->huge.end, err);
	return ret;
}

static int set_filters(struct damon_control *c, const struct damon_params *p,
		       struct mh_err *err)
{
	const char *dir = SCHEMES "/0/ops_filters"; /* Linux 6.15 */
	char path[160];
	size_t i;
	int ret;

	if (!p->nr_filters)
		return MH_OK;
	if (!mh_damon_exists(c->fs, "%s/nr_filters", dir))
		dir = SCHEMES "/0/filters";
	ret = check_filters(c, p, dir, err);
	snprintf(path, sizeof(path), "%s/nr_filters", dir);
	if (!ret)
		ret = set_u64(c, path, p->nr_filters, err);
	for (i = 0; !ret && i < p->nr_filters; i++)
		ret = set_filter(c, &p->filters[i], dir, i, err);
	return ret;
}

/* A scheme whose action is to count, for every region. */
static int set_scheme(struct damon_control *c, const struct damon_params *p,
		      struct mh_err *err)
{
	static const struct {
		const char *path, *value;
	} pattern[] = {
		{ "sz/min", "0" },          { "sz/max", "18446744073709551615" },
		{ "nr_accesses/min", "0" }, { "nr_accesses/max", "4294967295" },
		{ "age/min", "0" },         { "age/max", "4294967295" },
	};
	char path[160];
	size_t i;
	int ret;

	if (!p->polled)
		return MH_OK;
	if (!mh_damon_exists(c->fs, SCHEMES "/nr_schemes"))
		return mh_fail(err, MH_ENOSUP,
			       "the DAMON of this kernel has no schemes; leave out "
			       "--snapshot");
	ret = set_u64(c, SCHEMES "/nr_schemes", 1, err);
	if (!ret && !mh_damon_exists(c->fs, SCHEMES "/0/tried_regions/total_bytes") &&
	    !mh_damon_exists(c->fs, SCHEMES "/0/tried_regions"))
		return mh_fail(err, MH_ENOSUP,
			       "the DAMON of this kernel does not list regions on demand "
			       "(Linux 6.2); leave out --snapshot");
	if (!ret)
		ret = set(c, SCHEMES "/0/action", "stat", err);
	for (i = 0; !ret && i < sizeof(pattern) / sizeof(pattern[0]); i++) {
		snprintf(path, sizeof(path), SCHEMES "/0/access_pattern/%s",
			 pattern[i].path);
		ret = set(c, path, pattern[i].value, err);
	}
	/* A request waits for the next time that the scheme is applied. */
	if (!ret && mh_damon_exists(c->fs, SCHEMES "/0/apply_interval_us"))
		ret = set_u64(c, SCHEMES "/0/apply_interval_us", p->sample_us, err);
	return ret ? ret : set_filters(c, p, err);
}

/* ---- making and removing ---- */

static int taken(const struct damon_holder *h, struct mh_err *err)
{
	char words[160];

	mh_damon_holder_words(words, sizeof(words), h);
	return mh_fail(err, MH_ENOSUP, "DAMON is taken by %s; %s", words,
		       h->kdamond ? "record that with -s damon:attach, or use -s refs"
				  : "use another source, as -s refs");
}

/* Stop and remove kdamond 0; the caller knows that it is ours. */
static int remove_own(struct damon_fs *fs, struct mh_err *err)
{
	char state[16];
	int ret = mh_damon_read(fs, state, sizeof(state), err, DAMON_OWN "/state");

	if (!ret && !strcmp(state, "on")) {
		/* Its target may have ended meanwhile: what counts is that it is off. */
		ret = mh_damon_write(fs, DAMON_OWN "/state", "off", err);
		if (ret && !fs->hung &&
		    !mh_damon_read(fs, state, sizeof(state), NULL, DAMON_OWN "/state") &&
		    !strcmp(state, "off"))
			ret = MH_OK;
	}
	return ret ? ret : mh_damon_write(fs, DAMON_KDAMONDS "/nr_kdamonds", "0", err);
}

static int make_free(struct damon_fs *fs, struct mh_err *err)
{
	struct damon_holder h;
	int ret = mh_damon_holder_read(&h, fs, err);

	if (ret)
		return ret;
	switch (h.by) {
	case DAMON_FREE:
		return MH_OK;
	case DAMON_LEFT:
		return remove_own(fs, err);
	case DAMON_BY_SYSFS:
	case DAMON_BY_MODULE:
	case DAMON_BY_US:
	default:
		return taken(&h, err);
	}
}

static int make_dirs(struct damon_control *c, struct mh_err *err)
{
	int ret;

	/* On record first: a kill between the two leaves nothing unknown. */
	mh_damon_lease_note(&c->lease, DAMON_KDAMONDS "/nr_kdamonds", "1");
	ret = mh_damon_lease_save(&c->lease, c->fs, err);
	if (!ret)
		ret = mh_damon_write(c->fs, DAMON_KDAMONDS "/nr_kdamonds", "1", err);
	if (ret)
		return ret;
	c->made = true;
	return set(c, DAMON_OWN "/contexts/nr_contexts", "1", err);
}

int mh_damon_setup(struct damon_control *c, struct damon_fs *fs,
		   const struct damon_params *p, struct mh_err *err)
{
	int ret;

	*c = (struct damon_control){ .fs = fs, .lease.lock_fd = -1 };
	/* Before the lock, which would make our own record look like one in use. */
	ret = make_free(fs, err);
	if (ret)
		return ret;
	ret = mh_damon_lease_take(&c->lease, fs, err);
	if (!ret)
		ret = make_dirs(c, err);
	if (!ret)
		ret = set_operations(c, p, err);
	if (!ret)
		ret = set_attrs(c, p, err);
	if (!ret)
		ret = mh_damon_set_targets(c, p, err);
	if (!ret)
		ret = set_scheme(c, p, err);
	if (!ret)
		ret = mh_damon_lease_save(&c->lease, fs, err);
	if (ret)
		mh_damon_teardown(c, NULL);
	return ret;
}

static bool nobody_ended(const struct damon_control *c, const struct damon_params *p)
{
	size_t i;

	for (i = 0; i < p->nr_pids; i++) {
		if (!mh_damon_start_ticks(c->fs, p->pids[i]))
			return false;
	}
	return true;
}

static int cannot_start(struct damon_control *c, const struct damon_params *p,
			int sys_errno, struct mh_err *err)
{
	struct damon_holder h = { 0 };

	if (!nobody_ended(c, p))
		return mh_fail(err, MH_ENOTARGET, "a process to be watched has ended");
	if (sys_errno == EBUSY) {
		if (mh_damon_holder_module(&h, c->fs))
			return taken(&h, err);
		return mh_fail(err, MH_ENOSUP,
			       "DAMON is taken: a module (damon_stat, damon_reclaim or "
			       "damon_lru_sort) runs a kdamond of its own; use -s "
			       "damon:attach or another source");
	}
	if (sys_errno == EINVAL)
		return mh_fail(err, MH_EINPUT,
			       "the kernel refuses to monitor %s with these settings",
			       p->operations);
	return 0;
}

int mh_damon_on(struct damon_control *c, const struct damon_params *p, pid_t *kdamond,
		struct mh_err *err)
{
	struct mh_err why = { 0 };
	uint64_t pid = 0;
	int ret = mh_damon_write(c->fs, DAMON_OWN "/state", "on", &why), told;

	if (ret) {
		told = cannot_start(c, p, why.sys_errno, err);
		if (!told && err)
			*err = why;
		return told ? told : ret;
	}
	ret = mh_damon_read_u64(c->fs, &pid, err, DAMON_OWN "/pid");
	if (ret)
		return ret;
	if ((int64_t)pid <= 0)
		return mh_fail(err, MH_ENOTARGET,
			       "DAMON stopped at once: what was to be watched has ended");
	*kdamond = (pid_t)pid;
	c->lease.kdamond = (pid_t)pid;
	c->lease.kdamond_start = mh_damon_start_ticks(c->fs, (pid_t)pid);
	return mh_damon_lease_save(&c->lease, c->fs, err);
}

int mh_damon_retarget(struct damon_control *c, const struct damon_params *p,
		      struct mh_err *err)
{
	struct mh_err why = { 0 };
	int ret = MH_OK;

	/* A commit takes the intervals from the files, not those that were found. */
	if (p->goal.on)
		ret = mh_damon_write(c->fs, DAMON_OWN "/state", "update_tuned_intervals",
				     err);
	if (!ret)
		ret = mh_damon_set_targets(c, p, err);
	if (!ret)
		ret = mh_damon_lease_save(&c->lease, c->fs, err);
	if (ret)
		return ret;
	ret = mh_damon_write(c->fs, DAMON_OWN "/state", "commit", &why);
	if (ret && why.sys_errno == EINVAL && !nobody_ended(c, p))
		return mh_fail(err, MH_ENOTARGET, "a process has ended meanwhile");
	if (ret && err)
		*err = why;
	return ret;
}

bool mh_damon_is_on(struct damon_control *c)
{
	char state[16];

	return !mh_damon_read(c->fs, state, sizeof(state), NULL, DAMON_OWN "/state") &&
	       !strcmp(state, "on");
}

/* Ours still: the thread that we started, or none. */
static bool still_ours(struct damon_control *c)
{
	uint64_t nr = 0, pid = 0;

	if (mh_damon_read_u64(c->fs, &nr, NULL, DAMON_KDAMONDS "/nr_kdamonds") || nr != 1)
		return false;
	return !mh_damon_is_on(c) ||
	       (!mh_damon_read_u64(c->fs, &pid, NULL, DAMON_OWN "/pid") &&
		(pid_t)pid == c->lease.kdamond);
}

int mh_damon_teardown(struct damon_control *c, struct mh_err *err)
{
	int ret = MH_OK;

	if (!c || !c->fs)
		return MH_OK;
	if (c->made && c->fs->hung)
		ret = mh_fail(err, MH_ESYS,
			      "the kernel hangs in " DAMON_OWN
			      "/state: DAMON stays as it is until a reboot");
	else if (c->made && still_ours(c))
		ret = remove_own(c->fs, err);
	else if (c->made)
		ret = mh_fail(err, MH_ESYS,
			      "somebody has changed the kdamond of this recording; it is "
			      "left to them");
	c->made = false;
	mh_damon_lease_drop(&c->lease, c->fs, !ret);
	return ret;
}
