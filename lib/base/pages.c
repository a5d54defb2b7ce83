/* SPDX-License-Identifier: MIT */
#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Below, huge pages would take more memory than they save time. */
#define SMALL (MH_HUGE_PAGE / 4 * 3)

static size_t whole_pages(size_t bytes)
{
	return (bytes + MH_HUGE_PAGE - 1) & ~(MH_HUGE_PAGE - 1);
}

/* A mapping starts anywhere: one page more is mapped, the ends are given back. */
static void *map_aligned(size_t bytes)
{
	char *map = mmap(NULL, bytes + MH_HUGE_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (map == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)map & (MH_HUGE_PAGE - 1);
	if (before)
		munmap(map, before);
	munmap(map + before + bytes, MH_HUGE_PAGE - before);
	return map + before;
}

void *mh_pages_new(size_t bytes)
{
	void *pages;

	if (bytes > SIZE_MAX - 2 * MH_HUGE_PAGE)
		return NULL;
	if (bytes < SMALL)
		return calloc(1, bytes);
	bytes = whole_pages(bytes);
	pages = map_aligned(bytes);
	if (pages)
		madvise(pages, bytes, MADV_HUGEPAGE); /* only a wish */
	return pages;
}

void mh_pages_free(void *pages, size_t bytes)
{
	if (bytes < SMALL)
		free(pages);
	else if (pages)
		munmap(pages, whole_pages(bytes));
}
