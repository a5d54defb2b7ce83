/* SPDX-License-Identifier: MIT */
/*
 * Views: what an analysis found, as plain owned numbers with axes and a unit. Renderers
 * and exporters know views and nothing below them. Every view is zeroed by its _init (or
 * `= { 0 }`) and released by its _fini, which accepts a zeroed view.
 */
#ifndef MEMHEAT_VIEW_H
#define MEMHEAT_VIEW_H

#include <stdbool.h>
#include <stdio.h>

#include <memheat/base.h>

/* What a cell's number means. Never mixed, never averaged across units. */
enum mh_unit {
	MH_UNIT_HIT_RATIO,     /* DAMON: share of the checks that found an access, 0..1 */
	MH_UNIT_TOUCHED_RATIO, /* refs, idle: share of the bytes that were touched, 0..1
				*/
	MH_UNIT_ACCESSES_PER_S, /* mem: samples x period / cell time */
	MH_UNIT_FAULTS_PER_S    /* faults: first touches / cell time */
};
/* "accessed in % of checks", ...; and the short "% of checks". */
const char *mh_unit_name(enum mh_unit unit);
const char *mh_unit_short(enum mh_unit unit);
/* The word of programs: "hit_ratio", "touched_ratio", "accesses_per_s", ... */
const char *mh_unit_word(enum mh_unit unit);

/* Where numbers come from, and what was not seen: part of every view and every report. */
struct mh_provenance {
	char title[128];   /* command or target: "redis-server (pid 4121)" */
	char source[64];   /* "refs", "DAMON vaddr", "faults" */
	char params[128];  /* "interval 1 s", "sample 5 ms, aggr 100 ms" */
	char others[64];   /* further sources in the trace that this view leaves out */
	uint64_t start_ns; /* absolute; of the trace */
	uint64_t duration_ns;
	uint64_t nr_intervals; /* snapshots or scans; 0 for samples */
	uint64_t nr_samples;
	uint64_t lost, throttled;
	uint64_t nonmem;          /* samples of no memory access, dropped on purpose */
	uint64_t nr_gaps, gap_ns; /* spans without data, summed over targets */
	uint64_t nr_damaged;      /* blocks of the trace that could not be read */
	uint64_t observer_cpu_ns; /* the recorder's own CPU time */
	uint64_t kdamond_cpu_ns;  /* DAMON: of the thread that was recorded */
	uint64_t nr_snapshots;    /* DAMON: that the two gave for it, all targets as one;
				   * 0: not told */
	uint64_t stall_max_ns;    /* longest time that a target may have been stalled */
	bool complete;            /* the recorder closed the trace */
};

/* ---- heatmap ---- */

enum mh_cell_state {
	MH_CELL_UNMAPPED = 0, /* nothing was mapped there */
	MH_CELL_NOT_OBSERVED =
		1,        /* mapped, but no data: gap, before attach, not watched */
	MH_CELL_ZERO = 2, /* observed, no access */
	MH_CELL_VALUE = 3,
	MH_CELL_FEW = 4 /* a value from fewer than 3 samples */
};

/* One strip of the address axis: a mapping, or a run of cold bytes shown as one line. */
struct mh_band {
	char name[96];  /* "[heap]", "libc.so.6 rw-", "other (17 mappings)" */
	char owner[32]; /* "comm 1234" when several processes are shown, else "" */
	uint32_t pid;
	struct mh_range addr;  /* bytes shown; for `other`: 0, 0 */
	uint64_t gap_before;   /* bytes between the band below and this one, same space */
	uint32_t row, nr_rows; /* rows from the bottom; nr_rows 0: a collapsed cold run */
	uint64_t bytes;        /* mapped bytes that it stands for */
	double share;          /* of all accesses, 0..1 */
	bool cold;             /* collapsed: nothing in it ever above 1 % of the scale */
};

/* A remarkable spot, numbered from 1 in order of heat. */
struct mh_hot_spot {
	uint32_t band;
	struct mh_range addr, time_ns;
	double value;
};

struct mh_heatmap {
	struct mh_provenance from;
	enum mh_unit unit;
	struct mh_range time_ns; /* relative to the trace's start */
	struct mh_range addr;    /* of a plain map without bands' meaning; else 0, 0 */
	uint32_t rows, cols;     /* rows from low to high addresses, over all bands */
	double *mean;   /* rows * cols, row-major: area-weighted over the observed part */
	double *max;    /* NAN where the state is UNMAPPED or NOT_OBSERVED */
	uint8_t *state; /* enum mh_cell_state */
	struct mh_band *bands; /* from low to high; at least one */
	size_t nr_bands;
	struct mh_hot_spot *spots;
	size_t nr_spots;
	uint64_t *wss_min, *wss_max; /* per column, bytes; NULL: no WSS for this source;
				      * MH_NO_DATA: no data in this column */
	uint64_t wss_p50, wss_p95, wss_peak; /* MH_NO_DATA when there is none */
	double value_max;                    /* largest finite cell of `max` */
	double value_p999;                   /* 99.9th percentile of the non-zero ones */
	uint64_t nr_outside; /* samples or region parts in no band: no known mapping */
	bool diverging;      /* cells are differences, of either sign; `max` too */
};
#define MH_NO_DATA UINT64_MAX

