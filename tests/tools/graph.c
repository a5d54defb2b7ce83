/* SPDX-License-Identifier: MIT */
/*
 * A graph search, as a program whose memory accesses are worth recording.
 *
 *	graph --make FILE [--scale N] [--degree N] [--seed N] [--uniform]
 *	graph --run FILE [--searches N] [--iterations N] [--seed N]
 *
 * --make writes a graph of 2^scale vertices with degree * 2^scale directed edges, RMAT
 * (0.57, 0.19, 0.19, 0.05) or uniform, as compressed sparse rows.  --run maps the file
 * and does breadth-first searches from seeded roots, then PageRank by pulling, and prints
 * what it found.  The two are apart so that a traced --run is all search and no making.
 */
#include "stream.h"

#include <fcntl.h>
#include <getopt.h>
#include <sys/mman.h>
#include <unistd.h>

#define GRAPH_MAGIC UINT64_C(0x3148505247) /* "GRPH1" */

struct graph_header {
	uint64_t magic;
	uint64_t nr_vertices;
	uint64_t nr_edges;
	uint64_t zero;
};

/* Edges of v are targets[rows[v]] up to targets[rows[v + 1]]. */
struct graph {
	const uint64_t *rows;
	const uint32_t *targets;
	uint64_t nr_vertices, nr_edges;
};

struct options {
	const char *make, *run;
	uint64_t scale, degree, seed, searches, iterations;
	int uniform;
};

/* Scatters RMAT's vertices, which would else be sorted by degree. */
static uint32_t scatter(uint32_t v, unsigned scale)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << scale) - 1);

	v = (v * 0x9e3779b1u) & mask;
	v ^= v >> (scale / 2);
	return (v * 0x85ebca6bu) & mask;
}

static void make_edge(uint32_t *from, uint32_t *to, const struct options *o,
		      uint64_t *rng)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << o->scale) - 1);

	*from = *to = 0;
	if (o->uniform) {
		*from = (uint32_t)stream_random(rng) & mask;
		*to = (uint32_t)stream_random(rng) & mask;
		return;
	}
	for (uint64_t bit = 0; bit < o->scale; bit++) {
		unsigned r = (unsigned)(stream_random(rng) >> 32) % 100;

		*from = *from << 1 | (r >= 76);
		*to = *to << 1 | ((r >= 57 && r < 76) || r >= 95);
	}
	*from = scatter(*from, (unsigned)o->scale);
	*to = scatter(*to, (unsigned)o->scale);
}

static int make(const struct options *o)
{
	uint64_t nr_vertices = UINT64_C(1) << o->scale,
		 nr_edges = nr_vertices * o->degree;
	struct graph_header h = { GRAPH_MAGIC, nr_vertices, nr_edges, 0 };
	uint64_t *rows = stream_alloc(nr_vertices + 2, sizeof(*rows));
	uint32_t *targets = stream_alloc(nr_edges, sizeof(*targets));
	uint64_t rng = o->seed;
	uint32_t from, to;
	FILE *f;

	/* The same edges twice: counted, then placed.  rows[v + 1] is v's next free
	 * place, and so becomes where v + 1 starts. */
	for (uint64_t i = 0; i < nr_edges; i++) {
		make_edge(&from, &to, o, &rng);
		rows[from + 2]++;
	}
	for (uint64_t v = 2; v <= nr_vertices; v++)
		rows[v] += rows[v - 1];
	rng = o->seed;
	for (uint64_t i = 0; i < nr_edges; i++) {
		make_edge(&from, &to, o, &rng);
		targets[rows[from + 1]++] = to;
	}
	f = stream_create(o->make);
	stream_put(f, &h, sizeof(h));
	stream_put(f, rows, (nr_vertices + 1) * sizeof(*rows));
	stream_put(f, targets, nr_edges * sizeof(*targets));
	stream_finish(f, o->make);
	free(rows);
	free(targets);
	return 0;
}

static uint64_t search(const struct graph *g, uint32_t root, uint32_t *depth,
		       uint32_t *queue)
{
	uint64_t head = 0, tail = 0;

	memset(depth, 0xff, g->nr_vertices * sizeof(*depth));
	depth[root] = 0;
	queue[tail++] = root;
	while (head < tail) {
		uint32_t v = queue[head++];

		for (uint64_t e = g->rows[v]; e < g->rows[v + 1]; e++) {
			uint32_t to = g->targets[e];

			if (depth[to] == UINT32_MAX) {
				depth[to] = depth[v] + 1;
				queue[tail++] = to;
			}
		}
	}
	return tail;
}

