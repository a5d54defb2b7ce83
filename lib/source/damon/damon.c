/* SPDX-License-Identifier: MIT */
/*
 * Source `damon`: the kernel's own access monitor. A kernel thread checks one page of
 * each region every sampling interval, and tells once per aggregation interval in how
 * many checks each region was accessed; regions follow the pattern.
 *
 * A kdamond is set up through sysfs only where there is none at all, and removed in the
 * end. One that somebody else runs is listened to and never touched (damon:attach): its
 * tracepoint is watched on its thread alone, which costs nothing when nobody listens.
 *
 * A spawned command's kdamond starts right after its exec, since the regions of before
 * are of another address space.
 *
 * Not handled: processes that come and go between two looks; the contents of a KVM guest;
 * addresses of several targets asked for now and then (the kernel does not say whose).
 */
#include "source/damon/damon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "source/damon/holder.h"
#include "source/damon/live.h"

#define SAMPLE_US     5000
#define AGGR_US       100000
#define UPDATE_US_MAX 1000000
#define REGIONS_MIN   10
#define REGIONS_MAX   1000
#define ACCESS_BP     400 /* 4%: what the kernel's documentation recommends */
#define GOAL_AGGRS    3
#define GOAL_MIN_US   5000
#define GOAL_MAX_US   10000000

#define DRAIN_NS      500000000u
#define STAT_NS       1000000000u
#define LOOK_FIRST_NS 50000000u
#define LOOK_MAX_NS   500000000u
/* A look may take this share of the time between two. */
#define LOOK_SHARE 20

/* A region's record in the ring, with its header. */
#define RECORD_BYTES 80

/* ---- probing ---- */

static bool is_own(enum damon_mode mode)
{
	return mode != DAMON_ATTACH;
}

static enum damon_mode resolve(enum damon_mode mode, const struct mh_target *target)
{
	if (mode != DAMON_AUTO)
		return mode;
	if (target && target->type == MH_TARGET_SYSTEM)
		return DAMON_PADDR;
	return target && target->nr_ranges ? DAMON_FVADDR : DAMON_VADDR;
}

static void cannot(struct mh_probe *out, const char *fix, const char *fmt, ...)
	MH_PRINTF(3, 4);
static void cannot(struct mh_probe *out, const char *fix, const char *fmt, ...)
{
	va_list args;

	out->usable = 0;
	va_start(args, fmt);
	vsnprintf(out->reason, sizeof(out->reason), fmt, args);
	va_end(args);
	snprintf(out->fix, sizeof(out->fix), "%s", fix);
}

/* The name of a function of the monitoring operations, in the list of symbols. */
static bool kernel_has(const struct damon_fs *fs, const char *symbol)
{
	char path[PATH_MAX], line[256];
	bool found = false, any = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", fs->root);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		any = true;
		found = strstr(line, symbol) != NULL;
	}
	if (f)
		fclose(f);
	return found || !any; /* without a list: opening will tell */
}

static const char *operations_of(enum damon_mode mode)
{
	return mode == DAMON_PADDR ? "paddr" : mode == DAMON_FVADDR ? "fvaddr" : "vaddr";
}

static void probe_own(struct mh_probe *out, enum damon_mode mode, struct damon_fs *fs,
		      const struct damon_holder *h, const struct mh_target *target)
{
	char words[160];
	bool physical;

	mode = resolve(mode, target);
	physical = mode == DAMON_PADDR;
	mh_damon_holder_words(words, sizeof(words), h);
	if (h->by != DAMON_FREE && h->by != DAMON_LEFT)
		cannot(out, h->kdamond ? "memheat record -s damon:attach -a" : "",
		       "DAMON is taken by %s", words);
	else if (!fs->may_write(fs))
		cannot(out, "", "DAMON's files cannot be written%s",
		       getenv(DAMON_READONLY) ? " (" DAMON_READONLY " is set)" : "");
	else if (target && physical != (target->type == MH_TARGET_SYSTEM))
		cannot(out, "", "%s watches %s", operations_of(mode),
		       physical ? "physical memory: use it with -a" : "processes");
	else if (!kernel_has(fs, physical ? "damon_pa_" : "damon_va_"))
		cannot(out, "", "the DAMON of this kernel has no %s",
		       operations_of(mode));
}

static void probe_attach(struct mh_probe *out, const struct damon_holder *h)
{
	if (!h->kdamond)
		cannot(out, "", "no kdamond runs");
	else
		mh_damon_holder_words(out->reason, sizeof(out->reason), h);
}

