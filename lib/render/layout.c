/* SPDX-License-Identifier: MIT */
/*
 * The page, from top to bottom: title, source and losses; the WSS on the time axis; the
 * bands of the address axis with names at the left, end addresses and the mean over time
 * at the right; the time axis; legend, states and hot spots; a line with cell size, cost
 * and version. Margins depend on the page alone, so that one can ask for as many cells as
 * there are pixels before there is a view.
 */
#include "render/layout.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "render/axis.h"
#include "render/caption.h"
#include "render/text.h"
#include "render/utf8.h"

#define SIDE_MIN_W 400
#define SIDE_MIN_H 240
#define SIDE_MAX   16384
#define AREA_MAX   (32u << 20)

#define EDGE        10 /* between the page's edge and anything on it */
#define BREAK       10 /* between bands */
#define COLD        14 /* slot of a collapsed run */
#define STATE_CHARS 16 /* of a legend column */
#define TICKS_MAX   64

static int check_size(const struct mh_picture_opts *opts, uint32_t w, uint32_t h,
		      struct mh_err *err)
{
	if (w > SIDE_MAX || h > SIDE_MAX || (uint64_t)w * h > AREA_MAX)
		return mh_fail(
			err, MH_EINPUT,
			"a picture of %ux%u is too large; at most %u pixels a side and "
			"%u in all",
			w, h, SIDE_MAX, AREA_MAX);
	if (!opts->no_labels && (w < SIDE_MIN_W || h < SIDE_MIN_H))
		return mh_fail(
			err, MH_EINPUT,
			"a picture of %ux%u has no room for its axes; at least %dx%d", w,
			h, SIDE_MIN_W, SIDE_MIN_H);
	return 0;
}

