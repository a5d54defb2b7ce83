/* SPDX-License-Identifier: MIT */
/*
 * The heatmap on a terminal: time to the right, one band per mapping, a line for what was
 * left out. With colours and UTF-8 a character is two cells (half blocks), else one:
 * shades or digits. Colours change only where cells do, which is what a terminal is slow
 * at. Absence has characters of its own, since the lowest colour may be the terminal's
 * ground.
 */
#include <memheat/render.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/axis.h"
#include "render/caption.h"
#include "render/raster.h"
#include "render/text.h"
#include "render/utf8.h"

#define LINE_MAX_BYTES 2048
#define NO_COLOR       (-1)

struct term {
	FILE *out;
	const struct mh_heatmap *map;
	struct mh_color_scale scale;
	enum mh_color_depth depth;
	int utf8;
	unsigned width, left, plot, right; /* columns; left and right are for labels */
	bool half;                         /* two cells a character */
	int32_t heat[MH_NR_HEAT];          /* as the terminal wants them */
	int32_t grey, light_grey;
	int32_t fg, bg; /* what the terminal has now */
	size_t used;    /* columns of a line of items */
};

/* ---- geometry ---- */

static void measure(struct term *t, const struct mh_term_opts *opts)
{
	unsigned width = opts->width ? opts->width : 80;

	/* Narrower than this shows nothing; such lines are wrapped by the terminal. */
	t->width = width < 24 ? 24 : width;
	t->left = width >= 100 ? 22 : width >= 72 ? 17 : width >= 40 ? 13 : 8;
	t->right = width >= 72 ? 14 : 0;
	t->plot = t->width - t->left - 2 - t->right;
	t->depth = opts->color;
	t->utf8 = opts->utf8;
	t->half = opts->utf8 && opts->color != MH_COLOR_NONE;
}

void mh_term_cells(const struct mh_term_opts *opts, uint32_t *rows, uint32_t *cols)
{
	struct term t;
	uint32_t height = opts->height ? opts->height : 24, around = 12, lines;

	measure(&t, opts);
	/* Around the bands: title, time, WSS, legend, hot spots, and some breaks. */
	lines = height > around + 4 ? height - around : 4;
	*rows = t.half ? 2 * lines : lines;
	*cols = t.plot;
}

/* ---- colours ---- */

static int32_t color_of(enum mh_color_depth depth, struct mh_rgb c)
{
	if (depth == MH_COLOR_256)
		return (int32_t)mh_rgb_to_256(c);
	return c.r << 16 | c.g << 8 | c.b;
}

static void set_colors(struct term *t, enum mh_cmap cmap)
{
	/* Black, blue, red, magenta, brown, yellow, white: rising in lightness. */
	static const uint8_t sixteen[] = { 0, 4, 1, 5, 3, 11, 15 };
	static const uint8_t two_ways[] = { 12, 4, 0, 1, 9 };
	struct mh_rgb all[256];
	int i;

	if (t->map->diverging)
		mh_palette_diverging(all, 0);
	else
		mh_palette_fill(all, cmap, 0);
	for (i = 0; i < MH_NR_HEAT; i++)
		t->heat[i] =
			t->depth == MH_COLOR_16 && t->map->diverging
				? two_ways[(size_t)i * 5 / MH_NR_HEAT]
			: t->depth == MH_COLOR_16
				? sixteen[i ? 1 + (size_t)i * 6 / MH_NR_HEAT : 0]
				: color_of(t->depth, all[i * 255 / (MH_NR_HEAT - 1)]);
	t->grey = t->depth == MH_COLOR_16
			  ? 8
			  : color_of(t->depth, (struct mh_rgb){ 78, 78, 78 });
	t->light_grey = t->depth == MH_COLOR_16
				? 7
				: color_of(t->depth, (struct mh_rgb){ 148, 148, 148 });
	t->fg = t->bg = NO_COLOR;
}

/* One half of an SGR; @base is 30 for the ink and 40 for the ground. */
static int sgr(char *buf, size_t size, enum mh_color_depth depth, int base, int32_t color)
{
	unsigned c = (unsigned)color;

	if (color == NO_COLOR)
		return snprintf(buf, size, "%d", base + 9);
	if (depth == MH_COLOR_TRUE)
		return snprintf(buf, size, "%d;2;%u;%u;%u", base + 8, c >> 16,
				c >> 8 & 255, c & 255);
	if (depth == MH_COLOR_256)
		return snprintf(buf, size, "%d;5;%u", base + 8, c);
	return snprintf(buf, size, "%u", (unsigned)base + (c < 8 ? c : c + 52));
}

