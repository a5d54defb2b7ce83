# SPDX-License-Identifier: MIT
import sys
from guest import *

out = sys.argv[1]
trace, right = out + "/trace", truth(out + "/truth.json")
hot = right["phases"][0]["hot"][0]
want = (hot["start"], hot["end"])

wss = report(trace, "wss")
p50 = next(p["bytes"] for p in wss["percentiles"] if p["p"] == 50)
near("WSS p50", p50, 16 * MIB, 0.05)

settled = right["phases"][0]["start_ns"] + 1500000000
found = []
for (time, begin), rows in snapshots(trace).items():
    if begin < settled or time > right["phases"][0]["end_ns"]:
        continue
    rows = busy(rows, (right["regions"][0]["start"], right["regions"][0]["end"]))
    if rows:
        found.append((rows[0].start, rows[-1].end))
assert len(found) >= 10, "too few snapshots show the hot range"
check_ends("hot range", found, want, 0.02)

names = [m for m in dump(trace, "map")
         if number(m["start"]) <= want[0] and want[1] <= number(m["end"])]
assert names, "no mapping is told for the hot range"
mapping = report(trace, "mappings")["rows"][0]
assert "anon" in str(mapping), f"the busiest mapping is {mapping}"
tasks = [t["op"] for t in dump(trace, "task")]
assert "exec" in tasks and "exit" in tasks
stats = [s for s in dump(trace, "stat") if s["name"] == "kdamond.cpu_ns"]
assert stats and number(stats[-1]["value"]) > 0, "no CPU time of the kdamond"
lost = list(dump(trace, "lost"))
assert not lost, f"lost: {lost}"