void mh_heatmap_fini(struct mh_heatmap *map);

/*
 * Write a map as text, for tests that compare pictures and for a person who debugs one:
 * axes, one line per band, then rows from high to low with one character per cell:
 * ' ' unmapped, '?' not observed, '.' zero, 1-9 tenths of the largest value (rounded up),
 * a-i likewise from few samples. @out is any stream; returns MH_OK or MH_ESYS.
 */
int mh_heatmap_print(FILE *out, const struct mh_heatmap *map, struct mh_err *err);

/* ---- working set sizes ---- */

struct mh_wss_point {
	struct mh_range time_ns; /* the window, relative to the trace's start */
	uint64_t bytes;  /* MH_NO_DATA: the target did not run, or nothing was read */
	double coverage; /* of samples: chance that the next one hits a page seen; else 0
			  */
	uint64_t chao1;  /* of samples: bytes that were likely used, seen or not */
	uint64_t chao1_low, chao1_high; /* its 95 % interval */
};

/* Sizes from samples whose coverage is below are to be called lower bounds. */
#define MH_WSS_COVERED 0.9

#define MH_WSS_THRESHOLDS 4 /* any access, >= 5 %, >= 25 %, >= 50 % of the checks */
#define MH_WSS_WINDOWS    4 /* the interval, and up to three longer ones; last: all */

struct mh_wss_series {
	char name[32]; /* "any", ">=5%", "1s", "all" */
	uint64_t window_ns;
	uint64_t *sorted; /* values with data, ascending */
	size_t n;
	double mean;
};

struct mh_wss {
	struct mh_provenance from;
	uint64_t window_ns;          /* of `points` */
	struct mh_wss_point *points; /* in time order, no-data ones included */
	size_t nr_points, nr_no_data, nr_skipped;
	uint64_t rss_p50;         /* median RSS in the same span; MH_NO_DATA */
	struct mh_wss_series any; /* of `points` */
	struct mh_wss_series thresholds[MH_WSS_THRESHOLDS];
	size_t nr_thresholds; /* 0 where the source knows no hit counts */
	struct mh_wss_series windows[MH_WSS_WINDOWS];
	size_t nr_windows;
	bool sampled;        /* sizes are what samples hit; estimates follow */
	double coverage_p50; /* median of the points' */
	uint64_t chao1_p50;  /* likewise; MH_NO_DATA */
	uint64_t chao1_p50_low, chao1_p50_high; /* the interval of that window */
	uint32_t one_page_in; /* sizes are estimates from one page in so many; 1: all */
	uint64_t
		error_p50; /* then: standard error of the median interval's; MH_NO_DATA */
	char windows_note[128]; /* why there are no longer windows; "" if there are */
};

void mh_wss_fini(struct mh_wss *wss);

/*
 * The value at percentile @p (0..100) of a series: index min(int(p/100 x n), n-1), as in
 * DAMO. Returns MH_NO_DATA for an empty series.
 */
uint64_t mh_wss_percentile(const struct mh_wss_series *s, double p);

/* ---- mappings and footprint ---- */

struct mh_mapping_row {
	char name[96];
	uint32_t pid;
	char comm[16];
	struct mh_range addr;      /* hull of the mappings of this name */
	uint64_t bytes;            /* largest mapped size */
	uint64_t rss, swap, huge;  /* largest seen; MH_NO_DATA */
	uint64_t wss_p50, wss_max; /* MH_NO_DATA */
	double share;      /* of all accesses (bytes x ratio x time, or samples) */
	double busy;       /* share of the observed time with any access, 0..1; NAN */
	double idle_share; /* bytes not touched for > 10 s at the end, 0..1; NAN */
	double hottest;    /* highest value and, below, where and how long */
	uint64_t hottest_ns;
	struct mh_range hottest_addr;
};

struct mh_mappings {
	struct mh_provenance from;
	enum mh_unit unit;
	struct mh_mapping_row *rows; /* by share, then size, descending */
	size_t nr_rows;
	size_t nr_unmapped; /* samples or regions outside every known mapping */
};

void mh_mappings_fini(struct mh_mappings *m);

