/* SPDX-License-Identifier: MIT */
/*
 * The cells while they are being counted: an analysis whose part holds slabs of columns,
 * made when data first fall into them. Cells of a column lie together, since data come in
 * time order: a snapshot or a burst of samples works on a few KiB. Threads take runs of
 * blocks, so their slabs hardly overlap and merging mostly moves pointers.
 */
#ifndef MEMHEAT_ANALYZE_GRID_H
#define MEMHEAT_ANALYZE_GRID_H

#include "analyze/layout.h"
#include "analyze/pass.h"

/* Columns that are turned into rows at once: a cache line of doubles. */
#define MH_SLAB_STEP 8

/* Cells of slab_cols columns x rows; those of the other kind of data are NULL. */
struct mh_slab {
	double *sum, *area, *max; /* snapshots: value x area, area, largest value */
	uint32_t *count;          /* samples */
	uint64_t *extra;          /* sum of periods minus 1; NULL: all are 1 */
};

/* Sum of the periods of the samples in a cell. */
static inline uint64_t mh_slab_weight(const struct mh_slab *slab, size_t at)
{
	return slab->count[at] + (slab->extra ? slab->extra[at] : 0);
}

/* What is the same for all threads. */
struct mh_frame {
	const struct mh_layout *layout;
	const struct mh_scan_opts *scan;
	struct mh_axis time; /* absolute ns */
	uint32_t rows;
	bool samples;
	bool periods;    /* samples: weigh by period */
	bool damo;       /* DAMO's cell rule: one thread, in order of time */
	bool damo_ages;  /* it paints regions back by their age */
	bool damo_tuned; /* the kernel chose the intervals: a rate is per real interval */
};

struct mh_grid {
	const struct mh_frame *frame;
	struct mh_slab *slabs;
	size_t nr_slabs;
	uint32_t slab_cols; /* a multiple of MH_SLAB_STEP; alike in all parts of a map */
	uint64_t nr_outside;
	double *band_heat; /* per band; samples: of collapsed ones only until the end */
	struct mh_grid_profile *profile;
	struct mh_grid_damo *rule;
	struct mh_grid_lookup *lookup;
};

/* The mh_analysis of a grid: .arg is the frame, .part a struct mh_grid. */
void mh_grid_analysis(struct mh_analysis *out, const struct mh_frame *frame);

/* The slab of a column, made when needed; NULL: out of memory. */
struct mh_slab *mh_grid_slab(struct mh_grid *g, uint32_t col);
/* The same with memory for periods. */
struct mh_slab *mh_grid_slab_extra(struct mh_grid *g, uint32_t col);
/* The memory of a slab whose columns are done. */
void mh_grid_drop_slab(struct mh_grid *g, uint32_t col);

/* Where a column's cells begin in its slab. */
static inline size_t mh_slab_column(const struct mh_grid *g, uint32_t col)
{
	return (size_t)(col % g->slab_cols) * g->frame->rows;
}

/* Snapshots (grid_snapshots.c) and samples (grid_samples.c) into a grid. */
int mh_grid_profile_new(struct mh_grid *g);
void mh_grid_profile_free(struct mh_grid *g);
int mh_grid_add_snapshots(struct mh_grid *g, const struct mh_batch *b,
			  struct mh_err *err);
int mh_grid_damo_new(struct mh_grid *g);
void mh_grid_damo_free(struct mh_grid *g);
int mh_grid_add_damo(struct mh_grid *g, const struct mh_batch *b, struct mh_err *err);
int mh_grid_lookup_new(struct mh_grid *g);
void mh_grid_lookup_free(struct mh_grid *g);
int mh_grid_add_samples(struct mh_grid *g, const struct mh_batch *b, struct mh_err *err);
/* Once at the end: bands with rows get their heat from the cells. */
void mh_grid_sum_samples(struct mh_grid *g, const struct mh_band *bands);

#endif
