/* SPDX-License-Identifier: MIT */
/* Layout, PNG and SVG: decoded pixels, labels that stay on the page, hostile names. */
#include "test.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "render/layout.h"
#include "render/raster.h"
#include "sample.h"

struct blob {
	char *p;
	size_t len;
};

typedef int (*writer)(FILE *, const struct mh_heatmap *, const struct mh_picture_opts *,
		      struct mh_err *);

static struct blob draw(writer write, const struct mh_heatmap *map,
			const struct mh_picture_opts *opts)
{
	struct mh_err err = { 0 };
	struct blob b;
	FILE *f = open_memstream(&b.p, &b.len);

	assert_non_null(f);
	if (write(f, map, opts, &err) != 0)
		fail_msg("%s", err.msg);
	fclose(f);
	return b;
}

/* RGB pixels of a PNG; its size must be @w x @h. */
static struct mh_rgb *decode(struct blob b, uint32_t w, uint32_t h)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	struct mh_rgb *pixels;

	assert_true(png_image_begin_read_from_memory(&image, b.p, b.len));
	assert_int_equal(image.width, w);
	assert_int_equal(image.height, h);
	image.format = PNG_FORMAT_RGB;
	pixels = malloc((size_t)w * h * 3);
	assert_non_null(pixels);
	assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
	return pixels;
}

static void assert_color(struct mh_rgb got, struct mh_rgb want)
{
	assert_memory_equal(&got, &want, sizeof(got));
}

/* Every cell of a plain picture is one pixel of the colour that its value has. */
static void test_cells_are_pixels(void **state)
{
	struct mh_picture_opts opts = { .width_px = 60, .height_px = 40, .no_labels = 1 };
	struct mh_rgb colors[MH_NR_INDEX], *pixels;
	uint32_t rows, cols, r, c;
	struct mh_color_scale scale;
	struct mh_heatmap map;
	struct blob png;

	(void)state;
	mh_png_cells(&opts, &rows, &cols);
	assert_int_equal(rows, 40);
	assert_int_equal(cols, 60);
	sample_alloc(&map, rows, cols, 1);
	sample_band(&map, 0, "x", 4096, 4096 * 40, rows, 1);
	for (r = 0; r < rows; r++) {
		for (c = 0; c < cols; c++)
			sample_set(&map, r, c, c ? (double)(r * c) / (rows * cols) : 0);
	}
	map.wss_p50 = map.wss_p95 = map.wss_peak = MH_NO_DATA;
	map.state[3] = MH_CELL_UNMAPPED;
	png = draw(mh_png_write, &map, &opts);
	pixels = decode(png, 60, 40);
	mh_raster_palette(colors, &map, opts.cmap, 0);
	mh_color_scale_init(&scale, &map, MH_SCALE_AUTO, 0, 0);
	for (r = 0; r < rows; r++) {
		for (c = 0; c < cols; c++) {
			unsigned level = mh_color_scale_level(
				&scale, map.max[r * cols + c], MH_NR_HEAT);

			/* Low addresses are at the bottom. */
			assert_color(pixels[(rows - 1 - r) * cols + c],
				     r == 0 && c == 3 ? colors[MH_INDEX_PAGE]
						      : colors[level]);
		}
	}
	free(pixels);
	free(png.p);
	sample_free(&map);
}

/* A single hot cell among many under one pixel is what that pixel shows. */
static void test_hot_cell_survives(void **state)
{
	struct mh_picture_opts opts = { .width_px = 10, .height_px = 10, .no_labels = 1 };
	struct mh_rgb colors[MH_NR_INDEX], *pixels;
	struct mh_heatmap map;
	struct blob png;
	uint32_t r, c;

	(void)state;
	sample_alloc(&map, 100, 100, 1);
	sample_band(&map, 0, "x", 4096, 4096 * 100, 100, 1);
	for (r = 0; r < 100; r++) {
		for (c = 0; c < 100; c++)
			sample_set(&map, r, c, 0);
	}
	sample_set(&map, 57, 23, 1);
	png = draw(mh_png_write, &map, &opts);
	pixels = decode(png, 10, 10);
	mh_raster_palette(colors, &map, opts.cmap, 0);
	for (r = 0; r < 10; r++) {
		for (c = 0; c < 10; c++)
			assert_color(pixels[r * 10 + c], r == 4 && c == 2
								 ? colors[MH_NR_HEAT - 1]
								 : colors[0]);
	}
	free(pixels);
	free(png.p);
	sample_free(&map);
}

