/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * A page for each node of a list, which is given back to the kernel before every walk: the
 * first access of each walk to a node is to a known member and takes a page fault.
 */
#include <stdio.h>
#include <sys/mman.h>

#define NODES 400
#define PAGE  4096

struct node {
	struct node *next;
	long weights[4];
	struct {
		int hits, misses;
	} stat;
};

static volatile long pages[1024] __attribute__((aligned(PAGE))); /* for its type's text */
static char *memory;
static long sink;

static struct node *node(int i)
{
	return (struct node *)(memory + (long)i * PAGE);
}

static void forget(void)
{
	madvise(memory, (long)NODES * PAGE, MADV_DONTNEED);
}

__attribute__((noinline)) static void link_all(struct node *const *nodes)
{
	int i;

	for (i = 0; i < NODES; i++)
		nodes[i]->next = nodes[(i + 1) % NODES];
}

__attribute__((noinline)) static void count(struct node *const *nodes)
{
	int i;

	for (i = 0; i < NODES; i++)
		nodes[i]->stat.misses = i;
}

__attribute__((noinline)) static long weigh(struct node *const *nodes, int which)
{
	long sum = 0;
	int i;

	for (i = 0; i < NODES; i++)
		sum += nodes[i]->weights[which];
	return sum;
}

int main(void)
{
	static struct node *nodes[NODES];
	int i;

	memory = mmap(0, (long)NODES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	madvise(memory, (long)NODES * PAGE, MADV_NOHUGEPAGE);
	pages[0] = 1;
	for (i = 0; i < NODES; i++)
		nodes[i] = node(i);
	link_all(nodes); /* 400 times .next */
	for (i = 0; i < 3; i++) {
		forget();
		count(nodes); /* 1200 times .stat.misses */
	}
	for (i = 0; i < 2; i++) {
		forget();
		sink += weigh(nodes, i + 1); /* 800 times .weights[] */
	}
	return sink == 42;
}
