# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
for name in ("reads", "writes"):
    right = truth(f"{out}/{name}.json")
    phase, region = right["phases"][0], right["regions"][0]
    hot = set().union(*(pages_of(h) for h in phase["hot"]))
    want, nr = hot if name == "writes" else set(), 0
    check_exact(f"{out}/{name}", right, f"accesses of one that {name}")
    for when, by_pid in scans(f"{out}/{name}", "write").items():
        if not within(phase, when):
            continue
        written = by_pid[region["pid"]].accessed & pages_of(region)
        assert written <= want, f"{name}: {len(written - want)} pages too many"
        nr += written == want
    assert nr >= 3, f"{name}: all written pages in {nr} scans only"
    print(f"figure: one that {name}: {len(want)} of {len(hot)} hot pages written in each of "
          f"{nr} scans")