static void set_pair(struct term *t, int32_t fg, int32_t bg)
{
	char ink[32] = "", ground[32] = "";

	if (t->depth == MH_COLOR_NONE || (fg == t->fg && bg == t->bg))
		return;
	if (fg == NO_COLOR && bg == NO_COLOR) {
		fputs("\x1b[m", t->out);
	} else {
		if (fg != t->fg)
			sgr(ink, sizeof(ink), t->depth, 30, fg);
		if (bg != t->bg)
			sgr(ground, sizeof(ground), t->depth, 40, bg);
		fprintf(t->out, "\x1b[%s%s%sm", ink, *ink && *ground ? ";" : "", ground);
	}
	t->fg = fg;
	t->bg = bg;
}

static void put_glyph(struct term *t, const char *glyph, int32_t fg, int32_t bg)
{
	/* A blank has no ink: leave what is set. */
	set_pair(t, *glyph == ' ' && bg != NO_COLOR ? t->fg : fg, bg);
	fputs(glyph, t->out);
}

/* ---- cells ---- */

struct cell {
	enum mh_cell_state state;
	double value;
	unsigned level; /* of MH_NR_HEAT */
};

static struct cell cell_at(const struct term *t, uint32_t row, uint32_t x)
{
	uint32_t rows[2] = { row, row + 1 }, cols[2];
	struct cell c;

	mh_cells_of_pixel(x, t->plot, t->map->cols, &cols[0], &cols[1]);
	c.state = mh_raster_highest(t->map, rows, cols, &c.value);
	if (c.state == MH_CELL_ZERO)
		c.value = 0;
	c.level = c.state >= MH_CELL_ZERO
			  ? mh_color_scale_level(&t->scale, c.value, MH_NR_HEAT)
			  : 0;
	return c;
}

static const char *unmapped_glyph(const struct term *t)
{
	return t->utf8 ? "╌" : " ";
}

static const char *unobserved_glyph(const struct term *t)
{
	return t->utf8 ? "·" : ".";
}

/* Quarters of the scale; ninths where there are only digits. */
static const char *shade(const struct term *t, const struct cell *c, char buf[2])
{
	static const char *const shades[] = { "░", "▒", "▓", "█" };
	static const char *const ways[] = { "=", "-", " ", "+", "#" };
	double place = mh_color_scale_place(&t->scale, c->value);
	int steps = t->utf8 ? 4 : 9, step = (int)ceil(place * steps);

	/* Of a difference: much less, less, the same, more, much more. */
	if (t->scale.diverging)
		return ways[!c->value      ? 2
			    : c->value > 0 ? (place > 0.75 ? 4 : 3)
					   : (place < 0.25 ? 0 : 1)];
	if (!c->level)
		return t->utf8 ? " " : "0";
	step = step < 1 ? 1 : step;
	if (t->utf8)
		return shades[step - 1];
	buf[0] = (char)('0' + step);
	buf[1] = '\0';
	return buf;
}

static void put_whole(struct term *t, const struct cell *c)
{
	char buf[2];

	if (c->state == MH_CELL_UNMAPPED)
		put_glyph(t, unmapped_glyph(t), t->grey, NO_COLOR);
	else if (c->state == MH_CELL_NOT_OBSERVED)
		put_glyph(t, unobserved_glyph(t), t->light_grey, t->grey);
	else if (t->depth == MH_COLOR_NONE)
		fputs(shade(t, c, buf), t->out);
	else
		put_glyph(t, " ", NO_COLOR, t->heat[c->level]);
}

static int32_t half_color(const struct term *t, const struct cell *c)
{
	return c->state == MH_CELL_UNMAPPED       ? NO_COLOR
	       : c->state == MH_CELL_NOT_OBSERVED ? t->grey
						  : t->heat[c->level];
}

static void put_halves(struct term *t, const struct cell *top, const struct cell *bottom)
{
	int32_t up = half_color(t, top), down = half_color(t, bottom);

	if (top->state == bottom->state && top->state < MH_CELL_ZERO)
		put_whole(t, top);
	else if (top->state == MH_CELL_FEW && bottom->state == MH_CELL_FEW)
		put_glyph(t, "░", t->heat[(top->level + bottom->level) / 4], up);
	else if (up == down)
		put_glyph(t, " ", NO_COLOR, up);
	else if (up == NO_COLOR)
		put_glyph(t, "▄", down, NO_COLOR);
	else
		put_glyph(t, "▀", up, down);
}

/* ---- lines ---- */

static void put_blank(struct term *t, size_t n)
{
	while (n--)
		putc(' ', t->out);
}

