/* SPDX-License-Identifier: MIT */
/*
 * Analyses: batches in, a view out. Several share one pass over the trace.
 *
 * An analysis is a struct of functions; mh_analysis_run() opens cursors with what all of
 * them need, feeds the batches, and merges what parallel workers found. The typed
 * mh_<view>_analyze() calls below are the usual way in.
 */
#ifndef MEMHEAT_ANALYZE_H
#define MEMHEAT_ANALYZE_H

#include <stdbool.h>

#include <memheat/base.h>
#include <memheat/symbol.h>
#include <memheat/trace.h>
#include <memheat/view.h>

/*
 * A trace that was opened for analysis: the reader, its address spaces, which source a
 * view takes, and the filters. Small tables (MAP, TASK, META, STAT, GAP, LOST) are read
 * at open.
 */
struct mh_session;

struct mh_session_opts {
	struct mh_filter filter; /* time_ns here is relative to the trace's start */
	const char *source;      /* name; NULL: the first that fits the view */
	int writes; /* of page scans the written pages, not the accessed ones */
	/* Only mappings whose name contains it; where there is none, static data or heap
	 * blocks whose variable or allocating function is called so; NULL: all. */
	const char *at;
	double min_rate;        /* leave out what is below this share of checks, 0..1 */
	uint64_t min_size;      /* leave out smaller regions */
	struct mh_range age_ns; /* only regions of this age; 0, 0: all */
	struct {
		uint32_t ops, levels, snoops, tlbs, locks; /* 1 << value of its enum */
	} access;         /* only samples with one of these; 0: all, told or not */
	uint64_t skip;    /* leave out so many snapshots or intervals at the start */
	unsigned threads; /* for data passes; 0: one per CPU, 8 at most */
	/* As in struct mh_symtab_opts: where the files are that copies of stacks are
	 * unwound by; where names are kept, NULL: nowhere. */
	const char *const *debug_dirs;
	const char *cache_dir;
};

int mh_session_open(struct mh_session **out, const char *path,
		    const struct mh_session_opts *opts, struct mh_err *err) MH_MUST_CHECK;
void mh_session_close(struct mh_session *s);
const struct mh_reader *mh_session_reader(const struct mh_session *s);
const struct mh_maps *mh_session_maps(const struct mh_session *s);
/* Whether anything is called as opts.at says; where there is no such option, too. */
int mh_session_at_known(const struct mh_session *s);
/* Whether an address is of the variable or the blocks that opts.at names; 0 where it
 * names mappings. */
int mh_session_is_at(const struct mh_session *s, uint32_t pid, uint64_t time_ns,
		     uint64_t addr);
/*
 * The frames of the trace's call chains, for who wants the chain of a sample; read when
 * they are first asked for, and lent for the session's life. A trace without chains has
 * none.
 */
struct mh_frames;
int mh_session_frames(struct mh_session *s, const struct mh_frames **out,
		      struct mh_err *err) MH_MUST_CHECK;

/* How the chains ended that were unwound from copies of stacks: by the call above, once,
 * under the session's filters of time and process. All 0: the trace has no copies. */
struct mh_unwind_counts {
	uint64_t nr[MH_NR_UNWIND_ENDS];
};
const struct mh_unwind_counts *mh_session_unwound(const struct mh_session *s);

/* Hand every frame of call chains, those that were unwound included, to @fn as STACK. */
int mh_session_each_frame(struct mh_session *s, mh_event_fn fn, void *arg,
			  struct mh_err *err) MH_MUST_CHECK;
/* The innermost frame of the chain that a sample's `stack` stands for; 0: none is known.
 * Only after one of the calls above that read the frames. */
uint32_t mh_session_frame_of(const struct mh_session *s, uint16_t source, uint32_t stack);

/* Progress of a running analysis, 0..1, for a person. Called from the calling thread. */
void mh_session_on_progress(struct mh_session *s, void (*fn)(void *arg, double done),
			    void *arg);

