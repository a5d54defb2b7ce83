# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
for i in "12":
    check_exact(f"{out}/trace{i}", truth(f"{out}/{i}.json"), f"recorder {i} of two")

# Compaction: what moved counts as accessed, everything hot is still found.
right = truth(out + "/1.json")
phase, region = right["phases"][0], right["regions"][0]
hot = set().union(*(pages_of(h) for h in phase["hot"]))
nr, more = 0, 0
for when, by_pid in scans(out + "/moved").items():
    if within(phase, when):
        accessed = by_pid[region["pid"]].accessed & pages_of(region)
        assert hot <= accessed | (hot - by_pid[region["pid"]].observed)
        more += len(accessed - hot)
        nr += 1
moved = sum(stats(out + "/moved", "idle.moved"))
assert nr >= 2 and more <= moved, f"{more} pages too many, but only {moved} moved"
print(f"figure: compaction: {moved} pages moved, {more} more than the hot ones accessed")
