/* SPDX-License-Identifier: MIT */
/*
 * The address axis of a heatmap: bands, and which row an address falls into. A pure
 * function of places and their heat.
 */
#ifndef MEMHEAT_ANALYZE_LAYOUT_H
#define MEMHEAT_ANALYZE_LAYOUT_H

#include "analyze/axis.h"
#include "analyze/survey.h"

/* A stretch of addresses that is linear in rows. */
struct mh_row_seg {
	uint64_t key;
	struct mh_axis axis; /* span: the addresses; bins: its rows, or 1 if collapsed */
	uint32_t row;        /* the first */
	uint32_t band;
	double weight; /* of one of its rows, where several stretches share rows */
	bool rows;     /* false: collapsed, data there are not drawn */
	bool has_maps; /* mappings tell what is there and when */
};

struct mh_layout {
	struct mh_band *bands; /* from low to high */
	size_t nr_bands;
	struct mh_row_seg *segs; /* by key, then address; disjoint */
	size_t nr_segs;
	uint32_t rows;
};

struct mh_layout_opts {
	uint32_t rows;
	bool no_collapse;
};

/*
 * Bands for @places (with heat, and with what the survey added).
 *
 * Returns MH_OK; MH_ENOSUP when there is nothing to lay out; MH_ENOMEM.
 */
int mh_layout_bands(struct mh_layout *out, const struct mh_session *s,
		    const struct mh_places *places, const struct mh_survey *sv,
		    const struct mh_layout_opts *opts, struct mh_err *err);

/*
 * One band: @range of all spaces of one process. @range 0, 0: the hottest contiguous one
 * of the busiest process. @whole: cut it so that every row has as many whole bytes.
 */
int mh_layout_plain(struct mh_layout *out, const struct mh_session *s,
		    const struct mh_places *places, const struct mh_survey *sv,
		    struct mh_range range, uint32_t rows, bool whole, struct mh_err *err);

void mh_layout_fini(struct mh_layout *l);

/* Index of the first stretch at or after (@key, @addr). */
size_t mh_layout_find(const struct mh_layout *l, uint64_t key, uint64_t addr);

#endif
