#!/bin/sh
# SPDX-License-Identifier: MIT
# The default report says in words what the trace is made of, and what was not seen.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

zigzag memheat.data
status 0 "$MEMHEAT" report
shows "./zigzag --size 8M, 1.1 s, damon:vaddr (sample 5 ms, aggr 100 ms), 10 snapshots"
shows "In a typical 100 ms 4.00 MiB of 12.1 MiB are accessed (33%)"
shows "6 MiB are resident"
shows "100% x 1.1 s, 4 KiB at +0 B"
shows "not seen: 3 events lost, 1 gap without data (100 ms)"
shows "watching cost 11 ms of CPU time (1.0% of one CPU)"
[ ! -s err ] || fail "complaints: $(cat err)"
cp out default
status 0 "$MEMHEAT" report summary -i memheat.data
cmp -s out default || fail "summary -i FILE differs from the default"
status 0 "$MEMHEAT" report memheat.data
cmp -s out default || fail "FILE differs from -i FILE"
status 0 "$MEMHEAT" report - <memheat.data
cmp -s out default || fail "a pipe differs from the file"
status 0 "$MEMHEAT" report --format json
shows '"schema":"memheat.summary/1"'
shows '"wss_p50":4198400,"wss_p90":4198400'
status 0 "$MEMHEAT" report --format csv
grep -qx 'wss_max,4198400' out || fail "no wss_max in CSV: $(cat out)"

# What watching cost per snapshot, ours and DAMON's, where the recorder counted them.
{
	"$MEMHEAT" dump memheat.data
	echo 'stat time=2000000000 source=1 name=kdamond.cpu_ns value=90000000'
	echo 'stat time=2000000000 source=1 name=damon.snapshots value=10'
} >counted.text
"$MEMHEAT" import text counted.text -o counted.data 2>err
status 0 "$MEMHEAT" report counted.data
shows ' of one CPU, 1.1 ms per snapshot)'
shows "DAMON's thread took 90 ms of CPU time"
shows ' of one CPU, 9 ms per snapshot)'
status 0 "$MEMHEAT" report counted.data --format json
shows '"kdamond_cpu_ns":90000000,"recorded_snapshots":10'
