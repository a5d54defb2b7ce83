# SPDX-License-Identifier: MIT
import statistics
import sys
from guest import *

out = sys.argv[1]
trace, right = out + "/trace", truth(out + "/truth.json")
pids = {r["pid"] for r in right["regions"]}
assert len(pids) == 2
start = min(p["start_ns"] for p in right["phases"])
end = max(p["end_ns"] for p in right["phases"])
# The second process becomes a target while DAMON runs, with 3 regions, which can no more
# than double from snapshot to snapshot: its own first turn is over by then.
begin = start + 16000000000
edges = sorted({p[key] for p in right["phases"] for key in ("start_ns", "end_ns")})
sums, both = [], 0
for time, rows in moments(trace).items():
    if rows[0].begin < begin or time > end:
        continue
    # A snapshot across a change of turns shows both; one check may reach back before it.
    if any(rows[0].begin - 100000000 <= edge <= time for edge in edges):
        continue
    # Any hit: how many there are of 20 is a matter of how fast the host is.
    hot = [r for r in busy(rows, None, 0.05) for g in right["regions"]
           if r.pid == g["pid"] and r.start < g["end"] and r.end > g["start"]]
    both += pids <= {r.pid for r in rows}
    sums.append(size_of(hot))
assert len(sums) >= 8, f"only {len(sums)} moments"
assert both == len(sums), f"both processes are in {both} of {len(sums)} moments"
near("sum at the median moment", statistics.median(sums), 16 * MIB, 0.05)
within = sum(abs(s - 16 * MIB) <= 0.1 * 16 * MIB for s in sums)
print(f"figure: {within} of {len(sums)} moments within 10%")
assert within == len(sums), sorted(s / MIB for s in sums)
wss = report(trace, "wss")
p50 = next(p["bytes"] for p in wss["percentiles"] if p["p"] == 50)
near("WSS p50 of the report", p50, 16 * MIB, 0.05)
