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

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "source/damon/live.h"

#define REGIONS_MAX 1000 /* where nobody says */

#define DRAIN_NS      500000000u
#define STAT_NS       1000000000u
#define LOOK_FIRST_NS 50000000u
#define LOOK_MAX_NS   500000000u
/* A look may take this share of the time between two. */
#define LOOK_SHARE 20

/* Gaps that are watched: worth a word from here on. */
#define GAPS_MIN (64u << 20)

/* A region's record in the ring, with its header. */
#define RECORD_BYTES 80

/* ---- listening ---- */

static bool is_own(enum damon_mode mode)
{
	return mode != DAMON_ATTACH;
}

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
	uint64_t max =
		src->params.nr_regions_max ? src->params.nr_regions_max : REGIONS_MAX;
	uint64_t kib = max * RECORD_BYTES * 4 / 1024 + 1;

	if (src->ring_kib > kib)
		return src->ring_kib;
	if (kib < 256)
		kib = 256;
	return kib > 65536 ? 65536 : (uint32_t)kib;
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
	ret = listen_to(src, src->kdamond, &src->stream.tap, err);
	if (!ret && mh_tracepoint_ring_kib(src->stream.tap) < ring_kib(src))
		mh_log_say(&src->log, MH_NOTICE,
			   "damon: the ring is %u KiB, not %u: locked memory is limited",
			   mh_tracepoint_ring_kib(src->stream.tap), ring_kib(src));
	return ret;
}

