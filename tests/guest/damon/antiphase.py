# SPDX-License-Identifier: MIT
import statistics
import sys
from guest import *

out = sys.argv[1]
trace, right = out + "/trace", truth(out + "/truth.json")
pids = {r["pid"] for r in right["regions"]}
assert len(pids) == 2
begin = min(p["start_ns"] for p in right["phases"]) + 2000000000
end = max(p["end_ns"] for p in right["phases"])
edges = [p["start_ns"] for p in right["phases"]] + [end]
sums, both = [], 0
for time, rows in moments(trace).items():
    if rows[0].begin < begin or time > end:
        continue
    # A snapshot across a change of turns shows both; then regions have to follow.
    if any(rows[0].begin - 1000000000 <= edge <= time for edge in edges):
        continue
    hot = [r for r in busy(rows) for g in right["regions"]
           if r.pid == g["pid"] and r.start < g["end"] and r.end > g["start"]]
    both += pids <= {r.pid for r in rows}
    sums.append(size_of(hot))
assert len(sums) >= 20, f"only {len(sums)} moments"
assert both >= 0.9 * len(sums), f"both processes are in {both} of {len(sums)} moments"
near("sum at the median moment", statistics.median(sums), 16 * MIB, 0.05)
within = sum(abs(s - 16 * MIB) <= 0.1 * 16 * MIB for s in sums)
print(f"figure: {within} of {len(sums)} moments within 10%")
# The rest are regions that have not followed yet.
assert within >= 2 / 3 * len(sums)
wss = report(trace, "wss")
p50 = next(p["bytes"] for p in wss["percentiles"] if p["p"] == 50)
near("WSS p50 of the report", p50, 16 * MIB, 0.05)
