/* SPDX-License-Identifier: MIT */
/*
 * Large traces for the benchmarks, written as a recording writes them.
 *
 *	gen_trace samples N STREAM.smp TRACE	a stream of real executions, repeated
 *	gen_trace regions N TRACE		snapshots of 1000 regions, as DAMON gives
 *	gen_trace loop MIB			no trace: the read bandwidth of memory
 *
 * A repeated stream goes on in time; its addresses stay, so that a picture of it has the
 * form of one run drawn many times. Mappings are made of the addresses that occur.
 */
#include <memheat/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stream.h"

#define CHUNK        (1u << 21)
#define MAP_GAP      (32u << 20) /* addresses nearer than this share a mapping */
#define NR_REGIONS   1000
#define REGION_AGGR  100000000u
#define REGION_BASE  0x7f0000000000u
#define REGION_TOTAL (4096ull << 20)

static struct mh_writer *writer;

static void fail(const char *what)
{
	fprintf(stderr, "gen_trace: %s\n", what);
	exit(1);
}

static void add(const struct mh_event *ev)
{
	struct mh_err err;

	if (mh_writer_add(writer, ev, &err))
		fail(err.msg);
}

static void add_meta(const char *key, const char *value)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_META);
	ev.meta.key = key;
	ev.meta.value = value;
	add(&ev);
}

static void add_process(uint32_t pid, const char *comm)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_TASK);
	ev.source = 1;
	ev.task.op = MH_TASK_FOUND;
	ev.task.pid = ev.task.tid = pid;
	ev.task.comm = comm;
	add(&ev);
}

static void add_mapping(uint32_t pid, uint64_t start, uint64_t end)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_MAP);
	ev.source = 1;
	ev.map.pid = pid;
	ev.map.start = start;
	ev.map.end = end;
	ev.map.prot = 3;
	add(&ev);
}

/* ---- samples ---- */

struct place {
	uint32_t pid;
	uint64_t chunk;
};

static int compare_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->chunk < y->chunk ? -1 : x->chunk > y->chunk;
}

static struct stream_sample *read_stream(const char *path, size_t *nr)
{
	FILE *in = fopen(path, "rb");
	struct stream_sample *s;
	long size = 0;

	if (!in || fseek(in, 0, SEEK_END) || (size = ftell(in)) < (long)sizeof(*s))
		fail("the stream cannot be read; scripts/make-streams makes it");
	rewind(in);
	s = malloc((size_t)size);
	*nr = (size_t)size / sizeof(*s);
	if (!s || fread(s, sizeof(*s), *nr, in) != *nr)
		fail("the stream cannot be read");
	fclose(in);
	return s;
}

static void add_mappings(const struct stream_sample *s, size_t nr)
{
	struct place *places = malloc(nr * sizeof(*places));
	size_t i, first;

	if (!places)
		fail("out of memory");
	for (i = 0; i < nr; i++)
		places[i] = (struct place){ s[i].pid, s[i].addr / CHUNK };
	qsort(places, nr, sizeof(*places), compare_place);
	for (first = 0, i = 1; i <= nr; i++) {
		if (i < nr && places[i].pid == places[first].pid &&
		    places[i].chunk - places[i - 1].chunk < MAP_GAP / CHUNK)
			continue;
		if (!first || places[first].pid != places[first - 1].pid)
			add_process(places[first].pid, "stream");
		add_mapping(places[first].pid, places[first].chunk * CHUNK,
			    (places[i - 1].chunk + 1) * CHUNK);
		first = i;
	}
	free(places);
}

static void add_sample(const struct stream_sample *s, uint64_t time_ns)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_SAMPLE);
	ev.source = 1;
	ev.time_ns = time_ns;
	ev.sample.flags = MH_SAMPLE_ADDR;
	ev.sample.ip = s->ip;
	ev.sample.addr = s->addr;
	ev.sample.phys = s->phys;
	ev.sample.data_src = s->data_src;
	ev.sample.weight = s->weight;
	ev.sample.pid = s->pid;
	ev.sample.tid = s->tid;
	ev.sample.cpu = s->cpu;
	ev.sample.page_shift = s->page_shift;
	add(&ev);
}

