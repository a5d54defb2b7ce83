/* SPDX-License-Identifier: MIT */
/*
 * A record as DAMO writes one, of any size, from a seed: regions whose boundaries are
 * split and merged, with hot, warm and cold ranges and ages. Prints json, json_compressed
 * or perf script text of the same data, so that importers can be compared.
 *
 *	gen_damo [-s SEED] [-n SNAPSHOTS] [-r REGIONS] [-t TARGETS] [-f FORMAT] [-a]
 *
 * -a: without intervals and ages, as old records are. FORMAT: json, zlib or text.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum format {
	JSON,
	ZLIB,
	TEXT
};

struct region {
	uint64_t start, end;
	uint32_t nr_accesses, age;
};

struct target {
	uint64_t base;
	uint32_t nr;
	struct region *v;
};

struct gen {
	uint64_t rng;
	uint32_t snapshots, regions, targets;
	enum format format;
	int plain; /* no intervals, no ages */
	z_stream z;
	char text[1 << 16];
	size_t len;
};

static uint64_t next(struct gen *g)
{
	/* splitmix64 */
	uint64_t x = g->rng += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint32_t below(struct gen *g, uint32_t n)
{
	return (uint32_t)((next(g) >> 32) * n >> 32);
}

static void flush(struct gen *g, int last)
{
	uint8_t out[1 << 16];

	if (g->format != ZLIB) {
		fwrite(g->text, 1, g->len, stdout);
		g->len = 0;
		return;
	}
	g->z.next_in = (uint8_t *)g->text;
	g->z.avail_in = (uInt)g->len;
	do {
		g->z.next_out = out;
		g->z.avail_out = sizeof(out);
		deflate(&g->z, last ? Z_FINISH : Z_NO_FLUSH);
		fwrite(out, 1, sizeof(out) - g->z.avail_out, stdout);
	} while (g->z.avail_out == 0 || g->z.avail_in);
	g->len = 0;
}

static void put(struct gen *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct gen *g, const char *fmt, ...)
{
	va_list ap;

	if (g->len > sizeof(g->text) - 1024)
		flush(g, 0);
	va_start(ap, fmt);
	g->len += (size_t)vsnprintf(g->text + g->len, sizeof(g->text) - g->len, fmt, ap);
	va_end(ap);
}

static const char *commas(char buf[32], uint64_t v)
{
	char *p = buf + 31;
	unsigned digits = 0;

	*p = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + v % 10);
		digits++;
		v /= 10;
	} while (v);
	return p;
}

/* The truth: an eighth is hot, another eighth by turns, the rest hardly. */
static uint32_t accesses(struct gen *g, uint32_t i, uint32_t nr, uint32_t snapshot)
{
	if (i < nr / 8)
		return 18 + below(g, 3);
	if (i < nr / 4)
		return snapshot / 20 % 2 ? 0 : 8 + below(g, 6);
	return below(g, 50) ? 0 : 1;
}

static void begin(struct gen *g, struct target *t, uint32_t id)
{
	uint64_t at = t->base = UINT64_C(0x7f0000000000) + ((uint64_t)id << 40);
	uint32_t i;

	t->nr = g->regions;
	t->v = calloc(g->regions, sizeof(*t->v));
	for (i = 0; t->v && i < t->nr; i++) {
		t->v[i].start = at;
		at += (uint64_t)(1 + below(g, 512)) << 12;
		t->v[i].end = at;
	}
}

static void step(struct gen *g, struct target *t, uint32_t snapshot)
{
	uint32_t i, was, d;

	for (i = 0; i < t->nr; i++) {
		was = t->v[i].nr_accesses;
		t->v[i].nr_accesses = accesses(g, i, t->nr, snapshot);
		d = was > t->v[i].nr_accesses ? was - t->v[i].nr_accesses
					      : t->v[i].nr_accesses - was;
		t->v[i].age = d > 2 ? 0 : t->v[i].age + 1;
		/* A quarter of the boundaries move. */
		if (!i || below(g, 4))
			continue;
		t->v[i].start = t->v[i - 1].end =
			t->v[i - 1].start +
			((1 + (uint64_t)(((t->v[i].end - t->v[i - 1].start) >> 12) - 1) *
				      below(g, 1000) / 1000)
			 << 12);
	}
}

static uint64_t end_ns(const struct gen *g, uint32_t snapshot)
{
	(void)g;
	return UINT64_C(1000000000000) + (snapshot + UINT64_C(1)) * 100000000 +
	       snapshot % 7 * 1000;
}

static uint64_t start_ns(const struct gen *g, uint32_t snapshot)
{
	return snapshot ? end_ns(g, snapshot - 1) : end_ns(g, 0) - 100000000;
}

#define I "            "