static int clamp(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static double small(const struct mh_paper *p)
{
	return p->font - 1;
}

static int line_height(const struct mh_paper *p)
{
	return p->font + 5;
}

/* Columns of text of @size in @width pixels. */
static size_t columns_in(double width, double size)
{
	return width > 0 ? (size_t)(width / (size * MH_CHAR_WIDTH)) : 0;
}

static int chars(const struct mh_paper *p, int n)
{
	return (int)ceil(n * MH_CHAR_WIDTH * p->font);
}

/* The fixed part of a page: needs no view. MH_EINPUT: no such size can be drawn. */
static int frame(struct mh_paper *p, const struct mh_picture_opts *opts,
		 struct mh_err *err)
{
	uint32_t w = opts->width_px ? opts->width_px : 1280;
	uint32_t h = opts->height_px ? opts->height_px : 720;
	int left, right, top, bottom, line, status = check_size(opts, w, h, err);

	*p = (struct mh_paper){ .w = (int)w, .h = (int)h, .labels = !opts->no_labels };
	if (status < 0)
		return status;
	p->font = clamp(p->h / 58 < p->w / 100 ? p->h / 58 : p->w / 100, 10, 16);
	if (!p->labels) {
		p->plot = (struct mh_box){ 0, 0, p->w, p->h };
		return 0;
	}
	line = line_height(p);
	left = clamp(chars(p, 39) + EDGE, 0, p->w / 4);
	right = clamp(chars(p, 23) + EDGE, 0, p->w / 5);
	top = EDGE + p->font * 2 + 2 * line + 4;
	bottom = EDGE + 6 * line + p->font / 2;
	p->wss = (struct mh_box){ left, top, p->w - left - right,
				  clamp(p->h / 13, 24, 90) };
	p->plot = p->wss;
	p->plot.y += p->wss.h + EDGE;
	p->plot.h = p->h - bottom - p->plot.y;
	p->mean = p->plot;
	p->mean.x += p->plot.w + EDGE;
	p->mean.w = clamp(right - chars(p, 14) - 2 * EDGE, 12, 120);
	p->gradient = (struct mh_box){ left, p->plot.y + p->plot.h + 3 * line + 2,
				       clamp(p->plot.w * 3 / 10, 80, 400), p->font };
	return 0;
}

/* ---- marks ---- */

static struct mh_mark *add_text(struct mh_paper *p, enum mh_ink ink, double x, double y,
				double size, int anchor, double room, const char *text)
{
	struct mh_mark *m = mh_vec_push(&p->marks);

	if (!m)
		return NULL;
	*m = (struct mh_mark){ .kind = MH_MARK_TEXT,
			       .ink = ink,
			       .x = x,
			       .y = y,
			       .size = size,
			       .anchor = anchor };
	mh_utf8_fit(m->text, sizeof(m->text), text, columns_in(room, size), p->utf8);
	return m;
}

static void *add_line(struct mh_paper *p, enum mh_ink ink, double x, double y, double x2,
		      double y2)
{
	struct mh_mark *m = mh_vec_push(&p->marks);

	if (m)
		*m = (struct mh_mark){ .kind = MH_MARK_LINE,
				       .ink = ink,
				       .x = x,
				       .y = y,
				       .x2 = x2,
				       .y2 = y2 };
	return m;
}

static void *add_swatch(struct mh_paper *p, enum mh_cell_state state, double x, double y)
{
	struct mh_mark *m = mh_vec_push(&p->marks);

	if (m)
		*m = (struct mh_mark){ .kind = MH_MARK_SWATCH,
				       .state = state,
				       .x = x,
				       .y = y,
				       .x2 = x + p->font * 2,
				       .y2 = y + p->font };
	return m;
}

/* How many columns mh_mark text takes; its texts are valid by construction. */
static size_t text_columns(const char *s)
{
	size_t n = 0, len;

	for (; *s; s += len)
		n += mh_utf8_columns(mh_utf8_decode(s, &len));
	return n;
}

void mh_mark_bounds(const struct mh_mark *m, double *x0, double *y0, double *x1,
		    double *y1)
{
	double width = (double)text_columns(m->text) * MH_CHAR_WIDTH * m->size;

	if (m->kind != MH_MARK_TEXT) {
		*x0 = fmin(m->x, m->x2);
		*x1 = fmax(m->x, m->x2);
		*y0 = fmin(m->y, m->y2);
		*y1 = fmax(m->y, m->y2);
		return;
	}
	*x0 = m->x - width * (m->anchor + 1) / 2;
	*x1 = *x0 + width;
	*y0 = m->y - m->size * 0.8;
	*y1 = m->y + m->size * 0.2;
}

/* The baseline that centres text of @size on @y. */
static double baseline(double y, double size)
{
	return y + size * 0.35;
}

/* ---- strips ---- */

static uint32_t rows_of(const struct mh_heatmap *map)
{
	uint32_t rows = 0;
	size_t i;

	for (i = 0; i < map->nr_bands; i++)
		rows += map->bands[i].nr_rows;
	return rows;
}

/*
 * Divide the plot's height. Cells are whole pixels where the view was made for this page;
 * else a band's height is in proportion, and at least one pixel if there is one for each.
 */
static void place_strips(struct mh_paper *p, const struct mh_heatmap *map)
{
	uint32_t rows = rows_of(map), seen = 0;
	size_t i, drawn = 0, cold = 0;
	double gap, slot, spare, y = p->plot.y + p->plot.h;
	bool exact;
	int room;

	for (i = 0; i < map->nr_bands; i++)
		*(map->bands[i].nr_rows ? &drawn : &cold) += 1;
	/* Many bands: breaks and cold runs may take a third together. */
	spare = p->plot.h / 3.0;
	gap = p->labels && map->nr_bands > 1
		      ? fmin(BREAK, spare / 2 / (double)(map->nr_bands - 1))
		      : 0;
	slot = cold ? fmin(p->labels ? COLD : 1, spare / 2 / (double)cold) : 0;
	room = (int)(p->plot.h - gap * (double)(map->nr_bands - (map->nr_bands > 0)) -
		     slot * (double)cold);
	exact = p->labels && rows <= (uint32_t)room && rows > (uint32_t)room * 4 / 5;
	if (exact) {
		gap = floor(gap);
		slot = floor(slot);
	}
	spare = (size_t)room > drawn ? room - (double)drawn : 0;
	for (i = 0; i < map->nr_bands; i++) {
		const struct mh_band *b = &map->bands[i];
		double height = slot, bottom = y;

		if (b->nr_rows && exact)
			height = b->nr_rows;
		else if (b->nr_rows)
			height = (double)(seen + b->nr_rows) / rows * spare -
				 (double)seen / rows * spare +
				 (spare > 0 ? 1 : (double)room / (double)drawn);
		seen += b->nr_rows;
		y -= height;
		p->strips[i].y = (int)lround(y);
		p->strips[i].h = (int)lround(bottom) - p->strips[i].y;
		y -= gap;
	}
	/* The curve above takes what whole pixels leave over. */
	if (exact) {
		int rest = p->strips[map->nr_bands - 1].y - p->plot.y;

		p->wss.h += rest;
		p->plot.y += rest;
		p->plot.h -= rest;
		p->mean.y += rest;
		p->mean.h -= rest;
	}
}

/* ---- parts of the page ---- */

static bool put_head(struct mh_paper *p, const struct mh_heatmap *map)
{
	char text[MH_CAPTION_MAX], losses[MH_CAPTION_MAX], both[2 * MH_CAPTION_MAX + 4];
	double room = p->w - 2 * EDGE, y = EDGE + p->font * 1.3;
	const char *title = *map->from.title ? map->from.title : "memory accesses";

	if (!add_text(p, MH_INK_TEXT, EDGE, y, p->font * 1.5, -1, room, title))
		return false;
	mh_caption_source(map, text);
	y += line_height(p) + 2;
	if (!add_text(p, MH_INK_DIM, EDGE, y, p->font, -1, room, text))
		return false;
	mh_caption_wss(map, text);
	mh_caption_losses(map, losses);
	snprintf(both, sizeof(both), "%s%s%s", text, *text ? " | " : "", losses);
	y += line_height(p);
	return add_text(p, MH_INK_DIM, EDGE, y, p->font, -1, room, both);
}

static bool put_wss_axis(struct mh_paper *p, const struct mh_heatmap *map)
{
	const struct mh_box *b = &p->wss;
	double x = b->x - 6, size = small(p);
	char text[MH_TEXT_MAX];

	if (map->diverging)
		return true;
	if (!map->wss_max || map->wss_peak == MH_NO_DATA)
		return add_text(p, MH_INK_FAINT, b->x,
				baseline(b->y + b->h / 2.0, p->font), p->font, -1, b->w,
				"this source gives no working set size");
	return add_text(p, MH_INK_TEXT, EDGE, baseline(b->y + b->h / 2.0, p->font),
			p->font, -1, chars(p, 4), "WSS") &&
	       add_text(p, MH_INK_DIM, x, b->y + size * 0.8, size, 1,
			b->x - EDGE - chars(p, 4), mh_text_bytes(text, map->wss_peak)) &&
	       add_text(p, MH_INK_DIM, x, b->y + b->h, size, 1, b->x - EDGE, "0") &&
	       add_line(p, MH_INK_FAINT, b->x, b->y + b->h + 1.5, b->x + b->w,
			b->y + b->h + 1.5);
}

/* Centred under its tick, but not beyond the plot's end, where another label is. */
static bool put_time_label(struct mh_paper *p, double x, double y, const char *text)
{
	double half = (double)strlen(text) * MH_CHAR_WIDTH * p->font / 2;
	double end = p->plot.x + p->plot.w + 4;

	return add_text(p, MH_INK_DIM, fmin(x, end - half), y, p->font, 0, chars(p, 10),
			text);
}

static bool put_time_axis(struct mh_paper *p, const struct mh_heatmap *map)
{
	struct mh_tick ticks[TICKS_MAX];
	double y = p->plot.y + p->plot.h + 2.5, len = (double)mh_range_len(map->time_ns);
	unsigned most = (unsigned)(p->plot.w / chars(p, 11));
	size_t n = mh_axis_time(ticks, TICKS_MAX, map->time_ns, most), i;

	if (!add_line(p, MH_INK_FAINT, p->plot.x, y, p->plot.x + p->plot.w, y))
		return false;
	for (i = 0; i < n; i++) {
		double along = (double)(ticks[i].at - map->time_ns.start) / len;
		double x = p->plot.x + floor(along * (p->plot.w - 1)) + 0.5;

		if (!add_line(p, MH_INK_DIM, x, y, x, y + 5) ||
		    !put_time_label(p, x, y + 6 + p->font, ticks[i].text))
			return false;
	}
	return true;
}

static double middle(const struct mh_strip *s)
{
	return s->y + s->h / 2.0;
}

/* Narrow pages have no room for offsets and sizes of gaps. */
static bool has_offsets(const struct mh_paper *p)
{
	return p->plot.x >= chars(p, 28);
}

static double name_room(const struct mh_paper *p)
{
	return p->plot.x - EDGE - (has_offsets(p) ? chars(p, 11) : 12);
}

static void band_name(char *buf, size_t size, const struct mh_band *b)
{
	snprintf(buf, size, *b->owner ? "%s %s" : "%s%s", b->name, b->owner);
}

/* Name and size on one line; the name gives way. */
static bool put_name_line(struct mh_paper *p, const struct mh_band *b, double at)
{
	size_t columns = columns_in(name_room(p), p->font), taken;
	char bytes[MH_TEXT_MAX], whole[sizeof(b->name) + sizeof(b->owner) + 2];
	char name[MH_TEXT_MAX * 4], text[MH_TEXT_MAX * 6];

	mh_text_bytes(bytes, b->bytes);
	taken = strlen(bytes) + 1;
	band_name(whole, sizeof(whole), b);
	mh_utf8_fit(name, sizeof(name), whole, columns > taken ? columns - taken : 0,
		    p->utf8);
	if (b->cold)
		snprintf(text, sizeof(text), "~ %s cold", bytes);
	else
		snprintf(text, sizeof(text), "%s %s", name, bytes);
	return add_text(p, b->cold ? MH_INK_DIM : MH_INK_TEXT, EDGE,
			baseline(at, p->font), p->font, -1, name_room(p), text);
}

/* Name over size. */
static bool put_name_lines(struct mh_paper *p, const struct mh_band *b, double at)
{
	char bytes[MH_TEXT_MAX], whole[sizeof(b->name) + sizeof(b->owner) + 2];
	double half = line_height(p) / 2.0;

	band_name(whole, sizeof(whole), b);
	return add_text(p, MH_INK_TEXT, EDGE, baseline(at - half, p->font), p->font, -1,
			name_room(p), whole) &&
	       add_text(p, MH_INK_DIM, EDGE, baseline(at + half, p->font), p->font, -1,
			name_room(p), mh_text_bytes(bytes, b->bytes));
}

static bool put_name(struct mh_paper *p, const struct mh_band *b,
		     const struct mh_strip *s, double at, bool roomy)
{
	double edge = EDGE + name_room(p) + 4;

	if (roomy)
		return put_name_lines(p, b, at);
	if (!put_name_line(p, b, at))
		return false;
	/* A name that had to move points to its band. */
	return fabs(at - middle(s)) < p->font / 2.0 ||
	       add_line(p, MH_INK_FAINT, edge, at, p->plot.x - 4, middle(s));
}

/* Are labels around the @i-th so far away that it may take two lines? */
static bool is_roomy(const struct mh_paper *p, const struct mh_label *labels, size_t nr,
		     size_t i, const struct mh_strip *s)
{
	double need = 1.6 * line_height(p);
	size_t k;

	if (s->h < 2 * line_height(p) || labels[i].at - need / 2 < p->plot.y)
		return false;
	for (k = 0; k < nr; k++) {
		if (k != i && labels[k].shown && fabs(labels[k].at - labels[i].at) < need)
			return false;
	}
	return true;
}

static bool put_names(struct mh_paper *p, const struct mh_heatmap *map)
{
	struct mh_label *labels = calloc(map->nr_bands, sizeof(*labels));
	size_t n = map->nr_bands, i;
	bool done = labels != NULL;

	/* Labels go down the page, bands up. */
	for (i = 0; done && i < n; i++) {
		const struct mh_band *b = &map->bands[n - 1 - i];

		labels[i].wish = middle(&p->strips[n - 1 - i]);
		labels[i].weight = b->nr_rows + b->share;
	}
	if (done)
		mh_axis_spread(labels, n, p->plot.y, p->plot.y + p->plot.h, p->font + 2);
	for (i = 0; done && i < n; i++) {
		const struct mh_band *b = &map->bands[n - 1 - i];
		const struct mh_strip *s = &p->strips[n - 1 - i];

		if (labels[i].shown)
			done = put_name(p, b, s, labels[i].at,
					!b->cold && is_roomy(p, labels, n, i, s));
	}
	free(labels);
	return done;
}

/* Offsets inside a band, where it is high enough for them. */
static bool put_offsets(struct mh_paper *p, const struct mh_band *b,
			const struct mh_strip *s)
{
	struct mh_tick ticks[TICKS_MAX];
	uint64_t len = mh_range_len(b->addr);
	unsigned most = (unsigned)(s->h / (p->font * 3));
	size_t n = b->nr_rows ? mh_axis_offsets(ticks, TICKS_MAX, len, most) : 0, i;

	for (i = 0; i < n; i++) {
		double y = s->y + s->h - floor((double)ticks[i].at / (double)len * s->h) +
			   0.5;
		/* Labels of ends and breaks of neighbours come as near as the ends. */
		bool named =
			has_offsets(p) && y > s->y + p->font && y < s->y + s->h - p->font;

		if (!add_line(p, MH_INK_DIM, p->plot.x - 5, y, p->plot.x - 1, y) ||
		    (named &&
		     !add_text(p, MH_INK_DIM, p->plot.x - 7, baseline(y, small(p)),
			       small(p), 1, chars(p, 11) - 8, ticks[i].text)))
			return false;
	}
	return true;
}

/* "//" where addresses are left out below band @i, with how many where there is room. */
static bool put_break(struct mh_paper *p, const struct mh_heatmap *map, size_t i)
{
	const struct mh_strip *s = &p->strips[i], *below = &p->strips[i - 1];
	double y = (s->y + s->h + below->y) / 2.0, x = p->plot.x,
	       room = below->y - s->y - s->h;
	char text[MH_TEXT_MAX];
	int k;

	if (!map->bands[i].gap_before || room < 4)
		return true;
	for (k = 0; k < 2; k++) {
		if (!add_line(p, MH_INK_DIM, x - 6 + 4 * k, y + 3, x - 3 + 4 * k, y - 3))
			return false;
	}
	if (room < BREAK || !has_offsets(p))
		return true;
	return add_text(p, MH_INK_FAINT, x - 9, baseline(y, p->font - 2), p->font - 2, 1,
			chars(p, 11) - 10, mh_text_bytes(text, map->bands[i].gap_before));
}

/* End addresses at the right, two per band, unless a neighbour's stands there already. */
static bool put_addresses(struct mh_paper *p, const struct mh_heatmap *map)
{
	double x = p->mean.x + p->mean.w + 6, size = small(p),
	       free_below = p->plot.y + p->plot.h + size;
	size_t i;
	int end;

	for (i = 0; i < map->nr_bands; i++) {
		const struct mh_band *b = &map->bands[i];
		const struct mh_strip *s = &p->strips[i];

		for (end = 0; b->addr.end && b->nr_rows && end < 2; end++) {
			double y = end ? s->y + size * 0.7 : s->y + s->h;
			char text[MH_TEXT_MAX];

			if (y > free_below - size - 1 && !(i == 0 && !end))
				continue;
			snprintf(text, sizeof(text), "%" PRIx64,
				 end ? b->addr.end : b->addr.start);
			if (!add_text(p, MH_INK_DIM, x, y, size, -1,
				      p->w - EDGE / 2.0 - x, text))
				return false;
			free_below = y;
		}
	}
	return true;
}

static bool put_mean_axis(struct mh_paper *p)
{
	double y = p->plot.y + p->plot.h + 2.5, x = p->mean.x;

	return add_line(p, MH_INK_FAINT, x, y, x + p->mean.w, y) &&
	       add_text(p, MH_INK_DIM, x, y + 6 + p->font, small(p), -1, p->w - x,
			"mean over time");
}

static bool has_state(const struct mh_heatmap *map, enum mh_cell_state state)
{
	size_t n = (size_t)map->rows * map->cols;

	return n && memchr(map->state, (int)state, n);
}

/* Two columns of two states; the third and fourth only where they can occur. */
static bool put_states(struct mh_paper *p, const struct mh_heatmap *map, double x)
{
	const struct {
		enum mh_cell_state state;
		const char *name;
	} states[] = { { MH_CELL_UNMAPPED, "not mapped" },
		       { MH_CELL_NOT_OBSERVED, "not observed" },
		       { MH_CELL_ZERO, map->diverging ? "the same" : "no access" },
		       { MH_CELL_FEW, "< 3 samples" } };
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		int column = (int)i / 2, line = (int)i % 2;
		double left = x + column * chars(p, STATE_CHARS);
		double y = p->gradient.y + line * line_height(p);

		if (states[i].state == MH_CELL_FEW && !has_state(map, MH_CELL_FEW))
			continue;
		if (!add_swatch(p, states[i].state, left, y) ||
		    !add_text(p, MH_INK_DIM, left + p->font * 2.5, y + p->font * 0.85,
			      small(p), -1, chars(p, 12), states[i].name))
			return false;
	}
	return true;
}

