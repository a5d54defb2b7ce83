#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What recording costs: a 4 GiB process for 60 s with refs, against the same without.

One process sweeps over its memory and says how long each sweep took; for 60 s it is left
alone, for 60 s recorded, and so on. A sweep that is stalled, or that has pages marked anew,
is longer than the sweeps around it: what they are longer than the median of two seconds
around them, as a share of the time, is what the process lost. The same sum over the minutes
beside it, in which nothing was recorded, is what the machine does by itself, and is taken
off. The loss must be below 2 %, the recorder's CPU time at most 5 % of a core.

The plain comparison is printed too: sweeps of a recorded minute against the mean of the
minutes before and after it. On a machine that is shared it tells of the neighbours: the
plain minutes' own spread stands beside it.
"""
import argparse
import bisect
import json
import signal
import statistics
import subprocess
import sys
import time

from soak import Soak

AROUND_NS = 10 ** 9


def medians(starts, took):
    """The median duration of the sweeps within a second before and after each."""
    window, out, low, high = [], [], 0, 0
    for at in starts:
        while high < len(starts) and starts[high] <= at + AROUND_NS:
            bisect.insort(window, took[high])
            high += 1
        while starts[low] < at - AROUND_NS:
            window.pop(bisect.bisect_left(window, took[low]))
            low += 1
        out.append(window[len(window) // 2])
    return out


class Minutes:
    """The sweeps of a run, dealt to the minutes [start, end) on the monotonic clock."""

    def __init__(self, phases):
        self.starts = [p["start_ns"] for p in phases]
        self.took = [p["end_ns"] - p["start_ns"] for p in phases]
        self.usual = medians(self.starts, self.took)

    def within(self, minute):
        return slice(bisect.bisect_left(self.starts, minute[0]),
                     bisect.bisect_left(self.starts, minute[1]))

    def excess(self, minute):
        """Share of the time that sweeps took longer than the usual ones around them."""
        part = self.within(minute)
        return sum(self.took[part]) / sum(self.usual[part]) - 1

    def rate(self, minute):
        """Sweeps per second."""
        part = self.within(minute)
        return 1e9 * len(self.took[part]) / sum(self.took[part])


def lead(values):
    """The mean of each value's neighbours: of n + 1 plain minutes around n recorded ones."""
    return [statistics.mean(values[i:i + 2]) for i in range(len(values) - 1)]


def run(soak, opts, work):
    """Alternate; the minutes' times and what the recorder says of itself."""
    plain, recorded, told = [], [], []
    for i in range(2 * opts.pairs + 1):
        start = time.monotonic_ns()
        if i % 2:
            budget = ["--overhead", opts.overhead] if opts.overhead else []
            subprocess.run([soak.memheat, "record", "-q", "-s", "refs", "-p", str(work.pid),
                            "--for", f"{opts.time}s", "-o", soak.trace, *budget], check=True)
            told.append((soak.info(), soak.report_json("wss")["window_ns"]))
        else:
            time.sleep(opts.time)
        (recorded if i % 2 else plain).append((start, time.monotonic_ns()))
    return plain, recorded, told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--time", type=int, default=60, help="seconds per phase")
    parser.add_argument("--size", default="4G")
    parser.add_argument("--overhead", help="recorder's budget; its default when left out")
    opts = parser.parse_args()
    soak = Soak()
    truth_path = soak.path("truth.json")
    # Phases that are late from the first on have one sweep each.
    with subprocess.Popen(
            [soak.workload, "window", "--hot", opts.size, "--total", opts.size,
             "--phase", "1us", "--phases", "10000000", "--think", "0ms",
             "--burst", "1000000000", "--keep-tlb", "--truth", truth_path]) as work:
        time.sleep(10)  # to have its memory
        plain, recorded, told = run(soak, opts, work)
        work.send_signal(signal.SIGTERM)
    with open(truth_path, encoding="utf-8") as f:
        minutes = Minutes(json.load(f)["phases"])

    own = [minutes.excess(m) for m in plain]
    losses = [minutes.excess(m) - b for m, b in zip(recorded, lead(own))]
    rates = [minutes.rate(m) for m in plain]
    direct = [1 - minutes.rate(m) / b for m, b in zip(recorded, lead(rates))]
    for loss, share, (info, window_ns) in zip(losses, direct, told):
        print(f"# {loss:+.2%} lost in longer sweeps, {share:+.2%} against the minutes around; "
              f"recorder {info['observer_cpu_ns'] / info['duration_ns']:.1%} of a core, "
              f"windows of {window_ns / 1e9:.1f} s, longest stall "
              f"{info['stall_max_ns'] / 1e6:.0f} ms")
    print(f"# plain minutes: {min(own):.2%} to {max(own):.2%} in longer sweeps, taken off; "
          f"their rates have a spread of {statistics.stdev(rates) / statistics.mean(rates):.2%}"
          f", the plain comparison a median of {statistics.median(direct):+.2%}")
    loss = statistics.median(losses)
    soak.result(loss < 0.02, "run time of the workload", f"median {loss:+.2%} lost")
    cpu = max(info["observer_cpu_ns"] / info["duration_ns"] for info, _ in told)
    soak.result(cpu <= 0.05, "recorder", f"at most {cpu:.2%} of a core")
    return soak.done()


if __name__ == "__main__":
    sys.exit(main())
