/* SPDX-License-Identifier: MIT */
/* From a counted grid to the planes of a heatmap, and what stands out in them. */
#ifndef MEMHEAT_ANALYZE_CELLS_H
#define MEMHEAT_ANALYZE_CELLS_H

#include <memheat/view.h>

#include "analyze/grid.h"

/*
 * Fill mean, max, state, value_max and value_p999. Frees the grid's slabs as it goes, so
 * that the planes and the slabs are never both there whole.
 *
 * @plain: what data say of an address counts even where no mapping is known
 */
int mh_cells_finish(struct mh_heatmap *map, struct mh_grid *g, const struct mh_session *s,
		    const struct mh_session_source *src, bool plain, struct mh_err *err);

/* Up to five spots, the hottest of a band each. */
int mh_cells_spots(struct mh_heatmap *map, struct mh_err *err);

#endif