static const char *wall(const struct term *t)
{
	return t->utf8 ? "│" : "|";
}

/* The label at the left: @name to the left of it, @number to the right if there is room.
 */
static void put_left(struct term *t, const char *name, const char *number)
{
	char text[MH_TEXT_MAX * 8], right[MH_TEXT_MAX * 4];
	size_t room = t->left - 1, taken, used;

	taken = mh_utf8_fit(right, sizeof(right), number, room, t->utf8);
	if (*name && taken && taken + 6 > room)
		right[taken = 0] = '\0';
	used = mh_utf8_fit(text, sizeof(text), name,
			   taken ? room - taken - (*name != 0) : room, t->utf8);
	fputs(text, t->out);
	put_blank(t, room - used - taken);
	fprintf(t->out, "%s %s", right, wall(t));
}

static void put_right(struct term *t, const char *text)
{
	set_pair(t, NO_COLOR, NO_COLOR);
	fputs(wall(t), t->out);
	if (*text && t->right)
		fprintf(t->out, " %.*s", (int)t->right - 1, text);
	putc('\n', t->out);
}

/* Things side by side, as many as fit on a line: make room for one of @columns. */
static void begin_item(struct term *t, size_t columns)
{
	if (t->used && t->used + 3 + columns > t->width) {
		putc('\n', t->out);
		t->used = 0;
	}
	if (t->used) {
		fputs("   ", t->out);
		t->used += 3;
	}
	t->used += columns;
}

static void put_words(struct term *t, const char *words)
{
	char text[LINE_MAX_BYTES];
	size_t columns = mh_utf8_fit(text, sizeof(text), words, t->width, t->utf8);

	if (!*words)
		return;
	begin_item(t, columns);
	fputs(text, t->out);
}

static void end_items(struct term *t)
{
	if (t->used)
		putc('\n', t->out);
	t->used = 0;
}

static void put_title(struct term *t)
{
	char text[MH_CAPTION_MAX];

	put_words(t, t->map->from.title);
	mh_caption_source(t->map, text);
	put_words(t, text);
	mh_caption_losses(t->map, text);
	put_words(t, text);
	end_items(t);
}

static void put_time_axis(struct term *t)
{
	struct mh_tick ticks[64];
	size_t n = mh_axis_time(ticks, 64, t->map->time_ns, t->plot / 9 + 1), i, used = 0;
	double len = (double)mh_range_len(t->map->time_ns);

	for (i = 0; i < n; i++) {
		size_t at = (size_t)((double)(ticks[i].at - t->map->time_ns.start) / len *
				     t->plot);
		size_t width = strlen(ticks[i].text);

		if ((used && at < used + 1) || at + width > t->plot + t->right)
			continue;
		put_blank(t, at - used + (used ? 0 : t->left + 1));
		fputs(ticks[i].text, t->out);
		used = at + width;
	}
	putc('\n', t->out);
}

static unsigned lines_of(const struct term *t, const struct mh_band *b)
{
	return t->half ? (b->nr_rows + 1) / 2 : b->nr_rows;
}

/* The line from the top of band @i that shows the middle of @spot. */
static unsigned line_of_spot(const struct term *t, const struct mh_hot_spot *spot)
{
	const struct mh_band *b = &t->map->bands[spot->band];
	unsigned n = lines_of(t, b), line;
	uint64_t len = mh_range_len(b->addr), mid;

	mid = spot->addr.start + mh_range_len(spot->addr) / 2;
	if (!len || mid < b->addr.start || mid >= b->addr.end)
		return n / 2;
	line = n - 1 - (unsigned)((double)(mid - b->addr.start) / (double)len * n);
	/* The ends are for addresses. */
	if (n >= 3)
		line = line < 1 ? 1 : line > n - 2 ? n - 2 : line;
	return line;
}

/* Numbers of the hot spots on a line, else its address; "" for none. */
static void right_text(const struct term *t, size_t band, unsigned line, char buf[64])
{
	const struct mh_band *b = &t->map->bands[band];
	unsigned n = lines_of(t, b);
	size_t i, used = 0;

	*buf = '\0';
	for (i = 0; i < t->map->nr_spots && used < 16; i++) {
		if (t->map->spots[i].band == band &&
		    line_of_spot(t, &t->map->spots[i]) == line)
			used += (size_t)snprintf(buf + used, 64 - used, "(%zu)", i + 1);
	}
	if (used || !b->addr.end)
		return;
	if (line == 0 && n > 1)
		snprintf(buf, 64, "%" PRIx64, b->addr.end);
	else if (line + 1 == n)
		snprintf(buf, 64, "%" PRIx64, b->addr.start);
}

