# SPDX-License-Identifier: MIT
import statistics
import sys
from guest import *

out = sys.argv[1]
right = truth(out + "/truth.json")
all_moments = moments(out + "/trace")
total = right["regions"][0]
assert len(right["phases"]) >= 3
for i, phase in enumerate(right["phases"]):
    want = (phase["hot"][0]["start"], phase["hot"][0]["end"])
    # A region's age and size need some snapshots to follow.
    begin = phase["start_ns"] + (phase["end_ns"] - phase["start_ns"]) // 3
    found, sizes = [], []
    for time, rows in all_moments.items():
        if rows[0].begin < begin or time > phase["end_ns"]:
            continue
        rows = busy(rows, (total["start"], total["end"]))
        if rows:
            found.append((rows[0].start, rows[-1].end))
            sizes.append(size_of(rows))
    assert len(found) >= 5, f"phase {i} is seen in {len(found)} snapshots"
    near(f"phase {i}", statistics.median(sizes), want[1] - want[0], 0.05)
    check_ends(f"phase {i}", found, want, 0.02)
