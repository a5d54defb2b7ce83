#!/bin/sh
# SPDX-License-Identifier: MIT
# Cold bytes by type, node and mapping: each kind's groups add up to the whole.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

# 32 pages of 4 KiB: a heap of 16, then 8 of a file, then 8 in no mapping. Pages 0-3 are
# used in each of ten seconds, page 4 in the first only.
{
	echo 'meta time=0 key=source.1.name value=idle'
	echo 'meta time=0 key=source.1.nodes value=0,1'
	echo 'meta time=0 key=source.1.interval_ns value=1000000000'
	echo 'meta time=0 key=trace.start_ns value=0'
	echo 'map time=0 pid=7 start=0x10000 end=0x20000 prot=3 path=[heap]'
	echo 'map time=0 pid=7 start=0x20000 end=0x28000 prot=1 path=/lib/x,y.so'
	kinds="source=1 pid=7 start=0x10000 nr_pages=32 page_shift=12"
	# Page 31 is told of by neither, and node 1 has 8 pages at first, 6 later.
	echo "pages time=1000000000 $kinds layer=file accessed=16+8 observed=0+31"
	echo "pages time=1000000000 $kinds layer=node0 accessed=0+8,16+15 observed=0+31"
	echo "pages time=1000000000 $kinds layer=node1 accessed=8+8 observed=0+31"
	for i in $(seq 0 9); do
		used=0+4
		[ "$i" != 0 ] || used=0+5
		echo "pages time=$(((i + 1) * 1000000000)) start_ns=$((i * 1000000000)) $kinds accessed=$used"
		[ "$i" != 4 ] || {
			echo "pages time=5000000000 $kinds layer=node0 accessed=0+8,14+17 observed=0+31"
			echo "pages time=5000000000 $kinds layer=node1 accessed=8+6 observed=0+31"
		}
	done
} >kinds.text
"$MEMHEAT" import text kinds.text -o memheat.data

status 0 "$MEMHEAT" report cold --format json
python3 - out <<'EOF'
import json, sys
view = json.load(open(sys.argv[1]))
groups = {}
for g in view["groups"]:
    groups.setdefault(g["by"], {})[g["name"]] = g
    assert sum(g["buckets"]) == g["bytes"]
pages = {by: {n: g["bytes"] // 4096 for n, g in found.items()} for by, found in groups.items()}
assert pages["type"] == {"anon": 23, "file": 8, "unknown": 1}, pages
assert pages["node"] == {"0": 25, "1": 6, "unknown": 1}, pages
assert pages["mapping"] == {"[heap]": 16, "x,y.so r--": 8, "unknown": 8}, pages
for by, found in groups.items():
    for i, bucket in enumerate(view["buckets"]):
        assert sum(g["buckets"][i] for g in found.values()) == bucket["bytes"], (by, i)
# Of node 0, four pages are in use, one has been idle for 9 s, 20 for 10 s.
ages = [b["idle_ns_min"] // 10**9 for b in view["buckets"]]
node0 = dict(zip(ages, groups["node"]["0"]["buckets"]))
assert (node0[0], node0[5], node0[10]) == (4 * 4096, 4096, 20 * 4096), node0
assert dict(zip(ages, groups["node"]["1"]["buckets"]))[10] == 6 * 4096
assert dict(zip(ages, groups["type"]["file"]["buckets"]))[10] == 8 * 4096
EOF

status 0 "$MEMHEAT" report cold --format csv
python3 - out <<'EOF'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
whole = sum(int(r["bytes"]) for r in rows if r["by"] == "all")
assert whole == 32 * 4096
for by in ("type", "node", "mapping"):
    assert sum(int(r["bytes"]) for r in rows if r["by"] == by) == whole, by
assert any("x,y.so" in r["name"] for r in rows)
EOF

status 0 "$MEMHEAT" report cold
shows "by node"
shows "by type"
shows "by mapping"

# Across 2 MiB at whose beginning nothing is known.
{
	grep 'meta' kinds.text
	range='source=1 pid=7 start=0x1ff000 nr_pages=3 page_shift=12'
	echo "pages time=1000000000 $range layer=file accessed=2+1 observed=0+1,2+1"
	echo "pages time=1000000000 $range accessed=0+1 observed=0+1,2+1"
} >chunks.text
"$MEMHEAT" import text chunks.text -o chunks.data
status 0 "$MEMHEAT" report cold -i chunks.data --format csv
[ "$(grep -c '4096,type' out)" = 2 ] || fail "types: $(cat out)"
lacks 'type,unknown'

# Up to 4 s node 1 still had eight pages: kinds are those of the end of the span.
status 0 "$MEMHEAT" report cold --time 2s:4s --format json
python3 - out <<'EOF'
import json, sys
groups = {g["name"]: g["bytes"] for g in json.load(open(sys.argv[1]))["groups"] if g["by"] == "node"}
assert groups == {"0": 23 * 4096, "1": 8 * 4096, "unknown": 4096}, groups
EOF

# Of a machine with one node every byte is on it; without the layers nothing is said.
grep -v layer kinds.text | sed 's/value=0,1/value=0/' >one.text
"$MEMHEAT" import text one.text -o one.data
status 0 "$MEMHEAT" report cold -i one.data --format csv
grep -q ',node,0' out || fail "no node 0: $(cat out)"
grep -v 'layer\|nodes' kinds.text >none.text
"$MEMHEAT" import text none.text -o none.data
status 0 "$MEMHEAT" report cold -i none.data
lacks "by node"
lacks "by type"
shows "by mapping"
