# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
right = truth(out + "/truth.json")
region, phases = right["regions"][0], right["phases"]
pid, everything = region["pid"], pages_of(region)
steps = [set().union(*(pages_of(h) for h in p["hot"])) for p in phases]
assert len(steps) == 4 and set().union(*steps) == everything
found = [(when, by_pid[pid].accessed & everything, by_pid[pid].observed & everything)
         for when, by_pid in scans(out + "/trace").items() if pid in by_pid]
found = [f for f in found if f[0].read <= phases[-1]["end_ns"]]

# Before its phase and after it a step is not told to be used.
quiet = 0
for when, accessed, _ in found:
    for phase, step in zip(phases, steps):
        before = phases[0]["start_ns"] <= when.armed and when.over <= phase["start_ns"]
        if before or when.armed >= phase["end_ns"]:
            assert not accessed & step, f"{len(accessed & step)} pages out of their turn"
            quiet += 1
assert quiet >= 12, f"only {quiet} steps and scans without an access"

# The last access that was told lies in the window that the true one is in, or in the one
# before it where the last sweep did not come to the page again.
worst = nr = 0
last = {}  # page: number of the scan that told of its last access
unseen = set()
for i, (when, accessed, _) in enumerate(found):
    last.update(dict.fromkeys(accessed, i))
    for phase, step in zip(phases, steps):
        if when.armed < phase["start_ns"]:
            continue
        true_last = min(phase["end_ns"], when.read)
        for page in step:
            if page not in last:  # it waited for its LRU list when it was touched
                unseen.add(page)
                continue
            told = found[last[page]][0]
            after = found[last[page] + 1][0] if last[page] < i else told
            assert told.armed <= true_last <= after.over, (
                f"a page's age is {abs(told.read - true_last) / 1e6:.0f} ms off, in an "
                f"interval of {(told.read - told.armed) / 1e6:.0f} ms")
            worst = max(worst, abs(told.read - true_last))
            nr += 1
assert len(unseen) <= 64, f"{len(unseen)} pages were never seen to be accessed"
assert nr > 10000, f"only {nr} ages were compared"
# No two steps ended in the same scan: else any order of them would do.
ends = [max(last[page] for page in step if page in last) for step in steps]
assert sorted(set(ends)) == ends, f"the steps' last scans are {ends}"
print(f"figure: ages: worst {worst / 1e6:.0f} ms off, {nr} pages and scans, each within its "
      f"own interval; {len(unseen)} pages never seen")

# The report's ages are these.
end = found[-1][0].read
start = next(number(m["value"]) for m in dump(out + "/trace", "meta")
             if m["key"] == "trace.start_ns")
cold = report(out + "/trace", "cold", "--addr", f"{region['start']:#x}:{region['end']:#x}",
              "--time", f"0s:{(end - start + 999) // 1000}us")
for bucket in cold["buckets"]:
    longest = bucket["idle_ns_max"] if bucket["idle_ns_max"] is not None else float("inf")
    want = PAGE * sum(bucket["idle_ns_min"] <= end - found[i][0].read < longest
                      for i in last.values())
    assert abs(bucket["bytes"] - want) <= 64 * PAGE, f"{bucket}, {want} wanted"
print("figure: ages of the report, MiB: " +
      ", ".join(f"{b['idle_ns_min'] / 1e9:g} s {b['bytes'] / MIB:.2f}"
                for b in cold["buckets"] if b["bytes"]))
