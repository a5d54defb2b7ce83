/* SPDX-License-Identifier: MIT */
/* A load that steps by 256 bytes, one that jumps about, and one that stays in a line. */
#include <stdio.h>
#include <stdlib.h>

#define N (1 << 14)

long far_away[N * 32], jumps[N], near[8];

__attribute__((noinline)) long walk(long n)
{
	long sum = 0, i;

	for (i = 0; i < n; i++)
		sum += far_away[i * 32];
	return sum;
}

__attribute__((noinline)) long jump(long n)
{
	unsigned long at = 1;
	long sum = 0, i;

	for (i = 0; i < n; i++) {
		at = at * 6364136223846793005ul + 1442695040888963407ul;
		sum += jumps[at >> 50];
	}
	return sum;
}

__attribute__((noinline)) long stay(long n)
{
	long sum = 0, i;

	for (i = 0; i < n; i++)
		sum += ((volatile long *)near)[i & 7];
	return sum;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : N;

	printf("%ld\n", walk(n) + jump(n) + stay(n));
	return 0;
}
