# SPDX-License-Identifier: MIT
import statistics
import sys
from guest import *

out = sys.argv[1]
trace, layout = out + "/trace", truth(out + "/layout.json")
total = layout["regions"][0]
seen = list(moments(trace).items())
assert len(seen) >= 15
for time, rows in seen:
    assert rows[0].start >= total["start"] and rows[-1].end <= total["start"] + 64 * MIB
sizes = [size_of(busy(rows)) for time, rows in seen[len(seen) // 3:]]
near("hot part", statistics.median(sizes), 16 * MIB, 0.05)
found = [(busy(rows)[0].start, busy(rows)[-1].end) for time, rows in seen[len(seen) // 3:]
         if busy(rows)]
check_ends("hot range", found, (total["start"], total["start"] + 16 * MIB), 0.02)
