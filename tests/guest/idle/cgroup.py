# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
trace = out + "/trace"
pids = {int(line) for line in open(out + "/pids")}
assert len(pids) == 3

# Where each process maps the program's file: {page: offset in the file}.
files = {pid: {} for pid in pids}
for m in dump(trace, "map"):
    if m.get("path", "").endswith("shared-workload") and number(m["pid"]) in pids:
        start, offset = number(m["start"]), number(m.get("pgoff", "0"))
        if not number(m.get("prot", "0")) & 4:
            continue  # data, also what was made read-only later, are private copies
        for page in range(start, number(m["end"]), PAGE):
            files[number(m["pid"])][page] = offset + page - start
assert all(files.values()), "the program's mappings are not told"

nr = shared = 0
for when, by_pid in scans(trace).items():
    assert set(by_pid) <= pids, "a process of another group"
    told = [files[pid][page] for pid, scan in by_pid.items()
            for page in scan.observed if page in files[pid]]
    assert told, "no page of the program was observed"
    assert len(told) == len(set(told)), "a shared page is told twice"
    shared = len(told)
    total = sum(len(scan.accessed) for scan in by_pid.values()) * PAGE
    assert 12 * MIB <= total <= 13 * MIB, f"accessed: {total}"
    nr += 1
assert nr >= 3, f"only {nr} scans"
print(f"figure: cgroup: {shared} pages of the shared program, each told once in {nr} scans;"
      f" accessed {total / MIB:.2f} MiB, truth 12 MiB and the program's")
