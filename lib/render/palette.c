/* SPDX-License-Identifier: MIT */
/*
 * The colour maps are inferno, viridis and magma by Stefan van der Walt and Nathaniel
 * Smith, which they gave away under CC0. Kept are 17 points of each; a Catmull-Rom spline
 * in integers gives the 256 colours, at most 4 of 255 off the published ones in any
 * channel (mean 0.6), which no eye sees, and the same on every machine.
 *
 * A scale is comparable between pictures where that makes sense: ratios always span 0..1.
 * Rates have no natural top, so theirs is the 99.9th percentile of this picture, and the
 * legend says that there is more.
 */
#include "render/palette.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define POINTS 17

static const uint32_t points[][POINTS] = {
	[MH_CMAP_INFERNO] = { 0x000004, 0x0b0724, 0x210c4a, 0x3d0965, 0x57106e, 0x71196e,
			      0x8a226a, 0xa32c61, 0xbc3754, 0xd04545, 0xe35933, 0xf1711f,
			      0xf98c0a, 0xfcaa0f, 0xf9c932, 0xf2e865, 0xfcffa4 },
	[MH_CMAP_VIRIDIS] = { 0x440154, 0x48186a, 0x472d7b, 0x424086, 0x3b528b, 0x33638d,
			      0x2c728e, 0x26828e, 0x21918c, 0x1f9f88, 0x27ad81, 0x3dbc74,
			      0x5cc863, 0x81d34d, 0xaadc32, 0xd5e21a, 0xfde725 },
	[MH_CMAP_MAGMA] = { 0x000004, 0x0a0822, 0x1d1147, 0x36106b, 0x51127c, 0x6a1c81,
			    0x832681, 0x9c2e7f, 0xb73779, 0xcf4070, 0xe55064, 0xf4695c,
			    0xfb8761, 0xfea571, 0xfec287, 0xfde0a1, 0xfcfdbf },
};

static int64_t channel(const uint32_t *map, int point, int shift)
{
	/* Beyond the ends the first and last steps go on. */
	if (point < 0)
		return 2 * channel(map, 0, shift) - channel(map, 1, shift);
	if (point >= POINTS)
		return 2 * channel(map, POINTS - 1, shift) -
		       channel(map, POINTS - 2, shift);
	return map[point] >> shift & 0xff;
}

