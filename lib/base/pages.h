/* SPDX-License-Identifier: MIT */
/*
 * Zeroed memory of some MiB, in huge pages where the kernel gives them. The cells of a
 * picture and the columns of a block are tens of MiB that are filled once: taking them
 * page by page was a quarter of the time of drawing a heatmap.
 */
#ifndef MEMHEAT_BASE_PAGES_H
#define MEMHEAT_BASE_PAGES_H

#include <stddef.h>

#define MH_HUGE_PAGE ((size_t)2 << 20)

/* bytes > 0; NULL: out of memory. Given back by mh_pages_free() with the same bytes. */
void *mh_pages_new(size_t bytes);
/* pages may be NULL. The memory returns to the kernel at once. */
void mh_pages_free(void *pages, size_t bytes);

#endif
