# SPDX-License-Identifier: MIT
import sys
from guest import *

out = sys.argv[1]
PAGE = 4096


def lists(path):
    """{(group, node): [(seq, age, anon, file)]} of the kernel's file."""
    found, group, node = {}, None, None
    for line in open(path):
        words = line.split()
        if words[0] == "memcg":
            group = words[2]
        elif words[0] == "node":
            node = int(words[1])
        else:
            found.setdefault((group, node), []).append(tuple(int(w) for w in words))
    return found


def cold(trace, by):
    view = report(trace, "cold")
    groups = {}
    for g in view["groups"]:
        groups.setdefault(g["by"], {})[g["name"]] = g
    for kind, found in groups.items():
        for i, bucket in enumerate(view["buckets"]):
            assert sum(g["buckets"][i] for g in found.values()) == bucket["bytes"], kind
    return view, groups.get(by, {})


before, after = lists(out + "/before"), lists(out + "/after")
for node in (0, 1):
    assert [g[0] for g in before["/lru", node]] == [g[0] for g in after["/lru", node]], \
        "reading made a generation"

# What is told is what the file says: per node and type, of this group alone.
view, nodes = cold(out + "/read", "node")
right = {n: sum(g[2] + g[3] for g in after["/lru", n]) * PAGE for n in (0, 1)}
assert 48 * MIB <= right[0] + right[1] <= 52 * MIB, right
for n in (0, 1):
    told = nodes[str(n)]["bytes"] if str(n) in nodes else 0
    assert abs(told - right[n]) <= 64 * PAGE, f"node {n}: {told}, the file says {right[n]}"
_, types = cold(out + "/read", "type")
anon = sum(g[2] for n in (0, 1) for g in after["/lru", n]) * PAGE
assert abs(types["anon"]["bytes"] - anon) <= 64 * PAGE
_, names = cold(out + "/read", "mapping")
assert all(name.startswith("[lru:/lru:node") for name in names), names

# Aged: the 40 MiB that are not touched grow old, the hot 8 MiB stay young.
view, _ = cold(out + "/aged", "node")
idle = sum(b["bytes"] for b in view["buckets"] if b["idle_ns_min"] >= 2e9)
near("aged: idle for 2 s or longer", idle, 40 * MIB, 0.05)
wss = report(out + "/aged", "wss", "--percentiles", "50")["percentiles"][0]["bytes"]
near("aged: working set of 2 s", wss, 8 * MIB, 0.35)
agings = [number(s.get("value", "0")) for s in dump(out + "/aged", "stat")
          if s["name"] == "mglru.agings"]
refused = [number(s.get("value", "0")) for s in dump(out + "/aged", "stat")
           if s["name"] == "mglru.agings_refused"]
assert agings and agings[-1] > 0 and not any(refused), (agings, refused)
end = lists(out + "/end")
assert end["/lru", 0][-1][0] > after["/lru", 0][-1][0], "no generation was made"

# The whole machine: other groups too.
_, names = cold(out + "/all", "mapping")
assert any(n.startswith("[lru:/:") for n in names) and any("[lru:/lru:" in n for n in names)
print(f"figure: mglru: read only {sum(right.values()) / MIB:.2f} MiB in the group, as the "
      f"kernel's file; {len(names)} lists of the machine; {agings[-1]} agings")
