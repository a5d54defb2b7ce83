/* SPDX-License-Identifier: MIT */
/*
 * How fast batches become cells, without a file: ns per sample and per region, as JSON.
 *
 *	bench_analyze [MILLION_SAMPLES [ROWS COLS]]
 *
 * Samples fall at random into eight mappings of two processes, in runs as programs make
 * them; snapshots are what DAMON gives: a few hundred regions side by side. Only the
 * analyses are timed, not the making of the batches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "analyze/cells.h"
#include "analyze/grid.h"
#include "analyze/moments.h"

#define NR_SEGS 8
#define BATCH   65536

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_analyze: %s\n", what);
	exit(1);
}

/* Two processes with four mappings each, 1 MiB to 1 GiB. */
static void make_layout(struct mh_layout *l, uint32_t rows)
{
	unsigned i;

	l->bands = calloc(NR_SEGS, sizeof(*l->bands));
	l->segs = calloc(NR_SEGS, sizeof(*l->segs));
	if (!l->bands || !l->segs)
		fail("no memory");
	l->nr_bands = l->nr_segs = NR_SEGS;
	l->rows = rows;
	for (i = 0; i < NR_SEGS; i++) {
		struct mh_row_seg *seg = &l->segs[i];
		uint64_t start = (UINT64_C(0x7f00) << 32) + ((uint64_t)i << 33);
		uint64_t len = UINT64_C(1) << (20 + i % 4 * 10 / 3);

		l->bands[i].row = rows / NR_SEGS * i;
		l->bands[i].nr_rows = rows / NR_SEGS;
		*seg = (struct mh_row_seg){ .key = MH_KEY_UNKNOWN | (i / 4 + 1),
					    .row = l->bands[i].row,
					    .band = i,
					    .weight = 1,
					    .rows = true };
		mh_axis_init(&seg->axis, (struct mh_range){ start, start + len },
			     l->bands[i].nr_rows);
	}
}

struct columns {
	uint64_t time_ns[BATCH], addr[BATCH], start[BATCH], end[BATCH], start_ns[BATCH];
	uint32_t pid[BATCH], nr[BATCH], max[BATCH];
};

static void make_samples(struct columns *c, const struct mh_layout *l)
{
	uint64_t where = 0, left = 0, i;

	for (i = 0; i < BATCH; i++) {
		const struct mh_row_seg *seg;

		if (!left--) {
			where = random64() % NR_SEGS;
			left = random64() % 16;
		}
		seg = &l->segs[where];
		c->addr[i] = seg->axis.span.start +
			     random64() % mh_range_len(seg->axis.span);
		c->pid[i] = (uint32_t)seg->key;
	}
}

static void finish(struct mh_grid *g, const struct mh_frame *f, struct mh_session *s,
		   double *seconds)
{
	struct mh_session_source src = { .name = "bench" };
	struct mh_heatmap map = { .rows = f->rows, .cols = f->time.bins };
	double t = now_s();

	if (mh_cells_finish(&map, g, s, &src, false, NULL))
		fail("no memory");
	*seconds = now_s() - t;
	mh_heatmap_fini(&map);
}

static double bench_samples(struct mh_session *s, uint64_t nr, uint32_t rows,
			    uint32_t cols, double *finish_s)
{
	struct columns *c = calloc(1, sizeof(*c));
	struct mh_scan_opts scan = { .session = s };
	struct mh_layout l = { 0 };
	struct mh_frame f = { .layout = &l, .scan = &scan, .rows = rows, .samples = true };
	struct mh_batch b = { .kind = MH_EV_SAMPLE, .nr = BATCH };
	struct mh_analysis a;
	struct mh_grid *g;
	uint64_t done, i;
	double sum = 0;

	make_layout(&l, rows);
	mh_axis_init(&f.time, (struct mh_range){ 1000, 1000 + nr * 100 }, cols);
	mh_grid_analysis(&a, &f);
	g = a.part_new(&f);
	if (!c || !g)
		fail("no memory");
	b.sample.time_ns = c->time_ns;
	b.sample.addr = c->addr;
	b.sample.pid = c->pid;
	for (done = 0; done < nr; done += BATCH) {
		double t;

		make_samples(c, &l);
		for (i = 0; i < BATCH; i++)
			c->time_ns[i] = 1000 + (done + i) * 100;
		t = now_s();
		if (a.batch(g, &b, NULL))
			fail("no memory");
		sum += now_s() - t;
	}
	finish(g, &f, s, finish_s);
	a.part_free(g);
	mh_layout_fini(&l);
	free(c);
	return sum;
}

