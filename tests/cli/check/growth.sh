#!/bin/sh
# SPDX-License-Identifier: MIT
# What grew is told by what it is called, wherever it was loaded, the five largest at most;
# and the metrics that need a source which says which bytes were used, or how often.
set -eu
. "$TOP/tests/cli/check-lib.sh"

# many FILE BASE GROWN: eight mappings of 64 MiB, a.so to h.so, the first at BASE; in each
# 8 MiB are used, and GROWN times 0 to 7 MiB more.
many()
{
	{
		echo 'meta time=1 key=trace.start_ns value=1000000000'
		echo 'meta time=1 key=host.page_size value=4096'
		echo 'meta time=1 key=target.command value=./bench'
		echo 'meta time=1 key=source.1.name value=refs'
		echo 'meta time=1 key=source.1.interval_ns value=1000000000'
		echo 'task time=1000000000 op=exec pid=7 tid=7 comm=bench'
		at=$2 nr=0
		for name in a b c d e f g h; do
			echo "map time=1000000000 pid=7 op=add start=$at end=$((at + 67108864)) path=/lib/$name.so"
			for i in 1 2 3; do
				echo "region time=$((i + 1))000000000 start_ns=${i}000000000 source=1 pid=7 start=$at end=$((at + 67108864)) touched=$(((8 + nr * $3) * 1048576))"
			done
			at=$((at + 134217728)) nr=$((nr + 1))
		done
	} >"$1.text"
	"$MEMHEAT" import text "$1.text" -o "$1" 2>err || fail "import: $(cat err)"
}
many before 4294967296 0
many after 94489280512 1
many same 94489280512 0
status 0 "$MEMHEAT" baseline create base.json --skip 0s before
needs_json
status 0 "$MEMHEAT" check --skip 0s --baseline base.json same
if grep -q grow out; then fail "other addresses are no growth: $(cat out)"; fi
status 1 "$MEMHEAT" check --skip 0s --baseline base.json --format text,md=f.md after
shows 'largest growth: bench h.so'
[ "$(grep -c 'bench [a-h].so' out)" -eq 5 ] || fail "not five: $(cat out)"
[ "$(grep -c 'bench [a-h].so' f.md)" -eq 5 ] || fail "not five: $(cat f.md)"
for name in d e f g; do
	shows "bench $name.so"
done

# Of single bytes: 4 of 8 pages are used always, the others in every fourth second.
# exact FILE HITS
exact()
{
	{
		echo 'meta time=1 key=trace.start_ns value=1000000000'
		echo 'meta time=1 key=host.page_size value=4096'
		echo 'meta time=1 key=source.1.name value=damon'
		echo 'meta time=1 key=source.1.interval_ns value=1000000000'
		echo 'task time=1000000000 op=exec pid=7 tid=7 comm=bench'
		echo 'map time=1000000000 pid=7 op=add start=0x10000000 end=0x10008000 path=[heap]'
		for i in 1 2 3 4 5 6 7 8 9; do
			now="time=$((i + 1))000000000 start_ns=${i}000000000 source=1 pid=7"
			echo "region $now start=0x10000000 end=0x10004000 nr_accesses=$2 max_accesses=10"
			echo "region $now start=0x10004000 end=0x10008000 nr_accesses=$((i % 4 == 1)) max_accesses=10"
			echo "footprint time=$((i + 1))000000000 pid=7 rss=$((32768 + i)) pss=$((16384 + i))"
		done
	} >"$1.text"
	"$MEMHEAT" import text "$1.text" -o "$1" 2>err || fail "import: $(cat err)"
}
exact hot 10
exact warm 4
for budget in 'hot.bytes<=16K' 'hot.bytes>=16K' 'cold.2s<=16K' 'cold.2s>=16K' \
	'cold.2s<=51%' 'rss.peak<=32777' 'rss.peak>=32777' 'pss.peak<=16393' \
	'pss.peak>=16393' 'wss.peak>=32K' 'wss.peak<=32K' 'wss.p50<=16K' 'promo.2s>=4K' \
	'promo.2s<=5K'; do
	status 0 "$MEMHEAT" check --skip 0s --budget "$budget" hot
done
status 0 "$MEMHEAT" check --skip 0s --budget 'hot.bytes<=0' warm
status 1 "$MEMHEAT" check --skip 0s --budget 'cold.2s<=49%' hot
