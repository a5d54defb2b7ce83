/* SPDX-License-Identifier: MIT */
/* A recording with DAMON under way: what open() made and step() goes on with. */
#ifndef MEMHEAT_SOURCE_DAMON_LIVE_H
#define MEMHEAT_SOURCE_DAMON_LIVE_H

#include <memheat/source.h>

#include "ring/tracepoint.h"
#include "source/damon/control.h"
#include "source/damon/format.h"
#include "source/damon/procs.h"
#include "source/damon/ram.h"
#include "source/snapshot.h"

enum damon_mode {
	DAMON_AUTO,
	DAMON_VADDR,
	DAMON_FVADDR,
	DAMON_PADDR,
	DAMON_ATTACH
};

/* The process that a target index stands for. */
struct damon_slot {
	pid_t pid;
	uint64_t start_ticks;
	uint64_t since_ns; /* what was there before belongs to another */
	bool reused;       /* the kernel kept an earlier process's regions and ages */
};

struct damon_stream {
	struct mh_tracepoint *tap; /* NULL: polled, or not started */
	struct damon_format format;
	struct mh_assembly assembly;
	uint64_t sample_us, aggr_us; /* now */
	uint64_t told_sample_us, told_aggr_us;
	uint64_t burst_ns, previous_ns; /* snapshots of one aggregation share a time */
	uint64_t lost_seen;             /* records, of which the loss was told */
	uint64_t missing;         /* regions of snapshots that were told as partial */
	uint64_t lost_since_ns;   /* 0: nothing lost since the last snapshot */
	uint64_t untold_since_ns; /* of a loss that a snapshot may still account for */
	struct {
		struct mh_region_row *v;
		size_t nr, cap;
	} polled;
	uint64_t nr_snapshots, nr_regions;
	uint64_t bytes,
		burst_bytes; /* of the last burst's regions; of the one under way */
};

struct mh_source {
	const struct mh_source_ops *ops;
	uint16_t id;
	enum damon_mode mode;
	struct mh_target target;
	struct mh_log log;
	struct damon_fs own_fs, *fs;
	struct damon_params params;
	struct damon_control control;
	struct damon_stream stream;
	struct damon_procs procs;
	struct damon_rams rams;
	struct {
		struct damon_slot *v;
		size_t nr, cap;
	} slots;
	struct {
		pid_t *v;
		size_t nr, cap;
	} pids; /* of params */
	struct {
		struct mh_range *v;
		size_t nr, cap;
	} ranges; /* of params; else what rows are restricted to */
	pid_t kdamond;
	uint64_t kdamond_start, kdamond_cpu_ns; /* start time; CPU time at our start */
	uint64_t kdamond_told_ns;  /* CPU time of it and those before, as told last */
	uint64_t kdamonds_past_ns; /* of those that ended */
	uint64_t attached_index;   /* damon:attach: of its directory */
	bool attached_sysfs;       /* it has one */
	uint64_t nr_checked;       /* snapshots when its intervals were last read */
	bool physical;             /* addresses are physical */
	bool started;
	bool gaps_told;     /* said: much of what is watched is mapped to nothing */
	uint64_t commit_ns; /* when the last commit was over; 0: none */
	bool no_commit;     /* said: this kernel takes no new targets while it runs */
	uint32_t ring_kib;
	uint64_t poll_ns, poll_delay_ns, polls_left;
	uint64_t drain_ns, look_ns, look_step_ns, stat_ns; /* when next */
};

/* settings.c: which way `damon` goes for a target, and what the kernel calls it. */
enum damon_mode mh_damon_resolve(enum damon_mode mode, const struct mh_target *target);
const char *mh_damon_operations(enum damon_mode mode);
/* Options and target into src->params, defaults filled in. MH_EINPUT with words. */
int mh_damon_settings_read(struct mh_source *src, const struct mh_source_opts *opts,
			   struct mh_err *err) MH_MUST_CHECK;
int mh_damon_settings_target(struct mh_source *src, struct mh_err *err) MH_MUST_CHECK;

/* attach.c: find the kdamond that runs, and read what it does. */
int mh_damon_attach(struct mh_source *src, struct mh_err *err) MH_MUST_CHECK;
/* Its intervals as they are now; its owner may change them. */
void mh_damon_attached_intervals(struct mh_source *src);

/* meta.c */
int mh_damon_tell_params(const struct mh_source *src, const struct mh_tell *to,
			 struct mh_err *err) MH_MUST_CHECK;
/* Physical memory has no mappings of its own; its nodes stand for them. */
int mh_damon_tell_rams(const struct mh_source *src, const struct mh_tell *to,
		       struct mh_err *err) MH_MUST_CHECK;

/* Hand out the snapshots that have arrived; @last: also those that miss rows. */
int mh_damon_stream_drain(struct mh_source *src, bool last, const struct mh_tell *to,
			  struct mh_err *err) MH_MUST_CHECK;

/* Ask the kernel for the regions as they are now, and hand them out. */
int mh_damon_stream_poll(struct mh_source *src, const struct mh_tell *to,
			 struct mh_err *err) MH_MUST_CHECK;

/* Give the targets as they are now to the kdamond that is being set up. */
int mh_damon_slots_init(struct mh_source *src, struct mh_err *err) MH_MUST_CHECK;

/* Follow processes that came: one target each. */
int mh_damon_slots_follow(struct mh_source *src, const struct mh_tell *to,
			  struct mh_err *err) MH_MUST_CHECK;

/* Whether a pid that the kdamond was given has become another process's. */
bool mh_damon_slots_reused(const struct mh_source *src);

/* Whether a process that the kdamond was given still lives. */
bool mh_damon_slots_any_alive(struct mh_source *src);

/* Whether the kdamond ended of a commit: it does when one of its targets has just gone,
 * and the kernel does not say so. */
bool mh_damon_slots_ended_kdamond(struct mh_source *src);

/* The kdamond ended with its processes: set it up for those that live, to be started. */
int mh_damon_slots_renew(struct mh_source *src, struct mh_err *err) MH_MUST_CHECK;

/* As a backend's open(), on other files than this machine's (tests). */
int mh_damon_open(struct mh_source **out, enum damon_mode mode, struct damon_fs *fs,
		  uint16_t id, const struct mh_target *target,
		  const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		  struct mh_err *err) MH_MUST_CHECK;
int mh_damon_probe(struct mh_probe *out, enum damon_mode mode, struct damon_fs *fs,
		   const struct mh_target *target);

#endif
