/* SPDX-License-Identifier: MIT */
/* The terminal's heatmap: lines that fit, states that differ, colours sent only on
 * change. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/utf8.h"
#include "sample.h"

static char *draw(const struct mh_heatmap *map, const struct mh_term_opts *opts)
{
	struct mh_err err = { 0 };
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	if (mh_term_heatmap(f, map, opts, &err) != 0)
		fail_msg("%s", err.msg);
	fclose(f);
	assert_int_equal(strlen(text), len);
	return text;
}

/* Drop what sets colours; no other escape may be there. */
static void strip_colors(char *s)
{
	char *to = s;

	while (*s) {
		if (*s != '\x1b') {
			*to++ = *s++;
			continue;
		}
		assert_int_equal(s[1], '[');
		s += 2 + strspn(s + 2, "0123456789;");
		assert_int_equal(*s, 'm');
		s++;
	}
	*to = '\0';
}

static size_t columns_of(const char *s)
{
	size_t n = 0, len;

	for (; *s; s += len) {
		int32_t point = mh_utf8_decode(s, &len);

		assert_true(point >= 0x20);
		n += mh_utf8_columns(point);
	}
	return n;
}

static void check_lines(const struct mh_heatmap *map, const struct mh_term_opts *opts)
{
	char *text = draw(map, opts), *line, *rest = NULL;

	if (opts->color == MH_COLOR_NONE)
		assert_null(strchr(text, '\x1b'));
	strip_colors(text);
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		size_t n = columns_of(line);

		if (n > opts->width)
			fail_msg("%zu columns of %u: %s", n, opts->width, line);
		if (!opts->utf8)
			assert_int_equal(strlen(line), n);
		assert_true(n == 0 || line[strlen(line) - 1] != ' ');
	}
	free(text);
}

static void every_mode(const struct mh_heatmap *map)
{
	static const uint32_t widths[] = { 24, 40, 72, 80, 100, 200 };
	struct mh_term_opts opts = { 0 };
	size_t w;
	int color;

	for (w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
		for (color = MH_COLOR_NONE; color <= MH_COLOR_TRUE; color++) {
			opts.width = widths[w];
			opts.color = (enum mh_color_depth)color;
			opts.utf8 = 0;
			check_lines(map, &opts);
			opts.utf8 = 1;
			check_lines(map, &opts);
		}
	}
}

static void test_lines_fit(void **state)
{
	struct mh_heatmap map;

	(void)state;
	sample_init(&map, 40, 90);
	every_mode(&map);
	snprintf(map.bands[2].owner, sizeof(map.bands[2].owner), "redis-server 4121");
	sample_as_rates(&map);
	every_mode(&map);
	sample_free(&map);
}

static void test_hostile_names(void **state)
{
	static const char evil[] =
		"\x1b]0;x\x07\n\xff\xe6\x97\xa5\xe6\x9c\xac\x1b[2J\xe2\x80\xae";
	struct mh_heatmap map;
	size_t i;

	(void)state;
	sample_init(&map, 40, 90);
	snprintf(map.from.title, sizeof(map.from.title), "%s", evil);
	snprintf(map.from.params, sizeof(map.from.params), "%s", evil);
	for (i = 0; i < map.nr_bands; i++) {
		snprintf(map.bands[i].name, sizeof(map.bands[i].name), "%s%s", evil,
			 evil);
		snprintf(map.bands[i].owner, sizeof(map.bands[i].owner), "%s", evil);
	}
	every_mode(&map);
	sample_free(&map);
}