int mh_damon_probe(struct mh_probe *out, enum damon_mode mode, struct damon_fs *fs,
		   const struct mh_target *target)
{
	struct damon_holder h;
	struct mh_err why = { 0 };
	int ret = mh_damon_holder_read(&h, fs, &why);

	*out = (struct mh_probe){ .usable = 1 };
	if (ret)
		cannot(out, ret == MH_EPERM ? "sudo memheat ..." : "", "%.255s", why.msg);
	else if (is_own(mode))
		probe_own(out, mode, fs, &h, target);
	else
		probe_attach(out, &h);
	return MH_OK;
}

/* ---- settings ---- */

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
	return value ? value : otherwise;
}

/* Whole microseconds; what is finer is refused. */
static int to_us(uint64_t *us, uint64_t ns, const char *what, struct mh_err *err)
{
	*us = ns / 1000;
	if (ns % 1000)
		return mh_fail(err, MH_EINPUT, "%s is in whole microseconds", what);
	return MH_OK;
}

static int read_opts(struct mh_source *src, const struct mh_source_opts *opts,
		     struct mh_err *err)
{
	struct damon_params *p = &src->params;
	int ret = to_us(&p->sample_us, opts->sample_ns, "--sample", err);

	if (!ret)
		ret = to_us(&p->aggr_us, opts->aggr_ns, "--aggr", err);
	if (!ret)
		ret = to_us(&p->update_us, opts->update_ns, "--update", err);
	if (ret)
		return ret;
	/* One that is left out follows the other at 20 checks per snapshot. */
	if (!p->sample_us)
		p->sample_us = p->aggr_us ? or_default(p->aggr_us / 20, 1) : SAMPLE_US;
	if (!p->aggr_us)
		p->aggr_us = p->sample_us * (AGGR_US / SAMPLE_US);
	/* New mappings are seen by then; looking for them costs little. */
	if (!p->update_us)
		p->update_us =
			p->aggr_us * 2 < UPDATE_US_MAX ? p->aggr_us * 2 : UPDATE_US_MAX;
	p->nr_regions_min = or_default(opts->nr_regions_min, REGIONS_MIN);
	p->nr_regions_max = or_default(opts->nr_regions_max, REGIONS_MAX);
	p->goal.on = opts->auto_intervals.on != 0;
	p->goal.access_bp = or_default(opts->auto_intervals.access_bp, ACCESS_BP);
	p->goal.aggrs = or_default(opts->auto_intervals.aggrs, GOAL_AGGRS);
	p->goal.sample_min_us =
		or_default(opts->auto_intervals.sample_min_ns / 1000, GOAL_MIN_US);
	p->goal.sample_max_us =
		or_default(opts->auto_intervals.sample_max_ns / 1000, GOAL_MAX_US);
	p->polled = opts->polled.delay_ns != 0;
	src->poll_delay_ns = opts->polled.delay_ns;
	src->polls_left = or_default(opts->polled.count, UINT64_MAX);
	return MH_OK;
}

static int check_params(const struct damon_params *p, struct mh_err *err)
{
	if (p->aggr_us < p->sample_us)
		return mh_fail(err, MH_EINPUT,
			       "a snapshot (--aggr) cannot be shorter than the time "
			       "between two checks (--sample)");
	if (p->nr_regions_min < 3 || p->nr_regions_max < p->nr_regions_min)
		return mh_fail(err, MH_EINPUT,
			       "--regions MIN:MAX needs 3 or more, and MIN <= MAX");
	if (p->goal.access_bp > 10000 || p->goal.sample_max_us < p->goal.sample_min_us)
		return mh_fail(err, MH_EINPUT,
			       "--auto-intervals is BP:AGGRS:MIN:MAX with BP up to 10000 "
			       "and MIN <= MAX");
	return MH_OK;
}

static int add_range(struct mh_source *src, struct mh_range range, struct mh_err *err)
{
	struct mh_range *slot = mh_vec_push(&src->ranges);

	if (!slot)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*slot = range;
	return MH_OK;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct mh_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Ascending and disjoint, as the kernel wants them. */
static int take_ranges(struct mh_source *src, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < src->target.nr_ranges; i++)
		ret = add_range(src, src->target.ranges[i], err);
	if (ret || !src->ranges.nr)
		return ret;
	qsort(src->ranges.v, src->ranges.nr, sizeof(*src->ranges.v), compare_ranges);
	for (i = 1; i < src->ranges.nr; i++) {
		if (src->ranges.v[i].start < src->ranges.v[i - 1].end)
			return mh_fail(err, MH_EINPUT, "the ranges of --addr overlap");
	}
	return MH_OK;
}

