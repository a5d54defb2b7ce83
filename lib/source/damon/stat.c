/* SPDX-License-Identifier: MIT */
/*
 * Source `damon:stat`: the module damon_stat (Linux 6.17) runs a kdamond of its own all
 * the time, and keeps what came of it in its parameters: for how long each hundredth of
 * memory has been idle, and an estimate of the bandwidth. They are read and nothing else:
 * it costs nothing and needs no tracepoint.
 *
 * The module tells no addresses. Its hundredths are laid out one after the other, hottest
 * first, as if they were memory; the mapping's name says so. A value below 0 stands for
 * memory that was accessed all that time; Linux 6.17 has 0 for it, and no age.
 *
 * It renews its values every few seconds. Idle times grow from one to the next, so equal
 * ones are an old snapshot, and not told again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/damon/damon.h"
#include "source/damon/fs.h"
#include "source/damon/procs.h"
#include "source/damon/ram.h"

#define PARAMETERS "/sys/module/damon_stat/parameters"
#define NR_SHARES  100
#define PERIOD_NS  UINT64_C(5000000000) /* as the module renews them */
#define AGGR_US    100000               /* where it is not told: its shortest */

struct shares {
	int64_t idle_ms[NR_SHARES + 1]; /* percentiles */
};

struct mh_source {
	const struct mh_source_ops *ops;
	uint16_t id;
	struct mh_log log;
	struct damon_fs fs;
	uint64_t bytes; /* of the memory that the module watches */
	uint64_t aggr_us;
	struct shares last;
	uint64_t last_ns; /* of the last snapshot; 0: none yet */
	uint64_t period_ns, due_ns, left;
	uint64_t nr_snapshots;
};

/* ---- its files ---- */

/* "-3,0,17,...": all of them, or the kernel's file is another than is known. */
static int parse_shares(struct shares *out, const char *text)
{
	char *end;
	size_t i;

	for (i = 0; i <= NR_SHARES; i++) {
		out->idle_ms[i] = strtoll(text, &end, 10);
		if (end == text || *end != (i < NR_SHARES ? ',' : '\0'))
			return MH_EFORMAT;
		if (i && out->idle_ms[i] < out->idle_ms[i - 1])
			return MH_EFORMAT;
		text = end + 1;
	}
	return MH_OK;
}

static int read_shares(struct shares *out, struct damon_fs *fs, struct mh_err *err)
{
	char text[4096];
	int ret = mh_damon_read(fs, text, sizeof(text), err,
				PARAMETERS "/memory_idle_ms_percentiles");

	if (ret)
		return ret;
	if (parse_shares(out, text))
		return mh_fail(err, MH_EFORMAT,
			       "the percentiles of damon_stat are none: '%.64s'", text);
	return MH_OK;
}

/* Zeros only: it has not looked at anything yet. */
static bool is_empty(const struct shares *s)
{
	size_t i;

	for (i = 0; i <= NR_SHARES && !s->idle_ms[i]; i++)
		;
	return i > NR_SHARES;
}

/* MH_END: it is off. */
static int read_enabled(struct damon_fs *fs, struct mh_err *err)
{
	char text[16];
	int ret = mh_damon_read(fs, text, sizeof(text), err, PARAMETERS "/enabled");

	return ret ? ret : text[0] == 'Y' ? MH_OK : MH_END;
}

/* ---- events ---- */

static int tell_settings(const struct mh_source *src, bool aggr_known,
			 const struct mh_tell *to, struct mh_err *err)
{
	struct mh_event ev;
	int ret = mh_tell_meta(to, err, "name", "%s", src->ops->name);

	if (!ret)
		ret = mh_tell_meta(to, err, "unit", "hits of checks");
	if (!ret)
		ret = mh_tell_meta(to, err, "data_source", "damon_stat");
	if (!ret)
		ret = mh_tell_meta(to, err, "addresses",
				   "hundredths of memory, hottest first");
	if (!ret)
		ret = mh_tell_meta(to, err, "intervals", "%s",
				   aggr_known ? "recorded" : "assumed");
	if (!ret)
		ret = mh_tell_meta(to, err, "aggr_us", "%" PRIu64, src->aggr_us);
	if (!ret)
		ret = mh_tell_meta(to, err, "clock", "monotonic");
	if (ret)
		return ret;
	mh_event_init(&ev, MH_EV_MAP);
	ev.source = src->id;
	ev.time_ns = to->time_ns;
	ev.map.op = MH_MAP_ADD;
	ev.map.end = src->bytes;
	ev.map.path = "[System RAM by idle time]";
	return to->fn(to->arg, &ev, err);
}

