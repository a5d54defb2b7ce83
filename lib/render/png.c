/* SPDX-License-Identifier: MIT */
/*
 * The heatmap as a PNG. Cells are written as colour indices, one byte per pixel; text and
 * lines are drawn by cairo into a second plane of coverage, which becomes shades between
 * page and ink. cairo's built-in font needs no font files and is the same everywhere, but
 * knows only ASCII: other characters of names appear as \u{N}.
 */
#include <memheat/render.h>

#include <cairo.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/caption.h"
#include "render/png_encode.h"
#include "render/utf8.h"

static double alpha_of(enum mh_ink ink)
{
	return ink == MH_INK_TEXT ? 1 : ink == MH_INK_DIM ? 0.74 : 0.5;
}

/* The built-in font's own space nearly joins words. */
#define SPACE_EM 0.36

/* Draw words (or, without @draw, only measure them); returns their advance. */
static double put_words(cairo_t *cr, const char *text, double size, bool draw)
{
	char word[sizeof(((struct mh_mark *)0)->text)];
	double x = 0;

	while (*text) {
		size_t len = strcspn(text, " ");
		cairo_text_extents_t e;

		memcpy(word, text, len);
		word[len] = '\0';
		cairo_text_extents(cr, word, &e);
		cairo_move_to(cr, x, 0);
		if (draw && len)
			cairo_show_text(cr, word);
		x += e.x_advance;
		for (text += len; *text == ' '; text++)
			x += SPACE_EM * size;
	}
	return x;
}

/* Narrow the text when this font is wider than what the layout counted on. */
static void draw_text(cairo_t *cr, const struct mh_mark *m)
{
	double x0, y0, x1, y1, width, squeeze = 1;

	mh_mark_bounds(m, &x0, &y0, &x1, &y1);
	cairo_set_font_size(cr, m->size);
	width = put_words(cr, m->text, m->size, false);
	if (width > x1 - x0)
		squeeze = (x1 - x0) / width;
	cairo_save(cr);
	cairo_translate(cr, m->x - width * squeeze * (m->anchor + 1) / 2, m->y);
	cairo_scale(cr, squeeze, 1);
	put_words(cr, m->text, m->size, true);
	cairo_restore(cr);
}

static void draw_marks(cairo_t *cr, const struct mh_paper *paper)
{
	size_t i;

	cairo_set_line_width(cr, 1);
	for (i = 0; i < paper->marks.nr; i++) {
		const struct mh_mark *m = &paper->marks.v[i];

		cairo_set_source_rgba(cr, 1, 1, 1, alpha_of(m->ink));
		if (m->kind == MH_MARK_TEXT) {
			draw_text(cr, m);
		} else if (m->kind == MH_MARK_LINE) {
			cairo_move_to(cr, m->x, m->y);
			cairo_line_to(cr, m->x2, m->y2);
			cairo_stroke(cr);
		}
	}
}

static void draw_boxes(cairo_t *cr, const struct mh_paper *paper)
{
	size_t i;

	cairo_set_source_rgba(cr, 1, 1, 1, 1);
	for (i = 0; i < paper->nr_spots; i++) {
		const struct mh_box *b = &paper->boxes[i];
		struct mh_mark number = { .kind = MH_MARK_TEXT,
					  .x = b->x + b->w / 2.0,
					  .y = b->y + b->h / 2.0 + paper->font * 0.35,
					  .size = paper->font };

		snprintf(number.text, sizeof(number.text), "%zu", i + 1);
		cairo_rectangle(cr, b->x + 0.5, b->y + 0.5, b->w - 1, b->h - 1);
		cairo_stroke(cr);
		draw_text(cr, &number);
	}
}

