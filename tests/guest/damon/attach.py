# SPDX-License-Identifier: MIT
import sys
from guest import *

trace = sys.argv[1] + "/trace"
seen = moments(trace)
assert len(seen) >= 60, f"only {len(seen)} snapshots"
span = (max(seen) - min(seen)) / 1e9
assert span >= 50, f"{span} s are covered"
for time, rows in seen.items():
    assert all(r.pid == 0 and r.max == 10 for r in rows)
    assert rows[0].start >= 1048576 and rows[-1].end <= 1073676288
meta = {m["key"]: m["value"] for m in dump(trace, "meta")}
assert meta["source.1.name"] == "damon:attach"
assert meta["source.1.aggr_us"] == "200000"
heatmap = report(trace, "heatmap", "--addr", "0x100000:0x3ffff000", "--rows", "16",
                 "--cols", "10")
assert heatmap["addr"] == [0x100000, 0x3ffff000]
# Physical memory, all of it observed: a number in every cell, and a program that is hot.
cells = [v for row in heatmap["max"] for v in row]
assert None not in cells and any(cells), cells
print(f"figure: {len(seen)} snapshots in {span:.0f} s of a kdamond of another, "
      f"no file changed, {sum(v > 0 for v in cells)} of {len(cells)} cells are hot")