static uint32_t age_of(int64_t idle_ms, uint64_t aggr_us)
{
	uint64_t ms = idle_ms < 0 ? (uint64_t)-idle_ms : (uint64_t)idle_ms;
	uint64_t aggrs = ms * 1000 / aggr_us;

	/* The module counts the interval under way, an age does not. */
	if (!ms)
		return MH_NO_AGE;
	aggrs -= aggrs != 0;
	return aggrs < MH_NO_AGE ? (uint32_t)aggrs : MH_NO_AGE - 1;
}

static int tell_rows(struct mh_source *src, const struct shares *s,
		     const struct mh_tell *to, struct mh_err *err)
{
	uint64_t aggr_ns = src->aggr_us * 1000;
	struct mh_event ev;
	size_t i;
	int ret = MH_OK;

	mh_event_init(&ev, MH_EV_REGION);
	ev.source = src->id;
	ev.time_ns = to->time_ns;
	ev.region.start_ns = src->last_ns            ? src->last_ns
			     : to->time_ns > aggr_ns ? to->time_ns - aggr_ns
						     : 0;
	ev.region.max_accesses = 1;
	for (i = 0; !ret && i < NR_SHARES; i++) {
		/* What the share is that ends at this percentile. */
		int64_t idle_ms = s->idle_ms[i + 1];

		ev.region.start = src->bytes / NR_SHARES * i;
		ev.region.end =
			i + 1 < NR_SHARES ? src->bytes / NR_SHARES * (i + 1) : src->bytes;
		ev.region.nr_accesses = idle_ms <= 0;
		ev.region.age = age_of(idle_ms, src->aggr_us);
		ret = to->fn(to->arg, &ev, err);
	}
	return ret;
}

static int tell_snapshot(struct mh_source *src, const struct shares *s,
			 const struct mh_tell *to, struct mh_err *err)
{
	uint64_t bandwidth;
	int ret = tell_rows(src, s, to, err);

	if (!ret && !mh_damon_read_u64(&src->fs, &bandwidth, NULL,
				       PARAMETERS "/estimated_memory_bandwidth"))
		ret = mh_tell_stat(to, err, "damon.memory_bandwidth", bandwidth);
	src->last = *s;
	src->last_ns = to->time_ns;
	src->nr_snapshots++;
	return ret ? ret : mh_tell_stat(to, err, "damon.snapshots", src->nr_snapshots);
}

/* ---- the backend ---- */

static void cannot(struct mh_probe *out, const char *reason, const char *fix)
{
	out->usable = 0;
	snprintf(out->reason, sizeof(out->reason), "%.255s", reason);
	snprintf(out->fix, sizeof(out->fix), "%s", fix);
}

static int stat_probe(struct mh_probe *out, const struct mh_target *target,
		      const struct mh_source_opts *opts, struct mh_err *err)
{
	struct mh_err why = { 0 };
	struct damon_fs fs;
	int ret;

	(void)err;
	mh_damon_fs_init(&fs, opts ? opts->sysroot : NULL);
	*out = (struct mh_probe){ .usable = 1 };
	ret = read_enabled(&fs, &why);
	if (ret == MH_ENOSUP)
		cannot(out, "the kernel has no damon_stat (Linux 6.17)", "");
	else if (ret == MH_EPERM)
		cannot(out, "DAMON is for root only; run as root", "sudo memheat ...");
	else if (ret == MH_END)
		cannot(out, "damon_stat is off", "echo Y >" PARAMETERS "/enabled");
	else if (ret)
		cannot(out, why.msg, "");
	else if (target && target->type != MH_TARGET_SYSTEM)
		cannot(out, "damon_stat watches physical memory: use it with -a", "");
	return MH_OK;
}

