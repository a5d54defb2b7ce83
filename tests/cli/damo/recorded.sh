#!/bin/sh
# SPDX-License-Identifier: MIT
# DAMO's record of masim zigzag: reports equal to its rules, and a small trace.
set -eu
. "$TOP/tests/cli/lib.sh"
record=$MEMHEAT_DATA/damo/damon.data.json_compressed
[ -f "$record" ] || { echo "no $record"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not here"; exit 77; }

"$MEMHEAT" import "$record" -o trace 2>err || {
	grep -q 'without yajl' err && { cat err; exit 77; }
	fail "import: $(cat err)"
}
says=$(cat err)
case $says in
*"does not say its intervals"*) ;;
*) fail "nothing was said of the intervals: $says" ;;
esac
python3 "$TOP/tests/cli/damo/oracle.py" "$MEMHEAT" "$record" trace

# At most a fifth of DAMO's file, and 1.3 bytes per region.
size=$(wc -c <trace)
whole=$(wc -c <"$record")
[ $((size * 5)) -le "$whole" ] || fail "$size bytes are more than a fifth of $whole"
[ $((size * 10)) -le $((9773 * 13)) ] || fail "$size bytes for 9773 regions"

status 0 "$MEMHEAT" report trace
shows "543 snapshots"
shows "3 mapped areas 229.1 MiB"
shows "In a typical 100 ms 95.4 MiB of 229.1 MiB are accessed (42%); peak 196.9 MiB at 0:16.2"
shows "p50 95.4 MiB   p90 190.7 MiB   p95 190.8 MiB   p99 194.0 MiB"
status 0 "$MEMHEAT" report regions --format json trace
shows '"target":18446623438842320000'
