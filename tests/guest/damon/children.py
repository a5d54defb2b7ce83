# SPDX-License-Identifier: MIT
import statistics
import sys
from guest import *

out = sys.argv[1]


def check(trace, right):
    phase = right["phases"][0]
    pid = phase["pid"]
    begin = phase["start_ns"] + 1500000000
    sizes = [size_of(busy([r for r in rows if r.pid == pid]))
             for time, rows in moments(trace).items()
             if time <= phase["end_ns"] and rows[0].begin >= begin]
    sizes = [s for s in sizes if s]
    assert len(sizes) >= 5, f"pid {pid} is seen in {len(sizes)} moments"
    near(f"hot part of process {pid}", statistics.median(sizes), 8 * MIB, 0.15)


for name in ("a", "b"):
    check(out + "/trace", truth(f"{out}/{name}.json"))

# The child went on after its parent, and with it the kdamond, had ended.
right = truth(out + "/c.json")
ended = [number(t["time"]) for t in dump(out + "/orphan", "task") if t["op"] == "exit"]
assert ended, "the parent's end is not told"
after = [size_of(busy([r for r in rows if r.pid == right["regions"][0]["pid"]]))
         for time, rows in moments(out + "/orphan").items() if time > ended[0]]
after = [size for size in after if size]
assert len(after) >= 5, f"the orphan is seen in {len(after)} moments after that"
near("hot part of the orphan", statistics.median(after), 8 * MIB, 0.15)
