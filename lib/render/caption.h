/* SPDX-License-Identifier: MIT */
/*
 * The words around a picture: what it shows, of what, measured how, and what was not
 * seen. One place, so that PNG, SVG and terminal say the same. Names in them are as
 * recorded; whoever prints makes them safe for where they go.
 */
#ifndef MEMHEAT_RENDER_CAPTION_H
#define MEMHEAT_RENDER_CAPTION_H

#include "render/palette.h"

#define MH_CAPTION_MAX 512

/* "DAMON vaddr, sample 5 ms, aggr 100 ms, 56.8 s, 543 snapshots" */
void mh_caption_source(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX]);
/* "WSS p50 95.4 MiB, p95 190.8 MiB, max 196.9 MiB"; "no WSS from this source" */
void mh_caption_wss(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX]);
/* "lost 12, 2 gaps (1.2 s), not closed by the recorder"; "nothing lost, no gaps" */
void mh_caption_losses(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX]);
/* "cell 55 ms x 600 KiB"; the range where bands differ */
void mh_caption_cell(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX]);
/* "recorder 412 ms CPU, stalls up to 2 ms"; "" when nothing is known of it */
void mh_caption_cost(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX]);
/* "accessed in % of checks (sqrt scale, colour: cell maximum)" */
void mh_caption_unit(const struct mh_color_scale *scale, char buf[MH_CAPTION_MAX]);
/* "(1) [anon] +95.4 MiB: 100% for 4.1 s"; @which indexes map->spots */
void mh_caption_spot(const struct mh_heatmap *map, size_t which,
		     char buf[MH_CAPTION_MAX]);

#endif
