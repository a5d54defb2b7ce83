/* SPDX-License-Identifier: MIT */
/*
 * From a cell's number to a colour: colour maps, the scale that places a value on them,
 * and the nearest colours of terminals.
 */
#ifndef MEMHEAT_RENDER_PALETTE_H
#define MEMHEAT_RENDER_PALETTE_H

#include <memheat/render.h>

struct mh_rgb {
	uint8_t r, g, b;
};

/* All 256 colours from cold to hot; @light: reversed, so that paper is cold. */
void mh_palette_fill(struct mh_rgb colors[256], enum mh_cmap cmap, int light);

/* From less (blue) over the same (near the page) to more (red). */
void mh_palette_diverging(struct mh_rgb colors[256], int light);

/* CIE lightness, 0..100. */
double mh_rgb_lightness(struct mh_rgb c);
/* Nearest of the 6x6x6 cube and the greys, 16..255. */
unsigned mh_rgb_to_256(struct mh_rgb c);

/* Places values between 0 (coldest) and 1 (hottest). */
struct mh_color_scale {
	enum mh_scale kind; /* never AUTO */
	enum mh_unit unit;
	double lo, hi;
	bool diverging; /* lo is -hi, and 0 is in the middle; linear */
	bool clipped;   /* values above hi exist and are drawn as hi */
	double stretch; /* of the logarithm */
	double bent_lo, bent_hi;
};

void mh_color_scale_init(struct mh_color_scale *s, const struct mh_heatmap *map,
			 enum mh_scale scale, double lo, double hi);
double mh_color_scale_place(const struct mh_color_scale *s, double value);
double mh_color_scale_value(const struct mh_color_scale *s, double place);
const char *mh_color_scale_name(const struct mh_color_scale *s);

/* One of @nr levels: 0 only for zero, so that little never looks like nothing. */
unsigned mh_color_scale_level(const struct mh_color_scale *s, double value, unsigned nr);

/* A value in words of its unit, "42" (%), "1.2k" (per second). */
void mh_color_scale_text(const struct mh_color_scale *s, double value, char buf[16]);

struct mh_scale_tick {
	double place;
	char text[16];
};
#define MH_SCALE_TICKS 6
size_t mh_color_scale_ticks(const struct mh_color_scale *s,
			    struct mh_scale_tick ticks[MH_SCALE_TICKS]);

#endif
