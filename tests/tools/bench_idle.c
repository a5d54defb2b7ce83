/* SPDX-License-Identifier: MIT */
/*
 * bench_idle [MIB]: CPU time of one scan of source idle over memory of our own, at rest
 * and touched in between, beside a scan as older tools do it: all of the bitmap set, then
 * the word of each page read by itself. pagemap and kpageflags are the kernel's. So is
 * the bitmap where there is one; else it is a file, and what the kernel spends per page
 * on the bitmap is in neither figure. Needs root. Prints JSON: the parts of a scan are
 * the kernel's time in each of its files, below which no scan of all pages can be.
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
static bool is_real; /* the bitmap is the kernel's */

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* CPU time in the calls of the scan under way. */
struct parts {
	uint64_t pagemap, bitmap_read, bitmap_write, flags;
};
static struct parts spent;

static ssize_t bitmap_read(void *arg, void *buf, size_t size, uint64_t offset)
{
	uint64_t since = cpu_ns();
	ssize_t n = pread(bitmap_fd, buf, size, (off_t)offset);

	(void)arg;
	spent.bitmap_read += cpu_ns() - since;
	return n;
}

static ssize_t bitmap_write(void *arg, const void *buf, size_t size, uint64_t offset)
{
	uint64_t since = cpu_ns();
	ssize_t n = pwrite(bitmap_fd, buf, size, (off_t)offset);

	(void)arg;
	spent.bitmap_write += cpu_ns() - since;
	return n;
}

static ssize_t flags_read(void *arg, void *buf, size_t size, uint64_t offset)
{
	uint64_t since = cpu_ns();
	ssize_t n = pread(flags_fd, buf, size, (off_t)offset);

	(void)arg;
	spent.flags += cpu_ns() - since;
	return n;
}

static int drop(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	(void)arg;
	(void)ev;
	(void)err;
	return MH_OK;
}

#define RUNS 3 /* of scans; the best counts */

struct bench {
	char *memory;
	size_t nr; /* pages */
	struct round round;
	struct idle_scan scan;
	struct idle_space space;
};

static void touch(const struct bench *b)
{
	size_t i;

	for (i = 0; i < b->nr; i++)
		((volatile char *)b->memory)[i * 4096]++;
}

/* Reading the entries of all of the memory, as a scan does. */
static uint64_t pagemap_ns(const struct bench *b)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t *entries = calloc(b->nr, 8), since = cpu_ns();
	ssize_t n = 0;

	if (entries)
		n = pread(fd, entries, b->nr * 8,
			  (off_t)((uintptr_t)b->memory / 4096 * 8));
	since = cpu_ns() - since;
	free(entries);
	close(fd);
	return n > 0 ? since : 0;
}

/* Look, read and arm, tell. */
static int whole_scan(struct bench *b, uint64_t *took_ns, struct mh_err *err)
{
	const struct idle_io io = { NULL, bitmap_read, bitmap_write, flags_read };
	uint64_t since;
	int status;

	spent = (struct parts){ .pagemap = pagemap_ns(b) };
	since = cpu_ns();
	b->round.time_ns = mh_round_now_ns();
	mh_idle_blocks_begin(&b->scan.blocks);
	status = mh_idle_space_look(&b->space, &b->scan, err);
	if (!status)
		status = mh_idle_blocks_scan(&b->scan.blocks, &io, err);
	b->space.ran = true;
	if (!status)
		status = mh_idle_space_tell(&b->space, &b->scan, err);
	*took_ns = cpu_ns() - since;
	return status;
}

/* Every bit up to the last frame; how many bytes were written. */
static off_t set_all(uint64_t last_pfn)
{
	static uint64_t ones[512];
	off_t at = 0, end = (off_t)(last_pfn / 64 + 1) * 8;

	memset(ones, 0xff, sizeof(ones));
	while (at < end) {
		ssize_t n = pwrite(bitmap_fd, ones, sizeof(ones), at);

		if (n <= 0)
			break;
		at += n;
	}
	return at;
}

