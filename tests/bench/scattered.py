#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The source of a program whose hot data is scattered: scattered.py N > scattered.c

N hot variables of 64 bytes in .data, each followed by a cold one of 4032, as happens when
every module has a few counters beside its tables.  The program goes round them all in an
order that no prefetcher guesses, and prints a sum.
"""
import random
import sys


def main():
    n = int(sys.argv[1])
    order = list(range(n))
    random.Random(1).shuffle(order)
    print("#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>")
    print("#define HOT(i) __attribute__((aligned(64))) volatile long hot_##i[8] = { i + 1 };"
          " \\\n\t__attribute__((aligned(64))) char cold_##i[4032] = { 1 };")
    for i in range(n):
        print(f"HOT({i})")
    print("#define TOUCH(i) hot_##i[0] += sum & 1, sum += hot_##i[1];")
    print("static __attribute__((noinline)) long turn(long sum)\n{")
    for i in order:
        print(f"\tTOUCH({i})")
    print("\treturn sum;\n}")
    print("int main(int argc, char **argv)\n{")
    print("\tlong turns = argc > 1 ? atol(argv[1]) : 100, sum = 0, i;")
    print("\tdouble seconds = argc > 2 ? atof(argv[2]) : 0;")
    print("\ttime_t end = time(NULL) + (time_t)seconds;")
    print("\tfor (i = 0; i < turns || time(NULL) < end; i++)\n\t\tsum = turn(sum);")
    print('\tprintf("%ld\\n", seconds > 0 ? 0 : sum);\n\treturn 0;\n}')


main()
