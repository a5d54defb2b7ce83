# SPDX-License-Identifier: MIT
import math
import sys
from pages import *

out = sys.argv[1]
right = truth(out + "/truth.json")
phase, region = right["phases"][0], right["regions"][0]
hot = set().union(*(pages_of(h) for h in phase["hot"]))
everything, nr = pages_of(region), 0
for when, by_pid in scans(out + "/trace").items():
    if not within(phase, when) or region["pid"] not in by_pid:
        continue
    scan = by_pid[region["pid"]]
    seen = scan.observed & everything
    used = scan.accessed & everything
    assert used <= hot, f"{len(used - hot)} pages too many"
    # A binomial sample: five standard deviations.
    for what, got, n in ("observed", len(seen), len(everything)), ("hot", len(seen & hot), len(hot)):
        slack = 5 * math.sqrt(n / 8 * 7 / 8) + 16
        assert abs(got - n / 8) <= slack, f"{what}: {got} of {n}, one in eight wanted"
    nr += used == seen & hot
assert nr >= 2, f"only {nr} scans with all hot pages of the sample"
wss = report(out + "/trace", "wss", "--percentiles", "50")["percentiles"][0]["bytes"]
near("rate 1/8: working set", wss, 16 * MIB, 0.12)
