/* SPDX-License-Identifier: MIT */
/*
 * What the recorder's side of DAMON costs: snapshots in a ring, as the kernel fills it,
 * through the source's own code into a trace. Only that is timed, not the filling.
 *
 *	bench_damon [-n SNAPSHOTS] [-r REGIONS] TRACE
 *
 * Prints one line of JSON. Half a second of snapshots is taken at a time, as recording
 * does; the intervals are DAMON's default.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <memheat/trace.h>

#include "source/damon/live.h"
#include "tests/fake/damon_ring.h"

#define RING    (UINT64_C(1) << 24)
#define AGGR_US 100000
#define AT_ONCE 5

struct gen {
	uint64_t rng;
	uint32_t nr, snapshot;
	struct mh_region_row *rows;
};

static uint32_t below(struct gen *g, uint32_t n)
{
	/* splitmix64 */
	uint64_t x = g->rng += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(((x ^ x >> 31) >> 32) * n >> 32);
}

/* An eighth is hot, an eighth by turns, the rest hardly; a quarter of the ends move. */
static void next_snapshot(struct gen *g)
{
	uint64_t at = UINT64_C(1) << 32;
	uint32_t i, hits;

	for (i = 0; i < g->nr; i++) {
		struct mh_region_row *row = &g->rows[i];

		hits = i < g->nr / 8   ? 18 + below(g, 3)
		       : i < g->nr / 4 ? (g->snapshot / 20 % 2 ? 0 : 8 + below(g, 6))
				       : !below(g, 50);
		row->age = hits == row->nr_accesses ? row->age + 1 : 0;
		row->nr_accesses = hits;
		row->nr_regions = g->nr;
		row->time_ns = (g->snapshot + UINT64_C(10)) * AGGR_US * 1000 + i * 1000;
		row->start = at;
		if (!row->end || !below(g, 4))
			row->end = ((uint64_t)i + 1) * 0x400000 + (UINT64_C(1) << 32) -
				   ((uint64_t)below(g, 512) << 12);
		at = row->end;
	}
	g->snapshot++;
}

static double cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int run(struct mh_writer *w, struct gen *g, uint32_t snapshots, double *spent,
	       struct mh_err *err)
{
	struct damon_fs fs = { .root = "" };
	struct mh_source src = { .id = 1, .fs = &fs, .physical = true };
	struct mh_tell to = { .fn = mh_writer_sink, .arg = w, .source = 1 };
	struct fake_ring ring;
	uint32_t i;
	double begin;
	int ret;

	if (fake_ring_init(&ring, RING))
		return mh_fail(err, MH_ENOMEM, "no memory for a ring");
	src.stream.format = fake_format;
	src.stream.sample_us = AGGR_US / 20;
	src.stream.aggr_us = AGGR_US;
	ret = mh_tracepoint_init(&src.stream.tap, &ring.page, ring.data, ring.size, err);
	while (!ret && g->snapshot < snapshots) {
		do {
			next_snapshot(g);
			for (i = 0; i < g->nr; i++)
				fake_ring_row(&ring, &g->rows[i]);
		} while (g->snapshot % AT_ONCE && g->snapshot < snapshots);
		to.time_ns = g->rows[g->nr - 1].time_ns + 1;
		begin = cpu_s();
		ret = mh_damon_stream_drain(&src, g->snapshot == snapshots, &to, err);
		*spent += cpu_s() - begin;
	}
	if (!ret && src.stream.nr_regions != (uint64_t)snapshots * g->nr)
		ret = mh_fail(err, MH_EFORMAT, "regions are missing");
	mh_tracepoint_close(src.stream.tap);
	mh_assembly_fini(&src.stream.assembly);
	free(ring.data);
	return ret;
}

int main(int argc, char **argv)
{
	struct gen g = { .rng = 1, .nr = 1000 };
	struct mh_writer *w = NULL;
	uint32_t snapshots = 3500;
	double spent = 0, begin;
	struct mh_err err;
	int opt, ret, closed;

	while ((opt = getopt(argc, argv, "n:r:")) != -1) {
		if (opt == '?')
			return 2;
		*(opt == 'n' ? &snapshots : &g.nr) = (uint32_t)strtoul(optarg, NULL, 10);
	}
	g.rows = calloc(g.nr, sizeof(*g.rows));
	/* Two bursts and more have to fit; a row is 80 bytes. */
	if (optind + 1 != argc || !g.rows || !g.nr || g.nr * 80ull * AT_ONCE > RING)
		return 2;
	ret = mh_writer_open(&w, argv[optind], NULL, &err);
	if (!ret)
		ret = run(w, &g, snapshots, &spent, &err);
	begin = cpu_s();
	closed = mh_writer_close(w, ret ? NULL : &err);
	spent += cpu_s() - begin;
	free(g.rows);
	if (ret || closed) {
		fprintf(stderr, "bench_damon: %s\n", err.msg);
		return 1;
	}
	printf("{\"regions\":%" PRIu64 ",\"cpu_s\":%.3f,\"us_per_region\":%.3f}\n",
	       (uint64_t)snapshots * g.nr, spent,
	       spent * 1e6 / ((double)snapshots * g.nr));
	return 0;
}