/* All RAM as neighbouring nodes' ranges joined, but for where a person restricts it. */
static int take_ram(struct mh_source *src, struct mh_err *err)
{
	size_t i, first = src->ranges.nr;
	int ret = mh_damon_ram_read(&src->rams, src->fs->root, err);

	for (i = 0; !ret && !first && i < src->rams.nr; i++) {
		struct mh_range r = src->rams.v[i].range;

		if (src->ranges.nr && src->ranges.v[src->ranges.nr - 1].end == r.start)
			src->ranges.v[src->ranges.nr - 1].end = r.end;
		else
			ret = add_range(src, r, err);
	}
	return ret;
}

static int take_target(struct mh_source *src, struct mh_err *err)
{
	bool system = src->target.type == MH_TARGET_SYSTEM;
	int ret = take_ranges(src, err);

	if (ret)
		return ret;
	src->params.operations = operations_of(src->mode);
	if (src->mode == DAMON_PADDR) {
		if (!system)
			return mh_fail(err, MH_EINPUT,
				       "damon:paddr watches physical memory: use -a");
		src->physical = true;
		ret = take_ram(src, err);
	} else if (system) {
		return mh_fail(err, MH_EINPUT,
			       "%s watches processes: use -p PID, "
			       "--cgroup PATH or -- CMD",
			       src->ops->name);
	} else if (src->mode == DAMON_FVADDR && !src->ranges.nr) {
		return mh_fail(err, MH_EINPUT,
			       "damon:fvaddr watches given addresses: add --addr A:B");
	}
	if (src->mode != DAMON_VADDR) {
		src->params.ranges = src->ranges.v;
		src->params.nr_ranges = src->ranges.nr;
	}
	return ret;
}

/* ---- telling of the recording ---- */

static int tell_meta(const struct mh_source *src, const struct damon_sink *to,
		     struct mh_err *err, const char *name, const char *fmt, ...)
	MH_PRINTF(5, 6);
static int tell_meta(const struct mh_source *src, const struct damon_sink *to,
		     struct mh_err *err, const char *name, const char *fmt, ...)
{
	char key[64], value[256];
	struct mh_event ev;
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	snprintf(key, sizeof(key), "source.%u.%s", src->id, name);
	mh_event_init(&ev, MH_EV_META);
	ev.time_ns = mh_damon_now_ns();
	ev.meta.key = key;
	ev.meta.value = value;
	return to->fn(to->arg, &ev, err);
}

static int tell_params(const struct mh_source *src, const struct damon_sink *to,
		       struct mh_err *err)
{
	const struct damon_params *p = &src->params;
	int ret = tell_meta(src, to, err, "name", "%s", src->ops->name);

	if (!ret)
		ret = tell_meta(src, to, err, "unit", "hits of checks");
	if (!ret)
		ret = tell_meta(src, to, err, "operations", "%s", p->operations);
	if (!ret && src->stream.sample_us)
		ret = tell_meta(src, to, err, "sample_us", "%" PRIu64,
				src->stream.sample_us);
	if (!ret && src->stream.aggr_us)
		ret = tell_meta(src, to, err, "aggr_us", "%" PRIu64, src->stream.aggr_us);
	if (!ret && p->update_us)
		ret = tell_meta(src, to, err, "update_us", "%" PRIu64, p->update_us);
	if (!ret && p->nr_regions_max)
		ret = tell_meta(src, to, err, "nr_regions", "%" PRIu64 ":%" PRIu64,
				p->nr_regions_min, p->nr_regions_max);
	if (!ret && p->goal.on)
		ret = tell_meta(src, to, err, "intervals_goal",
				"%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRIu64,
				p->goal.access_bp, p->goal.aggrs, p->goal.sample_min_us,
				p->goal.sample_max_us);
	if (!ret)
		ret = tell_meta(src, to, err, "clock", "monotonic");
	return ret;
}

/* Physical memory has no mappings of its own; its nodes stand for them. */
static int tell_rams(const struct mh_source *src, const struct damon_sink *to,
		     struct mh_err *err)
{
	char path[64];
	struct mh_event ev;
	size_t i;
	int ret = MH_OK;

