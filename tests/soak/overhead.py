#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What recording costs: a 4 GiB process for 60 s with refs, against the same without.

The workload does a fixed amount of work per sweep and says how many sweeps it did in its
time; pairs alternate, so that a machine that drifts is compared with itself. Its loss must
be below 2 %, the recorder's CPU time at most 5 % of a core.
"""
import argparse
import json
import statistics
import subprocess
import sys

from soak import Soak


def sweeps_of(truth):
    return sum(p["sweeps"] for p in truth["phases"])


def plain_run(soak, args):
    truth = soak.path("plain.json")
    subprocess.run([soak.workload, *args, "--truth", truth], check=True)
    with open(truth, encoding="utf-8") as f:
        return sweeps_of(json.load(f))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--time", default="60s")
    parser.add_argument("--size", default="4G")
    opts = parser.parse_args()
    soak = Soak()
    args = ["static", "--hot", opts.size, "--total", opts.size, "--time", opts.time,
            "--think", "0ms", "--burst", "1000000", "--keep-tlb"]
    ratios, cpu = [], []
    for _ in range(opts.pairs):
        plain = plain_run(soak, args)
        recorded = sweeps_of(soak.record("refs", args))
        ratios.append(plain / recorded)
        info = soak.info()
        cpu.append(info["observer_cpu_ns"] / info["duration_ns"])
        print(f"# plain {plain} sweeps, recorded {recorded}, recorder {cpu[-1]:.1%} of a core, "
              f"longest stall {info['stall_max_ns'] / 1e6:.0f} ms", flush=True)
    loss = statistics.median(ratios) - 1
    soak.result(loss < 0.02, "run time of the workload",
                f"median {loss:+.2%}, pairs {' '.join(f'{r - 1:+.2%}' for r in ratios)}")
    soak.result(max(cpu) <= 0.05, "recorder", f"at most {max(cpu):.2%} of a core")
    return soak.done()


if __name__ == "__main__":
    sys.exit(main())
