# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
check_exact(out + "/small", truth(out + "/small.json"), "4 KiB pages")

# With huge pages the kernel keeps a bit per folio: one more at each end may be touched.
right = truth(out + "/huge.json")
phase, region = right["phases"][0], right["regions"][0]
hot = set().union(*(pages_of(h) for h in phase["hot"]))
nr = 0
for when, by_pid in scans(out + "/huge").items():
    if not within(phase, when):
        continue
    accessed = by_pid[region["pid"]].accessed & pages_of(region)
    assert hot <= accessed, f"{len(hot - accessed)} hot pages are missing"
    assert len(accessed - hot) <= 2 * 512, f"{len(accessed - hot)} pages too many"
    nr += 1
assert nr >= 3, f"only {nr} scans lie in the phase"
print(f"figure: huge pages: {len(accessed)} accessed pages, {len(hot)} hot")

wss = report(out + "/small", "wss")
near("WSS p50", next(p["bytes"] for p in wss["percentiles"] if p["p"] == 50),
     16 * MIB, 0.05)
cost, moved = stats(out + "/small", "scan_ns"), stats(out + "/small", "idle.moved")
print(f"figure: a scan takes {max(cost) / 1e6:.1f} ms of CPU time; {sum(moved)} moved")
