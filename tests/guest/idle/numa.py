# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]


def placed(path, region):
    """Pages of the region by node, as the kernel says."""
    for line in open(path):
        words = line.split()
        if int(words[0], 16) == region["start"]:
            return {int(w[1:].split("=")[0]): int(w.split("=")[1])
                    for w in words if w[0] == "N" and "=" in w}
    raise AssertionError("numa_maps does not have the region")


regions = [truth(f"{out}/{n}.json")["regions"][0] for n in (0, 1)]
assert placed(out + "/maps0", regions[0]) == {0: 4096}
assert placed(out + "/maps1", regions[1]) == {1: 8192}

observed = [stats(out + "/trace", f"idle.node{n}.observed_bytes") for n in (0, 1)]
accessed = [stats(out + "/trace", f"idle.node{n}.accessed_bytes") for n in (0, 1)]
whole = stats(out + "/trace", "idle.observed_bytes")
used = stats(out + "/trace", "idle.accessed_bytes")
nr = 0
for i, total in enumerate(whole):
    if not total:
        continue  # the first scan only arms
    assert observed[0][i] + observed[1][i] == total
    assert accessed[0][i] + accessed[1][i] == used[i]
    assert observed[0][i] <= 18 * MIB and accessed[0][i] <= 5 * MIB

# Nothing but the region is on node 1: its bytes are those of the pages that were told.
region, pid = pages_of(regions[1]), regions[1]["pid"]
told = scans(out + "/trace")
for i, by_pid in enumerate(told.values()):
    scan = by_pid.get(pid, Scan())
    i += len(whole) - len(told)
    assert observed[1][i] == len(scan.observed & region) * PAGE, f"node 1: {observed[1][i]}"
    assert accessed[1][i] == len(scan.accessed & region) * PAGE, f"node 1: {accessed[1][i]}"
    # Pages that wait for their LRU list are not observed.
    assert 32 * MIB - 64 * PAGE <= observed[1][i] <= 32 * MIB
    nr += 8 * MIB - 64 * PAGE <= accessed[1][i] <= 8 * MIB

# The same in the report of cold bytes: of node 1 the region and nothing else.
cold = report(out + "/trace", "cold")
groups = {}
for g in cold["groups"]:
    groups.setdefault(g["by"], {})[g["name"]] = g
for by, found in groups.items():
    for i, bucket in enumerate(cold["buckets"]):
        assert sum(g["buckets"][i] for g in found.values()) == bucket["bytes"], by
    assert sum(g["bytes"] for g in found.values()) == cold["bytes"], by
far = groups["node"]["1"]
last = list(told.values())[-1][pid]
assert far["bytes"] == len(last.observed & region) * PAGE == observed[1][-1]
assert far["buckets"][0] == len(last.accessed & region) * PAGE == accessed[1][-1]
idle = far["bytes"] - far["buckets"][0]
assert 24 * MIB - 64 * PAGE <= idle <= 24 * MIB, f"cold on node 1: {idle}"
assert set(groups["node"]) == {"0", "1"}, "pages whose node is not known"
assert set(groups["type"]) == {"anon", "file"}
assert groups["type"]["anon"]["bytes"] >= 48 * MIB - 128 * PAGE

# Near and far of every age add up to what was observed.
sizing = report(out + "/trace", "sizing")
for age in sizing["ages"]:
    assert age["local_bytes"] + age["far_bytes"] == sizing["observed_bytes"], age
assert nr >= 3, f"only {nr} scans with all of the hot part"
print(f"figure: nodes: node 1 has {observed[1][-1] / MIB:.3f} MiB (truth 32) and "
      f"{accessed[1][-1] / MIB:.3f} MiB accessed (truth 8), those of the pages told to the "
      f"byte in {len(told)} scans; node 0 {observed[0][-1] / MIB:.2f} and "
      f"{accessed[0][-1] / MIB:.2f} MiB; both add up; cold on node 1: {idle / MIB:.3f} "
      f"MiB (truth 24), to the byte that of its pages")
