/* SPDX-License-Identifier: MIT */
/*
 * A program that tells the truth about itself, for tests of names: its mappings, where
 * members of its static variables are, and which functions and lines its code is at.
 *
 *	map START-END PROT OFFSET PATH
 *	data ADDRESS<tab>PATH
 *	code ADDRESS<tab>FUNCTION:LINE<tab>CALLER:LINE...	innermost first
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))
#define INLINE   static inline __attribute__((always_inline))

struct rec {
	int key;
	char tag;
	long val;
};

typedef struct {
	union {
		int whole;
		char bytes[4];
	} u;
	struct {
		short s[3];
	} in;
	const struct rec *link;
} odd_t;

static struct rec hot_table[64] = { { 1, 'a', 2 } };
int matrix[4][8];
odd_t odd = { .link = hot_table };
static char big_bss[1 << 20];
const double constants[3] = { 1, 2, 3 };
volatile int sink;

/* The address of the call, not of what follows it. */
NOINLINE void *here(void)
{
	sink++;
	return (char *)__builtin_return_address(0) - 1;
}

INLINE void innermost(void **at)
{
	*at = here(); int line = __LINE__;
	sink += line;
	printf("code %" PRIxPTR "\tinnermost:%d", (uintptr_t)*at, line);
}

INLINE void middle(int outer_line, const char *outer)
{
	void *at;
	int line = __LINE__ + 1;
	innermost(&at);
	sink++;
	printf("\tmiddle:%d\t%s:%d\n", line, outer, outer_line);
}

NOINLINE void work(int n)
{
	static int calls[2];
	int line;
	void *at;

	calls[n & 1]++;
	line = __LINE__ + 1;
	middle(line, "work");
	at = here(); line = __LINE__;
	sink += n;
	printf("code %" PRIxPTR "\twork:%d\n", (uintptr_t)at, line);
	printf("data %" PRIxPTR "\tcalls[1]\n", (uintptr_t)&calls[1]);
}

static void datum(const volatile void *p, const char *path)
{
	printf("data %" PRIxPTR "\t%s\n", (uintptr_t)p, path);
}

int main(void)
{
	char line[4096], path[4096];
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		char prot[8];
		uint64_t start, end, off;

		path[0] = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64
			   " %*s %*s %4095[^\n]", &start, &end, prot, &off, path) >= 4)
			printf("map %" PRIx64 "-%" PRIx64 " %s %" PRIx64 " %s\n", start,
			       end, prot, off, path);
	}
	if (f)
		fclose(f);
	work(sink + 1);
	datum(&hot_table[1].val, "hot_table[1].val");
	datum((char *)&hot_table[2] + 5, "hot_table[2].<padding>");
	datum((char *)&hot_table[3].key + 2, "hot_table[3].key+2");
	datum(&matrix[2][3], "matrix[2][3]");
	datum(&odd.u, "odd.u.whole");
	datum(&odd.in.s[2], "odd.in.s[2]");
	datum(&odd.link, "odd.link");
	big_bss[70000] = 1;
	datum(&big_bss[70000], "big_bss[70000]");
	datum(&constants[1], "constants[1]");
	return 0;
}