/* The plot of a full picture: as many cells as asked for, each its own pixel. */
static void check_plot(struct mh_picture_opts opts, int rates)
{
	struct mh_rgb colors[MH_NR_INDEX], *pixels;
	struct mh_color_scale scale;
	struct mh_paper paper;
	struct mh_heatmap map;
	uint32_t rows, cols, r, c;
	struct blob png;
	size_t i, k;

	mh_png_cells(&opts, &rows, &cols);
	sample_init(&map, rows, cols);
	if (rates)
		sample_as_rates(&map);
	map.state[cols * (rows / 2) + 7] = MH_CELL_UNMAPPED;
	mh_color_scale_init(&scale, &map, opts.scale, opts.lo, opts.hi);
	assert_int_equal(mh_paper_init(&paper, &map, &scale, &opts, false, NULL), 0);
	png = draw(mh_png_write, &map, &opts);
	pixels = decode(png, (uint32_t)paper.w, (uint32_t)paper.h);
	mh_raster_palette(colors, &map, opts.cmap, opts.light);
	for (i = 0; i < map.nr_bands; i++) {
		const struct mh_band *b = &map.bands[i];

		if (b->nr_rows)
			assert_int_equal(paper.strips[i].h, b->nr_rows);
		for (r = 0; r < b->nr_rows; r++) {
			for (c = 0; c < cols; c++) {
				int x = paper.plot.x + (int)c;
				int y = paper.strips[i].y + paper.strips[i].h - 1 -
					(int)r;
				size_t cell = (size_t)(b->row + r) * cols + c;
				bool boxed = false;

				for (k = 0; k < paper.nr_spots; k++) {
					const struct mh_box *box = &paper.boxes[k];

					boxed |= x >= box->x && x < box->x + box->w &&
						 y >= box->y && y < box->y + box->h;
				}
				if (!boxed)
					assert_color(pixels[y * paper.w + x],
						     colors[mh_raster_index(
							     &scale,
							     (enum mh_cell_state)
								     map.state[cell],
							     map.max[cell], x, y)]);
			}
		}
	}
	mh_paper_fini(&paper);
	free(pixels);
	free(png.p);
	sample_free(&map);
}

static void test_plots(void **state)
{
	(void)state;
	check_plot((struct mh_picture_opts){ 0 }, 0);
	check_plot(
		(struct mh_picture_opts){ .light = 1, .width_px = 900, .height_px = 500 },
		1);
	check_plot(
		(struct mh_picture_opts){ .cmap = MH_CMAP_MAGMA, .lo = 0.2, .hi = 0.4 },
		0);
}

/* The four states and "few" cannot be taken for each other. */
static void test_states_differ(void **state)
{
	struct mh_color_scale scale = { .kind = MH_SCALE_LINEAR, .hi = 1, .bent_hi = 1 };
	uint8_t zero = mh_raster_index(&scale, MH_CELL_ZERO, 0, 0, 0);
	int x, seen_line = 0;

	(void)state;
	assert_int_equal(mh_raster_index(&scale, MH_CELL_UNMAPPED, NAN, 0, 0),
			 MH_INDEX_PAGE);
	assert_int_equal(zero, MH_INDEX_HEAT);
	assert_true(mh_raster_index(&scale, MH_CELL_VALUE, 1e-9, 0, 0) >=
		    MH_NR_HEAT / 12);
	for (x = 0; x < 12; x++) {
		uint8_t hatch = mh_raster_index(&scale, MH_CELL_NOT_OBSERVED, NAN, x, 0);

		assert_true(hatch == MH_INDEX_HATCH || hatch == MH_INDEX_HATCH_LINE);
		seen_line += hatch == MH_INDEX_HATCH_LINE;
	}
	assert_int_equal(seen_line, 2);
	assert_int_equal(mh_raster_index(&scale, MH_CELL_FEW, 1, 0, 0), MH_NR_HEAT - 1);
	assert_int_equal(mh_raster_index(&scale, MH_CELL_FEW, 1, 1, 0),
			 (MH_NR_HEAT - 1) / 2);
}

