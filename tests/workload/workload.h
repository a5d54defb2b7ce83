/* SPDX-License-Identifier: MIT */
/*
 * Workloads with a known memory-access pattern, for tests of what a recorder finds.
 *
 * One program, one pattern per run. A pattern maps its regions, writes every page of them
 * once, and then touches one byte per stride of a known hot set over and over. What it
 * really did is kept in a struct truth and written as JSON when the run ends.
 *
 * SIGINT and SIGTERM stay blocked and are taken where the program sleeps (sigtimedwait):
 * there is no handler, and no signal is lost between a check and a sleep.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define KIB       ((uint64_t)1024)
#define MIB       (1024 * KIB)
#define NS_PER_S  ((uint64_t)1000000000)
#define HUGE_SIZE (2 * MIB)

/* Ranges of one phase; regions of a pattern besides those of forked workers. */
#define NR_HOT_MAX      5
#define NR_WORK_REGIONS 8

enum thp_mode {
	THP_UNSET,
	THP_NEVER,
	THP_MADVISE,
	THP_ALWAYS
};

/* 0 or NULL: not given, so the pattern's own default holds; resolved before a run. */
struct options {
	const char *pattern;
	uint64_t hot, total, stride, step;
	uint64_t phase_ns, time_ns, think_ns, settle_ns;
	uint64_t nr_phases, burst, seed, exit_status, node;
	double exponent;
	enum thp_mode thp;
	bool write, keep_tlb, verbose;
	const char *truth_path, *layout_path;
};

struct range {
	uint64_t start, end;
};

struct region {
	char name[16], symbol[32];
	pid_t pid;
	struct range range;
};

/*
 * A stretch of time with one hot set. wss_bytes counts touched pages in the size they are
 * mapped with. deadline_ns: when it should end; phases are listed in its order, also
 * where a late process started one after its time. touched: one bit per page of hot[0],
 * for a set that is not whole ranges.
 */
struct phase {
	uint64_t start_ns, end_ns, deadline_ns, wss_bytes, sweeps;
	pid_t pid;
	int nr_hot;
	struct range hot[NR_HOT_MAX];
	const uint64_t *touched;
};

/* One object of `structs`: where it was made, who touches it, and how often. */
struct share {
	const char *name, *kind, *function, *file, *accessor;
	int line, accessor_line;
	struct range range;
	uint64_t bytes, nr_blocks, wss_bytes, accesses, first_touches;
};

/* Shared by all processes of a run; slots are taken atomically. */
struct truth {
	uint64_t overhead_bytes, nr_first_touches, nr_regions, nr_phases;
	uint64_t nr_regions_max, nr_phases_max;
	struct range populate_ns;
	struct region *regions;
	struct phase *phases;
};

struct workload {
	struct options opt;
	struct truth *truth;
	const struct share *shares;    /* of `structs` */
	const uint64_t *first_touches; /* of `first-touch`, in order of time */
	uint64_t nr_shares, page, anon_huge_bytes, flushed_ns;
	char *scratch;
	pid_t scratch_owner; /* whose pages they are, not a copy that waits for a write */
	bool stop;           /* a signal asked for the end */
};

/* A pattern's defaults; phase_ns 0: one phase that lasts for time_ns. */
struct pattern {
	const char *name, *help;
	int (*run)(struct workload *w);
	uint64_t hot, total, phase_ns, time_ns, stride, burst;
	bool write, is_short;
};

extern const struct pattern patterns[];

/* options.c: 0, or -1 after words on stderr; 1 when --help or --list was answered. */
int options_parse(struct options *opt, int argc, char **argv);

/* touch.c: memory, time and touches. Functions that can fail print why and return -1. */
int workload_init(struct workload *w);
uint64_t clock_ns(void);
void sleep_until(struct workload *w, uint64_t deadline_ns);
int region_map(struct workload *w, struct range *out, const char *name, uint64_t size);
void region_populate(struct workload *w, struct range range);
int populate_and_settle(struct workload *w, struct range range);
void touch_phase(struct workload *w, struct range hot, uint64_t deadline_ns);
void burst_end(struct workload *w);
uint64_t random_next(uint64_t *state);
int smaps_sum(uint64_t *out, struct range range, const char *field);
int overhead_add(struct workload *w);

static inline void touch(volatile char *byte, bool write)
{
	if (write)
		*byte = 1;
	else
		(void)*byte;
}

/* truth.c */
int truth_new(struct truth **out, uint64_t nr_regions_max, uint64_t nr_phases_max);
void truth_region(struct workload *w, const char *name, const char *symbol,
		  struct range range);
void truth_phase(struct workload *w, const struct phase *phase);
int truth_write(const struct workload *w, const char *path);
int layout_write(const struct workload *w);

/* One file per family. */
int run_static(struct workload *w);
int run_idle(struct workload *w);
int run_window(struct workload *w);
int run_stairs(struct workload *w);
int run_zigzag(struct workload *w);
int run_zipf(struct workload *w);
int run_antiphase(struct workload *w);
int run_server(struct workload *w);
int run_thp(struct workload *w);
int run_structs(struct workload *w);
int run_first_touch(struct workload *w);

#endif