struct mh_footprint_point {
	uint64_t time_ns;              /* relative to the trace's start */
	uint64_t rss, pss, swap, huge; /* summed over processes; MH_NO_DATA */
	uint32_t nr_processes;
};

struct mh_footprint {
	struct mh_provenance from;
	struct mh_footprint_point *points; /* in time order */
	size_t nr_points;
};

void mh_footprint_fini(struct mh_footprint *f);

/* ---- snapshots: cold bytes, numbers of regions, times ---- */

struct mh_cold_bucket {
	struct mh_range idle_ns; /* how long not accessed; end UINT64_MAX: or longer */
	uint64_t bytes;
};

/* A part of the bytes, by the same buckets. The groups of one kind add up to all. */
struct mh_cold_group {
	const char *by; /* "type", "node", "mapping" */
	char name[96];  /* "anon", "file"; "0", "1", ...; as in `mappings`; "unknown" */
	uint64_t bytes;
	uint64_t *buckets; /* bytes, nr_buckets of them */
};

/* Every byte of the last snapshots, by the time since it was accessed last. */
struct mh_cold {
	struct mh_provenance from;
	uint64_t at_ns; /* the moment: end of the last snapshot, relative */
	uint64_t
		interval_ns; /* bytes of the first bucket were accessed in the last one */
	struct mh_cold_bucket *buckets;
	size_t nr_buckets;
	uint64_t bytes;         /* of all buckets */
	uint64_t unknown_bytes; /* of mappings that were touched, it is not known where */
	uint64_t nr_aged;       /* ranges whose idle time is the age that was recorded; */
	uint64_t nr_derived;    /* for these it is the run of snapshots without access */
	struct mh_cold_group *groups; /* by kind, then descending; types and nodes are
				       * there where the trace tells of them */
	size_t nr_groups;
};

void mh_cold_fini(struct mh_cold *c);

/* With so much memory for a program, so much of what it touches would have to be brought
 * in again, if the memory kept what was used last. */
struct mh_mrc_point {
	uint64_t bytes; /* of memory */
	double miss_bytes_per_s;
	double miss_ratio; /* of all touches, or of the accesses that were told, 0..1 */
};

struct mh_mrc {
	struct mh_provenance from;
	uint64_t interval_ns;
	uint64_t span_ns;   /* that was observed */
	uint64_t wss_bytes; /* mean of an interval: how less would do cannot be told */
	uint64_t touched_bytes; /* summed over intervals */
	uint64_t first_bytes;   /* of these: never touched before; a miss in any memory */
	uint64_t page_size;
	uint64_t nr_accesses; /* that ratios are of; 0: of touches, one per interval */
	bool by_region;       /* a region is taken to be touched as a whole */
	struct mh_mrc_point *points; /* by size, ascending; misses descend */
	size_t nr_points;
};

void mh_mrc_fini(struct mh_mrc *m);

/* The miss ratio with @bytes of memory, between the points; NAN below the first. */
double mh_mrc_ratio(const struct mh_mrc *m, double bytes);

/* ---- sizing: how much memory to give, and what could go to a slower tier ---- */

/* A size over time; MH_NO_DATA where it was not recorded. */
struct mh_sizing_size {
	uint64_t p50, p90, max;
};

/* What is idle for so long, and how much of it comes back. */
struct mh_sizing_age {
	uint64_t idle_ns;
	uint64_t far_bytes;          /* median over time; MH_NO_DATA */
	double promoted_bytes_per_s; /* NAN */
	double promoted_per_min;     /* share of the working set; NAN */
};

#define MH_SIZING_AGES 18 /* 1 s, 2 s, 4 s, ... */

struct mh_sizing {
	struct mh_provenance from;
	uint64_t span_ns;
	/* Four sizes that are not the same: touched in an interval; resident; resident,
	 * shared pages by their part; charged to the control group less inactive files,
	 * which Kubernetes calls the working set. */
	struct mh_sizing_size wss, rss, pss, k8s;
	struct mh_sizing_size usage;  /* charged */
	uint64_t peak;                /* largest ever charged; MH_NO_DATA */
	uint64_t kernel, unevictable; /* charged, at most; MH_NO_DATA */
	uint64_t interval_ns;         /* of wss */
	uint64_t window_ns;           /* that the advice counts as in use */
	uint64_t request, limit, low, high;
	struct {
		const char *of; /* "k8s_working_set" or "rss": what it is made from */
		uint64_t lower, target, upper; /* MH_NO_DATA: no such size */
	} vpa;
	double slo;        /* of promoted_per_min */
	uint64_t observed; /* bytes that the ages are of, median; MH_NO_DATA */
	struct mh_sizing_age ages[MH_SIZING_AGES];
	size_t nr_ages;
	size_t split;            /* the first age within the slo; nr_ages: none */
	uint64_t rate_window_ns; /* of the working set that promoted_per_min is of */
	char why[160];           /* there are no ages; "" */
};

