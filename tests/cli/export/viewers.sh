#!/bin/sh
# SPDX-License-Identifier: MIT
# export callgrind, speedscope, perfetto: callgrind_annotate adds up what the trace has,
# inlined code included; the others, which no package has, keep to their published forms.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
need valgrind valgrind
need callgrind_annotate valgrind
python3 -c 'import jsonschema' 2>/dev/null || { echo 'no python3-jsonschema'; exit 77; }

cc -g -O1 -no-pie -Wl,--build-id=sha1 "$here/scattered.c" -o scattered
lackey t 7 ./scattered 40
"$MEMHEAT" export callgrind -i t -o t.callgrind 2>err || fail "$(cat err)"
callgrind_annotate --auto=no --threshold=100 t.callgrind >annotated 2>err || fail "$(cat err)"
"$MEMHEAT" report code -i t --format json >code.json
python3 - annotated code.json <<'END'
import json
import re
import sys

text = open(sys.argv[1]).read()
code = json.load(open(sys.argv[2]))
assert "trace: t\n" in text and "Events recorded:  Accesses Bytes\n" in text, text
total = int(re.search(r"([\d,]+) .*PROGRAM TOTALS", text).group(1).replace(",", ""))
assert total == 7 * code["samples"], (total, code["samples"])
want = {}
for r in code["rows"]:
    if r["function"]:
        want[r["function"]] = want.get(r["function"], 0) + 7 * r["samples"]
# Of its own file: what is inlined from a header is main's too, but not its row's.
got = {m.group(2): int(m.group(1).replace(",", "")) for m in re.finditer(
    r"^\s*([\d,]+) \(.*scattered\.c:(\w+)(?: \[.*\])?$", text, re.M)}
touch = [f for f in want if f.startswith("touch_")]
assert len(touch) == 64
for f in touch + ["main"]:
    assert got.get(f) == want[f], (f, want[f], got.get(f))
END

# Inlined lines: under the function that they were compiled into, at their own lines.
cc -g -O2 -no-pie -Wl,--build-id=sha1 "$here/branches.c" -o branches
lackey inlined 1 ./branches 200
"$MEMHEAT" export callgrind -i inlined -o inlined.callgrind 2>err || fail "$(cat err)"
callgrind_annotate --auto=yes --show-percs=no inlined.callgrind >annotated 2>err ||
	fail "$(cat err)"
awk '/return table\[\(x \+ 1\) & 63\]/ { gsub(",", "", $1); found = $1 }
	END { exit !(found >= 200) }' annotated || fail "$(grep -n 'table\[' annotated)"

"$MEMHEAT" export speedscope -i t -o t.speedscope 2>err || fail "$(cat err)"
python3 "$here/viewers.py" speedscope t.speedscope
zigzag z
"$MEMHEAT" report wss -i z --format json -o wss.json 2>err || fail "$(cat err)"
"$MEMHEAT" export perfetto -i z -o z.perfetto 2>err || fail "$(cat err)"
python3 "$here/viewers.py" perfetto z.perfetto