static void check_marks(const struct mh_paper *p)
{
	double a[4], b[4];
	size_t i, k;

	for (i = 0; i < p->marks.nr; i++) {
		const struct mh_mark *m = &p->marks.v[i];

		mh_mark_bounds(m, &a[0], &a[1], &a[2], &a[3]);
		if (a[0] < 0 || a[1] < 0 || a[2] > p->w || a[3] > p->h)
			fail_msg("off the page of %dx%d: \"%s\" %g,%g..%g,%g", p->w, p->h,
				 m->text, a[0], a[1], a[2], a[3]);
		for (k = 0; k < i && m->kind == MH_MARK_TEXT; k++) {
			const struct mh_mark *o = &p->marks.v[k];

			if (o->kind != MH_MARK_TEXT || !*o->text || !*m->text)
				continue;
			mh_mark_bounds(o, &b[0], &b[1], &b[2], &b[3]);
			/* Descenders may touch. */
			if (a[0] < b[2] - 0.5 && b[0] < a[2] - 0.5 && a[1] < b[3] - 1 &&
			    b[1] < a[3] - 1)
				fail_msg("on %dx%d \"%s\" lies over \"%s\"", p->w, p->h,
					 m->text, o->text);
		}
	}
	for (i = 0; i < p->nr_spots; i++) {
		const struct mh_box *box = &p->boxes[i];

		assert_true(box->x >= p->plot.x &&
			    box->x + box->w <= p->plot.x + p->plot.w);
		assert_true(box->y >= p->plot.y &&
			    box->y + box->h <= p->plot.y + p->plot.h);
	}
	for (i = 0; i < p->nr_strips; i++) {
		assert_true(p->strips[i].h >= 0 && p->strips[i].y >= p->plot.y);
		assert_true(p->strips[i].y + p->strips[i].h <=
			    (i ? p->strips[i - 1].y : p->plot.y + p->plot.h));
	}
}

static void check_layout(const struct mh_heatmap *map, uint32_t w, uint32_t h, bool utf8)
{
	struct mh_picture_opts opts = { .width_px = w, .height_px = h };
	struct mh_color_scale scale;
	struct mh_paper paper;

	mh_color_scale_init(&scale, map, MH_SCALE_AUTO, 0, 0);
	assert_int_equal(mh_paper_init(&paper, map, &scale, &opts, utf8, NULL), 0);
	check_marks(&paper);
	mh_paper_fini(&paper);
}

/* @nr mappings, every third a collapsed run, names of all lengths. */
static void many_bands(struct mh_heatmap *m, size_t nr)
{
	uint32_t rows_each = 3, c;
	size_t i;

	sample_alloc(m, (uint32_t)nr * rows_each, 50, nr);
	m->time_ns.end = 7300 * SEC;
	for (i = 0; i < nr; i++) {
		char name[128];

		snprintf(name, sizeof(name), "/usr/lib/some/where/lib%.*s.so.%zu",
			 (int)(i % 60),
			 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij",
			 i);
		sample_band(m, i, name, (i + 1) << 32, ((uint64_t)i + 1) << 20,
			    i % 3 == 1 ? 0 : rows_each, 1.0 / (double)nr);
	}
	for (c = 0; c < m->cols; c++)
		m->wss_min[c] = m->wss_max[c] = MH_NO_DATA;
	m->wss_p50 = m->wss_p95 = m->wss_peak = MH_NO_DATA;
	m->rows = m->bands[nr - 1].row + m->bands[nr - 1].nr_rows;
}

static void test_layouts(void **state)
{
	static const uint32_t sizes[][2] = { { 400, 240 },   { 640, 400 },
					     { 800, 600 },   { 1280, 720 },
					     { 1920, 1080 }, { 3840, 2160 },
					     { 400, 4000 },  { 4000, 240 } };
	static const size_t bands[] = { 1, 2, 7, 40, 300 };
	struct mh_heatmap map;
	size_t s, b;

	(void)state;
	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		sample_init(&map, 300, 400);
		check_layout(&map, sizes[s][0], sizes[s][1], true);
		sample_as_rates(&map);
		check_layout(&map, sizes[s][0], sizes[s][1], false);
		sample_free(&map);
		for (b = 0; b < sizeof(bands) / sizeof(bands[0]); b++) {
			many_bands(&map, bands[b]);
			check_layout(&map, sizes[s][0], sizes[s][1], true);
			sample_free(&map);
		}
	}
}

