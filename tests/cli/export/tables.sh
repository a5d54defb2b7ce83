#!/bin/sh
# SPDX-License-Identifier: MIT
# export folded, csv, json: a recorded program's first touches by code and variable, as
# readers of these forms see them; what cannot be exported says why.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
need python3 python3
need_faults

cc -g -O1 "$here/scattered.c" -o scattered
status 0 "$MEMHEAT" record -q -s faults -o t -- ./scattered
for format in folded csv json; do
	status 0 "$MEMHEAT" export $format -i t -o t.$format
	[ ! -s out ] || fail "$format: something went to standard output"
done
python3 - "$here/scattered.c" <<'END'
import csv
import json
import sys

LINE = open(sys.argv[1]).read().splitlines().index("EACH(CODE)") + 1

top = json.load(open("t.json"))
assert top["schema"] == "memheat.profile/1", top["schema"]
assert top["units"]["accesses"].startswith("first touches"), top["units"]
assert "first touches" in top["bias"], top["bias"]
for word in ("trace: t", "source: faults", "units: accesses are", "bias: "):
    assert any(line.startswith(word) for line in top["about"]), (word, top["about"])
assert sum(r["samples"] for r in top["rows"]) == top["samples"] > 64
hot = {r["object"]: r for r in top["rows"] if r["object"].startswith("hot_")}
# Each is on a page of its own, and the function that stored to it comes first.
assert len(hot) >= 62, len(hot)
for name, row in hot.items():
    assert row["function"] == name.replace("hot", "touch"), row
    assert row["file"].endswith("scattered.c") and row["line"] == LINE, row
    assert row["object_size"] == 64 and row["bytes"] == 4096 and row["cycles"] is None, row
assert not any(r["object"].startswith("cold_") for r in top["rows"])

lines = open("t.csv").read().splitlines()
head = [line for line in lines if line.startswith("#")]
assert any("source: faults" in line for line in head), head
rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
assert len(rows) == len(top["rows"])
assert sum(int(r["accesses"]) for r in rows) == top["samples"]
assert {r["object"] for r in rows} == {r["object"] for r in top["rows"]}

stacks = [l.rsplit(" ", 1) for l in open("t.folded").read().splitlines() if l[0] != "#"]
assert sum(int(n) for _, n in stacks) == top["samples"], stacks
leaf = [s.split(";") for s, _ in stacks]
assert ["touch_11", "hot_11"] in [s[-2:] for s in leaf], leaf
assert all(s[0].startswith("pid ") for s in leaf)
# No line of the head looks like a stack.
assert all(not l.rsplit(" ", 1)[-1].isdigit() for l in open("t.folded") if l[0] == "#")
END

# The filters of reports hold.
status 0 "$MEMHEAT" export csv -i t --at stack
lacks 'hot_'
status 2 "$MEMHEAT" export perf-data -i t -o t.perf --pid 1
says 'cut the trace first'
status 2 "$MEMHEAT" export fodled -i t
says "did you mean 'folded'"
echo 'region time=2 source=1 start_ns=1 pid=1 start=0x1000 end=0x2000 max_accesses=1' >none.text
"$MEMHEAT" import text none.text -o none.data 2>err || fail "$(cat err)"
status 1 "$MEMHEAT" export folded -i none.data -o none.folded
says 'record with -s'
[ ! -e none.folded ] || fail 'a failure left a file'
# shellcheck disable=SC2016
status 1 sh -c '"$0" export json -i t >/dev/full' "$MEMHEAT"

flame=/usr/share/perl5/Devel/NYTProf/flamegraph.pl
[ -f $flame ] || { echo 'no flamegraph.pl (libdevel-nytprof-perl), the rest is skipped'; exit 0; }
perl $flame t.folded >t.svg 2>err || fail "$(cat err)"
# A page may fault again when the kernel has it under way: the count is what was exported.
nr=$(awk '/;touch_11;hot_11 [0-9]+$/ { nr += $NF } END { print nr + 0 }' t.folded)
[ "$nr" -ge 1 ] || fail 'no first touch of hot_11'
grep -q "touch_11 ($nr samples" t.svg || fail "flamegraph.pl does not show $nr in touch_11"
grep -q "hot_11 ($nr samples" t.svg || fail "flamegraph.pl does not show $nr of hot_11"
