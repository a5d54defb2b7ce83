/* SPDX-License-Identifier: MIT */
/*
 * A program whose hot data is scattered: 64 hot variables of 64 bytes in .data, and as
 * many functions, each followed by nearly a page that is not used.  It prints a sum, so
 * that a build that is laid out in another way can be seen to do the same.
 */
#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
#define EACH_DIGIT(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7)
#define EACH(X)                                                                          \
	EACH_DIGIT(X, 1) EACH_DIGIT(X, 2) EACH_DIGIT(X, 3) EACH_DIGIT(X, 4)              \
	EACH_DIGIT(X, 5) EACH_DIGIT(X, 6) EACH_DIGIT(X, 7) EACH_DIGIT(X, 8)
/* clang-format on */

#define NOINLINE __attribute__((noinline))
#define ALIGN64  __attribute__((aligned(64)))

#define DATA(n)                                                                          \
	ALIGN64 volatile long hot_##n[8] = { n };                                        \
	ALIGN64 char cold_##n[4032] = { n };
EACH(DATA)

#define CODE(n)                                                                          \
	NOINLINE long touch_##n(long i)                                                  \
	{                                                                                \
		hot_##n[i & 7] = i;                                                      \
		return hot_##n[3];                                                       \
	}                                                                                \
	NOINLINE int rest_##n(void)                                                      \
	{                                                                                \
		__asm__ volatile(".skip 4000, 0x90");                                    \
		return cold_##n[n & 7];                                                  \
	}
EACH(CODE)

#define CALL(n) sum += touch_##n(i);
#define REST(n) sum += rest_##n();

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 100, sum = 0, i;

	for (i = 0; i < rounds; i++) {
		EACH(CALL)
	}
	if (argc > 2) {
		EACH(REST)
	}
	printf("%ld\n", sum);
	return 0;
}
