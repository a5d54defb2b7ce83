/* SPDX-License-Identifier: MIT */
/* The difference of two maps: bands by name, cells by offset and time, absence kept. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/analyze.h>

struct fixture {
	struct mh_heatmap map;
	struct mh_band bands[3];
	double mean[64];
	uint8_t state[64];
};

/* A map of @cols columns whose cells all have @value; NAN: not observed. */
static void make(struct fixture *f, uint32_t cols, uint64_t ns)
{
	memset(f, 0, sizeof(*f));
	f->map.unit = MH_UNIT_TOUCHED_RATIO;
	f->map.cols = cols;
	f->map.time_ns.end = ns;
	f->map.bands = f->bands;
	f->map.mean = f->map.max = f->mean;
	f->map.state = f->state;
}

static void band(struct fixture *f, const char *name, uint64_t start, uint64_t bytes,
		 uint32_t nr_rows, double value)
{
	struct mh_band *b = &f->bands[f->map.nr_bands++];
	size_t i;

	strcpy(b->name, name);
	b->addr = (struct mh_range){ start, start + bytes };
	b->bytes = bytes;
	b->row = f->map.rows;
	b->nr_rows = nr_rows;
	f->map.rows += nr_rows;
	for (i = (size_t)b->row * f->map.cols; i < (size_t)f->map.rows * f->map.cols;
	     i++) {
		f->mean[i] = value;
		f->state[i] = isnan(value) ? MH_CELL_NOT_OBSERVED : MH_CELL_VALUE;
	}
}

static double at(const struct mh_heatmap *m, uint32_t row, uint32_t col)
{
	assert_true(m->state[row * m->cols + col] >= MH_CELL_ZERO);
	return m->mean[row * m->cols + col];
}

static void test_bands_by_name(void **state)
{
	struct mh_heatmap d;
	struct fixture a, b;
	uint32_t i;

	(void)state;
	make(&a, 4, 400);
	band(&a, "gone", 0x1000, 0x1000, 1, 0.5);
	band(&a, "heap", 0x10000, 0x4000, 2, 0.25);
	make(&b, 4, 400);
	band(&b, "heap", 0x777000, 0x8000, 4, 0.75);
	band(&b, "new", 0x900000, 0x1000, 1, 0.125);
	assert_int_equal(mh_heatmap_difference(&d, &a.map, &b.map, NULL), MH_OK);
	assert_true(d.diverging);
	assert_int_equal(d.nr_bands, 3);
	assert_int_equal(d.rows, 6);
	for (i = 0; i < 4; i++) {
		/* The lower half was there before, at another address. */
		assert_true(at(&d, 0, i) == 0.5 && at(&d, 1, i) == 0.5);
		assert_true(at(&d, 2, i) == 0.75 && at(&d, 3, i) == 0.75);
		assert_true(at(&d, 4, i) == 0.125);
		assert_true(at(&d, 5, i) == -0.5);
	}
	assert_true(d.value_max == 0.75);
	assert_int_equal(mh_range_len(d.bands[0].addr), 0x8000);
	mh_heatmap_fini(&d);
}

static void test_absence(void **state)
{
	struct mh_heatmap d;
	struct fixture a, b;

	(void)state;
	make(&a, 2, 200);
	band(&a, "x", 0, 0x1000, 1, 0.5);
	make(&b, 4, 400);
	band(&b, "x", 0, 0x1000, 1, 0.5);
	b.mean[1] = NAN;
	b.state[1] = MH_CELL_NOT_OBSERVED;
	assert_int_equal(mh_heatmap_difference(&d, &a.map, &b.map, NULL), MH_OK);
	assert_int_equal(d.cols, 4);
	assert_int_equal(d.state[0], MH_CELL_ZERO);
	assert_int_equal(d.state[1], MH_CELL_NOT_OBSERVED);
	/* The first run was over by then. */
	assert_int_equal(d.state[2], MH_CELL_NOT_OBSERVED);
	assert_int_equal(d.state[3], MH_CELL_NOT_OBSERVED);
	mh_heatmap_fini(&d);
}

static void test_other_unit(void **state)
{
	struct mh_err err = { 0 };
	struct mh_heatmap d;
	struct fixture a, b;

	(void)state;
	make(&a, 1, 100);
	make(&b, 1, 100);
	b.map.unit = MH_UNIT_FAULTS_PER_S;
	assert_int_equal(mh_heatmap_difference(&d, &a.map, &b.map, &err), MH_ENOSUP);
	assert_non_null(strstr(err.msg, "--source"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bands_by_name),
		cmocka_unit_test(test_absence),
		cmocka_unit_test(test_other_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
