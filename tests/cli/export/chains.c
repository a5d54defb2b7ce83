/* SPDX-License-Identifier: MIT */
/*
 * Touches of fresh pages from places whose callers are known:
 *
 *	main - serve - parse  - fill  40 pages
 *	             - render - fill  120 pages
 *	     - walk - walk - walk - fill  60 pages: recursion
 *	     - fill  20 pages
 */
#include <stdlib.h>
#include <sys/mman.h>

#define KEEP __attribute__((noinline, noclone))
#define PAGE 4096l

static volatile char *next;

KEEP void fill(long pages)
{
	long i;

	for (i = 0; i < pages; i++)
		next[i * PAGE] = 1;
	next += pages * PAGE;
}

KEEP int parse(void)
{
	fill(40);
	return *next;
}

KEEP int render(void)
{
	fill(120);
	return *next;
}

KEEP int serve(void)
{
	return parse() + render();
}

KEEP int walk(int depth)
{
	if (depth > 1)
		return walk(depth - 1) + 1;
	fill(60);
	return *next;
}

int main(void)
{
	/* Of one page each: huge ones would take many touches at once. */
	next = mmap(NULL, 256 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (next == MAP_FAILED || madvise((void *)next, 256 * PAGE, MADV_NOHUGEPAGE))
		return 1;
	serve();
	walk(3);
	fill(20);
	return 0;
}