static bool put_legend(struct mh_paper *p, const struct mh_color_scale *scale,
		       double room)
{
	const struct mh_box *g = &p->gradient;
	struct mh_scale_tick ticks[MH_SCALE_TICKS];
	size_t n = mh_color_scale_ticks(scale, ticks), i;
	double free_from = 0, last = g->x + g->w - chars(p, 4);
	char text[MH_CAPTION_MAX];

	mh_caption_unit(scale, text);
	if (!add_text(p, MH_INK_TEXT, g->x, g->y - 6, p->font, -1, room, text))
		return false;
	for (i = 0; i < n; i++) {
		double x = g->x + 0.5 + floor(ticks[i].place * (g->w - 1)), half;
		char shown[sizeof(ticks[i].text) + 2];

		snprintf(shown, sizeof(shown), "%s%s",
			 i + 1 == n && scale->clipped ? ">" : "", ticks[i].text);
		half = (double)strlen(shown) * MH_CHAR_WIDTH * small(p) / 2 + 2;
		if (!add_line(p, MH_INK_DIM, x, g->y + g->h, x, g->y + g->h + 4))
			return false;
		/* The ends matter most. */
		if (x - half < free_from || (i + 1 < n && x + half > last))
			continue;
		free_from = x + half;
		if (!add_text(p, MH_INK_DIM, x, g->y + g->h + 4 + p->font, small(p), 0,
			      chars(p, 7), shown))
			return false;
	}
	return true;
}

