/* SPDX-License-Identifier: MIT */
/*
 * A palette PNG with filter "none": for pictures of this kind three times faster and
 * smaller than true colour with all filters tried. Level 4: half the time of level 6 for
 * a tenth more bytes, which was a tenth of what a small trace takes to be drawn. No date
 * is written, so equal pictures are equal files.
 */
#include "render/png_encode.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

struct sink {
	int (*put)(void *arg, const uint8_t *bytes, size_t len);
	void *arg;
	bool failed; /* @put did; it has the reason */
	char why[128];
};

static void on_write(png_structp png, png_bytep bytes, png_size_t len)
{
	struct sink *sink = png_get_io_ptr(png);

	if (sink->put(sink->arg, bytes, len) < 0) {
		sink->failed = true;
		png_error(png, "the stream takes no more");
	}
}

static void on_flush(png_structp png)
{
	(void)png;
}

static void on_error(png_structp png, png_const_charp why)
{
	struct sink *sink = png_get_error_ptr(png);

	snprintf(sink->why, sizeof(sink->why), "%s", why);
	longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp why)
{
	(void)png;
	(void)why;
}

static void write_about(png_structp png, png_infop info, const struct mh_png_image *image)
{
	size_t i, n = sizeof(image->about) / sizeof(image->about[0]);

	for (i = 0; i < n && image->about[i].key; i++) {
		char key[80], text[1024];
		png_text chunk = { .compression = PNG_TEXT_COMPRESSION_NONE,
				   .key = key,
				   .text = text };

		snprintf(key, sizeof(key), "%s", image->about[i].key);
		snprintf(text, sizeof(text), "%s", image->about[i].text);
		chunk.text_length = strlen(text);
		png_set_text(png, info, &chunk, 1);
	}
}

static void write_image(png_structp png, png_infop info, const struct mh_png_image *image)
{
	png_color colors[256];
	unsigned i;
	uint32_t y;

	for (i = 0; i < image->nr_colors; i++)
		colors[i] = (png_color){ image->colors[i].r, image->colors[i].g,
					 image->colors[i].b };
	png_set_IHDR(png, info, image->w, image->h, 8, PNG_COLOR_TYPE_PALETTE,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		     PNG_FILTER_TYPE_DEFAULT);
	png_set_PLTE(png, info, colors, (int)image->nr_colors);
	png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
	png_set_compression_level(png, 4);
	write_about(png, info, image);
	png_write_info(png, info);
	for (y = 0; y < image->h; y++)
		png_write_row(png, image->pixels + y * image->stride);
	png_write_end(png, info);
}

int mh_png_encode(const struct mh_png_image *image,
		  int (*put)(void *arg, const uint8_t *bytes, size_t len), void *arg,
		  struct mh_err *err)
{
	struct sink sink = { .put = put, .arg = arg };
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, on_error,
						  on_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile int status = 0;

	if (!info) {
		png_destroy_write_struct(&png, NULL);
		return mh_fail(err, MH_ENOMEM, "out of memory for a PNG");
	}
	if (setjmp(png_jmpbuf(png)))
		status = sink.failed ? mh_fail_errno(err, "cannot write the PNG")
				     : mh_fail(err, MH_ENOMEM, "cannot make a PNG: %s",
					       sink.why);
	else {
		png_set_write_fn(png, &sink, on_write, on_flush);
		write_image(png, info, image);
	}
	png_destroy_write_struct(&png, &info);
	return status;
}
