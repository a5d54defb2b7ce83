# SPDX-License-Identifier: MIT
"""Compares the samples of a dump with the first touches that the workload says it made."""

import collections
import json
import re
import sys

with open(sys.argv[1], encoding="utf-8") as f:
    truth = json.load(f)
wanted = truth["first_touches"]["addresses"]
pid = truth["pids"][0]
region = truth["regions"][0]
seen = collections.Counter()
order = []
with open(sys.argv[2], encoding="utf-8") as f:
    for line in f:
        if not line.startswith("sample "):
            continue
        fields = dict(re.findall(r"(\w+)=(\S+)", line))
        addr = int(fields["addr"], 0)
        if not region["start"] <= addr < region["end"]:
            continue
        if (int(fields["pid"]), int(fields["tid"])) != (pid, pid):
            sys.exit(f"by another thread: {line}")
        seen[addr] += 1
        order.append((int(fields["time"]), addr))

missing = [a for a in wanted if seen[a] != 1]
extra = set(seen) - set(wanted)
if len(wanted) < 1000 or missing or extra:
    sys.exit(f"{len(wanted)} touches: {len(missing)} not there once, {len(extra)} not made")
if [a for _, a in sorted(order)] != wanted:
    sys.exit("the times are not in the order of the touches")
