#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""WSS p50 of source refs against what the workloads say they did.

Every pattern whose phases last ten intervals or more must be within 3 % + 2 MiB of its
ground truth; one that is over before an interval must give no data, not 0.
"""
import sys

from soak import Soak, MIB

# name, options; the interval is 1 s, so phases are 12 s
CASES = [
    ("static", ["--hot", "64M", "--total", "256M", "--time", "14s"]),
    ("window", ["--hot", "32M", "--total", "128M", "--phase", "12s", "--phases", "3"]),
    ("stairs", ["--total", "96M", "--phase", "12s", "--phases", "3"]),
    ("zigzag", ["--total", "128M", "--phase", "12s", "--phases", "3"]),
    ("zipf", ["--total", "128M", "--time", "14s"]),
    ("antiphase", ["--hot", "32M", "--total", "64M", "--phase", "12s", "--phases", "3"]),
    ("server", ["--hot", "32M", "--total", "64M", "--phase", "12s", "--phases", "2"]),
    ("thp", ["--hot", "64M", "--total", "256M", "--time", "14s"]),
]


def median(values):
    values = sorted(values)
    return values[min(int(0.5 * len(values)), len(values) - 1)]


def check_pattern(soak, name, options):
    truth = soak.record("refs", [name, *options])
    wss = soak.report_json("wss", "--percentiles", "50")
    want = median([p["wss_bytes"] for p in truth["phases"]])
    got = wss["percentiles"][0]["bytes"]
    limit = 0.03 * want + 2 * MIB
    soak.result(
        abs(got - want) <= limit, f"refs {name}",
        f"p50 {got / MIB:.2f} MiB, truth {want / MIB:.2f} MiB, "
        f"off by {(got - want) / MIB:+.2f} MiB (limit {limit / MIB:.2f}), n={wss['n']}")


def check_short(soak):
    soak.record("refs", ["short"])
    wss = soak.report_json("wss", "--percentiles", "50", may_fail=True)
    no_data = wss is None or wss["n"] == 0
    soak.result(no_data, "refs short", "no data" if no_data else f"says {wss}")


def main():
    soak = Soak()
    wanted = sys.argv[1:]
    for name, options in CASES:
        if not wanted or name in wanted:
            check_pattern(soak, name, options)
    if not wanted or "short" in wanted:
        check_short(soak)
    return soak.done()


if __name__ == "__main__":
    sys.exit(main())
