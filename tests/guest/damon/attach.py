# SPDX-License-Identifier: MIT
import sys
from guest import *

trace = sys.argv[1] + "/trace"
seen = moments(trace)
assert len(seen) >= 20, f"only {len(seen)} snapshots"
for time, rows in seen.items():
    assert all(r.pid == 0 and r.max == 10 for r in rows)
    assert rows[0].start >= 1048576 and rows[-1].end <= 1073676288
meta = {m["key"]: m["value"] for m in dump(trace, "meta")}
assert meta["source.1.name"] == "damon:attach"
assert meta["source.1.aggr_us"] == "200000"
heatmap = report(trace, "heatmap", "--rows", "16", "--cols", "10")
assert any(v for row in heatmap["max"] for v in row if v), "nothing is hot"
print(f"figure: {len(seen)} snapshots of a kdamond of another, no file changed")