	mh_event_init(&ev, MH_EV_MAP);
	ev.source = to->source;
	ev.time_ns = to->time_ns;
	ev.map.op = MH_MAP_ADD;
	ev.map.path = path;
	for (i = 0; !ret && i < src->rams.nr; i++) {
		const struct damon_ram *ram = &src->rams.v[i];

		if (ram->node < 0)
			snprintf(path, sizeof(path), "[System RAM]");
		else
			snprintf(path, sizeof(path), "[System RAM node %d]", ram->node);
		ev.map.start = ram->range.start;
		ev.map.end = ram->range.end;
		ret = to->fn(to->arg, &ev, err);
	}
	return ret;
}

/* ---- listening ---- */

static int check_visible(const struct mh_source *src, struct mh_err *err)
{
	struct proc_stat st;

	if (!mh_proc_stat_read(&st, src->fs->root, src->kdamond) &&
	    !strncmp(st.comm, "kdamond", 7))
		return MH_OK;
	return mh_fail(err, MH_ENOSUP,
		       "kdamond %d is not to be seen from here: this is a PID namespace; "
		       "run memheat in the machine's own",
		       (int)src->kdamond);
}

static uint32_t ring_kib(const struct mh_source *src)
{
	/* Two bursts, and as much again for a reader that is late. */
	uint64_t max = or_default(src->params.nr_regions_max, REGIONS_MAX);
	uint64_t kib = max * RECORD_BYTES * 4 / 1024 + 1;

	if (src->ring_kib > kib)
		return src->ring_kib;
	return kib < 256 ? 256 : kib > 65536 ? 65536 : (uint32_t)kib;
}

static int listen_to(struct mh_source *src, pid_t tid, struct mh_tracepoint **tap,
		     struct mh_err *err)
{
	const struct damon_format *f = &src->stream.format;
	uint64_t ids[2] = { f->aggregated_id, f->tune_id };

	return mh_tracepoint_open(tap, tid, ids, f->tune_id ? 2 : 1, ring_kib(src), err);
}

/* What may fail for want of privilege is tried on ourselves, while nothing runs yet. */
static int try_listening(struct mh_source *src, struct mh_err *err)
{
	struct mh_tracepoint *tap = NULL;
	int ret = mh_damon_format_read(&src->stream.format, src->fs->root, err);

	if (ret || *src->fs->root)
		return ret;
	ret = listen_to(src, getpid(), &tap, err);
	mh_tracepoint_close(tap);
	return ret;
}

static int listen_to_kdamond(struct mh_source *src, struct mh_err *err)
{
	int ret = check_visible(src, err);

	if (ret)
		return ret;
	src->kdamond_start = mh_damon_start_ticks(src->fs, src->kdamond);
	src->kdamond_cpu_ns = mh_proc_run_ns(src->fs->root, src->kdamond);
	return listen_to(src, src->kdamond, &src->stream.tap, err);
}

static int start_own(struct mh_source *src, struct mh_err *err)
{
	int ret = mh_damon_on(&src->control, &src->params, &src->kdamond, err);

	src->started = !ret;
	if (ret || src->params.polled)
		return ret;
	return listen_to_kdamond(src, err);
}

/* ---- attaching ---- */

/* -p names a kdamond where several run; else the first. */
static int choose_kdamond(struct mh_source *src, const struct damon_holder *h,
			  struct mh_err *err)
{
	uint64_t i, pid;

	src->kdamond = h->kdamond;
	src->attached_index = h->index;
	src->attached_sysfs = h->by != DAMON_BY_MODULE;
	if (src->target.type != MH_TARGET_PROCESSES || src->target.spawned)
		return MH_OK;
	for (i = 0; i < h->nr_kdamonds; i++) {
		if (mh_damon_read_u64(src->fs, &pid, NULL,
				      DAMON_KDAMONDS "/%" PRIu64 "/pid", i) ||
		    (pid_t)pid != src->target.pids[0])
			continue;
		src->kdamond = (pid_t)pid;
		src->attached_index = i;
		return MH_OK;
	}
	if (src->target.pids[0] == h->kdamond)
		return MH_OK;
	return mh_fail(
		err, MH_EINPUT,
		"pid %d is no kdamond; damon:attach records the one that runs with "
		"-a, and -p chooses among several",
		(int)src->target.pids[0]);
}