/* All bits are set at once; then for each page of the memory its word is read. */
static uint64_t page_by_page(const struct bench *b)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t since = cpu_ns(), *entries = calloc(b->nr, 8), last = 0, word;
	size_t i = 0, size = b->nr * 8, nr_idle = 0;

	if (entries && pread(pagemap, entries, size,
			     (off_t)((uintptr_t)b->memory / 4096 * 8)) == (ssize_t)size) {
		for (i = 0; i < b->nr; i++)
			if ((entries[i] & PAGEMAP_PFN_MASK) > last)
				last = entries[i] & PAGEMAP_PFN_MASK;
		set_all(last);
		for (i = 0; i < b->nr; i++) {
			uint64_t pfn = entries[i] & PAGEMAP_PFN_MASK;

			if (lseek(bitmap_fd, (off_t)(pfn / 64 * 8), SEEK_SET) < 0 ||
			    read(bitmap_fd, &word, 8) != 8)
				break;
			nr_idle += word >> pfn % 64 & 1;
		}
	}
	free(entries);
	close(pagemap);
	return i == b->nr && nr_idle ? cpu_ns() - since : 0;
}

static int open_files(void)
{
	char path[] = "/tmp/bench_idle.XXXXXX";

	flags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	bitmap_fd = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR | O_CLOEXEC);
	is_real = bitmap_fd >= 0;
	if (!is_real) {
		bitmap_fd = mkstemp(path);
		unlink(path);
		if (ftruncate(bitmap_fd, 1 << 24))
			return -1;
	}
	return flags_fd < 0 || bitmap_fd < 0 ? -1 : 0;
}

static void print_parts(const char *name, const struct parts *p, double gib_per_ms)
{
	printf("\"%s_kernel_ms_per_gib\":{\"pagemap\":%.1f,\"bitmap_read\":%.1f,"
	       "\"kpageflags\":%.1f,\"bitmap_write\":%.1f},",
	       name, (double)p->pagemap * gib_per_ms, (double)p->bitmap_read * gib_per_ms,
	       (double)p->flags * gib_per_ms, (double)p->bitmap_write * gib_per_ms);
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 256;
	double gib_per_ms = 1024 / (double)mib / 1e6;
	struct bench b = { .nr = mib << 8, .scan = { .page_shift = 12, .unit = 4096 } };
	uint64_t rest = UINT64_MAX, touched = UINT64_MAX, single, took;
	struct parts at_rest = { 0 }, all_touched = { 0 };
	struct mh_err err = { 0 };
	int status, i;

	b.memory = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b.memory == MAP_FAILED || madvise(b.memory, mib << 20, MADV_NOHUGEPAGE) ||
	    open_files()) {
		perror("bench_idle");
		return 1;
	}
	b.round = (struct round){ .sysroot = "", .fn = drop };
	b.scan.round = &b.round;
	b.space.proc.stat.pid = getpid();
	touch(&b);
	/* The first arms; the second settles what the memory's first touches left. */
	status = whole_scan(&b, &took, &err);
	if (!status)
		status = whole_scan(&b, &took, &err);
	for (i = 0; i < RUNS && !status; i++) {
		status = whole_scan(&b, &took, &err);
		if (took < rest) {
			rest = took;
			at_rest = spent;
		}
		touch(&b);
		if (!status)
			status = whole_scan(&b, &took, &err);
		if (took < touched) {
			touched = took;
			all_touched = spent;
		}
		if (!status)
			status = whole_scan(&b, &took, &err);
	}
	if (status) {
		fprintf(stderr, "bench_idle: %s\n", err.msg);
		return 1;
	}
	single = page_by_page(&b);
	if (!single) {
		fprintf(stderr, "bench_idle: the scan page by page failed\n");
		return 1;
	}
	printf("{");
	print_parts("rest", &at_rest, gib_per_ms);
	print_parts("touched", &all_touched, gib_per_ms);
	printf("\"mib\":%zu,\"bitmap\":\"%s\",\"rest_ms_per_gib\":%.1f,"
	       "\"touched_ms_per_gib\":%.1f,\"page_by_page_ms_per_gib\":%.1f,"
	       "\"ratio_rest\":%.1f,\"ratio_touched\":%.1f}\n",
	       mib, is_real ? "kernel" : "file", (double)rest * gib_per_ms,
	       (double)touched * gib_per_ms, (double)single * gib_per_ms,
	       (double)single / (double)rest, (double)single / (double)touched);
	mh_idle_space_fini(&b.space.proc);
	mh_idle_blocks_fini(&b.scan.blocks);
	return 0;
}