/* The hot spots in words, in as many columns as there is room; the rest gets no number.
 */
static bool put_spots(struct mh_paper *p, const struct mh_heatmap *map, double x)
{
	double room = p->w - EDGE - x, y = p->gradient.y - 6;
	size_t columns = room > 2 * chars(p, 44) ? 2 : room > chars(p, 20) ? 1 : 0, i;
	double width = columns ? room / (double)columns : 0;

	if (p->nr_spots > 3 * columns)
		p->nr_spots = 3 * columns;
	for (i = 0; i < p->nr_spots; i++) {
		char text[MH_CAPTION_MAX];
		int column = (int)i / 3, line = (int)i % 3;

		mh_caption_spot(map, i, text);
		if (!add_text(p, MH_INK_TEXT, x + column * width,
			      y + line * line_height(p), p->font, -1, width - chars(p, 2),
			      text))
			return false;
	}
	return true;
}

static bool put_foot(struct mh_paper *p, const struct mh_heatmap *map)
{
	char text[3 * MH_CAPTION_MAX], cell[MH_CAPTION_MAX], cost[MH_CAPTION_MAX];

	mh_caption_cell(map, cell);
	mh_caption_cost(map, cost);
	snprintf(text, sizeof(text), "%s%s%s%smemheat " MEMHEAT_VERSION, cell,
		 *cell ? " | " : "", cost, *cost ? " | " : "");
	return add_text(p, MH_INK_FAINT, EDGE, p->h - EDGE, small(p), -1, p->w - 2 * EDGE,
			text);
}