/* Does the name leave room for the size on its line? */
static bool fits_left(const struct term *t, const char *name, const char *size)
{
	char text[MH_TEXT_MAX * 8];

	return mh_utf8_safe(text, sizeof(text), name, t->utf8) + strlen(size) + 2 <=
	       t->left;
}

static void put_label(struct term *t, const struct mh_band *b, unsigned line)
{
	char whole[sizeof(b->name) + sizeof(b->owner) + 2], size[MH_TEXT_MAX];
	char offset[MH_TEXT_MAX + 2];
	unsigned n = lines_of(t, b), middle = n < 3 ? 0 : (n - 1) / 2;
	bool apart;

	mh_text_bytes_short(size, mh_range_len(b->addr));
	snprintf(offset, sizeof(offset), "+%s", size);
	snprintf(whole, sizeof(whole), *b->owner ? "%s %s" : "%s%s", b->name, b->owner);
	mh_text_bytes_short(size, b->bytes);
	apart = n > 3 && !fits_left(t, whole, size);
	if (line == middle)
		put_left(t, whole, apart ? "" : size);
	else if (apart && line == middle + 1)
		put_left(t, "", size);
	else if (line == 0 && b->addr.end)
		put_left(t, offset, "");
	else if (line + 1 == n && b->addr.end)
		put_left(t, "+0", "");
	else
		put_left(t, "", "");
}

static void put_band_line(struct term *t, size_t band, unsigned line)
{
	static const struct cell nothing = { .state = MH_CELL_UNMAPPED };
	const struct mh_band *b = &t->map->bands[band];
	uint32_t from_bottom = lines_of(t, b) - 1 - line, x;
	char right[64];

	put_label(t, b, line);
	for (x = 0; x < t->plot; x++) {
		uint32_t row = b->row + (t->half ? 2 * from_bottom : from_bottom);
		struct cell low = cell_at(t, row, x), high = nothing;

		if (!t->half) {
			put_whole(t, &low);
			continue;
		}
		if (row + 1 < b->row + b->nr_rows)
			high = cell_at(t, row + 1, x);
		else if (b->nr_rows == 1)
			high = low;
		put_halves(t, &high, &low);
	}
	right_text(t, band, line, right);
	put_right(t, right);
}

static void put_break(struct term *t, uint64_t gap)
{
	char size[MH_TEXT_MAX];

	put_left(t, "", t->utf8 ? "──//──" : "--//--");
	put_blank(t, t->plot);
	put_right(t, mh_text_bytes(size, gap));
}

static void put_cold(struct term *t, const struct mh_band *b)
{
	char text[MH_TEXT_MAX + 16], size[MH_TEXT_MAX];
	unsigned x;

	snprintf(text, sizeof(text), "~ %s cold", mh_text_bytes_short(size, b->bytes));
	put_left(t, "", text);
	for (x = 0; x < t->plot; x++)
		fputs(t->utf8 ? "┄" : "-", t->out);
	put_right(t, "");
}

static void put_bands(struct term *t)
{
	size_t i;
	unsigned line;

	for (i = t->map->nr_bands; i-- > 0;) {
		const struct mh_band *b = &t->map->bands[i];

		if (!b->nr_rows)
			put_cold(t, b);
		for (line = 0; line < lines_of(t, b); line++)
			put_band_line(t, i, line);
		if (i && b->gap_before)
			put_break(t, b->gap_before);
	}
}

static int put_wss(struct term *t, struct mh_err *err)
{
	const struct mh_heatmap *map = t->map;
	char label[MH_TEXT_MAX + 8], size[MH_TEXT_MAX], words[MH_CAPTION_MAX];
	size_t room = (size_t)t->plot * 3 + 1;
	char *spark;

	if (!map->wss_max || map->wss_peak == MH_NO_DATA)
		return 0;
	spark = malloc(room);
	if (!spark)
		return mh_fail(err, MH_ENOMEM,
			       "out of memory for a line of the terminal");
	mh_text_spark(spark, room, map->wss_max, map->cols, map->wss_peak, t->plot,
		      t->utf8);
	snprintf(label, sizeof(label), "0..%s", mh_text_bytes_short(size, map->wss_peak));
	put_left(t, "WSS", label);
	fputs(spark, t->out);
	put_right(t, "");
	free(spark);
	mh_caption_wss(map, words);
	put_words(t, words);
	return 0;
}

/* ---- legend ---- */

