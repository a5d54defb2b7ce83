#!/bin/sh
# SPDX-License-Identifier: MIT
# Generated code that a jitdump file tells of: names, lines and counts of the accesses.
set -eu
. "$TOP/tests/cli/lib.sh"

"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
cc -O1 -o jit "$TOP/tests/cli/record/jit.c" || { echo 'no compiler'; exit 77; }
./jit || { echo 'no memory that can be written and executed here'; exit 77; }

status 0 "$MEMHEAT" record -q -s faults -o t -- ./jit
status 0 "$MEMHEAT" report code -i t --format json
python3 - out <<'END'
import json
import sys

rows = {r["function"]: r for r in json.load(open(sys.argv[1]))["rows"]}
for name, line, count in (("first", 11, 200), ("second", 22, 100)):
    row = rows[name]
    assert row["file"].endswith("made.x") and row["line"] == line, row
    assert row["samples"] == count, row
END
# Without the file nothing is named.
rm -f jit-*.dump
status 0 "$MEMHEAT" report code -i t
! grep -q ' first ' out || fail 'named without a file'