void mh_sizing_fini(struct mh_sizing *s);

/* How many regions snapshots have: whether the monitor could adapt. */
struct mh_counts {
	struct mh_provenance from;
	uint64_t *sorted;
	size_t n;
	double mean;
	uint64_t limit_min, limit_max; /* as configured; MH_NO_DATA: not recorded */
	uint64_t nr_at_limit;          /* snapshots with limit_max regions or more */
};

void mh_counts_fini(struct mh_counts *c);

/* ---- bytes by a figure of theirs: idle time, temperature ---- */

struct mh_weighed {
	double value;
	uint64_t bytes;
};

/* In ascending order of values, which the two below need. */
void mh_weighed_sort(struct mh_weighed *v, size_t n);

/* The value that @p % of the bytes do not exceed, as in DAMO: that of the first element
 * with which the sum of bytes reaches it. @n is not 0. */
double mh_weighed_percentile(const struct mh_weighed *v, size_t n, double p);

struct mh_weighed_bin {
	double start, end; /* half-open */
	uint64_t bytes;
};

#define MH_WEIGHED_BINS 16

/*
 * Bins as in DAMO: ten of one width; or, @log, each twice as wide as the one before, from
 * a 1024th of the range on. Returns how many of @out are used.
 */
size_t mh_weighed_histogram(struct mh_weighed_bin out[MH_WEIGHED_BINS],
			    const struct mh_weighed *v, size_t n, bool log);

/* When anything passes the filters: snapshots that follow each other make one range. */
struct mh_times {
	struct mh_provenance from;
	struct mh_range *ranges; /* relative to the trace's start, ascending, disjoint */
	size_t nr_ranges;
	uint64_t sum_ns;
};

void mh_times_fini(struct mh_times *t);

/* ---- code: what touched the memory ---- */

struct mh_code_row {
	uint64_t samples;
	uint64_t weight; /* cycles of load latency, summed; 0 where the source has none */
	double share;    /* of all samples, each with its period */
	char *function;  /* innermost, inlined or not; "" where not known */
	char *file;      /* "" */
	uint32_t line;   /* 0: not known */
	char *module;    /* path; "[kernel]"; "" */
	/* What the hardware told; all 0 where it told nothing. */
	uint64_t nr_told, nr_loads, nr_stores;
	uint64_t nr_latency; /* of the samples in `weight` */
	uint64_t nr_tlb_miss, nr_hitm, nr_locked;
	uint64_t nr_far; /* served beyond the last cache of the core's node */
	uint8_t level;   /* the most frequent: enum mh_mem_level */
	uint64_t nr_at_level;
	/* Of a table of functions with what they call: samples in the function or in what
	 * it called, each sample once. */
	uint64_t nr_children;
	double children; /* their share */
};

enum mh_code_sort {
	MH_CODE_BY_SHARE,
	MH_CODE_BY_WEIGHT,
	MH_CODE_BY_LATENCY, /* mean */
	MH_CODE_BY_LEVEL,   /* samples that were served far away */
	MH_CODE_BY_TLB,
	MH_CODE_BY_SNOOP, /* HITM */
	MH_CODE_BY_LOCK,
	MH_CODE_BY_CHILDREN
};

struct mh_code {
	struct mh_provenance from;
	enum mh_unit unit;
	struct mh_code_row *rows; /* by share, descending; else by children */
	size_t nr_rows;
	bool has_children;   /* rows are functions, and those that they call count too */
	uint64_t nr_chained; /* then: samples whose callers are known */
	uint64_t nr_unnamed; /* samples without a function */
	char **notes; /* why: "libfoo.so.2: stripped (build-id 3f2a...), 12 samples" */
	size_t nr_notes;
};

void mh_code_fini(struct mh_code *code);

/* ---- levels: where accesses were served, and how long it took ---- */

enum mh_split {
	MH_SPLIT_NONE,
	MH_SPLIT_PROCESS,
	MH_SPLIT_THREAD,
	MH_SPLIT_CPU,
	MH_SPLIT_NODE /* of the CPU; CPUs whose node is not recorded are one part */
};
#define MH_NR_SPLITS 5

struct mh_level_part {
	char name[48]; /* "comm 1234", "cpu 3", "node 0"; "" without a split */
	uint64_t samples;
};

/* Numbers are those of event.h: enum mh_mem_op, mh_mem_level, mh_mem_hit. */
struct mh_level_row {
	size_t part; /* index into parts */
	uint8_t op, level, hit;
	uint64_t samples;
	double share; /* of its part's samples, each with its period */
	/* Of the samples that have a latency, in cycles; percentiles are at most 3 % off.
	 */
	uint64_t nr_latency, latency_sum;
	uint64_t latency_p50, latency_p90, latency_p99, latency_max;
	uint64_t nr_tlb_told, nr_tlb_miss, nr_hitm, nr_locked;
};

