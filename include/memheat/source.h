/* SPDX-License-Identifier: MIT */
/*
 * Sources: acquisition backends. Each is one folder under lib/source/ with one exported
 * mh_source_ops. A source knows a target and yields events; it never sees a trace file.
 */
#ifndef MEMHEAT_SOURCE_H
#define MEMHEAT_SOURCE_H

#include <sys/types.h>

#include <memheat/base.h>
#include <memheat/event.h>

enum mh_target_type {
	MH_TARGET_PROCESSES, /* pids, and their children where asked */
	MH_TARGET_CGROUP,
	MH_TARGET_SYSTEM /* physical memory, all processes */
};

/* What is watched. Arrays are borrowed for the recording's life. */
struct mh_target {
	enum mh_target_type type;
	const pid_t *pids;
	size_t nr_pids;
	int children;       /* follow forks */
	int spawned;        /* pids[0] is our own child, stopped before its exec */
	const char *cgroup; /* directory below the cgroup mount */
	const struct mh_range *ranges; /* restrict to these addresses; NULL: all */
	size_t nr_ranges;
};

/*
 * damon: counts a region's pages that pass. Filters hold in their order; the last one's
 * opposite holds for pages that are of none.
 */
struct mh_page_filter {
	const char *type;     /* the kernel's name: "anon", "memcg", "young", ... */
	int reject;           /* pages of the type do not pass; 0: they do */
	int non;              /* it is about pages that are not of the type */
	const char *memcg;    /* "memcg": path below the cgroup mount; else NULL */
	struct mh_range huge; /* "hugepage_size": sizes of pages, both ends included */
};

/* Zeroed: every default. A source reads the fields that concern it. */
struct mh_source_opts {
	uint64_t interval_ns; /* refs, idle: length of a scan interval; 0: 1 s */
	double overhead;   /* share of a CPU (and of the target's time) a source may cost;
			    * 0: refs 0.01, idle 0.05 */
	uint32_t ring_kib; /* perf rings, per CPU; 0: 1024, halved until it fits */
	uint64_t period;   /* perf events; 0: the source's default */
	int user_only;     /* leave out kernel-mode samples */
	uint32_t one_page_in; /* idle: look at one page in so many; 0, 1: at all */
	int page_cache;       /* idle: of a control group also what no process maps */
	int aging;  /* mglru: have the kernel age the lists before each reading */
	int writes; /* idle: tell of written pages too, as a layer of its own */
	/* damon: checks, snapshots and new mappings each so often; 0: the source's
	 * default */
	uint64_t sample_ns, aggr_ns, update_ns;
	uint32_t nr_regions_min, nr_regions_max; /* damon; 0: 10, 1000 */
	struct {
		int on;
		uint32_t access_bp, aggrs; /* observed accesses wanted, in how many
					    * snapshots; 0: 400 (4%), 3 */
		uint64_t sample_min_ns, sample_max_ns; /* 0: 5 ms, 10 s */
	} auto_intervals; /* damon: the kernel finds the intervals (Linux 6.15) */
	struct {
		uint64_t delay_ns; /* 0: every snapshot, through the tracepoint */
		uint64_t count;    /* 0: no end */
	} polled;                  /* damon: ask for a snapshot now and then */
	const struct mh_page_filter *filters; /* damon, with polled; borrowed */
	size_t nr_filters;
	struct {
		char *const *events; /* by name; none: the best of this CPU */
		size_t nr_events;
		int loads, stores;  /* of the best; neither set: both */
		uint32_t ldlat;     /* only loads that take as many cycles; 0: 30 */
		uint64_t freq;      /* samples per second and CPU; 0: a fixed period */
		const char *cpus;   /* sample on these only: "0-3,8"; NULL: on all */
		int kernel_only;    /* leave out user-mode samples */
		int phys;           /* physical addresses */
		int page_size;      /* sizes of the data's pages */
		int chains;         /* call chains; `faults` gives them too */
		uint32_t stack_len; /* for them copy so many bytes of the stack, a
				     * multiple of 8 up to 65528; 0: frame pointers */
		uint64_t delay_ns;  /* begin so long after the target */
		double overhead;    /* adapt periods to this share of a CPU; 0: do not */
	} mem;
	const char *sysroot; /* prefix of /proc and /sys (tests: a fake tree); NULL: "" */
	const struct mh_log *log;
};