struct mh_heatmap_opts {
	uint32_t rows, cols; /* cells; 0: 200 x 400 */
	int plain;           /* one contiguous range, no bands (JSON's map) */
	int no_collapse;     /* true scale: cold runs are drawn */
	struct mh_range
		addr;   /* plain: this range; 0, 0: busiest process's hottest range */
	int cells_damo; /* DAMO's cell rule */
};

/* What the rows of `hot` are. What has none of it stays with its mapping. */
enum mh_hot_by {
	MH_HOT_BY_SYMBOL, /* variables, sites of heap blocks */
	MH_HOT_BY_MAPPING,
	MH_HOT_BY_SITE,
	MH_HOT_BY_TYPE, /* of variables, all of one type together */
	MH_HOT_BY_PAGE, /* 4 KiB */
	MH_HOT_BY_LINE  /* of 64 bytes, as caches have it; of samples only */
};

struct mh_hot_opts {
	enum mh_hot_by by;
	const struct mh_symtab_opts *names; /* NULL: defaults */
};

/* Each fills *out (zeroed before), which the caller releases with its _fini.
 * MH_ENOSUP when no source of the trace fits the view (the message says which would). */
int mh_heatmap_analyze(struct mh_heatmap *out, struct mh_session *s,
		       const struct mh_heatmap_opts *opts,
		       struct mh_err *err) MH_MUST_CHECK;
/*
 * What changed from @before to @after: bands of one name are laid over each other from
 * their starts, times from the starts of the traces. What was not mapped counts as 0
 * where the other side has a value; what one side did not observe is not observed.
 *
 * Returns MH_OK; MH_ENOSUP when the units differ; MH_ENOMEM.
 */
int mh_heatmap_difference(struct mh_heatmap *out, const struct mh_heatmap *before,
			  const struct mh_heatmap *after,
			  struct mh_err *err) MH_MUST_CHECK;
int mh_wss_analyze(struct mh_wss *out, struct mh_session *s,
		   struct mh_err *err) MH_MUST_CHECK;
int mh_mappings_analyze(struct mh_mappings *out, struct mh_session *s,
			struct mh_err *err) MH_MUST_CHECK;
int mh_footprint_analyze(struct mh_footprint *out, struct mh_session *s,
			 struct mh_err *err) MH_MUST_CHECK;
/* Of sources that give snapshots. */
int mh_cold_analyze(struct mh_cold *out, struct mh_session *s,
		    struct mh_err *err) MH_MUST_CHECK;
/* Of sources that say which bytes. @nr_accesses: all memory accesses in the recording, as
 * counted elsewhere: ratios are of these; 0: not known. */
int mh_mrc_analyze(struct mh_mrc *out, struct mh_session *s, uint64_t nr_accesses,
		   struct mh_err *err) MH_MUST_CHECK;
/* @slo: share of the working set that may be brought back per minute; 0: 0.002 */
int mh_sizing_analyze(struct mh_sizing *out, struct mh_session *s, double slo,
		      struct mh_err *err) MH_MUST_CHECK;
int mh_counts_analyze(struct mh_counts *out, struct mh_session *s,
		      struct mh_err *err) MH_MUST_CHECK;
int mh_times_analyze(struct mh_times *out, struct mh_session *s,
		     struct mh_err *err) MH_MUST_CHECK;
int mh_summary_analyze(struct mh_summary *out, struct mh_session *s,
		       struct mh_err *err) MH_MUST_CHECK;
/* Names come from the files of this machine, by build-id; @opts: NULL: defaults. */
int mh_hot_analyze(struct mh_hot *out, struct mh_session *s,
		   const struct mh_hot_opts *opts, struct mh_err *err) MH_MUST_CHECK;
int mh_code_analyze(struct mh_code *out, struct mh_session *s,
		    const struct mh_symtab_opts *opts, struct mh_err *err) MH_MUST_CHECK;