struct mh_levels {
	struct mh_provenance from;
	enum mh_unit unit;
	enum mh_split split;
	struct mh_level_part *parts; /* by samples, descending; at least one */
	size_t nr_parts;
	struct mh_level_row *rows; /* by part, op, level, hit before miss */
	size_t nr_rows;
	uint64_t nr_untold; /* samples of which the hardware told nothing */
};

void mh_levels_fini(struct mh_levels *l);

/* ---- lines: cache lines that threads share ---- */

#define MH_LINE_SIZE 64u

enum mh_sharing {
	MH_SHARING_TRUE,   /* a word that one thread stores is another's too */
	MH_SHARING_FALSE,  /* one stores, and others use other words of the line only */
	MH_SHARING_UNKNOWN /* modified elsewhere, but by whom was not sampled */
};

/* One instruction at one offset. */
struct mh_line_spot {
	uint32_t offset;
	uint64_t samples, loads, stores, hitm_local, hitm_remote;
	uint64_t nr_latency, latency_sum;
	uint32_t nr_threads;
	char *function, *file; /* "" */
	uint32_t line;
};

struct mh_line {
	uint64_t addr;
	uint32_t pid;
	enum mh_sharing sharing;
	uint64_t samples, loads, stores, hitm_local, hitm_remote;
	uint32_t nr_threads, nr_readers, nr_writers; /* a thread may be both */
	char *mapping, *symbol;                      /* "" */
	struct mh_line_spot *spots;                  /* by offset */
	size_t nr_spots;
};

struct mh_lines {
	struct mh_provenance from;
	enum mh_unit unit;
	struct mh_line *rows; /* by HITM, then by samples of contended lines */
	size_t nr_rows;
	uint64_t nr_lines;     /* that samples hit, shared or not */
	uint64_t nr_only_read; /* that several threads use and none was seen to store */
	uint64_t nr_left_out;  /* samples past the limit of distinct places */
	bool told;             /* some sample says whether it is a load or a store */
};

void mh_lines_fini(struct mh_lines *l);
const char *mh_sharing_name(enum mh_sharing sharing); /* "false", "true", ... */

/* ---- hot: which objects the accesses go to ---- */

struct mh_hot_accessor {
	char *function, *file; /* "" */
	uint32_t line;
	double share; /* of the row's accesses */
};

#define MH_HOT_ACCESSORS 3

enum mh_hot_kind {
	MH_HOT_MAPPING,
	MH_HOT_VARIABLE,
	MH_HOT_SITE, /* blocks on the heap that one line allocated */
	MH_HOT_TYPE,
	MH_HOT_PAGE,
	MH_HOT_LINE
};
/* "mapping", "variable", "site", ... */
const char *mh_hot_kind_name(enum mh_hot_kind kind);

struct mh_hot_row {
	enum mh_hot_kind kind;
	double share, cum; /* of all accesses; summed up to this row */
	double rate;       /* hit or touched ratio over the data's time; NAN: samples */
	struct mh_range addr; /* of the variable, or the hull of what was accessed */
	/* Of the variable; of a site's blocks, the most at a time; of a page; else
	 * observed; MH_NO_DATA: samples. */
	uint64_t bytes;
	/* How long its rate had been stable at the end, by its bytes; MH_NO_DATA where
	 * the source tells no age. */
	uint64_t age_ns;
	uint32_t pid;
	char *mapping;       /* "[heap]", "redis rw-"; "" */
	char *object;        /* module of a variable, else the mapping; "" */
	char *symbol, *type; /* variable, or the function that allocated; "" */
	char *member;        /* of the type, as the code that accessed it tells; "" */
	char *file;          /* of the declaration or the allocation; "" */
	uint32_t line;
	char *why; /* why there is no variable; "" if there is */
	struct mh_hot_accessor accessors[MH_HOT_ACCESSORS]; /* where samples say it */
	uint32_t nr_accessors;
};

struct mh_hot {
	struct mh_provenance from;
	enum mh_unit unit;
	struct mh_hot_row *rows; /* by share, descending */
	size_t nr_rows;
	uint64_t nr_left_out; /* samples past the limit of distinct addresses */
	bool heap_known;      /* there is a heap log; allocations and frees that it */
	uint64_t heap_lost;   /* lost */
	/* By type: accesses to memory that no variable names, by what the code accesses.
	 */
	double by_code; /* share of all accesses that has a type by that */
	struct mh_hot_untyped {
		const char *why; /* static */
		double share;    /* of all accesses */
	} * untyped;             /* what has none, by share, descending */
	size_t nr_untyped;
};