/* @per_snap regions tile the mappings of one process. */
static double bench_regions(struct mh_session *s, uint64_t nr, uint64_t per_snap,
			    uint32_t rows, uint32_t cols, double *finish_s)
{
	struct columns *c = calloc(1, sizeof(*c));
	struct mh_scan_opts scan = { .session = s };
	struct mh_layout l = { 0 };
	struct mh_frame f = { .layout = &l, .scan = &scan, .rows = rows };
	struct mh_batch b = { .kind = MH_EV_REGION, .nr = BATCH };
	struct mh_analysis a[2];
	uint64_t done, i, number = 0;
	double sum = 0;
	void *part[2];

	make_layout(&l, rows);
	mh_axis_init(&f.time, (struct mh_range){ 1000, 1000 + nr / per_snap * 1000 + 1000 },
		     cols);
	mh_grid_analysis(&a[0], &f);
	mh_moments_analysis(&a[1], &scan);
	part[0] = a[0].part_new(&f);
	part[1] = a[1].part_new(&scan);
	if (!c || !part[0] || !part[1])
		fail("no memory");
	b.region.time_ns = c->time_ns;
	b.region.start_ns = c->start_ns;
	b.region.start = c->start;
	b.region.end = c->end;
	b.region.pid = c->pid;
	b.region.nr_accesses = c->nr;
	b.region.max_accesses = c->max;
	for (done = 0; done < nr; done += BATCH) {
		double t;

		for (i = 0; i < BATCH; i++, number++) {
			uint64_t at = number % per_snap;
			const struct mh_row_seg *seg = &l.segs[at * 4 / per_snap];
			uint64_t piece = mh_range_len(seg->axis.span) * 4 / per_snap;

			c->start_ns[i] = 1000 + number / per_snap * 1000;
			c->time_ns[i] = c->start_ns[i] + 1000;
			c->start[i] = seg->axis.span.start + at % (per_snap / 4) * piece;
			c->end[i] = c->start[i] + piece;
			c->pid[i] = 1;
			c->nr[i] = (uint32_t)(random64() % 21);
			c->max[i] = 20;
		}
		b.nr = (uint32_t)(nr - done < BATCH ? nr - done : BATCH);
		t = now_s();
		if (a[0].batch(part[0], &b, NULL) || a[1].batch(part[1], &b, NULL))
			fail("no memory");
		sum += now_s() - t;
	}
	finish(part[0], &f, s, finish_s);
	a[0].part_free(part[0]);
	a[1].part_free(part[1]);
	mh_layout_fini(&l);
	free(c);
	return sum;
}

static void print_regions(struct mh_session *s, uint64_t nr, uint64_t per_snap,
			  uint32_t rows, uint32_t cols, const char *end)
{
	double finish_s, sum = bench_regions(s, nr, per_snap, rows, cols, &finish_s);

	printf("    {\"regions\":%llu,\"per_snapshot\":%llu,\"seconds\":%.4f,"
	       "\"ns_per_region\":%.2f,\"finish_seconds\":%.4f}%s\n",
	       (unsigned long long)nr, (unsigned long long)per_snap, sum,
	       sum * 1e9 / (double)nr, finish_s, end);
}

int main(int argc, char **argv)
{
	uint64_t nr = (argc > 1 ? strtoull(argv[1], NULL, 10) : 100) * 1000000;
	uint32_t rows = argc > 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1080;
	uint32_t cols = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1920;
	struct mh_session s = { .window = { 0, UINT64_MAX } };
	double finish_s, sum;
	struct rusage ru;

	if (mh_maps_new(&s.maps, NULL) || mh_maps_finish(s.maps, NULL))
		fail("no memory");
	sum = bench_samples(&s, nr, rows, cols, &finish_s);
	getrusage(RUSAGE_SELF, &ru);
	printf("{\n  \"rows\":%u,\"cols\":%u,\n", rows, cols);
	printf("  \"samples\":%llu,\"seconds\":%.3f,\"ns_per_sample\":%.2f,"
	       "\"finish_seconds\":%.4f,\"max_rss_kib\":%ld,\n",
	       (unsigned long long)nr, sum, sum * 1e9 / (double)nr, finish_s, ru.ru_maxrss);
	puts("  \"snapshots\":[");
	print_regions(&s, 500000, 20, rows, cols, ",");
	print_regions(&s, 500000, 1000, rows, cols, ",");
	print_regions(&s, 10000000, 1000, rows, cols, "");
	getrusage(RUSAGE_SELF, &ru);
	printf("  ],\n  \"max_rss_kib\":%ld\n}\n", ru.ru_maxrss);
	mh_maps_free(s.maps);
	return 0;
}
