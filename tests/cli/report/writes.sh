#!/bin/sh
# SPDX-License-Identifier: MIT
# Written pages are a layer of their own: --writes takes them in place of the accesses.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

{
	echo 'meta time=0 key=source.1.name value=idle'
	echo 'meta time=0 key=source.1.writes value=soft-dirty'
	echo 'meta time=0 key=source.1.interval_ns value=1000000000'
	echo 'meta time=0 key=trace.start_ns value=0'
	for i in $(seq 0 9); do
		page="pages time=$(((i + 1) * 1000000000)) source=1 start_ns=$((i * 1000000000))"
		page="$page pid=7 start=0x10000 nr_pages=16 page_shift=12"
		echo "$page accessed=0+12"
		echo "$page layer=write accessed=4+3"
	done
} >layers.text
"$MEMHEAT" import text layers.text -o layers.data
status 0 "$MEMHEAT" report wss -i layers.data --format csv --percentiles 50
grep -q '49152' out || fail "not 12 pages: $(cat out)"
status 0 "$MEMHEAT" report wss -i layers.data --writes --format csv --percentiles 50
grep -q '12288' out || fail "not 3 pages: $(cat out)"
lacks 49152
status 0 "$MEMHEAT" report wss -i layers.data --writes
shows "interval 1 s, written pages"
status 0 "$MEMHEAT" report cold -i layers.data --writes
zigzag memheat.data
status 1 "$MEMHEAT" report wss --writes
says "needs record -s idle --writes"