void mh_hot_fini(struct mh_hot *hot);

/* ---- profile: samples by code and data, for tools that know programs ---- */

#define MH_PROFILE_NONE UINT32_MAX

/* A file that code or data of samples is in. */
struct mh_profile_module {
	const char *path;     /* as recorded; "[kernel]" */
	const char *build_id; /* lower-case hex; "" */
	const char *why;      /* why it gives no names; "" if it does */
	uint64_t samples;     /* with code or data in it */
};

/* A piece of a file, or memory without one, as a process has it mapped. */
struct mh_profile_map {
	uint32_t pid;
	struct mh_range addr;
	uint64_t pgoff;
	const char *path, *build_id; /* "" */
	bool code;                   /* it may be executed */
	char name[96];               /* for a person: "[heap]", "libc.so.6 rw-" */
};

struct mh_profile_frame {
	const char *function, *file; /* "" */
	uint32_t line, start_line;   /* 0: not known; of the function */
	uint32_t discriminator;      /* of the line's code, as in DWARF */
};

/* One code address of one process. */
struct mh_profile_code {
	uint64_t addr, vaddr;            /* in the process; in the module's own terms */
	uint32_t pid, module, map;       /* MH_PROFILE_NONE */
	const char *symbol;              /* of ELF; "" */
	uint64_t offset;                 /* in it */
	uint32_t nr_frames;              /* 0: no name, see why */
	struct mh_profile_frame *frames; /* innermost first */
	const char *why;
};

/* A static variable, or a mapping where none is known. */
struct mh_profile_object {
	uint32_t pid, module; /* MH_PROFILE_NONE */
	bool variable;
	const char *name;                  /* of the variable or the mapping; never "" */
	const char *symbol;                /* of ELF; "" */
	const char *section, *type, *file; /* "" */
	uint32_t line;
	uint64_t addr, size; /* of the variable; of the mapping, 0: not known */
	uint64_t vaddr;      /* of the ELF symbol */
	const char *why;     /* why it is no variable; "" */
};

/* Who called: chains of callers are paths in a tree. */
struct mh_profile_caller {
	uint32_t code;   /* where the call is */
	uint32_t parent; /* who called that, with a smaller index; MH_PROFILE_NONE */
};

/* What one instruction did to one address. */
struct mh_profile_row {
	uint32_t code; /* MH_PROFILE_NONE: the source knows no code addresses */
	uint32_t object;
	uint32_t caller; /* MH_PROFILE_NONE: not known, or not asked for */
	uint64_t addr;   /* of data */
	uint8_t level;   /* enum mh_mem_level: where it was served from; 0: not told */
	uint64_t samples;
	uint64_t events; /* what the samples stand for: the sum of their periods */
	uint64_t cycles; /* latency, summed; 0 where the source has none */
	/* Of memory that was hit, in units of `grain`; where several rows hit the same,
	 * it counts in the one with the most events, so that rows add up. */
	uint64_t bytes;
};

/* A function or variable of the symbol table of `program`, sampled or not. */
struct mh_profile_symbol {
	const char *name, *section; /* not demangled */
	uint64_t vaddr, size, events;
	bool code, local;
	bool ambiguous; /* others have the same name: nobody could tell which is meant */
};

/* What the loads of one code address do. */
struct mh_profile_load {
	uint64_t samples;
	uint64_t leveled; /* of these it is known where they were served from */
	uint64_t missed;  /* of these, beyond the second level */
	uint64_t latency_p50, latency_p95; /* cycles, to a fifth; 0: not known */
	int64_t stride;                    /* bytes; 0: none is seen */
	double confidence;                 /* share of the steps that agree */
};

struct mh_profile {
	struct mh_provenance from;
	enum mh_unit unit;
	bool faults; /* first touches, one per page */
	bool has_level, has_cycles;
	char events[64]; /* what is counted: "page-faults" */
	/* Why counts are not proportional to how often code ran; "" if they are. */
	char bias[256];
	uint64_t period;      /* events per sample; 0: it varies */
	uint32_t grain;       /* 64: cache lines; 4096: pages, of first touches */
	uint64_t nr_samples;  /* in rows */
	uint64_t nr_no_data;  /* left out: they have no data address */
	uint64_t nr_left_out; /* left out: past the limit of distinct places */
	uint64_t nr_unnamed_code, nr_unnamed_data;
	uint64_t nr_chained; /* samples whose callers are known */

