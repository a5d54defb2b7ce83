/* SPDX-License-Identifier: MIT */
/* Cells, WSS curve and means as colour indices of one palette, written straight to
 * pixels. */
#ifndef MEMHEAT_RENDER_RASTER_H
#define MEMHEAT_RENDER_RASTER_H

#include "render/layout.h"

/* The palette of a picture. */
enum {
	MH_INDEX_HEAT = 0, /* MH_NR_HEAT colours, cold to hot */
	MH_NR_HEAT = 208,
	MH_INDEX_INK = MH_NR_HEAT, /* MH_NR_INK shades from page to ink, for text */
	MH_NR_INK = 32,
	MH_INDEX_PAGE = MH_INDEX_INK,
	MH_INDEX_HATCH = MH_INDEX_INK + MH_NR_INK, /* not observed: ground, line */
	MH_INDEX_HATCH_LINE,
	MH_INDEX_WSS,       /* up to the least of a column */
	MH_INDEX_WSS_RANGE, /* from the least to the most */
	MH_INDEX_MEAN,
	MH_NR_INDEX
};

void mh_raster_palette(struct mh_rgb colors[MH_NR_INDEX], const struct mh_heatmap *map,
		       enum mh_cmap cmap, int light);

/*
 * What a pixel or character shows of the cells in rows and columns [0]..[1]: the highest
 * value (of differences the largest of either sign), or the strongest state when there is
 * none. A value that is no number counts as
 * not observed. *value is NAN for the states without one.
 */
enum mh_cell_state mh_raster_highest(const struct mh_heatmap *map, const uint32_t row[2],
				     const uint32_t col[2], double *value);

/*
 * The index of pixel @x, @y for a cell of @state and @value; the place on the page gives
 * the texture of states that have one.
 */
uint8_t mh_raster_index(const struct mh_color_scale *scale, enum mh_cell_state state,
			double value, int x, int y);

/*
 * The layout of a picture, and its w * h pixels: page, cells, WSS strip, mean strip,
 * legend and swatches, as indices. mh_paper_fini() and free(*pixels)
 * whatever is returned.
 */
int mh_raster_draw(struct mh_paper *paper, uint8_t **pixels, const struct mh_heatmap *map,
		   const struct mh_picture_opts *opts, bool utf8,
		   struct mh_err *err) MH_MUST_CHECK;

#endif
