#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every first touch of the workload's memory is there, at its exact byte and once, by the
# thread that made it, and refs beside it sees the same memory.
"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }

"$MEMHEAT" record -q -s refs,faults -o t -- \
	"$WORKLOAD" first-touch --total 16M --think 0us --truth truth.json || exit 1
"$MEMHEAT" dump t >events || exit 1
exec python3 "$TOP/tests/cli/record/first_touch.py" truth.json events