/* Cells of every state in one row: each has a look of its own in every mode. */
static void test_states(void **state)
{
	struct mh_term_opts opts = { .width = 40, .utf8 = 1 };
	struct mh_heatmap map;
	uint32_t rows, cols, c, r;
	char *text;

	(void)state;
	mh_term_cells(&opts, &rows, &cols);
	assert_int_equal(cols, 25);
	sample_alloc(&map, 2, cols, 1);
	map.wss_p50 = map.wss_p95 = map.wss_peak = MH_NO_DATA;
	map.time_ns.end = 10 * SEC;
	sample_band(&map, 0, "x", 4096, 8192, 2, 1);
	for (c = 0; c < cols; c++) {
		for (r = 0; r < 2; r++)
			sample_set(&map, r, c,
				   c < 5    ? 0
				   : c < 10 ? NAN
				   : c < 20 ? pow((c - 9) / 10.0, 2)
					    : 0);
	}
	for (c = 20; c < cols; c++) {
		map.state[c] = map.state[cols + c] = MH_CELL_UNMAPPED;
		map.max[c] = map.max[cols + c] = NAN;
	}
	text = draw(&map, &opts);
	assert_non_null(strstr(text, "│     ·····░░▒▒▒▓▓███╌╌╌╌╌│"));
	assert_non_null(strstr(text, "· not observed"));
	assert_non_null(strstr(text, "╌ not mapped"));
	free(text);
	opts.utf8 = 0;
	text = draw(&map, &opts);
	assert_non_null(strstr(text, "|00000.....1234567899     |"));
	free(text);
	opts.utf8 = 1;
	opts.color = MH_COLOR_256;
	text = draw(&map, &opts);
	/* One pair for five zeros, one for five unobserved, ends with the terminal's own.
	 */
	assert_non_null(strstr(text, "│\x1b[48;5;16m     \x1b[38;5;246;48;5;239m·····"));
	assert_non_null(strstr(text, "\x1b[38;5;239;49m╌╌╌╌╌\x1b[m│"));
	free(text);
	sample_free(&map);
}

/* Half blocks: the upper half is the higher address. */
static void test_halves(void **state)
{
	struct mh_term_opts opts = { .width = 40, .utf8 = 1, .color = MH_COLOR_TRUE };
	struct mh_heatmap map;
	uint32_t c;
	char *text;

	(void)state;
	sample_alloc(&map, 2, 25, 1);
	map.wss_p50 = map.wss_p95 = map.wss_peak = MH_NO_DATA;
	sample_band(&map, 0, "x", 4096, 8192, 2, 1);
	for (c = 0; c < 25; c++) {
		sample_set(&map, 0, c, 0);
		sample_set(&map, 1, c, 1);
	}
	text = draw(&map, &opts);
	assert_non_null(strstr(text, "\x1b[38;2;252;255;164;48;2;0;0;4m▀▀▀▀▀"));
	free(text);
	for (c = 0; c < 25; c++)
		map.state[25 + c] = MH_CELL_UNMAPPED;
	text = draw(&map, &opts);
	assert_non_null(strstr(text, "\x1b[38;2;0;0;4m▄▄▄▄▄"));
	free(text);
	sample_free(&map);
}

static void test_odd_views(void **state)
{
	static const uint32_t sizes[][2] = {
		{ 1, 1 }, { 1, 300 }, { 30, 1 }, { 3, 2000 }
	};
	struct mh_heatmap map;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sample_alloc(&map, sizes[i][0], sizes[i][1], 1);
		sample_band(&map, 0, "", 0, 1, sizes[i][0], NAN);
		map.wss_p50 = map.wss_p95 = map.wss_peak = MH_NO_DATA;
		every_mode(&map);
		memset(map.state, MH_CELL_VALUE, (size_t)map.rows * map.cols);
		every_mode(&map);
		map.unit = MH_UNIT_FAULTS_PER_S;
		map.max[0] = map.value_max = map.value_p999 = INFINITY;
		map.bands[0].addr.end = map.time_ns.end = UINT64_MAX;
		map.bands[0].bytes = map.wss_peak = map.wss_max[0] = UINT64_MAX - 1;
		map.from.lost = map.from.throttled = UINT64_MAX;
		map.nr_spots = 1;
		map.spots[0].addr = (struct mh_range){ 3, UINT64_MAX };
		every_mode(&map);
		/* A spot in no band must not take anything with it. */
		map.spots[0].band = 99;
		every_mode(&map);
		sample_free(&map);
	}
}

static void test_full_disk(void **state)
{
	struct mh_term_opts opts = { 0 };
	struct mh_heatmap map;
	struct mh_err err;
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	if (!f)
		skip_because("no /dev/full");
	sample_init(&map, 40, 50);
	assert_int_equal(mh_term_heatmap(f, &map, &opts, &err), MH_ESYS);
	assert_non_null(strstr(err.msg, "No space left"));
	fclose(f);
	sample_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_fit), cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_states),    cmocka_unit_test(test_halves),
		cmocka_unit_test(test_odd_views), cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
