# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
# Everything hot is still found. A page that is moved takes its idle bit along, so it is not
# claimed as used; but for those that the scan met on their way, off every list.
right = truth(out + "/truth.json")
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
assert moved >= 512, f"only {moved} pages moved: nothing is shown"
assert nr >= 2 and more <= moved // 8, f"{more} pages too many, {moved} moved"
print(f"figure: compaction: {moved} pages moved in {nr} scans, all hot ones found, {more} "
      f"others claimed")
