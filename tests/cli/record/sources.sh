#!/bin/sh
# SPDX-License-Identifier: MIT
#
# `memheat sources` names every source with its state; where one does not work there is a
# reason.
set -eu
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
"$MEMHEAT" sources >text
grep -q '^refs ' text
grep -q '^faults ' text
"$MEMHEAT" sources --format json >sources.json
python3 - <<'E'
import json
doc = json.load(open("sources.json"))
assert doc["schema"] == "memheat.sources/1"
assert {"refs", "faults"} <= {s["name"] for s in doc["sources"]}
for s in doc["sources"]:
    assert isinstance(s["usable"], bool), s
    assert s["usable"] or s["reason"], s
E
status=0
"$MEMHEAT" sources extra 2>/dev/null || status=$?
[ "$status" -eq 2 ]