	struct mh_profile_module *modules;
	size_t nr_modules;
	uint32_t program; /* the module that was asked for; MH_PROFILE_NONE: none */
	struct mh_profile_map *maps;
	size_t nr_maps;
	struct mh_profile_code *codes; /* by process, then address */
	size_t nr_codes;
	struct mh_profile_caller *callers; /* if asked for; their codes are in codes */
	size_t nr_callers;
	struct mh_profile_load *loads; /* of each code; NULL: not asked for */
	struct mh_profile_object *objects;
	size_t nr_objects;
	struct mh_profile_row *rows; /* by code, object, caller, address */
	size_t nr_rows;
	struct mh_profile_symbol *symbols; /* by address, code first; if asked for */
	size_t nr_symbols;

	/* Strings and frames are the names' and go with them. */
	void *names;
	void (*names_free)(void *names);
};

void mh_profile_fini(struct mh_profile *p);

/* The symbol that begins there, of functions (@code) or variables; NULL. */
struct mh_profile_symbol *mh_profile_symbol_at(const struct mh_profile *p, bool code,
					       uint64_t vaddr);

/* ---- allocs: what lines of a program allocate, and what becomes of it ---- */

#define MH_ALLOC_FRAMES 8

struct mh_alloc_frame {
	char *function;  /* owned; as linked */
	uint32_t offset; /* of the line, from where the function is declared */
	uint32_t column; /* 0: not known */
};

struct mh_alloc_site {
	struct mh_alloc_frame frames[MH_ALLOC_FRAMES]; /* innermost first */
	uint32_t nr_frames;   /* beyond the first: what it is inlined into */
	uint64_t nr, bytes;   /* blocks, and their sizes summed */
	uint64_t lifetime_ns; /* summed; what was not freed lived to the end */
	uint64_t events;      /* accesses */
};

struct mh_allocs {
	struct mh_provenance from;
	char bias[256]; /* as in struct mh_profile */
	bool known;     /* there is a heap log */
	struct mh_alloc_site *sites;
	size_t nr_sites;
	uint64_t nr_no_site;   /* blocks without a known call chain */
	uint64_t nr_left_out;  /* allocations past the limit of blocks */
	uint64_t nr_elsewhere; /* samples in no block */
};

void mh_allocs_fini(struct mh_allocs *a);

/* ---- heat: ranges of addresses by how hot they were ---- */

struct mh_heat_piece {
	uint32_t pid;
	struct mh_range addr;
	double rate;      /* mean hit or touched ratio while it was observed, 0..1 */
	uint64_t seen_ns; /* observed for so long */
	char mapping[96]; /* "[heap]"; "" */
	const char *path; /* of the mapping, as in /proc/PID/maps; "" */
	uint64_t pgoff;   /* of addr.start in the file */
	bool mapped, write, shared;
};

/* Bytes by how long they had not been accessed. */
struct mh_heat_age {
	uint64_t age_ns;
	uint64_t cold;   /* median over time of the bytes idle for so long; MH_NO_DATA */
	double promoted; /* bytes per second that were accessed again after it; NAN */
};

#define MH_HEAT_AGES 12

struct mh_heat {
	struct mh_provenance from;
	enum mh_unit unit;
	uint64_t interval_ns;         /* median length of a snapshot */
	struct mh_heat_piece *ranges; /* by process, then address; disjoint */
	size_t nr_ranges;
	struct mh_heat_age ages[MH_HEAT_AGES]; /* ascending, each twice the one before */
	size_t nr_ages;                        /* 0: the source cannot tell */
};

/* Strings of ranges are the session's. */
void mh_heat_fini(struct mh_heat *heat);

/* ---- summary: what the other views say, in a few sentences' worth of numbers ---- */

struct mh_summary {
	struct mh_wss wss;
	struct mh_mappings mappings;
	uint64_t mapped_bytes; /* largest sum of the mappings; MH_NO_DATA */
	uint64_t rss_p50;
	uint64_t peak_at_ns; /* when the WSS peaked; relative */
};

void mh_summary_fini(struct mh_summary *s);

/* ---- checks: runs, their environment, a verdict ---- */

#define MH_LOG2_BUCKETS 48

/* One number of a run: "wss.p50", bytes; "promo.2s", bytes per second. */
struct mh_run_metric {
	char name[32];
	double value;
};

/*
 * What a part of the memory was worth in a run. The key is the same from run to run,
 * wherever things were loaded: "comm mapping", or "comm function()" of what that function
 * allocated.
 */
struct mh_run_object {
	char *key;     /* owned, as all strings here */
	double bytes;  /* mean WSS: the objects' add up to the run's */
	char *mapping; /* of a function's blocks: the key without it; else NULL */
	char *file;    /* where most of them were allocated; NULL: not known */
	uint32_t line;
};

void mh_run_object_fini(struct mh_run_object *o);