static void read_attached_u64(struct mh_source *src, uint64_t *out, const char *name)
{
	uint64_t value;

	if (!mh_damon_read_u64(src->fs, &value, NULL,
			       DAMON_KDAMONDS "/%" PRIu64
					      "/contexts/0/monitoring_attrs/%s",
			       src->attached_index, name))
		*out = value;
}

/* Its owner may change them at any time; tuned ones come with the tracepoint. */
static void read_attached_intervals(struct mh_source *src)
{
	uint64_t goal = 0;

	if (!src->attached_sysfs)
		return;
	read_attached_u64(src, &goal, "intervals/intervals_goal/aggrs");
	if (goal && src->stream.sample_us)
		return;
	read_attached_u64(src, &src->stream.sample_us, "intervals/sample_us");
	read_attached_u64(src, &src->stream.aggr_us, "intervals/aggr_us");
}

static void read_module_intervals(struct mh_source *src, const char *module)
{
	static const struct {
		const char *sample, *aggr;
	} names[] = { { "sample_interval", "aggr_interval" },
		      { "sample_interval_us", "aggr_interval_us" } };
	uint64_t value;
	size_t i;

	src->stream.sample_us = SAMPLE_US;
	src->stream.aggr_us = AGGR_US;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!mh_damon_read_u64(src->fs, &value, NULL,
				       "/sys/module/%s/parameters/%s", module,
				       names[i].aggr))
			src->stream.aggr_us = value;
		if (!mh_damon_read_u64(src->fs, &value, NULL,
				       "/sys/module/%s/parameters/%s", module,
				       names[i].sample))
			src->stream.sample_us = value;
		else
			src->stream.sample_us = src->stream.aggr_us / 20;
	}
}

/* The processes of its targets, where it watches some. */
static int read_attached_targets(struct mh_source *src, struct mh_err *err)
{
	uint64_t i, nr = 0, pid;
	int ret = MH_OK;

	if (src->physical || !src->attached_sysfs ||
	    mh_damon_read_u64(src->fs, &nr, NULL,
			      DAMON_KDAMONDS "/%" PRIu64 "/contexts/0/targets/nr_targets",
			      src->attached_index))
		return MH_OK;
	for (i = 0; !ret && i < nr; i++) {
		struct damon_slot *slot = mh_vec_push(&src->slots);
		pid_t *lent = mh_vec_push(&src->pids);

		if (!slot || !lent)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		ret = mh_damon_read_u64(src->fs, &pid, err,
					DAMON_KDAMONDS "/%" PRIu64
						       "/contexts/0/targets/%" PRIu64
						       "/pid_target",
					src->attached_index, i);
		*lent = slot->pid = (pid_t)pid;
		slot->start_ticks = mh_damon_start_ticks(src->fs, slot->pid);
	}
	/* What is looked at is what it watches. */
	src->target = (struct mh_target){ .type = MH_TARGET_PROCESSES,
					  .pids = src->pids.v,
					  .nr_pids = src->pids.nr,
					  .ranges = src->target.ranges,
					  .nr_ranges = src->target.nr_ranges };
	return ret;
}

static int attach(struct mh_source *src, struct mh_err *err)
{
	struct damon_holder h;
	char words[160];
	int ret = mh_damon_holder_read(&h, src->fs, err);

	if (ret)
		return ret;
	if (!h.kdamond)
		return mh_fail(err, MH_ENOTARGET,
			       "no kdamond runs that could be attached to; record with "
			       "one of our own: -s damon");
	ret = choose_kdamond(src, &h, err);
	if (ret)
		return ret;
	src->physical = strstr(h.operations, "paddr") != NULL;
	src->params.operations = src->physical ? "paddr" : "vaddr";
	if (!strcmp(h.operations, "fvaddr"))
		src->params.operations = "fvaddr";
	if (src->attached_sysfs)
		read_attached_intervals(src);
	else
		read_module_intervals(src, h.module);
	read_attached_u64(src, &src->params.nr_regions_min, "nr_regions/min");
	read_attached_u64(src, &src->params.nr_regions_max, "nr_regions/max");
	mh_damon_holder_words(words, sizeof(words), &h);
	mh_log_say(&src->log, MH_NOTICE, "damon: listening to %s", words);
	src->started = true;
	return read_attached_targets(src, err);
}

/* ---- opening ---- */

