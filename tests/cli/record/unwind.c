/* SPDX-License-Identifier: MIT */
/*
 * Call chains that are known: each leaf touches a page that was never touched, and before
 * it does it notes the functions that are on the stack. Built without frame pointers, so
 * that only unwinding tables tell who called.
 *
 *	unwind LOG ROUNDS DEPTH
 *
 * LOG has a line per touch: the address, then functions, innermost first. Functions that
 * call in tail position have left the stack by then and are not noted.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE  4096
#define DEPTH 240

#define NOTED __attribute__((noinline, used))
/* What stands behind a call keeps it from being a jump. */
#define AFTER() __asm__ volatile("" ::: "memory")
#define ENTER(name)                                                                      \
	do {                                                                             \
		on_stack[nr_on_stack++] = #name;                                         \
	} while (0)
#define LEAVE()                                                                          \
	do {                                                                             \
		AFTER();                                                                 \
		nr_on_stack--;                                                           \
	} while (0)

struct touch {
	const volatile char *addr;
	unsigned nr;
	const char *functions[DEPTH];
};

static const char *on_stack[DEPTH];
static unsigned nr_on_stack;
static struct touch *log_of;
static size_t nr_touches, max_touches;
static volatile char *pages, *guard;
static jmp_buf back;

NOTED static void touch(void)
{
	struct touch *t = &log_of[nr_touches];
	volatile char *p = pages + nr_touches * PAGE;

	if (nr_touches++ == max_touches)
		abort();
	t->addr = p;
	t->nr = nr_on_stack;
	memcpy(t->functions, on_stack, nr_on_stack * sizeof(*on_stack));
	*p = 1;
	AFTER();
}

NOTED static int leaf(int x)
{
	ENTER(leaf);
	touch();
	LEAVE();
	return x + 1;
}

/* A frame whose size is not known when it is built. */
NOTED static int with_alloca(int n)
{
	volatile char *p;
	int x;

	ENTER(with_alloca);
	/* cppcheck-suppress allocaCalled */
	p = alloca((size_t)n);
	p[0] = (char)n;
	x = leaf(p[0]);
	LEAVE();
	return x + p[0];
}

/* Many registers are saved. */
NOTED static long crowded(long a, long b, long c, long d, long e, long f, long g, long h)
{
	long s;

	ENTER(crowded);
	s = a * b + c * d;
	s += with_alloca((int)(e & 127) + 16) + e * f;
	s += leaf((int)g) + h + a + b + c + d;
	LEAVE();
	return s;
}

NOTED static int recurse(int depth)
{
	int x;

	ENTER(recurse);
	x = depth ? recurse(depth - 1) : leaf(depth);
	LEAVE();
	return x + depth;
}

NOTED static int after_tail(int x)
{
	ENTER(after_tail);
	x = leaf(x) + 2;
	LEAVE();
	return x;
}

/* Jumps: it is not on the stack when after_tail() is. */
NOTED static int in_tail(int x)
{
	return after_tail(x * 3);
}

NOTED static int compare(const void *a, const void *b)
{
	int x;

	ENTER(compare);
	x = *(const int *)a - *(const int *)b;
	leaf(x);
	LEAVE();
	return x;
}

NOTED static void sorts(void)
{
	int v[4] = { 3, 1, 2, 0 };

	ENTER(sorts);
	qsort(v, 4, sizeof(v[0]), compare);
	LEAVE();
}

/* Does not come back: its call is the last instruction of who calls it. */
NOTED __attribute__((noreturn)) static void jumps(void)
{
	ENTER(jumps);
	leaf(1);
	nr_on_stack--;
	longjmp(back, 1);
}

NOTED __attribute__((noreturn)) static void calls_last(void)
{
	ENTER(calls_last);
	nr_on_stack += 0;
	jumps();
}

NOTED static void tries(void)
{
	ENTER(tries);
	if (!setjmp(back))
		calls_last();
	nr_on_stack--; /* of calls_last() */
	LEAVE();
}

NOTED static void on_signal(int sig)
{
	ENTER(on_signal);
	leaf(sig);
	if (sig == SIGSEGV)
		mprotect((void *)(uintptr_t)guard, PAGE, PROT_READ | PROT_WRITE);
	LEAVE();
}

/* Interrupted in the C library. */
NOTED static void raises(void)
{
	ENTER(raises);
	raise(SIGUSR1);
	LEAVE();
}

/* Interrupted at an instruction of its own. */
NOTED static void traps(void)
{
	ENTER(traps);
	mprotect((void *)(uintptr_t)guard, PAGE, PROT_NONE);
	*guard = 1;
	LEAVE();
}

NOTED static void through(int (*fn)(int), int x)
{
	ENTER(through);
	fn(x);
	LEAVE();
}

static void rounds(int nr, int depth)
{
	const struct timespec pause = { 0, 1000000 };
	int i;

	for (i = 0; i < nr; i++) {
		leaf(i);
		crowded(i, 2, 3, 4, i, 6, 7, 8);
		recurse(i % (depth + 1));
		in_tail(i);
		sorts();
		tries();
		raises();
		traps();
		through(with_alloca, 100);
		through(in_tail, i);
		/* The recorder's ring is not the subject. */
		nanosleep(&pause, NULL);
	}
}

static int write_log(const char *path)
{
	FILE *f = fopen(path, "w");
	size_t i;
	unsigned k;

	if (!f)
		return 1;
	for (i = 0; i < nr_touches; i++) {
		fprintf(f, "%p", (void *)(uintptr_t)log_of[i].addr);
		for (k = log_of[i].nr; k-- > 0;)
			fprintf(f, " %s", log_of[i].functions[k]);
		fputc('\n', f);
	}
	return fclose(f) != 0;
}

int main(int argc, char **argv)
{
	int nr = argc > 2 ? atoi(argv[2]) : 1, depth = argc > 3 ? atoi(argv[3]) : 9;
	const int rw = PROT_READ | PROT_WRITE, private = MAP_PRIVATE | MAP_ANONYMOUS;

	if (argc < 2 || depth > DEPTH - 8)
		return 2;
	max_touches = 20 * (size_t)nr;
	pages = mmap(NULL, max_touches * PAGE, rw, private, -1, 0);
	guard = mmap(NULL, PAGE, rw, private, -1, 0);
	log_of = mmap(NULL, max_touches * sizeof(*log_of), rw, private | MAP_POPULATE, -1,
		      0);
	if (pages == MAP_FAILED || guard == MAP_FAILED || log_of == MAP_FAILED)
		return 1;
	madvise((void *)(uintptr_t)pages, max_touches * PAGE, MADV_NOHUGEPAGE);
	signal(SIGUSR1, on_signal);
	signal(SIGSEGV, on_signal);
	ENTER(main);
	rounds(nr, depth);
	return write_log(argv[1]);
}
