/* SPDX-License-Identifier: MIT */
/*
 * From a ring to events: the targets of one aggregation share a moment although their
 * rows come one after the other, and so can be summed per moment.
 */
#include "../../test.h"

#include "source/damon/live.h"
#include "tests/fake/damon_ring.h"

#define MS 1000000u

struct fixture {
	struct fake_ring ring;
	struct damon_fs fs;
	struct damon_slot slots[2];
	struct mh_source src;
	size_t nr, nr_lost;
	uint64_t nr_rows_then, aggr_us; /* when intervals were told last */
	struct mh_event seen[64];
};

static int keep(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct fixture *f = arg;

	(void)err;
	f->nr_lost += ev->kind == MH_EV_LOST;
	if (ev->kind == MH_EV_STAT && !strcmp(ev->stat.name, "damon.aggr_us")) {
		f->nr_rows_then = f->nr;
		f->aggr_us = ev->stat.value;
	}
	if (ev->kind != MH_EV_REGION)
		return MH_OK;
	assert_in_range(f->nr, 0, 63);
	f->seen[f->nr++] = *ev;
	return MH_OK;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct mh_err err;

	*state = f;
	if (!f || fake_ring_init(&f->ring, 65536))
		return -1;
	f->src.fs = &f->fs;
	f->src.id = 3;
	f->src.kdamond = 500;
	f->ring.tid = 500;
	f->src.stream.format = fake_format;
	f->src.stream.sample_us = 5000;
	f->src.stream.aggr_us = 100000;
	f->slots[0] = (struct damon_slot){ .pid = 41, .since_ns = 1 };
	f->slots[1] = (struct damon_slot){ .pid = 42, .since_ns = 1 };
	f->src.slots.v = f->slots;
	f->src.slots.nr = 2;
	return mh_tracepoint_init(&f->src.stream.tap, &f->ring.page, f->ring.data,
				  f->ring.size, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mh_tracepoint_close(f->src.stream.tap);
	mh_assembly_fini(&f->src.stream.assembly);
	free(f->ring.data);
	free(f);
	return 0;
}

/* The snapshot of a target: two rows, the first of which is hit so often. */
static void put(struct fixture *f, uint64_t time_ns, uint64_t target, uint32_t hits)
{
	struct mh_region_row row = { .time_ns = time_ns,
				     .target = target,
				     .nr_regions = 2,
				     .start = 0x1000,
				     .end = 0x3000,
				     .nr_accesses = hits,
				     .age = 4 };

	fake_ring_row(&f->ring, &row);
	row.time_ns += 100;
	row.start = row.end;
	row.end += 0x1000;
	row.nr_accesses = 0;
	fake_ring_row(&f->ring, &row);
}

static void drain(struct fixture *f, uint64_t now_ns, bool last)
{
	struct mh_tell to = { .fn = keep, .arg = f, .source = 3, .time_ns = now_ns };
	struct mh_err err;

	assert_status(mh_damon_stream_drain(&f->src, last, &to, &err), MH_OK, &err);
}

static void test_moments(void **state)
{
	struct fixture *f = *state;
	uint64_t time_ns, sum = 0;
	size_t i;

	/* In turns; the second's rows come 3 ms after the first's, then 12 ms. */
	for (i = 0; i < 6; i++) {
		time_ns = (1000 + 100 * i) * MS;
		put(f, time_ns, 0, i % 2 ? 0 : 20);
		put(f, time_ns + (i < 3 ? 3 : 12) * MS, 1, i % 2 ? 20 : 0);
	}
	drain(f, 1600 * MS, true);
	assert_int_equal(f->nr, 24);
	assert_int_equal(f->nr_lost, 0);
	for (i = 0; i < f->nr; i++) {
		const struct mh_event *ev = &f->seen[i];

		/* The time of a moment is that of its first row. */
		assert_int_equal(ev->time_ns, (1000 + 100 * (i / 4)) * MS);
		assert_int_equal(ev->region.start_ns, ev->time_ns - 100 * MS);
		assert_int_equal(ev->region.pid, i % 4 < 2 ? 41 : 42);
		assert_int_equal(ev->region.max_accesses, 20);
		if (i && ev->time_ns != ev[-1].time_ns) {
			assert_int_equal(sum, 0x2000);
			sum = 0;
		}
		if (ev->region.nr_accesses)
			sum += ev->region.end - ev->region.start;
	}
	assert_int_equal(f->src.stream.nr_snapshots, 6);
	assert_int_equal(f->src.stream.bytes, 2 * 0x3000);
}

/* A moment that is late begins where the one before ended, not one interval before. */
static void test_late(void **state)
{
	struct fixture *f = *state;

	put(f, 1000 * MS, 0, 1);
	put(f, 1450 * MS, 0, 1);
	drain(f, 2000 * MS, true);
	assert_int_equal(f->nr, 4);
	assert_int_equal(f->seen[2].time_ns, 1450 * MS);
	assert_int_equal(f->seen[2].region.start_ns, 1000 * MS);
}

/* After a loss nobody knows when the one before was. */
static void test_lost(void **state)
{
	struct fixture *f = *state;
	struct {
		struct perf_event_header header;
		uint64_t id, lost;
		uint32_t pid, tid; /* sample_id_all */
		uint64_t time;
	} record = {
		.header = { .type = PERF_RECORD_LOST, .size = sizeof(record) },
		.lost = 7,
		.time = 1200 * MS,
	};

	put(f, 1000 * MS, 0, 1);
	fake_ring_put(&f->ring, &record, sizeof(record));
	put(f, 1450 * MS, 0, 1);
	drain(f, 2000 * MS, true);
	assert_int_equal(f->nr, 4);
	assert_int_equal(f->seen[2].region.start_ns, 1350 * MS);
	assert_int_equal(f->nr_lost, 1);
}

/* A snapshot that waits for a lost row when the kernel tunes is of the old intervals. */
static void test_tuned(void **state)
{
	struct fixture *f = *state;
	struct mh_region_row row = { .time_ns = 1100 * MS,
				     .nr_regions = 2,
				     .start = 0x1000,
				     .end = 0x3000,
				     .nr_accesses = 20,
				     .age = 4 };

	put(f, 1000 * MS, 0, 1);
	fake_ring_row(&f->ring, &row);
	fake_ring_tune(&f->ring, 1200 * MS, 10000);
	put(f, 1200 * MS, 0, 1);
	drain(f, 2000 * MS, true);
	assert_int_equal(f->nr, 5);
	assert_int_equal(f->nr_lost, 1);
	assert_int_equal(f->seen[2].time_ns, 1100 * MS);
	assert_int_equal(f->seen[3].time_ns, 1200 * MS);
	/* It was handed out before the new ones were told. */
	assert_int_equal(f->aggr_us, 200000);
	assert_int_equal(f->nr_rows_then, 3);
}

/* Another kdamond's records have our target's index, and are nobody's here. */
static void test_another_kdamond(void **state)
{
	struct fixture *f = *state;
	size_t i;

	put(f, 1000 * MS, 0, 1);
	f->ring.tid = 501;
	put(f, 1020 * MS, 0, 19);
	put(f, 1100 * MS, 1, 19);
	f->ring.tid = 500;
	put(f, 1100 * MS, 0, 1);
	drain(f, 2000 * MS, true);
	assert_int_equal(f->nr, 4);
	assert_int_equal(f->nr_lost, 0);
	for (i = 0; i < f->nr; i++) {
		assert_int_equal(f->seen[i].region.pid, 41);
		assert_in_range(f->seen[i].region.nr_accesses, 0, 1);
	}
	assert_int_equal(f->src.stream.nr_snapshots, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_moments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tuned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_kdamond, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
