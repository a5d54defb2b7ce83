/* SPDX-License-Identifier: MIT */
/* A branch that goes one way nine times in ten, and a function that is inlined. */
#include <stdio.h>
#include <stdlib.h>

volatile long table[64], rare[64];
volatile int common[64]; /* else both branches end in the same instructions */

static inline __attribute__((always_inline)) long mix(long x)
{
	table[x & 63] += x;
	return table[(x + 1) & 63];
}

__attribute__((noinline)) long step(long i)
{
	long sum = mix(i);

	if (i % 10 == 0) {
		rare[i & 63] ^= sum * 3;
		rare[(i + 7) & 63] -= 1;
	} else {
		common[i & 63] = (int)sum;
	}
	return sum;
}

__attribute__((noinline)) long never(long i)
{
	return rare[i & 63];
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 100, sum = 0, i;

	for (i = 0; i < rounds; i++)
		sum += step(i);
	if (argc > 2)
		sum += never(sum);
	printf("%ld\n", sum);
	return 0;
}