static void damon_close(struct mh_source *src)
{
	struct mh_err why = { 0 };

	if (!src)
		return;
	mh_tracepoint_close(src->stream.tap);
	if (mh_damon_teardown(&src->control, &why))
		mh_log_say(&src->log, MH_WARNING, "damon: %s", why.msg);
	mh_assembly_fini(&src->stream.assembly);
	mh_damon_procs_fini(&src->procs);
	free(src->stream.polled.v);
	free(src->rams.v);
	free(src->slots.v);
	free(src->pids.v);
	free(src->ranges.v);
	free(src);
}

static int look(struct mh_source *src, const struct damon_sink *to, bool maps,
		struct mh_err *err)
{
	if (src->physical || (src->mode == DAMON_ATTACH && !src->slots.nr))
		return MH_OK;
	return mh_damon_procs_look(&src->procs, to, maps, err);
}

static int open_own(struct mh_source *src, const struct mh_source_opts *opts,
		    const struct damon_sink *to, struct mh_err *err)
{
	int ret = read_opts(src, opts, err);

	if (!ret)
		ret = check_params(&src->params, err);
	if (!ret)
		ret = take_target(src, err);
	src->stream.sample_us = src->params.sample_us;
	src->stream.aggr_us = src->params.aggr_us;
	if (!ret && !src->params.polled)
		ret = try_listening(src, err);
	if (ret)
		return ret;
	if (src->target.spawned && !src->physical) {
		/* Not told of yet: its address space is still ours. */
		struct damon_slot *slot = mh_vec_push(&src->slots);

		if (!slot)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		slot->pid = src->target.pids[0];
		slot->start_ticks = mh_damon_start_ticks(src->fs, slot->pid);
		src->params.pids = &slot->pid;
		src->params.nr_pids = 1;
	} else if (!src->physical) {
		ret = look(src, to, true, err);
		if (!ret)
			ret = mh_damon_slots_init(src, err);
	}
	if (!ret && src->params.polled && src->params.nr_pids > 1)
		ret = mh_fail(
			err, MH_ENOSUP,
			"--snapshot can watch one process only; the kernel does not "
			"say whose a region is");
	if (!ret)
		ret = mh_damon_setup(&src->control, src->fs, &src->params, err);
	if (!ret && !src->target.spawned)
		ret = start_own(src, err);
	return ret;
}

static int open_attached(struct mh_source *src, const struct damon_sink *to,
			 struct mh_err *err)
{
	int ret = attach(src, err);

	/* Names for the memory are worth having, no more. */
	if (!ret && src->physical && mh_damon_ram_read(&src->rams, src->fs->root, NULL))
		src->rams.nr = 0;
	if (!ret)
		ret = try_listening(src, err);
	if (!ret)
		ret = listen_to_kdamond(src, err);
	return ret ? ret : look(src, to, true, err);
}

static int prepare(struct mh_source **out, enum damon_mode mode, struct damon_fs *fs,
		   uint16_t id, const struct mh_target *target,
		   const struct mh_source_opts *opts, struct mh_err *err)
{
	static const struct mh_source_ops *const ops[] = {
		[DAMON_AUTO] = &mh_source_damon,
		[DAMON_VADDR] = &mh_source_damon_vaddr,
		[DAMON_FVADDR] = &mh_source_damon_fvaddr,
		[DAMON_PADDR] = &mh_source_damon_paddr,
		[DAMON_ATTACH] = &mh_source_damon_attach,
	};
	struct mh_source *src = calloc(1, sizeof(*src));

	*out = src;
	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = ops[mode];
	src->id = id;
	src->mode = resolve(mode, target);
	src->target = *target;
	if (opts->log)
		src->log = *opts->log;
	src->ring_kib = opts->ring_kib;
	src->control.lease.lock_fd = -1;
	mh_damon_fs_init(&src->own_fs, opts->sysroot);
	src->fs = fs ? fs : &src->own_fs;
	src->procs.target = &src->target;
	src->procs.log = &src->log;
	src->procs.sysroot = src->fs->root;
	return MH_OK;
}

static void schedule_first(struct mh_source *src, uint64_t now)
{
	src->drain_ns = now + DRAIN_NS;
	src->stat_ns = now + STAT_NS;
	src->look_step_ns = LOOK_FIRST_NS;
	src->look_ns = now + src->look_step_ns;
	src->poll_ns = src->params.polled ? now + src->poll_delay_ns : UINT64_MAX;
}

