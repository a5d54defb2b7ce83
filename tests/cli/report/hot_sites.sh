#!/bin/sh
# SPDX-License-Identifier: MIT
# Blocks on the heap by the line that allocated them, static and stack beside them: shares
# of the first touches within 3 points of what the workload says it did, at its very
# lines; --by; a child keeps its parent's blocks; an address that is used again.
set -eu
. "$TOP/tests/cli/lib.sh"

"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }

status 0 "$MEMHEAT" record -q -s faults --heap=4K -o t -- \
	"$WORKLOAD" structs --write --time 0.1s --truth truth.json
span=$(python3 - truth.json "$("$MEMHEAT" dump -k meta t | sed -n 's/.*key=trace.start_ns value=//p')" <<'END'
import json
import sys

at = json.load(open(sys.argv[1]))["populate"]
start = int(sys.argv[2])
print(f'{(at["start_ns"] - start) // 1000}us:{(at["end_ns"] - start) // 1000 + 1}us')
END
)
status 0 "$MEMHEAT" report hot -i t --time "$span" --format json
mv out hot.json
status 0 "$MEMHEAT" report hot -i t --time "$span" --format json --by site
mv out site.json
status 0 "$MEMHEAT" report hot -i t --time "$span" --format json --by mapping
mv out mapping.json
status 0 "$MEMHEAT" report hot -i t --time "$span" --format json --by page
mv out page.json
status 0 "$MEMHEAT" report hot -i t --time "$span" --format json --by type
mv out type.json
status 0 "$MEMHEAT" report hot -i t
shows 'make_index (malloc site)'
status 2 "$MEMHEAT" report wss -i t --by site
python3 - truth.json <<'END'
import json

truth = json.load(open("truth.json"))
load = lambda name: json.load(open(name + ".json"))
hot = load("hot")
assert hot["heap_log"] and not hot["heap_lost"], hot
nr = truth["first_touches"]["count"]
for want in truth["shares"]:
    share = want["first_touches"] / nr
    if want["kind"] == "heap":
        rows = [r for r in hot["rows"] if r["kind"] == "site"
                and r["symbol"] == want["site"]["function"]]
        assert len(rows) == 1, (want["name"], rows)
        row = rows[0]
        assert row["file"].endswith("structs.c") and row["line"] == want["site"]["line"], row
        assert row["bytes"] == want["bytes"] * want["blocks"], row
    elif want["kind"] == "static":
        row = next(r for r in hot["rows"] if r["symbol"] == want["name"])
        assert row["line"] == want["site"]["line"], row
    else:
        row = next(r for r in hot["rows"] if r["mapping"] == "[stack]")
    print(f'{want["name"]}: {row["share"]:.4f}, true {share:.4f}')
    assert abs(row["share"] - share) < 0.03, (want["name"], row["share"], share)
for rows in (load(n)["rows"] for n in ("hot", "site", "mapping", "page", "type")):
    assert abs(sum(r["share"] for r in rows) - 1) < 1e-9
assert {r["kind"] for r in load("site")["rows"]} == {"site", "mapping"}
assert {r["kind"] for r in load("mapping")["rows"]} == {"mapping"}
assert all(r["kind"] == "page" and r["start"] % 4096 == 0 for r in load("page")["rows"])
assert len(load("page")["rows"]) >= nr
types = [r for r in load("type")["rows"] if r["kind"] == "type"]
assert [r["member"] for r in types if r["type"] == "struct hot_entry[65536]"] == [""], types
END

# One place, two blocks one after the other; a child that touches what its parent got.
cat >text <<'END'
meta time=1 key=trace.start_ns value=1000
meta time=1 key=source.1.name value=faults
task time=1000 op=exec pid=7 tid=7 comm=parent
map time=1000 pid=7 op=add start=0x10000000 end=0x20000000 path=[heap] prot=3
heap time=1001 op=attach pid=7 size=1
stack time=1002 id=1 ip=0x401
stack time=1003 id=2 ip=0x501
map time=1000 pid=7 op=add start=0x400 end=0x500 path=/no/one prot=5
map time=1000 pid=7 op=add start=0x500 end=0x600 path=/no/two prot=5
heap time=1010 op=alloc pid=7 addr=0x10001000 size=4096 stack=1
heap time=1020 op=free pid=7 addr=0x10001000
heap time=1030 op=alloc pid=7 addr=0x10001000 size=8192 stack=2
task time=1050 op=fork pid=8 tid=8 ppid=7 comm=child
heap time=1060 op=free pid=8 addr=0x10001000
sample time=1011 source=1 pid=7 tid=7 ip=0x401 addr=0x10001008 flags=1
sample time=1025 source=1 pid=7 tid=7 ip=0x401 addr=0x10001008 flags=1
sample time=1031 source=1 pid=7 tid=7 ip=0x401 addr=0x10001008 flags=1
sample time=1032 source=1 pid=7 tid=7 ip=0x401 addr=0x10002ff8 flags=1
sample time=1033 source=1 pid=7 tid=7 ip=0x401 addr=0x10003000 flags=1
sample time=1055 source=1 pid=8 tid=8 ip=0x401 addr=0x10002000 flags=1
sample time=1065 source=1 pid=8 tid=8 ip=0x401 addr=0x10002000 flags=1
sample time=1066 source=1 pid=7 tid=7 ip=0x401 addr=0x10002000 flags=1
END
"$MEMHEAT" import text text -o blocks 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" report hot -i blocks --format json
python3 - out <<'END'
import json
import sys

got = sorted((r["pid"], r["kind"], r["symbol"][:3], round(r["share"] * 8))
             for r in json.load(open(sys.argv[1]))["rows"])
want = [(7, "mapping", "", 2), (7, "site", "one", 1), (7, "site", "two", 3),
        (8, "mapping", "", 1), (8, "site", "two", 1)]
assert got == want, got
END

# --at: a variable, or the blocks that a function allocated, in reports and in the dump.
status 0 "$MEMHEAT" report hot -i t --at hot_table --format json
mv out table.json
status 0 "$MEMHEAT" report hot -i t --at make_index --format json
mv out index.json
status 0 "$MEMHEAT" report heatmap -i t --at make_index --format json
status 0 "$MEMHEAT" dump t -k sample --at hot_table
grep -c '^sample' out >nr_table
status 0 "$MEMHEAT" dump t -k sample --at make_index
grep -c '^sample' out >nr_index
status 2 "$MEMHEAT" report hot -i t --at no_such_thing
says 'no variable'
python3 - truth.json "$(cat nr_table)" "$(cat nr_index)" <<'END'
import json
import sys

truth = {s["name"]: s for s in json.load(open(sys.argv[1]))["shares"]}
for name, file, count in (("hot_table", "table", sys.argv[2]), ("index", "index", sys.argv[3])):
    rows = json.load(open(file + ".json"))["rows"]
    want = truth[name]
    assert len(rows) == 1 and rows[0]["share"] == 1, rows
    assert want["start"] <= rows[0]["start"] and rows[0]["end"] <= want["end"], (rows, want)
    # First touches, and the page that malloc had touched.
    assert want["first_touches"] <= int(count) <= want["first_touches"] + 2, (name, count)
END