/* Shades where the page is empty, and inside the boxes even over cells. */
static void add_ink(const struct mh_paper *paper, const uint8_t *ink, size_t stride,
		    uint8_t *pixels)
{
	size_t i;
	int x, y;

	for (y = 0; y < paper->h; y++) {
		uint8_t *line = pixels + (size_t)y * (size_t)paper->w;

		for (x = 0; x < paper->w; x++) {
			if (line[x] == MH_INDEX_PAGE)
				line[x] += (uint8_t)(ink[y * stride + x] *
						     (MH_NR_INK - 1) / 255);
		}
	}
	for (i = 0; i < paper->nr_spots; i++) {
		const struct mh_box *b = &paper->boxes[i];

		for (y = b->y; y < b->y + b->h; y++) {
			for (x = b->x; x < b->x + b->w; x++)
				pixels[(size_t)y * (size_t)paper->w + x] =
					(uint8_t)(MH_INDEX_INK + ink[y * stride + x] *
									 (MH_NR_INK - 1) /
									 255);
		}
	}
}

static int draw_ink(const struct mh_paper *paper, uint8_t *pixels, struct mh_err *err)
{
	cairo_surface_t *surface =
		cairo_image_surface_create(CAIRO_FORMAT_A8, paper->w, paper->h);
	cairo_t *cr = cairo_create(surface);
	cairo_font_options_t *font = cairo_font_options_create();
	int status = 0;

	/* Whole-pixel advances would eat the spaces between words. */
	cairo_font_options_set_hint_metrics(font, CAIRO_HINT_METRICS_OFF);
	cairo_set_font_options(cr, font);
	cairo_font_options_destroy(font);
	cairo_select_font_face(cr, "@cairo:", CAIRO_FONT_SLANT_NORMAL,
			       CAIRO_FONT_WEIGHT_NORMAL);
	draw_marks(cr, paper);
	draw_boxes(cr, paper);
	cairo_surface_flush(surface);
	if (cairo_status(cr) != CAIRO_STATUS_SUCCESS)
		status = mh_fail(err, MH_ENOMEM, "cannot draw the axes: %s",
				 cairo_status_to_string(cairo_status(cr)));
	else
		add_ink(paper, cairo_image_surface_get_data(surface),
			(size_t)cairo_image_surface_get_stride(surface), pixels);
	cairo_destroy(cr);
	cairo_surface_destroy(surface);
	return status;
}

static int put_stream(void *arg, const uint8_t *bytes, size_t len)
{
	return fwrite(bytes, 1, len, arg) == len ? 0 : -1;
}

static int encode(FILE *out, const struct mh_paper *paper, const struct mh_heatmap *map,
		  const struct mh_picture_opts *opts, const uint8_t *pixels,
		  struct mh_err *err)
{
	struct mh_rgb colors[MH_NR_INDEX];
	char text[MH_CAPTION_MAX], title[sizeof(map->from.title) * 4], about[1024],
		command[1024];
	struct mh_png_image image = { .pixels = pixels,
				      .w = (uint32_t)paper->w,
				      .h = (uint32_t)paper->h,
				      .stride = (size_t)paper->w,
				      .colors = colors,
				      .nr_colors = MH_NR_INDEX,
				      .about = { { "Title", title },
						 { "Description", about },
						 { "Software",
						   "memheat " MEMHEAT_VERSION } } };
	int status;

	mh_heatmap_describe(map, text, sizeof(text));
	mh_utf8_safe(about, sizeof(about), text, 0);
	mh_utf8_safe(title, sizeof(title),
		     *map->from.title ? map->from.title : "memory accesses", 0);
	if (opts->command) {
		mh_utf8_safe(command, sizeof(command), opts->command, 0);
		image.about[3].key = "Comment";
		image.about[3].text = command;
	}
	mh_raster_palette(colors, map, opts->cmap, opts->light);
	status = mh_png_encode(&image, put_stream, out, err);
	if (status == 0 && fflush(out) != 0)
		status = mh_fail_errno(err, "cannot write the PNG");
	return status;
}

int mh_png_write(FILE *out, const struct mh_heatmap *map,
		 const struct mh_picture_opts *opts, struct mh_err *err)
{
	struct mh_paper paper;
	uint8_t *pixels;
	int status = mh_raster_draw(&paper, &pixels, map, opts, false, err);

	if (status == 0 && paper.labels)
		status = draw_ink(&paper, pixels, err);
	if (status == 0)
		status = encode(out, &paper, map, opts, pixels, err);
	free(pixels);
	mh_paper_fini(&paper);
	return status;
}
