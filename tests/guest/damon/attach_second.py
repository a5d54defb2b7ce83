# SPDX-License-Identifier: MIT
import sys
from guest import *

out = sys.argv[1]
pid = int(open(out + "/pid").read())
seen = moments(out + "/trace")
assert len(seen) >= 10, f"only {len(seen)} snapshots"
for time, rows in seen.items():
    # The first kdamond has 10 checks per snapshot, and its target the same index.
    assert all(r.pid == pid and r.max == 30 for r in rows)
    assert rows[-1].end > 1 << 40, "physical addresses"
meta = {m["key"]: m["value"] for m in dump(out + "/trace", "meta")}
assert meta["source.1.operations"] == "vaddr", meta
print(f"figure: {len(seen)} snapshots of the second of two kdamonds, none of the first")
