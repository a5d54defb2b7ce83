/* SPDX-License-Identifier: MIT */
/*
 * The heatmap as an SVG of our own: cells, curve and means are one embedded palette PNG,
 * all words are real <text>, and bands and hot spots have titles for the pointer. cairo's
 * SVG surface is not used: it writes text as outlines (nothing to search, four fifths of
 * the file) and forgets that cells must not be smoothed, so that all but its frame had to
 * be replaced.
 */
#include <memheat/render.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "render/caption.h"
#include "render/png_encode.h"
#include "render/text.h"
#include "render/utf8.h"
#include "render/xml.h"

#define FONT "'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace"

/* Numbers with at most two decimals and a point in every locale. */
static void put_number(FILE *out, double v)
{
	char buf[MH_TEXT_MAX];
	long long hundredths = (long long)(v * 100 + (v < 0 ? -0.5 : 0.5));

	fputs(mh_text_double(buf, (double)hundredths / 100), out);
}

static void put_attribute(FILE *out, const char *name, double v)
{
	fprintf(out, " %s=\"", name);
	put_number(out, v);
	putc('"', out);
}

static void put_color(FILE *out, const char *name, struct mh_rgb c)
{
	fprintf(out, "%s:#%02x%02x%02x", name, c.r, c.g, c.b);
}

static void put_base64(FILE *out, const uint8_t *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 |
			     (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) |
			     (i + 2 < len ? p[i + 2] : 0);

		putc(digits[v >> 18], out);
		putc(digits[v >> 12 & 63], out);
		putc(i + 1 < len ? digits[v >> 6 & 63] : '=', out);
		putc(i + 2 < len ? digits[v & 63] : '=', out);
	}
}

/* ---- parts of the file ---- */

static struct mh_rgb ink_color(const struct mh_rgb *colors, int part)
{
	return colors[MH_INDEX_INK + part * (MH_NR_INK - 1) / 100];
}

static void put_head(FILE *out, const struct mh_paper *paper,
		     const struct mh_heatmap *map, const struct mh_rgb *colors)
{
	char about[MH_CAPTION_MAX];

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"t d\">\n<title "
		"id=\"t\">",
		paper->w, paper->h, paper->w, paper->h);
	mh_xml_text(out, *map->from.title ? map->from.title : "memory accesses");
	mh_heatmap_describe(map, about, sizeof(about));
	fputs("</title>\n<desc id=\"d\">", out);
	mh_xml_text(out, about);
	fputs("</desc>\n<!-- memheat " MEMHEAT_VERSION
	      " -->\n<style>image{image-rendering:pixelated}"
	      "text{font-family:" FONT "}.t{",
	      out);
	put_color(out, "fill", ink_color(colors, 100));
	fputs("}.d{", out);
	put_color(out, "fill", ink_color(colors, 74));
	fputs("}.f{", out);
	put_color(out, "fill", ink_color(colors, 50));
	fputs("}line{", out);
	put_color(out, "stroke", ink_color(colors, 60));
	fputs("}.b{", out);
	put_color(out, "fill", ink_color(colors, 0));
	putc(';', out);
	put_color(out, "stroke", ink_color(colors, 100));
	fputs("}.h{fill:#000;fill-opacity:0}</style>\n<rect width=\"100%\" "
	      "height=\"100%\" style=\"",
	      out);
	put_color(out, "fill", colors[MH_INDEX_PAGE]);
	fputs("\"/>\n", out);
}

static int put_bytes(void *arg, const uint8_t *bytes, size_t len)
{
	struct mh_wbuf *png = arg;

	mh_wbuf_bytes(png, bytes, len);
	return png->bad ? -1 : 0;
}

/* The rectangle @box of a page of pixels, as an image. */
static int put_image(FILE *out, const struct mh_paper *paper, const uint8_t *pixels,
		     const struct mh_rgb *colors, struct mh_box box, struct mh_err *err)
{
	struct mh_wbuf png = { 0 };
	struct mh_png_image image = { .pixels = pixels +
						(size_t)box.y * (size_t)paper->w + box.x,
				      .w = (uint32_t)box.w,
				      .h = (uint32_t)box.h,
				      .stride = (size_t)paper->w,
				      .colors = colors,
				      .nr_colors = MH_NR_INDEX };
	int status = mh_png_encode(&image, put_bytes, &png, err);

	if (status == 0) {
		/* librsvg takes the property from the style, others from the sheet. */
		fprintf(out,
			"<image x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
			"preserveAspectRatio=\"none\" "
			"style=\"image-rendering:pixelated\" "
			"href=\"data:image/png;base64,",
			box.x, box.y, box.w, box.h);
		put_base64(out, png.p, png.len);
		fputs("\"/>\n", out);
	} else if (png.bad) {
		status = mh_fail(err, MH_ENOMEM,
				 "out of memory for the picture in the SVG");
	}
	mh_wbuf_fini(&png);
	return status;
}

static void put_text(FILE *out, const struct mh_mark *m, const char *class)
{
	static const char *const anchors[] = { "start", "middle", "end" };

	fprintf(out, "<text class=\"%s\"", class);
	put_attribute(out, "x", m->x);
	put_attribute(out, "y", m->y);
	put_attribute(out, "font-size", m->size);
	if (m->anchor >= 0)
		fprintf(out, " text-anchor=\"%s\"", anchors[m->anchor + 1]);
	putc('>', out);
	mh_xml_text(out, m->text);
	fputs("</text>\n", out);
}