static void test_sizes_refused(void **state)
{
	struct mh_picture_opts opts = { .width_px = 399, .height_px = 720 };
	struct mh_heatmap map;
	struct mh_err err;

	(void)state;
	sample_init(&map, 40, 40);
	assert_int_equal(mh_png_write(stdout, &map, &opts, &err), MH_EINPUT);
	assert_non_null(strstr(err.msg, "399x720"));
	opts.width_px = 20000;
	assert_int_equal(mh_svg_write(stdout, &map, &opts, &err), MH_EINPUT);
	sample_free(&map);
}

static void test_same_bytes(void **state)
{
	struct mh_picture_opts opts = { .command = "memheat report heatmap" };
	struct mh_heatmap map;
	struct blob a, b;

	(void)state;
	sample_init(&map, 300, 400);
	a = draw(mh_png_write, &map, &opts);
	b = draw(mh_png_write, &map, &opts);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	free(a.p);
	free(b.p);
	a = draw(mh_svg_write, &map, &opts);
	b = draw(mh_svg_write, &map, &opts);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	free(a.p);
	free(b.p);
	sample_free(&map);
}

static bool holds(struct blob b, const char *text)
{
	return memmem(b.p, b.len, text, strlen(text)) != NULL;
}

static void test_png_says_what_it_is(void **state)
{
	struct mh_picture_opts opts = { .command = "memheat report -o \xc3\xa9\n.png" };
	struct mh_heatmap map;
	struct blob png;

	(void)state;
	sample_init(&map, 30, 40);
	png = draw(mh_png_write, &map, &opts);
	assert_true(holds(png, "masim zigzag"));
	assert_true(holds(png, "Description"));
	assert_true(holds(png, "the working set is 95.4 MiB in the median"));
	assert_true(holds(png, "memheat " MEMHEAT_VERSION));
	assert_true(holds(png, "memheat report -o \\u{e9}\\x0a.png"));
	assert_false(holds(png, "tIME"));
	free(png.p);
	sample_free(&map);
}

static void xmllint(struct blob svg)
{
	FILE *f;

	if (system("command -v xmllint >/dev/null") != 0)
		return;
	f = popen("xmllint --noout -", "w");
	assert_non_null(f);
	fwrite(svg.p, 1, svg.len, f);
	assert_int_equal(pclose(f), 0);
}

static void test_svg(void **state)
{
	struct mh_picture_opts opts = { 0 };
	struct mh_heatmap map;
	struct blob svg;

	(void)state;
	sample_init(&map, 300, 400);
	svg = draw(mh_svg_write, &map, &opts);
	assert_true(holds(svg, "<title id=\"t\">masim zigzag</title>"));
	assert_true(holds(svg, "<desc id=\"d\">Heatmap of masim zigzag by DAMON vaddr"));
	assert_true(holds(svg, "image-rendering:pixelated"));
	assert_true(holds(svg, "href=\"data:image/png;base64,iVBOR"));
	assert_true(holds(svg, ">[stack]</text>"));
	assert_true(holds(svg, ">accessed in % of checks (sqrt, cell max)</text>"));
	assert_true(holds(svg, "<title>(1) [anon] mmap +98 MiB: 100% for 4 s</title>"));
	assert_true(holds(svg, "<title>[heap] 55d0c2a43000-"));
	assert_true(svg.len < 100000);
	xmllint(svg);
	free(svg.p);
	sample_free(&map);
}

static void test_hostile_names(void **state)
{
	static const char evil[] =
		"<&\"'\n\x1b]0;x\x07\xff\xed\xa0\x80</svg><script>%s%n";
	struct mh_picture_opts opts = { .command = evil };
	struct mh_heatmap map;
	struct blob b;

	(void)state;
	sample_init(&map, 300, 400);
	snprintf(map.from.title, sizeof(map.from.title), "%s", evil);
	snprintf(map.from.source, sizeof(map.from.source), "%s", evil);
	snprintf(map.bands[2].name, sizeof(map.bands[2].name), "%s", evil);
	snprintf(map.bands[2].owner, sizeof(map.bands[2].owner), "%.30s", evil);
	b = draw(mh_svg_write, &map, &opts);
	assert_false(holds(b, "<script"));
	assert_null(memchr(b.p, 0x1b, b.len));
	assert_null(memchr(b.p, 0xff, b.len));
	assert_true(holds(b, "&lt;&amp;&quot;"));
	assert_true(holds(b, "\\x1b]0;x\\x07\\xff"));
	xmllint(b);
	free(b.p);
	b = draw(mh_png_write, &map, &opts);
	assert_true(holds(b, "<&\"'\\x0a\\x1b]0;x\\x07\\xff"));
	free(b.p);
	sample_free(&map);
}

