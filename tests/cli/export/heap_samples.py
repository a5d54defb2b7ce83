#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Accesses for a recorded heap log: heap_samples.py HOT COLD < dump > trace.text

Keeps what a recording says of the program and its allocations, and adds samples, HOT of
the first large block that was allocated and COLD of the second, as an even sampling of all
accesses would have given them (no PMU is needed).
"""
import re
import sys


def main():
    nr = [int(a) for a in sys.argv[1:3]]
    blocks = []
    for line in sys.stdin:
        if line.startswith(("sample", "lost")):
            continue
        print(line, end="")
        m = re.match(r"heap time=(\d+) op=alloc pid=(\d+) addr=(0x[0-9a-f]+) size=(\d+)", line)
        if m and int(m.group(4)) >= 1 << 20:
            blocks.append((int(m.group(1)), int(m.group(2)), int(m.group(3), 16)))
    print("meta time=1 key=source.9.name value=mem")
    print("meta time=1 key=source.9.sampling value=uniform")
    for (time, pid, addr), n in zip(blocks, nr):
        for i in range(n):
            print(f"sample time={time + 1000 + i} source=9 pid={pid} tid={pid} ip=0x1000 "
                  f"addr={addr + i * 64:#x} period=100000 flags=1")


main()
