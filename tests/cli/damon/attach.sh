#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A kdamond that runs on this machine is recorded, and nothing of DAMON is opened for
# writing.  Skipped where none runs, or we may not listen.
set -e
kdamonds=/sys/kernel/mm/damon/admin/kdamonds
skip()
{
	echo "$1"
	exit 77
}
[ "$(cat $kdamonds/nr_kdamonds 2>/dev/null || echo 0)" -gt 0 ] || skip 'no kdamond runs here'
[ "$(cat $kdamonds/0/state)" = on ] || skip 'the kdamond of this machine is off'
"$MEMHEAT" sources >sources
grep -q '^damon:attach *yes' sources || skip 'damon:attach does not work here'
aggr_us=$(cat $kdamonds/0/contexts/0/monitoring_attrs/intervals/aggr_us)
[ "$aggr_us" -le 10000000 ] || skip "a snapshot takes $aggr_us us here"

# Two aggregation intervals at least: a whole snapshot is in every other one.
seconds=$((aggr_us * 5 / 2 / 1000000 + 1))
# What its files hold its owner may change at any time: the calls are the proof.
strace -o /dev/null true 2>/dev/null || skip 'no strace, which shows what is opened'
# The leak checker of a sanitizer build does not work under strace.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
strace -f -o calls -e trace=open,openat,openat2,creat,truncate,unlink,mkdir,rename \
	"$MEMHEAT" record -q -s damon:attach -a --for ${seconds}s -o trace
grep -q '/sys/kernel/mm/damon' calls
if grep '/sys/kernel/mm/damon' calls | grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|creat\('; then
	echo 'something below /sys/kernel/mm/damon was opened for writing'
	exit 1
fi

"$MEMHEAT" dump trace >events
grep -q "source.1.aggr_us value=$aggr_us" events
[ "$(grep -c '^region' events)" -gt 0 ]
# Nothing of what arrived is missing, and every row is within the machine's memory.
if grep '^lost' events; then exit 1; fi
"$MEMHEAT" report heatmap -i trace --rows 8 --cols 8 --format json >heatmap.json
grep -q '"schema":"memheat.heatmap/1"' heatmap.json

# One of our own is not to be had, and it is said whose DAMON is.
if "$MEMHEAT" record -s damon -o none -- true 2>words; then exit 1; fi
grep -q 'taken by kdamond' words
grep -q 'damon:attach' words
