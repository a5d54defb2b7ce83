/* SPDX-License-Identifier: MIT */
/*
 * A JIT compiler in small: it makes two functions that write a byte and tells of them in
 * jit-PID.dump, of which it maps a page. The first is called for twice as many fresh
 * pages as the second. Exit 77: no such machine code here.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE     4096
#define NR_PAGES 100

#if defined(__x86_64__)
static const unsigned char code[] = { 0xc6, 0x07, 0x01, 0xc3 }; /* movb $1,(%rdi); ret */
#elif defined(__aarch64__)
static const unsigned char code[] = { 0x1f, 0x00, 0x00, 0x39, 0xc0, 0x03, 0x5f, 0xd6 };
#else
static const unsigned char code[1];
#endif

struct header {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
};

struct load {
	uint32_t id, size;
	uint64_t time;
	uint32_t pid, tid;
	uint64_t vma, addr, code_size, index;
};

struct lines {
	uint32_t id, size;
	uint64_t time, addr, nr, line_addr;
	uint32_t line, discriminator;
	char file[8];
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void tell(FILE *f, uint64_t addr, const char *name, uint32_t line)
{
	struct lines lines = {
		2, sizeof(lines), now(), addr, 1, addr, line, 0, "made.x"
	};
	struct load load = { 0,
			     (uint32_t)(sizeof(load) + strlen(name) + 1 + sizeof(code)),
			     now(),
			     (uint32_t)getpid(),
			     (uint32_t)getpid(),
			     addr,
			     addr,
			     sizeof(code),
			     line };

	fwrite(&lines, sizeof(lines), 1, f);
	fwrite(&load, sizeof(load), 1, f);
	fwrite(name, strlen(name) + 1, 1, f);
	fwrite(code, sizeof(code), 1, f);
	fflush(f);
}

static int run(FILE *f)
{
	unsigned char *text = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *data = mmap(NULL, 3 * NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	if (text == MAP_FAILED || data == MAP_FAILED)
		return 77;
	madvise(data, 3 * NR_PAGES * PAGE, MADV_NOHUGEPAGE);
	for (i = 0; i < 2; i++) {
		memcpy(text + i * PAGE, code, sizeof(code));
		__builtin___clear_cache((char *)text + i * PAGE,
					(char *)text + i * PAGE + sizeof(code));
		tell(f, (uint64_t)(uintptr_t)(text + i * PAGE), i ? "second" : "first",
		     i ? 22 : 11);
	}
	for (i = 0; i < 3 * NR_PAGES; i++) {
		void (*fn)(char *) =
			(void (*)(char *))(uintptr_t)(text + i % 3 / 2 * PAGE);

		fn(data + i * PAGE);
	}
	return 0;
}

int main(void)
{
	struct header header = { 0x4a695444, 1, sizeof(header), 0, 0, (uint32_t)getpid(),
				 now(),      0 };
	char path[64];
	FILE *f;

	if (sizeof(code) == 1)
		return 77;
	snprintf(path, sizeof(path), "jit-%d.dump", (int)getpid());
	f = fopen(path, "w+");
	if (!f || fwrite(&header, sizeof(header), 1, f) != 1 || fflush(f) ||
	    mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(f), 0) ==
		    MAP_FAILED)
		return 1;
	return run(f);
}
