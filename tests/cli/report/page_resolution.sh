#!/bin/sh
# SPDX-License-Identifier: MIT
# A heatmap whose cells are a page by a scan gives what the scans told, page by page.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

python3 - <<'EOF'
import json, random
rng, nr, scans = random.Random(7), 64, 8
lines = ["meta time=0 key=source.1.name value=idle",
         "meta time=0 key=source.1.interval_ns value=1000000000",
         "meta time=0 key=trace.start_ns value=0",
         "map time=0 pid=7 start=0x100000 end=0x140000 prot=3 path=[heap]"]
truth = [[None] * scans for _ in range(nr)]


def runs(bits):
    return ",".join(f"{i}+1" for i in sorted(bits)) or "-"


for t in range(scans):
    seen = {i for i in range(nr) if rng.random() < 0.9}
    used = {i for i in seen if rng.random() < 0.3}
    for i in seen:
        truth[i][t] = int(i in used)
    lines.append(f"pages time={(t + 1) * 10**9} source=1 start_ns={t * 10**9} pid=7 start=0x100000 "
                 f"nr_pages={nr} page_shift=12 accessed={runs(used)} observed={runs(seen)}")
open("scans.text", "w").write("\n".join(lines) + "\n")
json.dump(truth, open("truth", "w"))
EOF
"$MEMHEAT" import text scans.text -o memheat.data
status 0 "$MEMHEAT" report heatmap --rows 64 --cols 8 --addr 0x100000:0x140000 --format json
python3 - out truth <<'EOF'
import json, sys
view, truth = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
assert (view["rows"], view["cols"]) == (64, 8), view["addr"]
assert view["time_ns"] == [0, 8 * 10**9], view["time_ns"]
for what in "mean", "max":
    assert view[what] == truth, what
EOF