static void add_value(const struct term *t, char *text, size_t size, double place)
{
	char value[16];
	size_t used = strlen(text);

	mh_color_scale_text(&t->scale, mh_color_scale_value(&t->scale, place), value);
	snprintf(text + used, size - used, "%s%s",
		 place >= 1 && t->scale.clipped ? ">" : "", value);
}

/* "0 ░ 6 ▒ 25 ▓ 56 █ 100" */
static void put_shades(struct term *t)
{
	static const char *const shades[] = { " ░ ", " ▒ ", " ▓ ", " █ " };
	char text[128] = "";
	int i;

	add_value(t, text, sizeof(text), 0);
	for (i = 1; i <= 4; i++) {
		strcat(text, shades[i - 1]);
		add_value(t, text, sizeof(text), i / 4.0);
	}
	put_words(t, text);
}

/* "0 none   1 <=1   2 <=5 ..." */
static void put_digits(struct term *t)
{
	char text[32];
	int i;

	put_words(t, "0 none");
	for (i = 1; i <= 9; i++) {
		snprintf(text, sizeof(text), "%d <=", i);
		add_value(t, text, sizeof(text), i / 9.0);
		put_words(t, text);
	}
}

/* Before each value the colours that lead up to it. */
static void put_gradient(struct term *t)
{
	struct mh_scale_tick ticks[MH_SCALE_TICKS];
	size_t n = mh_color_scale_ticks(&t->scale, ticks), i;
	unsigned least = t->scale.diverging ? 0 : MH_NR_HEAT / 12;
	int k;

	for (i = 0; i < n; i++) {
		const char *more = i + 1 == n && t->scale.clipped ? ">" : "";

		begin_item(t, strlen(ticks[i].text) + strlen(more) + (i ? 5 : 0));
		for (k = 0; i && k < 4; k++) {
			double place =
				ticks[i - 1].place +
				(k + 1) / 4.0 * (ticks[i].place - ticks[i - 1].place);
			unsigned level = (unsigned)(place * (MH_NR_HEAT - 1 - least));

			put_glyph(t, " ", NO_COLOR, t->heat[least + level]);
		}
		set_pair(t, NO_COLOR, NO_COLOR);
		fprintf(t->out, "%s%s%s", i ? " " : "", more, ticks[i].text);
	}
}

static void put_states(struct term *t)
{
	size_t n = (size_t)t->map->rows * t->map->cols;
	char text[64];

	if (n && memchr(t->map->state, MH_CELL_NOT_OBSERVED, n)) {
		snprintf(text, sizeof(text), "%s not observed", unobserved_glyph(t));
		put_words(t, text);
	}
	if (t->utf8 && n && memchr(t->map->state, MH_CELL_UNMAPPED, n)) {
		snprintf(text, sizeof(text), "%s not mapped", unmapped_glyph(t));
		put_words(t, text);
	}
	if (n && memchr(t->map->state, MH_CELL_FEW, n))
		put_words(t, t->half ? "░ few samples" : "some cells have < 3 samples");
}

static void put_legend(struct term *t)
{
	char text[MH_CAPTION_MAX];
	size_t i;

	snprintf(text, sizeof(text), "%s%s:", t->map->diverging ? "change of " : "",
		 mh_unit_name(t->map->unit));
	put_words(t, text);
	if (t->depth == MH_COLOR_NONE && t->map->diverging)
		put_words(t, "= much less   - less   + more   # much more");
	else if (t->depth != MH_COLOR_NONE)
		put_gradient(t);
	else if (t->utf8)
		put_shades(t);
	else
		put_digits(t);
	snprintf(text, sizeof(text), "(%s, cell %s)", mh_color_scale_name(&t->scale),
		 t->map->diverging ? "means" : "max");
	put_words(t, text);
	mh_caption_cell(t->map, text);
	put_words(t, text);
	put_states(t);
	end_items(t);
	for (i = 0; i < t->map->nr_spots; i++) {
		mh_caption_spot(t->map, i, text);
		put_words(t, text);
	}
	end_items(t);
}

int mh_term_heatmap(FILE *out, const struct mh_heatmap *map,
		    const struct mh_term_opts *opts, struct mh_err *err)
{
	struct term t = { .out = out, .map = map };
	int status;

	measure(&t, opts);
	mh_color_scale_init(&t.scale, map, opts->scale, opts->lo, opts->hi);
	set_colors(&t, opts->cmap);
	put_title(&t);
	put_time_axis(&t);
	put_bands(&t);
	status = put_wss(&t, err);
	if (status < 0)
		return status;
	put_legend(&t);
	if (fflush(out) != 0 || ferror(out))
		return mh_fail_errno(err, "cannot write the heatmap");
	return 0;
}