struct mh_source; /* each backend defines its own, beginning with the ops pointer */

struct mh_probe {
	int usable;
	char reason[256]; /* why not, or what is limited; "" if nothing to say */
	char fix[256];    /* the command that mends it; "" if none is known */
};

struct mh_source_ops {
	const char *name;       /* as typed after `record -s` */
	const char *summary;    /* one line: what it sees and in which unit */
	int uses_accessed_bits; /* two such sources on one target disturb each other */
	int gives_footprint;    /* emits FOOTPRINT itself */
	int gives_tasks; /* tells TASK as it happens, not by looking now and then */
	int only_named;  /* `auto` passes it by */

	/*
	 * Say whether this machine can run it on @target (NULL: on anything), by reading
	 * only. Returns MH_OK whatever the answer is; MH_ENOMEM.
	 */
	int (*probe)(struct mh_probe *out, const struct mh_target *target,
		     const struct mh_source_opts *opts, struct mh_err *err);

	/*
	 * Get ready: everything that may fail for want of privilege happens here, before
	 * a spawned command starts. Emits META events "source.<id>.*" through @fn.
	 *
	 * @id: put into the events' source field
	 */
	int (*open)(struct mh_source **out, uint16_t id, const struct mh_target *target,
		    const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		    struct mh_err *err);

	/*
	 * When to call step() next: @fds gets descriptors to wait on (up to @max, returns
	 * how many), *deadline_ns the CLOCK_MONOTONIC time (UINT64_MAX: none).
	 */
	size_t (*wait)(const struct mh_source *src, int *fds, size_t max,
		       uint64_t *deadline_ns);

	/*
	 * Do what is due and hand every ready event to @fn. Called when a descriptor is
	 * ready, the deadline has passed, or the recording ends (@last: take what is
	 * left, also the interval under way where that is honest).
	 *
	 * Returns MH_OK; MH_END when the target is gone; a failure of @fn is passed on.
	 */
	int (*step)(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		    struct mh_err *err);

	/* Stop, restore what open() changed in the kernel, free. NULL is allowed. */
	void (*close)(struct mh_source *src);
};

/* The registry: backends in the order in which `auto` prefers them; NULL past the end. */
const struct mh_source_ops *mh_source_at(size_t i);

/* By the name typed ("refs", "damon:vaddr"); NULL: unknown. */
const struct mh_source_ops *mh_source_find(const char *name);

/* ---- importers: sources of events that something else recorded ---- */

struct mh_import_opts {
	uint16_t source; /* id of the first source that is made; 0: 1 */
	const struct mh_log *log;
};

struct mh_importer {
	const char *name;    /* as typed after `memheat import` */
	const char *summary; /* one line: what it reads */
	int all_or_nothing;  /* of a damaged recording nothing is worth keeping */
};

/* The importers of this build; NULL past the end. */
const struct mh_importer *mh_importer_at(size_t i);

/* What was read of a recording: also after a failure. */
struct mh_import_result {
	const struct mh_importer *importer; /* NULL: none was found */
	uint64_t nr_events;                 /* that were handed over */
};

/*
 * Read the recording at @path and hand its events to @fn, in the order of time as far as
 * bounded memory allows. META comes with the events that it explains.
 *
 * @path: "-" is standard input
 * @from: an importer's name; NULL: found from the first bytes
 * @result: may be NULL
 * Returns MH_OK; MH_EFORMAT for a damaged recording: what could be read has been handed
 * over, and the message says what is wrong and where; MH_EINPUT when it is no recording
 * that @from (or any importer) reads, MH_ENOSUP when this build cannot: then nothing was
 * handed over; MH_ESYS, MH_EPERM, MH_ENOMEM; a failure of @fn.
 */
int mh_import(struct mh_import_result *result, const char *path, const char *from,
	      const struct mh_import_opts *opts, mh_event_fn fn, void *arg,
	      struct mh_err *err) MH_MUST_CHECK;

#endif