/* ---- hot spots on the plot ---- */

static double along(struct mh_range r, uint64_t at)
{
	if (at <= r.start || r.end <= r.start)
		return 0;
	return at >= r.end ? 1 : (double)(at - r.start) / (double)mh_range_len(r);
}

static bool overlaps(const struct mh_box *a, const struct mh_box *b)
{
	return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h &&
	       b->y < a->y + a->h;
}

/* A numbered box at the middle of its region, to the right of others that are in its way.
 */
static struct mh_box number_box(const struct mh_paper *p, size_t i)
{
	const struct mh_box *r = &p->spots[i];
	int w = chars(p, i >= 9 ? 3 : 2) + 4, h = p->font + 4;
	struct mh_box box = {
		clamp(r->x + r->w / 2 - w / 2, p->plot.x, p->plot.x + p->plot.w - w),
		clamp(r->y + r->h / 2 - h / 2, p->plot.y, p->plot.y + p->plot.h - h), w, h
	};
	size_t k, tries;

	for (tries = 0; tries <= i; tries++) {
		for (k = 0; k < i && !overlaps(&box, &p->boxes[k]); k++)
			;
		if (k == i)
			break;
		box.x = p->boxes[k].x + p->boxes[k].w + 1;
		if (box.x + w > p->plot.x + p->plot.w) {
			box.x = p->plot.x;
			box.y = clamp(box.y + h + 1, p->plot.y,
				      p->plot.y + p->plot.h - h);
		}
	}
	return box;
}

