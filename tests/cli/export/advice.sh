#!/bin/sh
# SPDX-License-Identifier: MIT
# export madvise and damos, and apply: a child's cold pages go, its hot ones stay.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need python3 python3
python3 "$here/advice.py" "$MEMHEAT"

# Page faults are no map of heat.
echo 'sample time=5 source=1 pid=7 tid=7 ip=0x1000 addr=0x2000 period=1 flags=1' >samples.text
"$MEMHEAT" import text samples.text -o samples 2>err || fail "$(cat err)"
for format in damos madvise; do
	status 1 "$MEMHEAT" export $format -i samples
	says 'record with -s damon, idle or refs'
done