static void check_both(const struct mh_heatmap *map)
{
	static const writer writers[] = { mh_png_write, mh_svg_write };
	struct mh_picture_opts opts = { .width_px = 500, .height_px = 300 };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct blob b = draw(writers[i], map, &opts);

		assert_true(b.len > 1000);
		free(b.p);
	}
	check_layout(map, 500, 300, true);
}

static void test_odd_views(void **state)
{
	static const uint32_t sizes[][2] = {
		{ 1, 1 }, { 1, 300 }, { 300, 1 }, { 3000, 2 }
	};
	struct mh_heatmap map;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		/* All unmapped, no time, no title. */
		sample_alloc(&map, sizes[i][0], sizes[i][1], 1);
		sample_band(&map, 0, "", 0, 1, sizes[i][0], NAN);
		map.wss_p50 = map.wss_p95 = map.wss_peak = MH_NO_DATA;
		check_both(&map);
		/* Values without a number, and endless ones. */
		memset(map.state, MH_CELL_VALUE, (size_t)map.rows * map.cols);
		check_both(&map);
		map.max[0] = INFINITY;
		map.value_max = map.value_p999 = INFINITY;
		map.unit = MH_UNIT_ACCESSES_PER_S;
		check_both(&map);
		map.bands[0].addr = (struct mh_range){ 0, UINT64_MAX };
		map.bands[0].bytes = UINT64_MAX - 1;
		map.time_ns = (struct mh_range){ 0, UINT64_MAX };
		map.from.lost = map.from.nr_gaps = map.from.gap_ns = UINT64_MAX;
		map.max[0] = map.value_max = map.value_p999 = 1.7e308;
		map.wss_max[0] = map.wss_min[0] = map.wss_peak = UINT64_MAX - 1;
		map.nr_spots = 5;
		map.spots[3] = (struct mh_hot_spot){ .band = 77,
						     .addr = { 5, UINT64_MAX },
						     .time_ns = { 7, UINT64_MAX } };
		check_both(&map);
		sample_free(&map);
	}
}

static void test_full_disk(void **state)
{
	struct mh_picture_opts opts = { 0 };
	struct mh_heatmap map;
	struct mh_err err;
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	if (!f)
		skip_because("no /dev/full");
	sample_init(&map, 300, 400);
	assert_int_equal(mh_png_write(f, &map, &opts, &err), MH_ESYS);
	assert_non_null(strstr(err.msg, "No space left"));
	clearerr(f);
	assert_int_equal(mh_svg_write(f, &map, &opts, &err), MH_ESYS);
	assert_non_null(strstr(err.msg, "No space left"));
	fclose(f);
	sample_free(&map);
}

static void test_describe(void **state)
{
	struct mh_heatmap map;
	char text[600], cut[20];

	(void)state;
	sample_init(&map, 40, 40);
	mh_heatmap_describe(&map, text, sizeof(text));
	assert_string_equal(
		text,
		"Heatmap of masim zigzag by DAMON vaddr over 56.8 s: 231.0 MiB in 5 "
		"bands; the working set is 95.4 MiB in the median and 196 MiB at "
		"most; hottest is [anon] mmap +98 MiB with 100% for 4 s; 31.6 MiB "
		"stayed cold; without data: 1.4 s.");
	mh_heatmap_describe(&map, cut, sizeof(cut));
	assert_memory_equal(cut, text, sizeof(cut) - 1);
	assert_int_equal(cut[sizeof(cut) - 1], '\0');
	mh_heatmap_describe(&map, cut, 0);
	sample_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells_are_pixels),
		cmocka_unit_test(test_hot_cell_survives),
		cmocka_unit_test(test_plots),
		cmocka_unit_test(test_states_differ),
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_sizes_refused),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_png_says_what_it_is),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_odd_views),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}