/* A run of a workload, boiled down to what a later one is compared with. */
struct mh_run {
	char label[128];
	char time[32]; /* UTC, "2026-11-21T10:00:00Z"; "" if not known */
	struct {
		struct mh_run_metric *v;
		size_t nr, cap;
	} metrics;
	struct {
		struct mh_run_object *v; /* by key */
		size_t nr, cap;
	} objects;
	uint64_t nr_windows, nr_no_data, nr_skipped, median_window_ns, lost;
	/* Left out since the program was kept from running, or was ending; of the windows
	 * that count, those in which it waited for a CPU for longer than it ran. */
	uint64_t nr_left_out, nr_busy;
	uint64_t refined; /* 1: objects are told by the pages that faulted */
	/* Windows whose WSS is at most 2^i and more than 2^(i-1) bytes, and their sum:
	 * such buckets of any two machines add up. Not kept in baselines. */
	uint64_t windows_log2[MH_LOG2_BUCKETS];
	double windows_sum;
};
void mh_run_fini(struct mh_run *run);
/* NAN: the run has no such metric. */
double mh_run_value(const struct mh_run *run, const char *metric);

/* "bytes", or "bytes/s" for promo.AGE. */
const char *mh_metric_unit(const char *metric);

/* What must be alike for runs to be compared, then what should be. "" or 0: not known. */
struct mh_environment {
	char source[64];
	uint64_t window_ns; /* as asked for */
	uint64_t page_size;
	char thp[32], arch[32];
	char kernel[128], cpu[128];
};

enum mh_environment_match {
	MH_ENVIRONMENT_SAME,
	MH_ENVIRONMENT_NEAR, /* another kernel or CPU */
	MH_ENVIRONMENT_OTHER /* not comparable */
};
/* @why: what differs, for a person; "" if nothing does */
enum mh_environment_match mh_environment_compare(const struct mh_environment *a,
						 const struct mh_environment *b,
						 char *why, size_t size);

/* Runs of one workload in one environment. */
struct mh_runs {
	char workload[256];
	struct mh_environment env;
	struct mh_run *v;
	size_t nr, cap;
};
void mh_runs_fini(struct mh_runs *runs);

/* In order of weight: a check is as bad as its worst metric. */
enum mh_verdict_kind {
	MH_VERDICT_PASS,
	MH_VERDICT_IMPROVED,
	MH_VERDICT_WARN,
	MH_VERDICT_INCONCLUSIVE,
	MH_VERDICT_FAIL
};
const char *mh_verdict_name(enum mh_verdict_kind kind); /* "pass", "improved", ... */

struct mh_verdict_metric {
	char name[32];
	bool budget; /* an absolute limit: no baseline, no statistics */
	enum mh_verdict_kind kind;
	double baseline, value; /* medians of the runs; NAN: not there */
	double lo, hi;          /* smallest and largest of the new runs; NAN */
	double limit;           /* budget: bytes; else the ratio that fails, e.g. 1.05 */
	char op[3];             /* budget: "<=", "<", ">=", ">" */
	bool of_rss;  /* budget: value and limit are shares of the resident memory */
	double ratio; /* Hodges-Lehmann; NAN, INFINITY from zero */
	double ratio_lo, ratio_hi; /* 95 % interval; NAN with too few runs */
	double p_value;            /* after Holm; NAN: no statistics */
	double noise;              /* (max - min) / median of the baseline; NAN */
	size_t nr_baseline, nr_runs;
	char why[256]; /* what a person should know of it; "" */
};

struct mh_growth {
	char *key;              /* owned */
	double baseline, value; /* medians of the runs' means; 0 where it is not there */
	char *file;             /* owned; NULL: not known */
	uint32_t line;
};

struct mh_verdict_note {
	bool warning;
	char text[400];
};

struct mh_verdict {
	char workload[256];
	struct mh_environment env;
	size_t nr_baseline, nr_runs;
	uint64_t windows_log2[MH_LOG2_BUCKETS]; /* of the new runs together */
	double windows_sum;
	int wait_status; /* of a workload that failed; -1: none did */
	enum mh_verdict_kind kind;
	struct {
		struct mh_verdict_metric *v;
		size_t nr, cap;
	} metrics;
	struct {
		struct mh_growth *v; /* by growth, largest first */
		size_t nr, cap;
	} growth;
	struct {
		struct mh_verdict_note *v;
		size_t nr, cap;
	} notes;
};
void mh_verdict_fini(struct mh_verdict *v);
/* Add a note. Negative: out of memory. */
int mh_verdict_note(struct mh_verdict *v, bool warning, const char *fmt, ...)
	MH_PRINTF(3, 4);
/* Metrics that failed. */
size_t mh_verdict_nr_failed(const struct mh_verdict *v);

#endif