static void put_region(struct gen *g, const struct region *r, int first)
{
	char a[32], b[32], age[32] = "null";

	if (!g->plain)
		snprintf(age, sizeof(age), "\"%" PRIu32 "\"", r->age);
	put(g,
	    "%s\n" I "        {\n" I I "\"start\": \"%s\",\n" I I "\"end\": \"%s\",\n" I I
	    "\"nr_accesses\": {\n" I I "    \"samples\": %" PRIu32 ",\n" I I
	    "    \"percent\": null\n" I I "},\n" I I "\"age\": {\n" I I
	    "    \"usec\": null,\n" I I "    \"aggr_intervals\": %s\n" I I "},\n" I I
	    "\"sz_filter_passed\": \"0 B\"\n" I "        }",
	    first ? "" : ",", commas(a, r->start), commas(b, r->end), r->nr_accesses,
	    age);
}

static void put_snapshot(struct gen *g, const struct target *t, uint32_t snapshot)
{
	uint32_t i;

	put(g,
	    "%s\n" I "{\n" I "    \"start_time\": \"%" PRIu64 "\",\n" I
	    "    \"end_time\": \"%" PRIu64 "\",\n" I "    \"regions\": [",
	    snapshot ? "," : "", start_ns(g, snapshot), end_ns(g, snapshot));
	for (i = 0; i < t->nr; i++)
		put_region(g, &t->v[i], i == 0);
	put(g,
	    "\n" I "    ],\n" I "    \"total_bytes\": null,\n" I
	    "    \"damos_stats\": null,\n" I "    \"sample_interval_us\": null\n" I "}");
}

static void put_record(struct gen *g, uint32_t id)
{
	struct target t;
	uint32_t i;

	begin(g, &t, id);
	if (!t.v)
		exit(1);
	put(g,
	    "%s\n    {\n        \"kdamond_idx\": null,\n        \"context_idx\": null,\n",
	    id ? "," : "");
	put(g, "        \"intervals\": %s,\n        \"scheme_idx\": null,\n",
	    g->plain ? "null"
		     : "{\"sample_us\": \"5000\", \"aggr_us\": \"100000\", "
		       "\"ops_update_us\": \"1000000\", \"intervals_goal\": "
		       "{\"access_bp\": \"0\", \"aggrs\": \"0\", \"min_sample_us\": "
		       "\"0\", \"max_sample_us\": \"0\"}}");
	put(g,
	    "        \"target_id\": %" PRIu32 ",\n        \"scheme_filters\": [],\n"
	    "        \"snapshots\": [",
	    id);
	for (i = 0; i < g->snapshots; i++) {
		step(g, &t, i);
		put_snapshot(g, &t, i);
	}
	put(g, "\n        ],\n        \"data_source\": \"unknown\"\n    }");
	free(t.v);
}

/* All targets of a moment, as the kernel tells them. */
static void put_text(struct gen *g)
{
	struct target *t = calloc(g->targets, sizeof(*t));
	uint32_t i, k, r;

	for (k = 0; t && k < g->targets; k++)
		begin(g, &t[k], k);
	for (i = 0; t && i < g->snapshots; i++) {
		for (k = 0; k < g->targets; k++) {
			step(g, &t[k], i);
			for (r = 0; r < t[k].nr; r++)
				put(g,
				    "kdamond.0  4321 [001] %" PRIu64 ".%09" PRIu64
				    ": damon:damon_aggregated: target_id=%" PRIu32
				    " nr_regions=%" PRIu32 " %" PRIu64 "-%" PRIu64
				    ": %" PRIu32 " %" PRIu32 "\n",
				    end_ns(g, i) / 1000000000, end_ns(g, i) % 1000000000,
				    k, t[k].nr, t[k].v[r].start, t[k].v[r].end,
				    t[k].v[r].nr_accesses, t[k].v[r].age);
		}
	}
	for (k = 0; t && k < g->targets; k++)
		free(t[k].v);
	free(t);
}

int main(int argc, char **argv)
{
	struct gen *g = calloc(1, sizeof(*g));
	uint32_t i;
	int opt;

	if (!g)
		return 1;
	g->snapshots = 100;
	g->regions = 100;
	g->targets = 1;
	g->format = ZLIB;
	while ((opt = getopt(argc, argv, "s:n:r:t:f:a")) >= 0) {
		switch (opt) {
		case 's':
			g->rng = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			g->snapshots = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			g->regions = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 't':
			g->targets = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			g->format = *optarg == 'j' ? JSON : *optarg == 't' ? TEXT : ZLIB;
			break;
		case 'a':
			g->plain = 1;
			break;
		default:
			return 2;
		}
	}
	if (g->format == ZLIB && deflateInit(&g->z, Z_DEFAULT_COMPRESSION) != Z_OK)
		return 1;
	if (g->format == TEXT) {
		put_text(g);
	} else {
		put(g, "[");
		for (i = 0; i < g->targets; i++)
			put_record(g, i);
		put(g, "\n]");
	}
	flush(g, 1);
	if (g->format == ZLIB)
		deflateEnd(&g->z);
	free(g);
	return fflush(stdout) ? 1 : 0;
}