static void make_samples(uint64_t n, const char *stream)
{
	size_t nr, i = 0;
	struct stream_sample *s = read_stream(stream, &nr);
	uint64_t min = UINT64_MAX, max = 0, base = 1000000000u;

	for (i = 0; i < nr; i++) {
		min = s[i].time_ns < min ? s[i].time_ns : min;
		max = s[i].time_ns > max ? s[i].time_ns : max;
	}
	add_meta("source.1.name", "mem");
	add_meta("source.1.period", "100");
	add_mappings(s, nr);
	for (i = 0; n--; i++) {
		if (i == nr) {
			i = 0;
			base += max - min + 1000;
		}
		add_sample(&s[i], base + s[i].time_ns - min);
	}
	free(s);
}

/* ---- regions ---- */

/* Boundaries of which three in four stay from one snapshot to the next. */
static void move_boundaries(uint64_t *end, uint64_t *rng)
{
	unsigned i;

	for (i = 0; i + 1 < NR_REGIONS; i++) {
		uint64_t low = i ? end[i - 1] : REGION_BASE, high = end[i + 1];

		if (stream_random(rng) % 4 || high - low <= 8192)
			continue;
		end[i] = low + 4096 +
			 stream_random(rng) % ((high - low) / 4096 - 1) * 4096;
	}
}

static void make_regions(uint64_t n)
{
	uint64_t end[NR_REGIONS], rng = 1, t, i;
	uint32_t age[NR_REGIONS] = { 0 };
	struct mh_event ev;

	add_meta("source.1.name", "damon:vaddr");
	add_meta("source.1.sample_us", "5000");
	add_meta("source.1.aggr_us", "100000");
	add_process(1000, "regions");
	add_mapping(1000, REGION_BASE, REGION_BASE + REGION_TOTAL);
	for (i = 0; i < NR_REGIONS; i++)
		end[i] = REGION_BASE + REGION_TOTAL / NR_REGIONS / 4096 * 4096 * (i + 1);
	end[NR_REGIONS - 1] = REGION_BASE + REGION_TOTAL;
	mh_event_init(&ev, MH_EV_REGION);
	ev.source = 1;
	ev.region.pid = 1000;
	ev.region.max_accesses = 20;
	for (t = 0; t < n; t += NR_REGIONS) {
		ev.region.start_ns = (10 + t / NR_REGIONS) * REGION_AGGR;
		ev.time_ns = ev.region.start_ns + REGION_AGGR;
		for (i = 0; i < NR_REGIONS && t + i < n; i++) {
			unsigned hot = (i + t / NR_REGIONS / 50) % NR_REGIONS < 250;

			ev.region.start = i ? end[i - 1] : REGION_BASE;
			ev.region.end = end[i];
			ev.region.nr_accesses =
				hot ? 12 + (uint32_t)(stream_random(&rng) % 9)
				    : (uint32_t)(stream_random(&rng) % 64 == 0);
			age[i] = stream_random(&rng) % 16 ? age[i] + 1 : 0;
			ev.region.age = age[i];
			add(&ev);
		}
		move_boundaries(end, &rng);
	}
}

/* ---- the plain lower bound ---- */

static int read_loop(size_t mib)
{
	size_t nr = mib << 20 >> 3, i, pass;
	uint64_t *p = malloc(nr * 8), sum = 0;
	double best = 1e9;

	if (!p)
		fail("out of memory");
	memset(p, 1, nr * 8);
	for (pass = 0; pass < 3; pass++) {
		struct timespec a, b;
		double s;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		for (i = 0; i < nr; i++)
			sum += p[i];
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		s = (double)(b.tv_sec - a.tv_sec) +
		    (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
		best = s < best ? s : best;
	}
	printf("{\"mib\":%zu,\"seconds\":%.4f,\"gb_per_s\":%.2f,\"sum\":%llu}\n", mib,
	       best, (double)nr * 8e-9 / best, (unsigned long long)sum);
	free(p);
	return 0;
}

int main(int argc, char **argv)
{
	struct mh_err err;

	if (argc == 3 && !strcmp(argv[1], "loop"))
		return read_loop(strtoull(argv[2], NULL, 10));
	if (!(argc == 5 && !strcmp(argv[1], "samples")) &&
	    !(argc == 4 && !strcmp(argv[1], "regions")))
		fail("usage: gen_trace samples N STREAM.smp TRACE | regions N TRACE | "
		     "loop MIB");
	if (mh_writer_open(&writer, argv[argc - 1], NULL, &err))
		fail(err.msg);
	add_meta("trace.start_ns", "1000000000");
	add_meta("target.command", argv[1]);
	if (argc == 5)
		make_samples(strtoull(argv[2], NULL, 10), argv[3]);
	else
		make_regions(strtoull(argv[2], NULL, 10));
	if (mh_writer_close(writer, &err))
		fail(err.msg);
	return 0;
}
