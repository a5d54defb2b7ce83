#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What recording costs: a 4 GiB process for 60 s with refs, against the same without.

One process works in phases of 60 s and says how many sweeps over its memory it did in each;
every second phase is recorded. A recorded phase is compared with the mean of the phases
before and after it: the same pages, and a machine that drifts is compared with itself. The
loss must be below 2 %, the recorder's CPU time at most 5 % of a core. Run it on a machine
that does nothing else: how much the plain phases differ among themselves is told, too.
"""
import argparse
import json
import statistics
import subprocess
import sys

from soak import Soak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--time", type=int, default=60, help="seconds per phase")
    parser.add_argument("--size", default="4G")
    parser.add_argument("--overhead", help="recorder's budget; its default when left out")
    opts = parser.parse_args()
    soak = Soak()
    nr_phases, truth_path = 2 * opts.pairs + 1, soak.path("truth.json")
    cpu, stalls, intervals = [], [], []
    with subprocess.Popen(
            [soak.workload, "window", "--hot", opts.size, "--total", opts.size,
             "--phase", f"{opts.time}s", "--phases", str(nr_phases), "--think", "0ms",
             "--burst", "1000000", "--keep-tlb", "--verbose", "--truth", truth_path],
            stderr=subprocess.PIPE, text=True) as work:
        phase = 0
        for line in work.stderr:
            if " phase of " not in line:
                continue
            phase += 1  # so many are over
            if phase % 2 == 0 or phase >= nr_phases:
                continue
            budget = ["--overhead", opts.overhead] if opts.overhead else []
            subprocess.run([soak.memheat, "record", "-q", "-s", "refs", "-p", str(work.pid),
                            "--for", f"{opts.time}s", "-o", soak.trace, *budget], check=True)
            info = soak.info()
            cpu.append(info["observer_cpu_ns"] / info["duration_ns"])
            stalls.append(info["stall_max_ns"] / 1e6)
            intervals.append(soak.report_json("wss")["window_ns"] / 1e9)
    with open(truth_path, encoding="utf-8") as f:
        sweeps = [p["sweeps"] for p in json.load(f)["phases"]]
    plain, recorded = sweeps[::2], sweeps[1::2]
    losses = [1 - r / statistics.mean(plain[i:i + 2]) for i, r in enumerate(recorded)]
    for i, loss in enumerate(losses):
        print(f"# plain {plain[i]} and {plain[i + 1]} sweeps, recorded {recorded[i]} "
              f"({loss:+.2%} lost), recorder {cpu[i]:.1%} of a core, windows of "
              f"{intervals[i]:.1f} s, longest stall {stalls[i]:.0f} ms", flush=True)
    print(f"# plain phases: spread {statistics.stdev(plain) / statistics.mean(plain):.2%}")
    loss = statistics.median(losses)
    soak.result(loss < 0.02, "run time of the workload", f"median {loss:+.2%} lost")
    soak.result(max(cpu) <= 0.05, "recorder", f"at most {max(cpu):.2%} of a core")
    return soak.done()


if __name__ == "__main__":
    sys.exit(main())
