#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare call chains of one perf.data: `perf script` (file 1) and our dump (file 2).

File 1 is of `perf script --ns -F time,ip,dso --no-inline`: user frames as offsets in their
file, innermost first. Samples are told apart by their time. Prints what was compared;
exit 1 if less than 99 % are equal.
"""
import bisect
import re
import sys


def theirs(path):
    chains, chain = {}, None
    for line in open(path, errors="replace"):
        head = re.match(r"\s*(\d+)\.(\d{9}):", line)
        frame = re.match(r"\s+([0-9a-f]+) \((.*)\)$", line)
        if head:
            chain = chains.setdefault(int(head[1] + head[2]), [])
        elif frame and chain is not None and set(frame[1]) != {"f"}:
            # A return address that perf could not read is 0 to it, less 1.
            chain.append(int(frame[1], 16))
    return chains


def fields(line):
    return dict(word.split("=", 1) for word in line.split()[1:] if "=" in word)


def ours(path):
    frames, maps, samples = {}, [], []
    for line in open(path):
        if line.startswith("stack "):
            f = fields(line)
            frames[f["source"], int(f["id"])] = (int(f.get("parent", 0)), int(f["ip"], 16))
        elif line.startswith("map ") and "op=add" in line:
            f = fields(line)
            maps.append((int(f["time"]), int(f["start"], 16), int(f["end"], 16),
                         int(f.get("pgoff", "0"), 16), f.get("path", "").strip('"')))
        elif line.startswith("sample "):
            samples.append(fields(line))
    maps.sort()
    times = [m[0] for m in maps]

    def offset(ip, time):
        for _, start, end, pgoff, _ in reversed(maps[:bisect.bisect_right(times, time)]):
            if start <= ip < end:
                return ip - start + pgoff
        return ip

    chains = {}
    for f in samples:
        time, at, chain = int(f["time"]), int(f.get("stack", 0)), []
        while at:
            at, ip = frames[f["source"], at]
            chain.append(ip if ip >> 63 else offset(ip, time))
        chains[time] = chain
    return chains


def same_frames(want, got):
    """perf shows a caller at the last byte of its call, we where it returns to."""
    return len(want) == len(got) and all(
        w == g or (i and w == g - 1) for i, (w, g) in enumerate(zip(want, got)))


def main():
    want, got = theirs(sys.argv[1]), ours(sys.argv[2])
    both = [t for t in want if t in got]
    same = sum(same_frames(want[t], got[t]) for t in both)
    deeper = sum(len(want[t]) < len(got[t]) and
                 same_frames(want[t], got[t][:len(want[t])]) for t in both)
    print(f"{len(both)} samples, {same} chains are the same, {deeper} of ours go on where "
          "theirs end")
    for t in [t for t in both if not same_frames(want[t], got[t])][:3]:
        print(t, "theirs", [hex(i) for i in want[t]], "ours", [hex(i) for i in got[t]])
    sys.exit(len(both) < 100 or len(both) < 0.99 * len(want) or
             same + deeper < 0.99 * len(both))


main()
