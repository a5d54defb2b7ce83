# SPDX-License-Identifier: MIT
import sys
from guest import *

out = sys.argv[1]
trace, layout = out + "/trace", truth(out + "/layout.json")
total = layout["regions"][0]
within = (total["start"], total["start"] + 64 * MIB)
seen = list(moments(trace).items())
assert len(seen) == 5, f"{len(seen)} snapshots"
for (time, rows), (later, _) in zip(seen, seen[1:]):
    assert later - time >= 1900000000, "they are 2 s apart"
    # Only its last aggregation interval was observed.
    assert time - rows[0].begin == 100000000
hot = size_of(busy(seen[-1][1], within, 0.05))
near("hot part in the last snapshot", hot, 16 * MIB, 0.25)