static uint8_t spline(const uint32_t *map, int i, int shift)
{
	const int64_t n = 255;
	int k = i * (POINTS - 1) / 255 < POINTS - 2 ? i * (POINTS - 1) / 255 : POINTS - 2;
	int64_t t = (int64_t)i * (POINTS - 1) - k * n;
	int64_t a = channel(map, k - 1, shift), b = channel(map, k, shift);
	int64_t c = channel(map, k + 1, shift), d = channel(map, k + 2, shift);
	int64_t v = 2 * b * n * n * n + (c - a) * t * n * n +
		    (2 * a - 5 * b + 4 * c - d) * t * t * n +
		    (3 * b - a - 3 * c + d) * t * t * t;

	v = (v + n * n * n) / (2 * n * n * n);
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

void mh_palette_fill(struct mh_rgb colors[256], enum mh_cmap cmap, int light)
{
	int i;

	for (i = 0; i < 256; i++) {
		colors[light ? 255 - i : i] =
			(struct mh_rgb){ spline(points[cmap], i, 16),
					 spline(points[cmap], i, 8),
					 spline(points[cmap], i, 0) };
	}
}

void mh_palette_diverging(struct mh_rgb colors[256], int light)
{
	/* Of one lightness at both ends, so that neither sign weighs more. */
	static const struct mh_rgb themes[2][3] = {
		{ { 92, 158, 255 }, { 38, 41, 49 }, { 255, 112, 84 } },
		{ { 25, 94, 190 }, { 244, 245, 247 }, { 190, 40, 24 } },
	};
	const struct mh_rgb *t = themes[light ? 1 : 0];
	int i;

	for (i = 0; i < 256; i++) {
		const struct mh_rgb *end = i < 128 ? &t[0] : &t[2];
		int far = i < 128 ? 127 - i : i - 128; /* 0..127 */

		colors[i] = (struct mh_rgb){
			(uint8_t)(t[1].r + (end->r - t[1].r) * far / 127),
			(uint8_t)(t[1].g + (end->g - t[1].g) * far / 127),
			(uint8_t)(t[1].b + (end->b - t[1].b) * far / 127)
		};
	}
}

static double linear_light(uint8_t v)
{
	double s = v / 255.0;

	return s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
}

double mh_rgb_lightness(struct mh_rgb c)
{
	double y = 0.2126 * linear_light(c.r) + 0.7152 * linear_light(c.g) +
		   0.0722 * linear_light(c.b);

	return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : y * 24389 / 27;
}

static unsigned distance(struct mh_rgb a, struct mh_rgb b)
{
	int r = a.r - b.r, g = a.g - b.g, bl = a.b - b.b;

	return (unsigned)(3 * r * r + 6 * g * g + bl * bl);
}

static struct mh_rgb color_of_256(unsigned i)
{
	static const uint8_t steps[] = { 0, 95, 135, 175, 215, 255 };
	uint8_t grey = (uint8_t)(8 + 10 * (i - 232));

	if (i >= 232)
		return (struct mh_rgb){ grey, grey, grey };
	i -= 16;
	return (struct mh_rgb){ steps[i / 36], steps[i / 6 % 6], steps[i % 6] };
}

unsigned mh_rgb_to_256(struct mh_rgb c)
{
	unsigned best = 16, i;

	for (i = 17; i < 256; i++) {
		if (distance(c, color_of_256(i)) < distance(c, color_of_256(best)))
			best = i;
	}
	return best;
}

static bool is_ratio(enum mh_unit unit)
{
	return unit == MH_UNIT_HIT_RATIO || unit == MH_UNIT_TOUCHED_RATIO;
}

static double bend(const struct mh_color_scale *s, double v)
{
	if (v < 0 && !s->diverging)
		v = 0;
	if (s->kind == MH_SCALE_SQRT)
		return sqrt(v);
	return s->kind == MH_SCALE_LOG ? log1p(v * s->stretch) : v;
}

static double unbend(const struct mh_color_scale *s, double v)
{
	if (s->kind == MH_SCALE_SQRT)
		return v * v;
	return s->kind == MH_SCALE_LOG ? expm1(v) / s->stretch : v;
}

void mh_color_scale_init(struct mh_color_scale *s, const struct mh_heatmap *map,
			 enum mh_scale scale, double lo, double hi)
{
	bool ratio = is_ratio(map->unit);

	if (map->diverging) {
		hi = hi > lo ? hi : map->value_max > 0 ? map->value_max : 1;
		*s = (struct mh_color_scale){ .kind = MH_SCALE_LINEAR,
					      .unit = map->unit,
					      .lo = -hi,
					      .hi = hi,
					      .diverging = true,
					      .clipped = map->value_max > hi,
					      .stretch = 1,
					      .bent_lo = -hi,
					      .bent_hi = hi };
		return;
	}
	if (scale == MH_SCALE_AUTO)
		scale = ratio ? MH_SCALE_SQRT : MH_SCALE_LOG;
	if (!(hi > lo)) {
		lo = 0;
		hi = ratio ? 1 : map->value_p999;
		/* A picture without a single access needs a top all the same. */
		if (!(hi > 0))
			hi = 1;
	}
	*s = (struct mh_color_scale){
		.kind = scale, .unit = map->unit, .lo = lo, .hi = hi
	};
	s->clipped = map->value_max > hi;
	/* Ratios would all lie in the straight part of log1p. */
	s->stretch = ratio ? 1000 : 1;
	s->bent_lo = bend(s, lo);
	s->bent_hi = bend(s, hi);
}

double mh_color_scale_place(const struct mh_color_scale *s, double value)
{
	double place = (bend(s, value) - s->bent_lo) / (s->bent_hi - s->bent_lo);

	return place > 1 ? 1 : place > 0 ? place : 0;
}

double mh_color_scale_value(const struct mh_color_scale *s, double place)
{
	return unbend(s, s->bent_lo + place * (s->bent_hi - s->bent_lo));
}

const char *mh_color_scale_name(const struct mh_color_scale *s)
{
	return s->kind == MH_SCALE_SQRT  ? "sqrt"
	       : s->kind == MH_SCALE_LOG ? "log"
					 : "linear";
}

unsigned mh_color_scale_level(const struct mh_color_scale *s, double value, unsigned nr)
{
	double place = mh_color_scale_place(s, value);
	/* The first twelfth is left out: next to zero it could not be told from it. */
	unsigned least = nr / 12 ? nr / 12 : 1;

	if (s->diverging)
		return (unsigned)(place * (nr - 1) + 0.5);
	if (!(value > 0))
		return 0;
	return least + (unsigned)(place * (nr - 1 - least) + 0.5);
}

void mh_color_scale_text(const struct mh_color_scale *s, double value, char buf[16])
{
	static const char prefixes[] = " kMGTPE";
	unsigned p = 0;

	if (s->diverging && value) {
		struct mh_color_scale plain = { .unit = s->unit };
		char text[16];

		mh_color_scale_text(&plain, fabs(value), text);
		snprintf(buf, 16, "%c%.14s", value < 0 ? '-' : '+', text);
		return;
	}
	if (is_ratio(s->unit)) {
		value *= 100;
		snprintf(buf, 16, value > 0 && value < 0.95 ? "%.1g" : "%.0f", value);
		return;
	}
	while (value >= 999.5 && p < 6) {
		value /= 1000;
		p++;
	}
	if (fabs(value - round(value)) < 1e-6 * value || value >= 99.95 || value == 0)
		snprintf(buf, 15, "%.0f", value);
	else if (value >= 0.995)
		snprintf(buf, 15, "%.1f", value);
	else
		snprintf(buf, 15, "%.2g", value);
	if (p)
		strncat(buf, &prefixes[p], 1);
}

/* Powers of ten where a logarithm has them, else quarters. */
size_t mh_color_scale_ticks(const struct mh_color_scale *s,
			    struct mh_scale_tick ticks[MH_SCALE_TICKS])
{
	size_t n = 0, i;
	double v, step;

	if (s->kind == MH_SCALE_LOG && s->hi >= 100 && s->lo == 0) {
		step = pow(10, ceil(log10(s->hi) / (MH_SCALE_TICKS - 1)));
		ticks[n++].place = 0;
		for (v = step;
		     mh_color_scale_place(s, v) < 0.85 && n < MH_SCALE_TICKS - 1;
		     v *= step)
			ticks[n++].place = mh_color_scale_place(s, v);
		ticks[n++].place = 1;
	} else {
		for (n = 0; n < 5; n++)
			ticks[n].place = (double)n / 4;
	}
	for (i = 0; i < n; i++)
		mh_color_scale_text(s, mh_color_scale_value(s, ticks[i].place),
				    ticks[i].text);
	return n;
}
