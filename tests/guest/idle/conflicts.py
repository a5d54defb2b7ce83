# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
ended = [t for t in dump(out + "/ended", "task") if t["op"] == "exit"]
assert ended, "the end of the target is not told"
assert any(g["cause"] == "exited" for g in dump(out + "/ended", "gap"))
check_exact(out + "/ended", truth(out + "/truth.json"), "until its end", 1)

sizes = []
for when, by_pid in scans(out + "/all").items():
    assert set(by_pid) == {0}
    sizes.append((len(by_pid[0].accessed) * PAGE, len(by_pid[0].observed) * PAGE))
assert len(sizes) >= 2
accessed, observed = sizes[-1]
nodes = [stats(out + "/all", f"idle.node{n}.observed_bytes") for n in (0, 1)]
assert [a + b for a, b in zip(*nodes)] == stats(out + "/all", "idle.observed_bytes")
assert 4 * MIB <= accessed <= 12 * MIB, f"physical memory accessed: {accessed}"
assert observed >= 64 * MIB
print(f"figure: physical memory: {accessed / MIB:.1f} of {observed / MIB:.1f} MiB accessed,"
      f" truth 4 MiB and the recorder's own")