static void put_marks(FILE *out, const struct mh_paper *paper)
{
	static const char *const classes[] = { "t", "d", "f" };
	size_t i;

	for (i = 0; i < paper->marks.nr; i++) {
		const struct mh_mark *m = &paper->marks.v[i];

		if (m->kind == MH_MARK_TEXT) {
			put_text(out, m, classes[m->ink]);
		} else if (m->kind == MH_MARK_LINE) {
			fputs("<line", out);
			put_attribute(out, "x1", m->x);
			put_attribute(out, "y1", m->y);
			put_attribute(out, "x2", m->x2);
			put_attribute(out, "y2", m->y2);
			fputs("/>\n", out);
		}
	}
}

static void put_hover(FILE *out, struct mh_box box, const char *title)
{
	fprintf(out,
		"<rect class=\"h\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><title>",
		box.x, box.y, box.w > 0 ? box.w : 1, box.h > 0 ? box.h : 1);
	mh_xml_text(out, title);
	fputs("</title></rect>\n", out);
}

static void band_title(char *buf, size_t size, const struct mh_band *b)
{
	char bytes[MH_TEXT_MAX], share[MH_TEXT_MAX], gap[MH_TEXT_MAX + 32] = "";
	char text[MH_TEXT_MAX];

	if (b->gap_before)
		snprintf(gap, sizeof(gap), ", %s above the band below",
			 mh_text_bytes(text, b->gap_before));
	snprintf(buf, size, "%s%s%s %" PRIx64 "-%" PRIx64 ", %s%s, %s of accesses%s",
		 b->name, *b->owner ? " of " : "", b->owner, b->addr.start, b->addr.end,
		 mh_text_bytes(bytes, b->bytes), b->cold ? " cold" : "",
		 mh_text_percent(share, b->share), gap);
}

static void put_hovers(FILE *out, const struct mh_paper *paper,
		       const struct mh_heatmap *map)
{
	char title[MH_CAPTION_MAX];
	size_t i;

	if (map->wss_max && map->wss_peak != MH_NO_DATA) {
		mh_caption_wss(map, title);
		put_hover(out, paper->wss, title);
	}
	for (i = 0; i < paper->nr_strips; i++) {
		band_title(title, sizeof(title), &map->bands[i]);
		put_hover(out,
			  (struct mh_box){ paper->plot.x, paper->strips[i].y,
					   paper->plot.w, paper->strips[i].h },
			  title);
	}
	for (i = 0; i < paper->nr_spots; i++) {
		mh_caption_spot(map, i, title);
		put_hover(out, paper->spots[i], title);
	}
}

static void put_boxes(FILE *out, const struct mh_paper *paper,
		      const struct mh_heatmap *map)
{
	char title[MH_CAPTION_MAX];
	size_t i;

	for (i = 0; i < paper->nr_spots; i++) {
		const struct mh_box *b = &paper->boxes[i];
		struct mh_mark number = { .x = b->x + b->w / 2.0,
					  .y = b->y + b->h / 2.0 + paper->font * 0.35,
					  .size = paper->font };

		mh_caption_spot(map, i, title);
		snprintf(number.text, sizeof(number.text), "%zu", i + 1);
		fputs("<g><title>", out);
		mh_xml_text(out, title);
		fprintf(out,
			"</title><rect class=\"b\" x=\"%d.5\" y=\"%d.5\" width=\"%d\" "
			"height=\"%d\"/>",
			b->x, b->y, b->w - 1, b->h - 1);
		put_text(out, &number, "t");
		fputs("</g>\n", out);
	}
}

/* The plot, or with labels all from the curve to the ends of the means. */
static struct mh_box picture_box(const struct mh_paper *p)
{
	if (!p->labels)
		return p->plot;
	return (struct mh_box){ p->wss.x, p->wss.y, p->mean.x + p->mean.w - p->wss.x,
				p->plot.y + p->plot.h - p->wss.y };
}

/* Legend and swatches lie in one further rectangle. */
static struct mh_box legend_box(const struct mh_paper *p)
{
	struct mh_box box = p->gradient;
	size_t i;

	for (i = 0; i < p->marks.nr; i++) {
		const struct mh_mark *m = &p->marks.v[i];

		if (m->kind != MH_MARK_SWATCH)
			continue;
		if (m->x2 > box.x + box.w)
			box.w = (int)m->x2 + 1 - box.x;
		if (m->y2 > box.y + box.h)
			box.h = (int)m->y2 + 1 - box.y;
	}
	if (box.x + box.w > p->w)
		box.w = p->w - box.x;
	return box;
}

static int put_svg(FILE *out, const struct mh_paper *paper, const struct mh_heatmap *map,
		   const uint8_t *pixels, const struct mh_rgb *colors, struct mh_err *err)
{
	int status;

	put_head(out, paper, map, colors);
	status = put_image(out, paper, pixels, colors, picture_box(paper), err);
	if (status == 0 && paper->labels)
		status = put_image(out, paper, pixels, colors, legend_box(paper), err);
	if (status < 0)
		return status;
	put_marks(out, paper);
	put_hovers(out, paper, map);
	put_boxes(out, paper, map);
	fputs("</svg>\n", out);
	if (fflush(out) != 0 || ferror(out))
		return mh_fail_errno(err, "cannot write the SVG");
	return 0;
}

int mh_svg_write(FILE *out, const struct mh_heatmap *map,
		 const struct mh_picture_opts *opts, struct mh_err *err)
{
	struct mh_rgb colors[MH_NR_INDEX];
	struct mh_paper paper;
	uint8_t *pixels;
	int status = mh_raster_draw(&paper, &pixels, map, opts, true, err);

	mh_raster_palette(colors, map, opts->cmap, opts->light);
	if (status == 0)
		status = put_svg(out, &paper, map, pixels, colors, err);
	free(pixels);
	mh_paper_fini(&paper);
	return status;
}
