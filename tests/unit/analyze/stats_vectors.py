#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes stats_vectors.h: p values by dealing the pooled values out in every way.

	stats_vectors.py >stats_vectors.h

Knows nothing of rank sums' distributions: U is counted pair by pair, a tie is a half.
"""
import itertools
import random
from fractions import Fraction


def u_of(x, y):
    return sum(Fraction(b > a) + Fraction(b == a, 2) for a in x for b in y)


def p_values(x, y):
    pool, u = x + y, u_of(x, y)
    up = down = n = 0
    for at in itertools.combinations(range(len(pool)), len(y)):
        dealt = [pool[i] for i in at]
        rest = [pool[i] for i in range(len(pool)) if i not in at]
        other = u_of(rest, dealt)
        up += other >= u
        down += other <= u
        n += 1
    return Fraction(up, n), Fraction(down, n)


def hodges_lehmann(x, y):
    r = sorted(Fraction(b, a) for a in x for b in y)
    n = len(r)
    return r[n // 2] if n % 2 else (r[n // 2 - 1] + r[n // 2]) / 2


def main():
    rnd = random.Random(7)
    print("/* SPDX-License-Identifier: MIT */")
    print("/* Made by stats_vectors.py. */")
    print("/* clang-format off */")
    print("static const struct vector {\n\tsize_t n;\n\tdouble x[5], y[5];\n"
          "\tdouble up, down, ratio;\n} vectors[] = {")
    for n in (3, 4, 5):
        for values in (1000, 6):  # without ties (mostly), and with many
            for shift in (0, 0, values // 3, values, -(values // 3)):
                x = [100 + rnd.randrange(values) + max(0, -shift) for _ in range(n)]
                y = [100 + rnd.randrange(values) + max(0, shift) for _ in range(n)]
                up, down = p_values(x, y)
                print("\t{ %d, { %s }, { %s }, %.17g, %.17g, %.17g }," % (
                    n, ", ".join(map(str, x)), ", ".join(map(str, y)),
                    float(up), float(down), float(hodges_lehmann(x, y))))
    print("};\n/* clang-format on */")


main()
