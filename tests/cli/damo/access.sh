#!/bin/sh
# SPDX-License-Identifier: MIT
# A snapshot sorted, and as bytes by idle time and temperature; numbers worked out by hand.
set -eu
. "$TOP/tests/cli/lib.sh"
cat >text <<'EOF'
meta key=source.1.name value=damon
meta key=source.1.sample_us value=5000
meta key=source.1.aggr_us value=100000
region time=2000000000 source=1 start_ns=1900000000 pid=7 start=0x1000 end=0x2000 nr_accesses=20 max_accesses=20 age=5
region time=2000000000 source=1 start_ns=1900000000 pid=7 start=0x2000 end=0x5000 nr_accesses=0 max_accesses=20 age=9
region time=2000000000 source=1 start_ns=1900000000 pid=7 start=0x5000 end=0x9000 nr_accesses=1 max_accesses=20 age=0
EOF
"$MEMHEAT" import text text -o trace 2>err

status 0 "$MEMHEAT" report regions --sort temperature --descending trace
awk '$1 ~ /000$/ { print $1, $NF }' out >got
printf '%s\n' '1000 50010000' '5000 500' '2000 -90000000' >want
cmp want got >/dev/null || fail "hot first: $(cat got)"
order() # STARTS OPTION...
{
	starts=$1
	shift
	status 0 "$MEMHEAT" report regions --sort "$@" trace
	[ "$(awk '$1 ~ /000$/ { printf "%s ", $1 }' out)" = "$starts " ] ||
		fail "by $*: $(cat out)"
}
order '2000 5000 1000' temperature
order '5000 1000 2000' age
order '1000 5000 2000' rate --descending
order '5000 2000 1000' address --descending
status 0 "$MEMHEAT" report regions --sort size trace
[ "$(awk '$1 ~ /000$/ { printf "%s ", $1 }' out)" = "1000 2000 5000 " ] || fail "$(cat out)"

# 5 of 8 pages are accessed: an idle time of 0, though one only in 5 % of the checks.
status 0 "$MEMHEAT" report regions --style recency trace
[ "$(awk '$1 == 50' out)" = "          50  0 ns" ] || fail "p50: $(cat out)"
[ "$(awk '$1 == 75' out)" = "          75  1 s" ] || fail "p75: $(cat out)"
# Ten bins as wide as a tenth of a second, rounded up: the longest time is in the last.
bins() # of the last report: START END SIZE of those that hold bytes, and how many there are
{
	awk -F '[][,)|]+ *' '/^  \[/ { nr++; gsub(/^ +| +$/, "", $4)
		if ($4 != "0 B") printf "%s..%s %s; ", $2, $3, $4 }
		END { print nr " bins" }' out | sed 's/  */ /g; s/^ //'
}
[ "$(bins)" = '0 ns..100 ms 20 KiB; 900 ms..1 s 12 KiB; 10 bins' ] || fail "$(bins)"
status 0 "$MEMHEAT" report regions --style recency --log-bins trace
# The first is a 1024th of all, each further one twice as wide.
[ "$(bins)" = '0 ns..976 us 20 KiB; 998.4 ms..2 s 12 KiB; 11 bins' ] || fail "$(bins)"
status 0 "$MEMHEAT" report regions --style temperature trace
[ "$(bins)" = '-90000000..-75998999 12 KiB; -5993994..8007007 16 KiB; 36009009..50010010 4 KiB; 10 bins' ] ||
	fail "$(bins)"
status 0 "$MEMHEAT" report regions --style temperature --log-bins trace
[ "$(awk '$1 == 25 { print $2 }' out)" = "-90000000" ] || fail "p25: $(cat out)"
[ "$(awk '$1 == 75 { print $2 }' out)" = "500" ] || fail "p75: $(cat out)"
status 0 "$MEMHEAT" report regions --style line trace
shows "temperature -90000000 to 50010000"

# By the ages: 12 KiB idle for 1 s, 20 KiB not idle.
status 0 "$MEMHEAT" report cold --format csv trace
grep -q '^0,100000000,20480,all,$' out || fail "not idle: $(cat out)"
grep -q '^1000000000,2000000000,12288,all,$' out || fail "idle: $(cat out)"
status 0 "$MEMHEAT" report times --age 800ms: --format csv trace
[ "$(wc -l <out)" -eq 2 ] || fail "times by age: $(cat out)"
status 0 "$MEMHEAT" report times --age 5s: --format csv trace
[ "$(wc -l <out)" -eq 1 ] || fail "times of no age: $(cat out)"
status 2 "$MEMHEAT" report wss --style line trace
