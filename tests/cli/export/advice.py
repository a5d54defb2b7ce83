#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Advice for a running child: advice.py MEMHEAT

The child maps a file of 32 MiB and reads all of it.  A trace in DAMON's terms says what a
monitor would have seen of it: the first quarter is read all the time, the rest was read
once.  `export madvise` tells to page out the rest, `apply` does it, and the kernel's own
count of the child's resident pages says that it happened.  `export damos` gets its
thresholds from the same trace.
"""
import json
import os
import subprocess
import sys

MIB = 1 << 20
CHILD = """
import mmap, sys
with open("child.data", "rb") as f:
    m = mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
sum(m[i] for i in range(0, len(m), 4096))
print("ready", flush=True)
sys.stdin.read()
"""


def memheat(*args, status=0):
    run = subprocess.run([sys.argv[1], *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    assert run.returncode == status, (args, run.returncode, run.stdout, run.stderr)
    return run


def mapping(pid):
    """Start, end and resident bytes of the child's file."""
    lines = open(f"/proc/{pid}/smaps").read().splitlines()
    for i, line in enumerate(lines):
        if line.endswith("/child.data"):
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            rss = next(x for x in lines[i:] if x.startswith("Rss:"))
            return start, end, int(rss.split()[1]) * 1024
    raise AssertionError(lines)


def write_trace(pid, start, end, name, scale=1):
    with open(name + ".text", "w") as f:
        print("meta time=1 key=trace.start_ns value=1000000000", file=f)
        print("meta time=1 key=source.1.name value=damon:vaddr", file=f)
        print("meta time=1 key=source.1.sample_us value=5000", file=f)
        print("meta time=1 key=source.1.aggr_us value=100000", file=f)
        print(f"task time=1 source=1 op=exec pid={pid} tid={pid} comm=python3", file=f)
        print(f"map time=1 source=1 op=add pid={pid} start={start:#x} end={end:#x} prot=1 "
              f"path={os.path.realpath('child.data')}", file=f)
        for i in range(60):
            begin = 1000000000 + i * 100000000
            hot = start + 8 * MIB
            # Now and then the rest is read too where `scale` is 2: it is not cold.
            rest = 3 if i == 0 or (scale == 2 and i % 4 == 0) else 0
            for a, b, n in ((start, hot, 18), (hot, end, rest)):
                print(f"region time={begin + 100000000} source=1 start_ns={begin} pid={pid} "
                      f"start={a:#x} end={b:#x} nr_accesses={n} max_accesses=20", file=f)
    memheat("import", "text", name + ".text", "-o", name)


def check_damos():
    memheat("export", "damos", "-i", "t", "-o", "damos.json")
    schemes = json.load(open("damos.json"))
    assert [s["action"] for s in schemes] == ["pageout", "hugepage"], schemes
    for s in schemes:
        # The form that DAMO's parser takes: limits as text with a unit.
        pattern = s["access_pattern"]
        assert set(pattern) == {"sz_bytes", "nr_accesses", "age"}, pattern
        for limits in pattern.values():
            assert set(limits) == {"min", "max"}
            assert all(isinstance(x, str) for x in limits.values())
        assert any(line == "trace: t" for line in s["memheat"]), s["memheat"]
    cold, hot = (s["access_pattern"] for s in schemes)
    assert cold["nr_accesses"] == {"min": "0 %", "max": "0 %"}
    # The rest came back once in 6 s, after no time at all; two intervals are the least.
    assert 200000 <= int(cold["age"]["min"].split()[0]) <= 2000000, cold
    # 18 of 20 checks, all the time.
    assert hot["nr_accesses"]["min"] == "90.00 %", hot
    write_trace(1, 0x10000000, 0x12000000, "busy", scale=2)
    run = memheat("export", "damos", "-i", "busy", "-o", "busy.json", status=1)
    assert "record for longer" in run.stderr or "stays idle" in run.stderr, run.stderr
    assert not os.path.exists("busy.json")


def lines_of(name):
    return [l.rstrip("\n").split("\t") for l in open(name) if not l.startswith("#")]


def main():
    with open("child.data", "wb") as f:
        f.write(os.urandom(MIB) * 32)
        f.flush()
        os.fsync(f.fileno())
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        start, end, rss = mapping(child.pid)
        # What was written is read back by whole folios; all of it is there.
        assert rss == 32 * MIB, rss
        write_trace(child.pid, start, end, "t")
        check_damos()
        # Read once at the start: no byte of it is cold, nor is the file anonymous.
        run = memheat("export", "madvise", "-i", "t", "-o", "hints.tsv", status=1)
        assert "nothing that is mapped was observed to be cold" in run.stderr, run.stderr
        memheat("export", "madvise", "-i", "t", "--skip", "1", "-o", "hints.tsv")
        head = [l for l in open("hints.tsv") if l.startswith("#")]
        assert any("source: damon:vaddr" in l for l in head), head
        rows = lines_of("hints.tsv")
        assert len(rows) == 1, rows
        pid, a, b, word, weight, path, offset = rows[0]
        assert (int(pid), int(a, 16), int(b, 16)) == (child.pid, start + 8 * MIB, end), rows
        assert word == "pageout" and path.endswith("/child.data"), rows
        assert int(offset) == 8 * MIB and float(weight) > 24 * MIB, rows

        run = memheat("apply", "--dry-run", "hints.tsv")
        assert run.stdout.startswith("would do\t"), run.stdout
        assert mapping(child.pid)[2] == 32 * MIB, "a dry run did something"
        # Another process's range, or another mapping, is left alone.
        with open("wrong.tsv", "w") as f:
            f.write("\t".join([pid, a, b, word, weight, "/other", offset]) + "\n")
            f.write("\t".join([pid, "0x1000", "0x2000", word, weight, path, offset]) + "\n")
        run = memheat("apply", "wrong.tsv", status=1)
        assert run.stdout.count("left alone\t") == 2, run.stdout
        assert "another mapping" in run.stdout, run.stdout
        with open("bad.tsv", "w") as f:
            f.write("\t".join([pid, a, b, "burn", weight, path, offset]) + "\n")
        assert "'burn' is no advice" in memheat("apply", "bad.tsv", status=1).stderr
        if os.geteuid() != 0:
            print("not root: nothing was applied")
            child.stdin.close()
            return
        run = memheat("apply", "hints.tsv")
        assert run.stdout.startswith("done\t"), run.stdout
        left = mapping(child.pid)[2]
        assert 8 * MIB <= left < 12 * MIB, left
        child.stdin.close()
    run = memheat("apply", "--dry-run", "hints.tsv", status=1)
    assert "the process is gone" in run.stdout, run.stdout


main()
