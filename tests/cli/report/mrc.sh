#!/bin/sh
# SPDX-License-Identifier: MIT
# The miss-ratio curve in three forms: falling, from an interval's working set to all.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

# Four pages in turn, one per interval: with three pages every touch is a miss.
{
	echo 'meta time=0 key=source.1.name value=idle'
	echo 'meta time=0 key=trace.start_ns value=0'
	for i in $(seq 0 39); do
		echo "pages time=$(((i + 1) * 100000000)) source=1 start_ns=$((i * 100000000))" \
			"pid=7 start=0x10000 nr_pages=8 page_shift=12 accessed=$((i % 4))+1"
	done
} >turns.text
"$MEMHEAT" import text turns.text -o turns.data
status 0 "$MEMHEAT" report mrc -i turns.data
shows "16 KiB touched for the first time"
shows "of 160 KiB touched, each page once per interval of 100 ms"
status 0 "$MEMHEAT" report mrc -i turns.data --format json
cat >check.py <<'END'
import json
curve = json.load(open("out"))
assert curve["schema"] == "memheat.mrc/1" and not curve["approximate"]
assert curve["touched_bytes"] == 163840 and curve["first_bytes"] == 16384
points = curve["points"]
assert points[0]["bytes"] == 4096 and points[-1]["bytes"] == 16384, points
assert points[0]["miss_ratio"] == 1 and points[-1]["miss_ratio"] == 0.1, points
assert all(a["bytes"] < b["bytes"] and a["miss_ratio"] >= b["miss_ratio"]
           for a, b in zip(points, points[1:]))
assert [p["miss_ratio"] for p in points if p["bytes"] == 12288] == [1], points
END
python3 check.py
status 0 "$MEMHEAT" report mrc -i turns.data --format csv --accesses 400
[ "$(sed -n 2p out)" = "4096,40960.000,0.100000000" ] || fail "first row: $(cat out)"
status 2 "$MEMHEAT" report wss -i turns.data --accesses 400
says "--accesses is for: mrc"
zigzag memheat.data
status 0 "$MEMHEAT" report mrc
shows "Approximate: a region counts as touched as a whole."