static void place_spots(struct mh_paper *p, const struct mh_heatmap *map)
{
	size_t i;

	for (i = 0; i < map->nr_spots; i++) {
		const struct mh_hot_spot *spot = &map->spots[i];
		const struct mh_strip *s =
			&p->strips[spot->band < map->nr_bands ? spot->band : 0];
		struct mh_range addr =
			map->bands[spot->band < map->nr_bands ? spot->band : 0].addr;
		double x0 = along(map->time_ns, spot->time_ns.start) * p->plot.w;
		double x1 = along(map->time_ns, spot->time_ns.end) * p->plot.w;
		double y0 = (1 - along(addr, spot->addr.end)) * s->h;
		double y1 = (1 - along(addr, spot->addr.start)) * s->h;

		p->spots[i] = (struct mh_box){ p->plot.x + (int)floor(x0),
					       s->y + (int)floor(y0),
					       (int)ceil(x1) - (int)floor(x0),
					       (int)ceil(y1) - (int)floor(y0) };
		p->boxes[i] = number_box(p, i);
	}
}

static bool put_all(struct mh_paper *p, const struct mh_heatmap *map,
		    const struct mh_color_scale *scale)
{
	double states = p->gradient.x + p->gradient.w + chars(p, 5);
	double spots = states + chars(p, 2 * STATE_CHARS);
	size_t i;

	for (i = 0; i < map->nr_bands; i++) {
		if (!put_offsets(p, &map->bands[i], &p->strips[i]) ||
		    (i && !put_break(p, map, i)))
			return false;
	}
	return put_head(p, map) && put_wss_axis(p, map) && put_names(p, map) &&
	       put_addresses(p, map) && put_time_axis(p, map) &&
	       (map->diverging || put_mean_axis(p)) &&
	       put_legend(p, scale,
			  fmin(spots, p->w - EDGE) - p->gradient.x - chars(p, 2)) &&
	       put_states(p, map, states) && put_spots(p, map, spots) && put_foot(p, map);
}