static void stat_close(struct mh_source *src)
{
	free(src);
}

static int find_out(struct mh_source *src, bool *aggr_known, struct mh_err *err)
{
	struct shares shares;
	struct mh_range ram;
	int ret = read_enabled(&src->fs, err);

	if (ret == MH_END)
		return mh_fail(err, MH_ENOSUP,
			       "damon_stat is off; run: echo Y >" PARAMETERS "/enabled");
	if (!ret)
		ret = read_shares(&shares, &src->fs, err);
	if (!ret)
		ret = mh_damon_ram_largest(&ram, src->fs.root, err);
	if (ret)
		return ret;
	src->bytes = ram.end - ram.start;
	*aggr_known = !mh_damon_read_u64(&src->fs, &src->aggr_us, NULL,
					 PARAMETERS "/aggr_interval_us") &&
		      src->aggr_us;
	/* Ages are counted in this one, whatever it is tuned to later. */
	if (!*aggr_known)
		src->aggr_us = AGGR_US;
	return MH_OK;
}

static int stat_open(struct mh_source **out, uint16_t id, const struct mh_target *target,
		     const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_tell to = {
		.fn = fn, .arg = arg, .source = id, .time_ns = mh_tell_now_ns()
	};
	struct mh_source *src;
	bool aggr_known;
	int ret;

	if (target->type != MH_TARGET_SYSTEM)
		return mh_fail(err, MH_EINPUT,
			       "damon:stat watches physical memory: use -a");
	src = calloc(1, sizeof(*src));
	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_damon_stat;
	src->id = id;
	if (opts->log)
		src->log = *opts->log;
	src->period_ns = opts->polled.delay_ns ? opts->polled.delay_ns : PERIOD_NS;
	src->left = opts->polled.count ? opts->polled.count : UINT64_MAX;
	mh_damon_fs_init(&src->fs, opts->sysroot);
	ret = find_out(src, &aggr_known, err);
	if (!ret)
		ret = tell_settings(src, aggr_known, &to, err);
	if (ret) {
		stat_close(src);
		return ret;
	}
	*out = src;
	return MH_OK;
}

static size_t stat_wait(const struct mh_source *src, int *fds, size_t max,
			uint64_t *deadline_ns)
{
	(void)fds;
	(void)max;
	*deadline_ns = src->due_ns;
	return 0;
}

static int look(struct mh_source *src, const struct mh_tell *to, struct mh_err *err)
{
	struct shares now;
	int ret = read_enabled(&src->fs, err);

	if (ret == MH_END) {
		mh_log_say(&src->log, MH_NOTICE, "damon: damon_stat was switched off");
		return MH_END;
	}
	if (!ret)
		ret = read_shares(&now, &src->fs, err);
	if (ret || is_empty(&now) ||
	    (src->last_ns && !memcmp(&now, &src->last, sizeof(now))))
		return ret;
	return tell_snapshot(src, &now, to, err);
}

static int stat_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_tell to = {
		.fn = fn, .arg = arg, .source = src->id, .time_ns = mh_tell_now_ns()
	};
	int ret;

	if (!src->left || (!last && to.time_ns < src->due_ns))
		return MH_OK;
	ret = look(src, &to, err);
	src->due_ns = to.time_ns + src->period_ns;
	if (!ret && !last && !--src->left)
		ret = MH_END;
	return last && ret == MH_END ? MH_OK : ret;
}

const struct mh_source_ops mh_source_damon_stat = {
	.name = "damon:stat",
	.summary =
		"idle times of physical memory, by the module damon_stat; no addresses",
	.uses_accessed_bits = 1,
	.only_named = 1,
	.probe = stat_probe,
	.open = stat_open,
	.wait = stat_wait,
	.step = stat_step,
	.close = stat_close,
};