int mh_damon_open(struct mh_source **out, enum damon_mode mode, struct damon_fs *fs,
		  uint16_t id, const struct mh_target *target,
		  const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		  struct mh_err *err)
{
	struct damon_sink to = { .fn = fn, .arg = arg, .source = id };
	struct mh_source *src;
	int ret = prepare(&src, mode, fs, id, target, opts, err);

	if (ret)
		return ret;
	to.time_ns = mh_damon_now_ns();
	if (is_own(src->mode))
		ret = open_own(src, opts, &to, err);
	else
		ret = open_attached(src, &to, err);
	if (!ret)
		ret = tell_params(src, &to, err);
	if (!ret && src->physical)
		ret = tell_rams(src, &to, err);
	if (ret) {
		damon_close(src);
		return ret;
	}
	schedule_first(src, to.time_ns);
	*out = src;
	return MH_OK;
}

/* ---- running ---- */

static size_t damon_wait(const struct mh_source *src, int *fds, size_t max,
			 uint64_t *deadline_ns)
{
	const uint64_t due[] = { src->drain_ns, src->look_ns, src->stat_ns,
				 src->poll_ns };
	size_t i;

	*deadline_ns = UINT64_MAX;
	for (i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		*deadline_ns = due[i] < *deadline_ns ? due[i] : *deadline_ns;
	if (!src->started)
		*deadline_ns = 0;
	if (!max || !src->stream.tap)
		return 0;
	fds[0] = mh_tracepoint_fd(src->stream.tap);
	return 1;
}

static bool kdamond_gone(const struct mh_source *src)
{
	return src->kdamond_start &&
	       mh_damon_start_ticks(src->fs, src->kdamond) != src->kdamond_start;
}

static int tell_stats(struct mh_source *src, const struct damon_sink *to,
		      struct mh_err *err)
{
	uint64_t cpu = mh_proc_run_ns(src->fs->root, src->kdamond);
	int ret = MH_OK;

	if (cpu >= src->kdamond_cpu_ns && src->kdamond_start)
		ret = mh_damon_stat(to, "kdamond.cpu_ns", cpu - src->kdamond_cpu_ns, err);
	if (!ret)
		ret = mh_damon_stat(to, "damon.snapshots", src->stream.nr_snapshots, err);
	if (!ret)
		ret = mh_damon_stat(to, "damon.regions", src->stream.nr_regions, err);
	return ret;
}

/*
 * It ends by itself with the last of its targets. Processes that came meanwhile are given
 * to a new one; when nobody of its targets has ended, somebody has stopped it.
 */
static int kdamond_ended(struct mh_source *src, const struct damon_sink *to,
			 struct mh_err *err)
{
	int ret = mh_damon_stream_drain(src, true, to, err);

	if (!ret)
		ret = look(src, to, true, err);
	if (ret)
		return ret;
	if (!is_own(src->mode)) {
		mh_log_say(&src->log, MH_NOTICE, "damon: kdamond %d has ended",
			   (int)src->kdamond);
		return MH_END;
	}
	if (!src->physical && !src->procs.procs.nr)
		return MH_END;
	if (src->physical || mh_damon_slots_any_alive(src))
		return mh_fail(err, MH_ESYS,
			       "somebody has stopped kdamond %d, which was recorded",
			       (int)src->kdamond);
	mh_tracepoint_close(src->stream.tap);
	src->stream.tap = NULL;
	src->stream.lost_since_ns = to->time_ns;
	src->stream.lost_seen = src->stream.missing = 0;
	ret = mh_damon_slots_renew(src, err);
	return ret ? ret : start_own(src, err);
}

static int look_and_follow(struct mh_source *src, const struct damon_sink *to,
			   struct mh_err *err)
{
	uint64_t took;
	int ret = look(src, to, true, err);

	if (!ret && is_own(src->mode) && !src->physical && !src->params.polled)
		ret = mh_damon_slots_follow(src, to, err);
	took = mh_damon_now_ns() - to->time_ns;
	if (src->look_step_ns < LOOK_MAX_NS)
		src->look_step_ns *= 2;
	src->look_ns =
		to->time_ns + (took * LOOK_SHARE > src->look_step_ns ? took * LOOK_SHARE
								     : src->look_step_ns);
	return ret;
}

static int poll_due(struct mh_source *src, const struct damon_sink *to,
		    struct mh_err *err)
{
	int ret = mh_damon_is_on(&src->control) ? mh_damon_stream_poll(src, to, err)
						: MH_END;

	src->poll_ns = to->time_ns + src->poll_delay_ns;
	if (!ret && !--src->polls_left)
		ret = MH_END;
	return ret;
}

static int stats_due(struct mh_source *src, const struct damon_sink *to,
		     struct mh_err *err)
{
	src->stat_ns = to->time_ns + STAT_NS;
	if (!is_own(src->mode))
		read_attached_intervals(src);
	return tell_stats(src, to, err);
}

/* The first step after a command's exec. */
static int begin(struct mh_source *src, const struct damon_sink *to, struct mh_err *err)
{
	int ret;

	src->procs.exec_ns = to->time_ns;
	if (src->slots.nr)
		src->slots.v[0].since_ns = to->time_ns;
	ret = start_own(src, err);
	schedule_first(src, to->time_ns);
	/* A command that was over at once has nothing to be watched. */
	return ret == MH_ENOTARGET ? MH_END : ret;
}

static int finish(struct mh_source *src, const struct damon_sink *to, struct mh_err *err)
{
	int ret = mh_damon_stream_drain(src, true, to, err);

	if (!ret)
		ret = look(src, to, true, err);
	return ret ? ret : tell_stats(src, to, err);
}

static int damon_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		      struct mh_err *err)
{
	struct damon_sink to = {
		.fn = fn, .arg = arg, .source = src->id, .time_ns = mh_damon_now_ns()
	};
	int ret = MH_OK;

	if (!src->started)
		return last ? MH_OK : begin(src, &to, err);
	if (last)
		return finish(src, &to, err);
	ret = mh_damon_stream_drain(src, false, &to, err);
	src->drain_ns = to.time_ns + DRAIN_NS;
	if (!ret && kdamond_gone(src))
		return kdamond_ended(src, &to, err);
	if (!ret && to.time_ns >= src->look_ns)
		ret = look_and_follow(src, &to, err);
	if (!ret && to.time_ns >= src->poll_ns)
		ret = poll_due(src, &to, err);
	if (!ret && to.time_ns >= src->stat_ns)
		ret = stats_due(src, &to, err);
	return ret;
}

