#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every PERIOD-th data access of a real execution as the text form of a trace.

    lackey.py PERIOD PROGRAM [ARG...] > trace.text

valgrind's lackey tells each access with its instruction.  The program must not be
position independent: then addresses are those that it was linked for, and its mappings
are its program headers.  Other files are left out, as lackey does not tell where they are.
Samples are chosen evenly, which META says (sampling = uniform); take a prime PERIOD, as
loops have a rhythm.
"""
import os
import subprocess
import sys

PID = 77


def meta(key, value):
    print(f'meta time=1 key={key} value="{value}"')


def maps(path):
    out = subprocess.run(["readelf", "-lnW", path], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    build_id = next((x.split()[-1] for x in out.splitlines() if "Build ID:" in x), "")
    name = os.path.basename(path)[:15]
    print(f"task time=2 source=1 op=exec pid={PID} tid={PID} comm={name}")
    for line in out.splitlines():
        words = line.split()
        if not words or words[0] != "LOAD":
            continue
        offset, vaddr = int(words[1], 16), int(words[2], 16)
        filesz, memsz = int(words[4], 16), int(words[5], 16)
        flags = "".join(words[6:-1])
        prot = sum(bit for flag, bit in (("R", 1), ("W", 2), ("E", 4)) if flag in flags)
        start, end = vaddr & ~4095, (vaddr + filesz + 4095) & ~4095
        print(f"map time=3 source=1 op=add pid={PID} start={start:#x} end={end:#x} "
              f"prot={prot} pgoff={offset & ~4095} path={os.path.realpath(path)} "
              + (f"build_id={build_id}" if build_id else ""))
        bss = (vaddr + memsz + 4095) & ~4095
        if bss > end:
            print(f"map time=3 source=1 op=add pid={PID} start={end:#x} end={bss:#x} prot=3")


def samples(period, command):
    reader, writer = os.pipe()
    with subprocess.Popen(["valgrind", "--tool=lackey", "--trace-mem=yes",
                           f"--log-fd={writer}", *command], pass_fds=(writer,),
                          stdout=subprocess.DEVNULL) as run:
        os.close(writer)
        ip, left, time = 0, period, 1000000
        for line in os.fdopen(reader, errors="replace"):
            if line[:3] == "I  ":
                ip = int(line[3:].split(",")[0], 16)
            elif line[:1] == " " and line[1:2] in "LSM" and line[2:3] == " ":
                time += 10
                left -= 1
                if left:
                    continue
                left = period
                addr = int(line[3:].split(",")[0], 16)
                print(f"sample time={time} source=1 pid={PID} tid={PID} ip={ip:#x} "
                      f"addr={addr:#x} period={period} flags=1")
    sys.exit(run.returncode)


def main():
    args = sys.argv[1:]
    meta("trace.start_ns", 1)
    meta("source.1.name", "mem")
    meta("source.1.sampling", "uniform")
    meta("source.1.event.0", "loads and stores")
    meta("source.1.event.0.period", args[0])
    maps(args[1])
    samples(int(args[0]), args[1:])


main()
