/* SPDX-License-Identifier: MIT */
/*
 * Large reads: the kernel walks page tables with the target's mmap lock and lets it go
 * between steps of 2 MiB. Holes are found by PAGEMAP_SCAN (Linux 6.7), whose interface is
 * defined here since the C library's headers may be older.
 */
#include "source/idle/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct page_region_abi {
	uint64_t start, end, categories;
};

struct pm_scan_arg_abi {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN_ABI    _IOWR('f', 16, struct pm_scan_arg_abi)
#define PAGE_IS_PRESENT_ABI (1u << 3)
#define PAGE_IS_SWAPPED_ABI (1u << 4)

int mh_pagemap_open(struct pagemap *pm, const struct round *r, pid_t pid,
		    struct mh_err *err)
{
	long page = sysconf(_SC_PAGESIZE);

	*pm = (struct pagemap){ .pid = pid, .can_skip = true };
	pm->page_shift = (unsigned)__builtin_ctzl((unsigned long)page);
	return mh_round_open(&pm->fd, r, pid, "pagemap", O_RDONLY, err);
}

static void note_stall(struct pagemap *pm, uint64_t since_ns)
{
	uint64_t took = mh_round_now_ns() - since_ns;

	if (took > pm->stall_max_ns)
		pm->stall_max_ns = took;
}

uint64_t mh_pagemap_skip_hole(struct pagemap *pm, uint64_t start, uint64_t end)
{
	struct page_region_abi found = { 0 };
	struct pm_scan_arg_abi arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uint64_t)(uintptr_t)&found,
		.vec_len = 1,
		.max_pages = 1,
		.category_anyof_mask = PAGE_IS_PRESENT_ABI | PAGE_IS_SWAPPED_ABI,
		.return_mask = PAGE_IS_PRESENT_ABI | PAGE_IS_SWAPPED_ABI,
	};
	uint64_t since = mh_round_now_ns();
	int n;

	if (!pm->can_skip)
		return start;
	n = ioctl(pm->fd, PAGEMAP_SCAN_ABI, &arg);
	note_stall(pm, since);
	if (n < 0) {
		/* No such call, or the range went away; reading will tell. */
		pm->can_skip = errno != ENOTTY && errno != EINVAL;
		return start;
	}
	return n ? found.start : end;
}

int mh_pagemap_read(struct pagemap *pm, uint64_t *entries, uint64_t start, size_t nr,
		    struct mh_err *err)
{
	size_t size = nr * sizeof(*entries), done = 0;
	off_t offset = (off_t)((start >> pm->page_shift) * sizeof(*entries));

	while (done < size) {
		uint64_t since = mh_round_now_ns();
		ssize_t n = pread(pm->fd, (char *)entries + done, size - done,
				  offset + (off_t)done);

		note_stall(pm, since);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mh_round_failed(err, pm->pid, "pagemap");
		if (n == 0) /* its address space is gone */
			return mh_fail(err, MH_ENOTARGET, "process %d ended",
				       (int)pm->pid);
		done += (size_t)n;
	}
	return MH_OK;
}

void mh_pagemap_close(struct pagemap *pm)
{
	if (pm->fd >= 0)
		close(pm->fd);
}