/* ---- the backends: one, and its ways by name ---- */

#define BACKEND(suffix, mode)                                                            \
	static int probe_##suffix(struct mh_probe *out, const struct mh_target *target,  \
				  const struct mh_source_opts *opts, struct mh_err *err) \
	{                                                                                \
		struct damon_fs fs;                                                      \
		(void)err;                                                               \
		mh_damon_fs_init(&fs, opts ? opts->sysroot : NULL);                      \
		return mh_damon_probe(out, mode, &fs, target);                           \
	}                                                                                \
	static int open_##suffix(struct mh_source **out, uint16_t id,                    \
				 const struct mh_target *target,                         \
				 const struct mh_source_opts *opts, mh_event_fn fn,      \
				 void *arg, struct mh_err *err)                          \
	{                                                                                \
		return mh_damon_open(out, mode, NULL, id, target, opts, fn, arg, err);   \
	}

#define COMMON(suffix)                                                                   \
	.uses_accessed_bits = 1, .probe = probe_##suffix, .open = open_##suffix,         \
	.wait = damon_wait, .step = damon_step, .close = damon_close

BACKEND(auto, DAMON_AUTO)
BACKEND(vaddr, DAMON_VADDR)
BACKEND(fvaddr, DAMON_FVADDR)
BACKEND(paddr, DAMON_PADDR)
BACKEND(listening, DAMON_ATTACH)

const struct mh_source_ops mh_source_damon = {
	.name = "damon",
	.summary = "how often regions are accessed, by the kernel's monitor; root",
	COMMON(auto),
};

const struct mh_source_ops mh_source_damon_vaddr = {
	.name = "damon:vaddr",
	.summary = "damon on the address spaces of processes",
	.only_named = 1,
	COMMON(vaddr),
};

const struct mh_source_ops mh_source_damon_fvaddr = {
	.name = "damon:fvaddr",
	.summary = "damon on given addresses of processes (--addr)",
	.only_named = 1,
	COMMON(fvaddr),
};

const struct mh_source_ops mh_source_damon_paddr = {
	.name = "damon:paddr",
	.summary = "damon on physical memory (-a)",
	.only_named = 1,
	COMMON(paddr),
};

/* It clears no accessed bits by itself: its kdamond does so anyway. */
const struct mh_source_ops mh_source_damon_attach = {
	.name = "damon:attach",
	.summary = "listen to a kdamond that runs already, and change nothing",
	.only_named = 1,
	COMMON(listening),
};
