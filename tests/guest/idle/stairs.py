# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
right = truth(out + "/truth.json")
pid = right["regions"][0]["pid"]
found = scans(out + "/trace")
longest = max(when[1] - when[0] for when in found)
worst = nr = 0
unseen = set()
last = {}  # page: when it was told to be accessed for the last time
for when, by_pid in found.items():
    if when[1] > right["phases"][-1]["end_ns"] or pid not in by_pid:
        continue
    for page in by_pid[pid].accessed:
        last[page] = when[1]
    for phase in right["phases"]:
        # Phases that had begun before the scan's window.
        if when[0] < phase["start_ns"]:
            continue
        true_last = min(phase["end_ns"], when[1])
        for page in set().union(*(pages_of(h) for h in phase["hot"])):
            if page not in last:  # it waited for its LRU list when it was touched
                unseen.add(page)
                continue
            error = abs(last[page] - true_last)
            worst = max(worst, error)
            nr += 1
            assert error <= longest, f"a page's age is {error / 1e6:.0f} ms off"
assert len(unseen) <= 64, f"{len(unseen)} pages were never seen to be accessed"
assert nr > 10000, f"only {nr} ages were compared"
print(f"figure: ages: worst {worst / 1e6:.0f} ms off, interval {longest / 1e6:.0f} ms, "
      f"{nr} pages and scans, {len(unseen)} pages never seen")
