/* SPDX-License-Identifier: MIT */
/*
 * bench_idle [MIB]: CPU time of one scan of source idle over memory of our own, beside a
 * scan page by page as older tools do it. pagemap and kpageflags are the kernel's, the
 * bitmap is a file of a kernel that has none, so what the kernel itself spends per page
 * on the bitmap is in neither figure. Needs root. Prints JSON.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "source/idle/space.h"

static int bitmap_fd, flags_fd;

static ssize_t bitmap_read(void *arg, void *buf, size_t size, uint64_t offset)
{
	(void)arg;
	return pread(bitmap_fd, buf, size, (off_t)offset);
}

static ssize_t bitmap_write(void *arg, const void *buf, size_t size, uint64_t offset)
{
	(void)arg;
	return pwrite(bitmap_fd, buf, size, (off_t)offset);
}

static ssize_t flags_read(void *arg, void *buf, size_t size, uint64_t offset)
{
	(void)arg;
	return pread(flags_fd, buf, size, (off_t)offset);
}

static int drop(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	(void)arg;
	(void)ev;
	(void)err;
	return MH_OK;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Look, read and arm, tell: the second scan, which has something to tell. */
static int whole_scan(uint64_t *took_ns, struct mh_err *err)
{
	static struct round round = { .sysroot = "", .fn = drop };
	static struct idle_scan scan = { .round = &round, .page_shift = 12 };
	const struct idle_io io = { NULL, bitmap_read, bitmap_write, flags_read };
	struct idle_space space = { .proc.stat.pid = getpid() };
	int i, status = MH_OK;
	uint64_t since = 0;

	for (i = 0; !status && i < 3; i++) {
		since = cpu_ns();
		round.time_ns = mh_round_now_ns();
		mh_idle_blocks_begin(&scan.blocks);
		status = mh_idle_space_look(&space, &scan, err);
		if (!status)
			status = mh_idle_blocks_scan(&scan.blocks, &io, err);
		space.ran = true;
		if (!status)
			status = mh_idle_space_tell(&space, &scan, err);
		*took_ns = cpu_ns() - since;
	}
	mh_idle_space_fini(&space.proc);
	mh_idle_blocks_fini(&scan.blocks);
	return status;
}

/* For each page its pagemap entry, then the bitmap's word: once to read, once to arm. */
static uint64_t page_by_page(const char *memory, size_t nr)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t since = cpu_ns(), entry, word, all = ~0ull;
	size_t i;

	for (i = 0; i < nr; i++) {
		off_t at = (off_t)(((uintptr_t)memory / 4096 + i) * 8);

		if (pread(pagemap, &entry, 8, at) != 8)
			break;
		at = (off_t)((entry & PAGEMAP_PFN_MASK) / 64 * 8);
		if (pread(bitmap_fd, &word, 8, at) != 8 ||
		    pwrite(bitmap_fd, &all, 8, at) != 8)
			break;
	}
	close(pagemap);
	return i == nr ? cpu_ns() - since : 0;
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 256, size = mib << 20;
	char path[] = "/tmp/bench_idle.XXXXXX";
	uint64_t whole = 0, single;
	struct mh_err err = { 0 };
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE))
		return 1;
	memset(memory, 1, size);
	bitmap_fd = mkstemp(path);
	unlink(path);
	flags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (bitmap_fd < 0 || flags_fd < 0 || ftruncate(bitmap_fd, 1 << 24)) {
		perror("bench_idle");
		return 1;
	}
	if (whole_scan(&whole, &err)) {
		fprintf(stderr, "bench_idle: %s\n", err.msg);
		return 1;
	}
	single = page_by_page(memory, size / 4096);
	if (!single || !whole) {
		fprintf(stderr, "bench_idle: the scan page by page failed\n");
		return 1;
	}
	printf("{\"mib\":%zu,\"scan_ms_per_gib\":%.1f,\"page_by_page_ms_per_gib\":%.1f,"
	       "\"ratio\":%.1f}\n",
	       mib, (double)whole / 1e6 * 1024 / (double)mib,
	       (double)single / 1e6 * 1024 / (double)mib, (double)single / (double)whole);
	return 0;
}