static double rank_once(const struct graph *g, const float *share, float *rank)
{
	double moved = 0;

	for (uint64_t v = 0; v < g->nr_vertices; v++) {
		float sum = 0;

		for (uint64_t e = g->rows[v]; e < g->rows[v + 1]; e++)
			sum += share[g->targets[e]];
		sum = 0.15f / (float)g->nr_vertices + 0.85f * sum;
		moved += fabs((double)sum - (double)rank[v]);
		rank[v] = sum;
	}
	return moved;
}

static double rank_all(const struct graph *g, uint64_t iterations, float *share,
		       float *rank)
{
	double moved = 0;

	for (uint64_t v = 0; v < g->nr_vertices; v++)
		rank[v] = 1.0f / (float)g->nr_vertices;
	for (uint64_t i = 0; i < iterations; i++) {
		for (uint64_t v = 0; v < g->nr_vertices; v++) {
			uint64_t degree = g->rows[v + 1] - g->rows[v];

			share[v] = degree ? rank[v] / (float)degree : 0;
		}
		moved = rank_once(g, share, rank);
	}
	return moved;
}

static void *map_graph(struct graph *g, size_t *size, const char *path)
{
	const struct graph_header *h;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(*h))
		stream_die(path, "cannot be opened");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		stream_die(path, "cannot be mapped");
	h = map;
	*size = (size_t)st.st_size;
	if (h->magic != GRAPH_MAGIC ||
	    *size != sizeof(*h) + (h->nr_vertices + 1) * 8 + h->nr_edges * 4)
		stream_die(path, "is not a graph");
	g->nr_vertices = h->nr_vertices;
	g->nr_edges = h->nr_edges;
	g->rows = (const uint64_t *)(h + 1);
	g->targets = (const uint32_t *)(g->rows + g->nr_vertices + 1);
	return map;
}

static int run(const struct options *o)
{
	struct graph g;
	size_t size;
	void *map = map_graph(&g, &size, o->run);
	uint32_t *depth = stream_alloc(g.nr_vertices, sizeof(*depth));
	uint32_t *queue = stream_alloc(g.nr_vertices, sizeof(*queue));
	uint64_t rng = o->seed, root;

	for (uint64_t i = 0; i < o->searches; i++) {
		do
			root = stream_random(&rng) % g.nr_vertices;
		while (g.nr_edges && g.rows[root] == g.rows[root + 1]);
		printf("from %llu reached %llu\n", (unsigned long long)root,
		       (unsigned long long)search(&g, (uint32_t)root, depth, queue));
	}
	free(depth);
	free(queue);
	if (o->iterations) {
		float *share = stream_alloc(g.nr_vertices, sizeof(*share));
		float *rank = stream_alloc(g.nr_vertices, sizeof(*rank));

		printf("rank moved %g\n", rank_all(&g, o->iterations, share, rank));
		free(share);
		free(rank);
	}
	munmap(map, size);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{ "make", required_argument, NULL, 'm' },
		{ "run", required_argument, NULL, 'r' },
		{ "scale", required_argument, NULL, 's' },
		{ "degree", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 'S' },
		{ "searches", required_argument, NULL, 'b' },
		{ "iterations", required_argument, NULL, 'i' },
		{ "uniform", no_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = {
		.scale = 16, .degree = 16, .seed = 1, .searches = 1, .iterations = 3
	};
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		uint64_t *number = c == 's'   ? &o.scale
				   : c == 'd' ? &o.degree
				   : c == 'S' ? &o.seed
				   : c == 'b' ? &o.searches
				   : c == 'i' ? &o.iterations
					      : NULL;

		bad |= c == '?';
		if (number)
			*number = stream_number(optarg);
		else if (c == 'u')
			o.uniform = 1;
		else if (c == 'm' || c == 'r')
			*(c == 'm' ? &o.make : &o.run) = optarg;
	}
	if (bad || !o.make == !o.run || optind != argc || o.scale < 4 || o.scale > 28 ||
	    o.degree > 64) {
		fprintf(stderr, "graph: one of --make FILE and --run FILE\n");
		return 2;
	}
	return o.make ? make(&o) : run(&o);
}