int mh_paper_init(struct mh_paper *p, const struct mh_heatmap *map,
		  const struct mh_color_scale *scale, const struct mh_picture_opts *opts,
		  bool utf8, struct mh_err *err)
{
	int status = frame(p, opts, err);

	if (status < 0)
		return status;
	p->utf8 = utf8;
	p->nr_strips = map->nr_bands;
	p->nr_spots = p->labels ? map->nr_spots : 0;
	p->strips = calloc(map->nr_bands + 1, sizeof(*p->strips));
	p->spots = calloc(map->nr_spots + 1, sizeof(*p->spots));
	p->boxes = calloc(map->nr_spots + 1, sizeof(*p->boxes));
	if (!p->strips || !p->spots || !p->boxes)
		return mh_fail(err, MH_ENOMEM, "out of memory for a picture's layout");
	place_strips(p, map);
	if (!p->labels)
		return 0;
	place_spots(p, map);
	if (!put_all(p, map, scale))
		return mh_fail(err, MH_ENOMEM, "out of memory for a picture's labels");
	return 0;
}

void mh_paper_fini(struct mh_paper *p)
{
	free(p->strips);
	free(p->spots);
	free(p->boxes);
	free(p->marks.v);
	*p = (struct mh_paper){ 0 };
}

/* Of the plot's height: what six breaks and a cold run need, within an eighth to a third.
 */
static int reserve(int height)
{
	return clamp(6 * BREAK + COLD, height / 8, height / 3);
}

void mh_png_cells(const struct mh_picture_opts *opts, uint32_t *rows, uint32_t *cols)
{
	struct mh_paper p;

	*rows = *cols = 1;
	/* A size that cannot be drawn is refused when it is drawn. */
	if (frame(&p, opts, NULL) < 0)
		return;
	*cols = (uint32_t)p.plot.w;
	*rows = (uint32_t)(p.plot.h - (p.labels ? reserve(p.plot.h) : 0));
}
