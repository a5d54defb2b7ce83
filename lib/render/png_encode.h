/* SPDX-License-Identifier: MIT */
/* Colour indices into a PNG; the only file that names libpng. */
#ifndef MEMHEAT_RENDER_PNG_ENCODE_H
#define MEMHEAT_RENDER_PNG_ENCODE_H

#include "render/raster.h"

struct mh_png_image {
	const uint8_t *pixels; /* h lines of w indices, stride apart */
	uint32_t w, h;
	size_t stride;
	const struct mh_rgb *colors;
	unsigned nr_colors;
	/* tEXt chunks, ASCII; NULL ends */
	struct {
		const char *key, *text;
	} about[5];
};

/* @put returns < 0 to stop. The bytes depend on nothing but @image. */
int mh_png_encode(const struct mh_png_image *image,
		  int (*put)(void *arg, const uint8_t *bytes, size_t len), void *arg,
		  struct mh_err *err) MH_MUST_CHECK;

#endif
