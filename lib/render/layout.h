/* SPDX-License-Identifier: MIT */
/*
 * Where everything on a picture is: a display list in pixels, the same for PNG and SVG,
 * so that both agree and a test can look at it. No library is needed to compute it.
 */
#ifndef MEMHEAT_RENDER_LAYOUT_H
#define MEMHEAT_RENDER_LAYOUT_H

#include "render/palette.h"

/* The narrowest character that both fonts keep to, in parts of the font's size. */
#define MH_CHAR_WIDTH 0.6

struct mh_box {
	int x, y, w, h;
};

enum mh_ink {
	MH_INK_TEXT,
	MH_INK_DIM,
	MH_INK_FAINT
};

enum mh_mark_kind {
	MH_MARK_TEXT,
	MH_MARK_LINE,
	MH_MARK_SWATCH /* a sample of a cell state */
};

struct mh_mark {
	enum mh_mark_kind kind;
	enum mh_ink ink;
	double x, y;   /* text: anchor on the baseline; line: start; swatch: corner */
	double x2, y2; /* line: end; swatch: opposite corner */
	double size;   /* of the font */
	int anchor;    /* text: -1 starts, 0 is centred, 1 ends at x */
	enum mh_cell_state state; /* of a swatch */
	char text[MH_TEXT_MAX * 8];
};

struct mh_strip {
	int y, h; /* of a band's cells, or of the slot of a collapsed one */
};

struct mh_paper {
	int w, h;
	int font;  /* size of plain text */
	bool utf8; /* texts may hold more than ASCII */
	bool labels;
	struct mh_box plot, wss, mean, gradient; /* labels off: only plot */
	struct mh_strip *strips;                 /* per band, as in the map */
	struct mh_box *spots; /* per hot spot: its region on the plot */
	struct mh_box *boxes; /* and the box with its number */
	size_t nr_strips, nr_spots;
	struct {
		struct mh_mark *v;
		size_t nr, cap;
	} marks;
};

/* Lay out @map; release with mh_paper_fini(), also after a failure. MH_EINPUT: no picture
 * of the wanted size can be drawn. */
int mh_paper_init(struct mh_paper *paper, const struct mh_heatmap *map,
		  const struct mh_color_scale *scale, const struct mh_picture_opts *opts,
		  bool utf8, struct mh_err *err) MH_MUST_CHECK;
void mh_paper_fini(struct mh_paper *paper);

/* What a mark covers, for text by the width that both fonts keep to. */
void mh_mark_bounds(const struct mh_mark *m, double *x0, double *y0, double *x1,
		    double *y1);

/* The cells [*first, *last) of @n under pixel @p of @pixels; never none. */
static inline void mh_cells_of_pixel(uint32_t p, uint32_t pixels, uint32_t n,
				     uint32_t *first, uint32_t *last)
{
	*first = (uint32_t)((uint64_t)p * n / pixels);
	*last = (uint32_t)((uint64_t)(p + 1) * n / pixels);
	if (*last <= *first)
		*last = *first + 1;
}

#endif
