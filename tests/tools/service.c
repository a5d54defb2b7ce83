/* SPDX-License-Identifier: MIT */
/*
 * A small service for checks of memory growth: three allocation sites whose memory it
 * walks through again and again. `--grow SHARE` makes the working set larger by that
 * share, all of it in cache_insert(); `--size SIZE` is the whole without growth.
 *
 *	service [--size MIB] [--grow PERCENT%] [--time SECONDS] [--exit STATUS]
 *
 * The sites' functions are not alike: a compiler may make one of those that are.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct store {
	unsigned char *p;
	size_t size;
};

static struct store store_of(void *p, size_t size)
{
	if (!p) {
		perror("service");
		exit(1);
	}
	return (struct store){ p, size };
}

static __attribute__((noinline)) struct store index_build(size_t size)
{
	return store_of(calloc(size / 64, 64), size);
}

static __attribute__((noinline)) struct store cache_insert(size_t size)
{
	return store_of(malloc(size), size);
}

static __attribute__((noinline)) struct store log_append(size_t size)
{
	return store_of(realloc(NULL, size), size);
}

static void walk(const struct store *s)
{
	size_t i;

	for (i = 0; i < s->size; i += 4096)
		*(volatile unsigned char *)(s->p + i) += 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { 0, 10000000 };
	double size = 64, grow = 0, seconds = 3, end;
	struct store stores[3];
	int i, status = 0;

	for (i = 1; i + 1 < argc; i += 2) {
		double v = strtod(argv[i + 1], NULL);

		if (!strcmp(argv[i], "--size"))
			size = v;
		else if (!strcmp(argv[i], "--grow"))
			grow = v / 100;
		else if (!strcmp(argv[i], "--time"))
			seconds = v;
		else if (!strcmp(argv[i], "--exit"))
			status = (int)v;
	}
	size *= 1 << 20;
	stores[0] = index_build((size_t)(size / 4) & ~(size_t)4095);
	stores[1] = cache_insert((size_t)(size / 2 + size * grow) & ~(size_t)4095);
	stores[2] = log_append((size_t)(size / 4) & ~(size_t)4095);
	end = now() + seconds;
	do {
		for (i = 0; i < 3; i++)
			walk(&stores[i]);
		nanosleep(&pause, NULL);
	} while (now() < end);
	for (i = 0; i < 3; i++)
		free(stores[i].p);
	return status;
}