static int start_own(struct mh_source *src, struct mh_err *err)
{
	int ret = mh_damon_on(&src->control, &src->params, &src->kdamond, err);

	src->started = !ret;
	/* The kernel took whoever had the pid then. */
	if (!ret && mh_damon_slots_reused(src))
		ret = mh_fail(
			err, MH_ENOTARGET,
			"a process to be watched has ended, and its pid is another's");
	if (ret || src->params.polled)
		return ret;
	return listen_to_kdamond(src, err);
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

static int look(struct mh_source *src, const struct mh_tell *to, bool maps,
		struct mh_err *err)
{
	if (src->physical || (src->mode == DAMON_ATTACH && !src->slots.nr))
		return MH_OK;
	return mh_damon_procs_look(&src->procs, to, maps, err);
}

static int open_own(struct mh_source *src, const struct mh_source_opts *opts,
		    const struct mh_tell *to, struct mh_err *err)
{
	int ret = mh_damon_settings_read(src, opts, err);

	if (!ret)
		ret = mh_damon_settings_target(src, err);
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

static int open_attached(struct mh_source *src, const struct mh_tell *to,
			 struct mh_err *err)
{
	int ret = mh_damon_attach(src, err);

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
	src->mode = mh_damon_resolve(mode, target);
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
	struct mh_tell to = { .fn = fn, .arg = arg, .source = id };
	struct mh_source *src;
	int ret = prepare(&src, mode, fs, id, target, opts, err);

	if (ret)
		return ret;
	to.time_ns = mh_tell_now_ns();
	if (is_own(src->mode))
		ret = open_own(src, opts, &to, err);
	else
		ret = open_attached(src, &to, err);
	if (!ret)
		ret = mh_damon_tell_params(src, &to, err);
	if (!ret && src->physical)
		ret = mh_damon_tell_rams(src, &to, err);
	if (ret) {
		damon_close(src);
		return ret;
	}
	schedule_first(src, to.time_ns);
	*out = src;
	return MH_OK;
}

/* ---- running ---- */

/* What was taken survives our being killed; snapshots that are rare can wait longer. */
static uint64_t drain_interval(const struct mh_source *src)
{
	return src->stream.aggr_us >= 1000000 ? 2 * DRAIN_NS : DRAIN_NS;
}

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

static int tell_stats(struct mh_source *src, const struct mh_tell *to, struct mh_err *err)
{
	uint64_t cpu = mh_proc_run_ns(src->fs->root, src->kdamond);
	int ret = MH_OK;

	/* Of one that has ended there is nothing to read: what was told last holds. */
	if (cpu > src->kdamond_cpu_ns && src->kdamond_start) {
		src->kdamond_told_ns = src->kdamonds_past_ns + cpu - src->kdamond_cpu_ns;
		ret = mh_tell_stat(to, err, "kdamond.cpu_ns", src->kdamond_told_ns);
	}
	if (!ret)
		ret = mh_tell_stat(to, err, "damon.snapshots", src->stream.nr_snapshots);
	if (!ret)
		ret = mh_tell_stat(to, err, "damon.regions", src->stream.nr_regions);
	return ret;
}

/*
 * It ends by itself with the last of its targets, or when one goes as others are added.
 * Processes that live are given to a new one; else somebody has stopped it.
 */
static int kdamond_ended(struct mh_source *src, const struct mh_tell *to,
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
	if (src->physical ||
	    (mh_damon_slots_any_alive(src) && !mh_damon_slots_ended_kdamond(src)))
		return mh_fail(err, MH_ESYS,
			       "somebody has stopped kdamond %d, which was recorded",
			       (int)src->kdamond);
	mh_tracepoint_close(src->stream.tap);
	src->stream.tap = NULL;
	src->stream.lost_since_ns = to->time_ns;
	src->stream.lost_seen = src->stream.missing = 0;
	src->kdamonds_past_ns = src->kdamond_told_ns;
	ret = mh_damon_slots_renew(src, err);
	return ret ? ret : start_own(src, err);
}

static int look_and_follow(struct mh_source *src, const struct mh_tell *to,
			   struct mh_err *err)
{
	int ret = look(src, to, true, err);
	/* Without the wait for the kdamond to take new targets, which costs nothing. */
	uint64_t took = mh_tell_now_ns() - to->time_ns;

	if (!ret && is_own(src->mode) && !src->physical && !src->params.polled)
		ret = mh_damon_slots_follow(src, to, err);
	if (src->look_step_ns < LOOK_MAX_NS)
		src->look_step_ns *= 2;
	src->look_ns =
		to->time_ns + (took * LOOK_SHARE > src->look_step_ns ? took * LOOK_SHARE
								     : src->look_step_ns);
	return ret;
}

static int poll_due(struct mh_source *src, const struct mh_tell *to, struct mh_err *err)
{
	int ret = mh_damon_is_on(&src->control) ? mh_damon_stream_poll(src, to, err)
						: MH_END;

	src->poll_ns = to->time_ns + src->poll_delay_ns;
	if (!ret && !--src->polls_left)
		ret = MH_END;
	return ret;
}

/*
 * DAMON leaves out the two largest gaps of an address space. A third one, as between a
 * program and its heap (up to 1 GiB since Linux 6.9), is watched as if it were memory.
 */
static void tell_gaps(struct mh_source *src)
{
	uint64_t mapped = mh_damon_procs_mapped(&src->procs), watched = src->stream.bytes;

	if (src->gaps_told || src->mode != DAMON_VADDR || !mapped ||
	    watched < 2 * mapped + GAPS_MIN)
		return;
	src->gaps_told = true;
	mh_log_say(
		&src->log, MH_NOTICE,
		"damon: %" PRIu64 " MiB are watched and %" PRIu64
		" MiB of them are mapped; DAMON takes in gaps, which makes its regions "
		"coarse: give more --regions, or what matters with --addr",
		watched >> 20, mapped >> 20);
}

static int stats_due(struct mh_source *src, const struct mh_tell *to, struct mh_err *err)
{
	src->stat_ns = to->time_ns + STAT_NS;
	/* Its owner changes them seldom, and a snapshot tells that time has passed. */
	if (!is_own(src->mode) && src->stream.nr_snapshots != src->nr_checked) {
		src->nr_checked = src->stream.nr_snapshots;
		mh_damon_attached_intervals(src);
	}
	tell_gaps(src);
	return tell_stats(src, to, err);
}

/* The first step after a command's exec. */
static int begin(struct mh_source *src, const struct mh_tell *to, struct mh_err *err)
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

static int finish(struct mh_source *src, const struct mh_tell *to, struct mh_err *err)
{
	int ret = mh_damon_stream_drain(src, true, to, err);

	if (!ret)
		ret = look(src, to, true, err);
	return ret ? ret : tell_stats(src, to, err);
}

static int damon_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		      struct mh_err *err)
{
	struct mh_tell to = {
		.fn = fn, .arg = arg, .source = src->id, .time_ns = mh_tell_now_ns()
	};
	int ret = MH_OK;

	if (!src->started)
		return last ? MH_OK : begin(src, &to, err);
	if (last)
		return finish(src, &to, err);
	ret = mh_damon_stream_drain(src, false, &to, err);
	src->drain_ns = to.time_ns + drain_interval(src);
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
