#!/bin/sh
# SPDX-License-Identifier: MIT
#
# import perf: of the stacks of perf record --call-graph dwarf the same chains are unwound
# that perf script shows, and they are the true ones.
set -u
. "$TOP/tests/cli/lib.sh"

command -v perf >/dev/null || { echo "perf is not installed"; exit 77; }
command -v cc >/dev/null || { echo "no compiler"; exit 77; }
cc -O2 -fomit-frame-pointer -o calls "$TOP/tests/cli/record/unwind.c" || fail cc
perf record -q -e page-faults -c 1 -d -m 4M --call-graph dwarf -o perf.data -- \
	./calls log 30 9 >/dev/null 2>err || {
	echo "perf cannot record stacks here: $(tail -n 1 err)"
	exit 77
}
perf script -i perf.data --ns -F time,ip,dso --no-inline >theirs 2>/dev/null
grep -q '^[[:space:]]*[0-9a-f]* (.*calls)' theirs || {
	echo "perf script unwinds no stacks here"
	exit 77
}
"$MEMHEAT" import perf.data -o t 2>err ||
	fail "$(cat err)"
"$MEMHEAT" repack --unwind t -o chains 2>err || fail "$(cat err)"
"$MEMHEAT" dump chains >ours
python3 "$TOP/tests/cli/import/perf_stacks.py" theirs ours >out || fail "$(cat out)"
python3 "$TOP/tests/cli/record/unwind.py" "$PWD/calls" log ours >out || fail "$(cat out)"