/* Functions instead of lines, each with what it called: as `perf report --children`. */
int mh_code_children_analyze(struct mh_code *out, struct mh_session *s,
			     const struct mh_symtab_opts *opts,
			     struct mh_err *err) MH_MUST_CHECK;
/* Put the rows into another order; @sort ties are broken by share. */
void mh_code_sort(struct mh_code *code, enum mh_code_sort sort);
int mh_levels_analyze(struct mh_levels *out, struct mh_session *s, enum mh_split split,
		      struct mh_err *err) MH_MUST_CHECK;
int mh_lines_analyze(struct mh_lines *out, struct mh_session *s,
		     const struct mh_symtab_opts *opts, struct mh_err *err) MH_MUST_CHECK;

/* Of sources that give snapshots. Lasts no longer than the session. */
int mh_heat_analyze(struct mh_heat *out, struct mh_session *s,
		    struct mh_err *err) MH_MUST_CHECK;

/* Of sources that give samples, where the trace has a heap log. */
int mh_allocs_analyze(struct mh_allocs *out, struct mh_session *s,
		      struct mh_err *err) MH_MUST_CHECK;

struct mh_profile_opts {
	/* File whose symbols are wanted: a part of its path. NULL: the program that was
	 * recorded, which is the file named as its process, else the most sampled one. */
	const char *module;
	bool symbols; /* fill in `symbols`, of all that `program` has */
	bool raw;     /* no demangling */
	bool loads;   /* fill in `loads` */
	bool callers; /* fill in `callers` */
};

/* Lasts no longer than the session. MH_EINPUT: no module's path contains @opts->module.
 */
int mh_profile_analyze(struct mh_profile *out, struct mh_session *s,
		       const struct mh_profile_opts *opts,
		       struct mh_err *err) MH_MUST_CHECK;

/* ---- checks ---- */

struct mh_run_opts {
	uint64_t skip_ns;     /* warm-up: windows and readings that begin before it */
	char *const *metrics; /* wanted beyond what every run has: cold.AGE, promo.AGE */
	size_t nr_metrics;
};

/*
 * Boil a trace down: the metrics that its source can give, and the objects' sizes.
 *
 * @env: filled in too
 * Returns MH_OK; MH_ENOSUP when a wanted metric cannot be had from this source, or the
 * trace has no interval with data after the warm-up (the message says what to do).
 */
int mh_run_analyze(struct mh_run *out, struct mh_environment *env, struct mh_session *s,
		   const struct mh_run_opts *opts, struct mh_err *err) MH_MUST_CHECK;

/* MH_OK when @name is a metric; MH_EINPUT with the list of them. */
int mh_metric_parse(const char *name, struct mh_err *err) MH_MUST_CHECK;

struct mh_budget {
	char metric[32], op[3];
	double limit;
	bool of_rss; /* the limit is a share of rss.peak */
};

#define MH_RUNS_MAX       64 /* per side of a comparison */
#define MH_RUNS_STATISTIC 4  /* fewer per side: thresholds only */

struct mh_verdict_opts {
	double fail, warn; /* shares: 0.05 */
	double min_delta;  /* bytes (bytes per second) */
	double alpha;
	int both; /* shrinking is a regression too */
	int allow_incomparable;
	char *const *metrics;
	size_t nr_metrics;
	const struct mh_budget *budgets;
	size_t nr_budgets;
};

/*
 * Judge @now, against @base where that is not NULL. Fail needs size, share and
 * significance together. Where one side alone knows allocation sites, its objects are
 * joined to those of mappings.
 */
int mh_verdict_compare(struct mh_verdict *out, struct mh_runs *base, struct mh_runs *now,
		       const struct mh_verdict_opts *opts,
		       struct mh_err *err) MH_MUST_CHECK;

/* Only the objects' growth, largest first; out->metrics stays empty. */
int mh_growth_compare(struct mh_verdict *out, struct mh_runs *base, struct mh_runs *now,
		      struct mh_err *err) MH_MUST_CHECK;

#endif
