# SPDX-License-Identifier: MIT
import statistics
import sys
from guest import *

out = sys.argv[1]
trace = out + "/trace"
ram = [[int(x, 16) for x in line.split(" ")[0].split("-")]
       for line in open(out + "/iomem") if not line.startswith(" ")]
seen = list(moments(trace).items())
assert len(seen) >= 20
for time, rows in seen:
    for row in rows:
        assert row.pid == 0
        assert any(a <= row.start and row.end <= b + 1 for a, b in ram), "not RAM"
covered = statistics.median(size_of(rows) for time, rows in seen)
near("memory that is monitored", covered, sum(b + 1 - a for a, b in ram), 0.01)
assert all(any(a <= r.start <= b for time, rows in seen for r in rows) for a, b in ram
           if b - a > 1 << 20), "a range of RAM is left out"
hot = statistics.median(size_of(busy(rows, None, 0.1)) for time, rows in seen[len(seen) // 2:])
near("memory that is accessed", hot, 64 * MIB, 0.5)
maps = [m for m in dump(trace, "map")]
assert maps and all("System RAM" in m["path"] for m in maps)
assert report(trace, "heatmap", "--rows", "8", "--cols", "8")["rows"] == 8
