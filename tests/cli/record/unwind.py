#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the chains of a dump with those that tests/cli/record/unwind.c noted.

    unwind.py PROGRAM LOG DUMP [--cut]

DUMP has STACK and SAMPLE. Frames in PROGRAM must be the functions of LOG, in order, and
the first of them touch(); frames of libraries stand between them only where a library
calls back. A chain ends in _start. --cut: chains may end early, but not be wrong.
Prints samples, right ones, and the first that is wrong; exit 1 below 99 %.
"""
import bisect
import subprocess
import sys


def functions(program):
    """Sorted (start, end, name) of the program's symbols."""
    out = []
    for line in subprocess.run(["nm", "-S", "--defined-only", program], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tT":
            start = int(words[0], 16)
            out.append((start, start + int(words[1], 16), words[3].split(".")[0]))
    return sorted(out)


def fields(line):
    return dict(word.split("=", 1) for word in line.split()[1:] if "=" in word)


def main():
    program, log, dump = sys.argv[1:4]
    cut = "--cut" in sys.argv
    symbols = functions(program)
    starts = [s[0] for s in symbols]
    segments = []  # (file offset, vaddr, size)
    for line in subprocess.run(["readelf", "-lW", program], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.splitlines():
        words = line.split()
        if words and words[0] == "LOAD":
            segments.append([int(w, 16) for w in (words[1], words[2], words[4])])
    truth = {}
    for line in open(log):
        words = line.split()
        truth[int(words[0], 16)] = ["touch"] + words[1:]
    frames, maps, samples = {}, [], []
    for line in open(dump):
        if line.startswith("stack "):
            f = fields(line)
            frames[f["source"], int(f["id"])] = (int(f.get("parent", 0)), int(f["ip"], 16))
        elif line.startswith("map ") and program in line and "op=add" in line:
            f = fields(line)
            maps.append((int(f["start"], 16), int(f["end"], 16), int(f.get("pgoff", "0"), 16)))
        elif line.startswith("sample "):
            f = fields(line)
            if int(f.get("addr", "0"), 16) in truth:
                samples.append(f)

    def name(ip):
        """The function of the program; None: elsewhere; "?" where none is."""
        for start, end, pgoff in maps:
            if start <= ip < end:
                at = ip - start + pgoff
                vaddr = next((at - o + v for o, v, n in segments if o <= at < o + n), 0)
                i = bisect.bisect(starts, vaddr) - 1
                return symbols[i][2] if i >= 0 and vaddr < symbols[i][1] else "?"
        return None

    nr = right = complete = 0
    wrong = None
    for f in samples:
        nr += 1
        want = truth[int(f["addr"], 16)]
        ips, at = [], int(f.get("stack", 0))
        while at:
            at, ip = frames[f["source"], at]
            ips.append(ip)
        # An instruction that was interrupted below a signal's frame may be a first one.
        names = [name(ip if not i else ip - 1) for i, ip in enumerate(ips)]
        mine = [n for n in names if n and n not in ("rounds",)]
        outer = mine[-1:] == ["_start"]
        complete += outer
        if outer:
            mine.pop()
        calls_back = {"compare": 1, "on_signal": 1}
        bad = mine != want if outer or not cut else mine != want[:len(mine)]
        for i, n in enumerate(names[:-1]):
            if n in calls_back and names[i + 1]:
                bad = True  # the library that called is missing
            if n and n not in calls_back and n != "main" and not names[i + 1]:
                bad = True  # a library that is not there
        if not outer and not cut:
            bad = True
        right += not bad
        if bad and not wrong:
            wrong = f"{f['addr']}: want {want}, got {names} {[hex(i) for i in ips]}"
    print(f"{nr} samples of {len(truth)} touches, {right} right, {complete} complete")
    if wrong:
        print(wrong)
    sys.exit(not nr or nr < len(truth) / 2 or right < 0.99 * nr)


main()
