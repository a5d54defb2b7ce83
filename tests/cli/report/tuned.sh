#!/bin/sh
# SPDX-License-Identifier: MIT
# Ages count the interval that DAMON had then, not the one that it began with.
set -eu
. "$TOP/tests/cli/lib.sh"

# 5 ms and 100 ms; the kernel makes it 50 times as long before the second snapshot.
cat >events <<'E'
meta time=0 key=source.1.name value=damon:vaddr
meta time=0 key=source.1.sample_us value=5000
meta time=0 key=source.1.aggr_us value=100000
region time=100000000 source=1 start_ns=0 pid=1 start=0x1000 end=0x2000 max_accesses=20 age=11
E
tuned()
{
	{
		cat events
		[ -z "$1" ] || echo "stat time=200000000 source=1 name=$1 value=$2"
		echo 'region time=5200000000 source=1 start_ns=200000000 pid=1 start=0x1000' \
			'end=0x2000 max_accesses=20 age=11'
	} >text
	"$MEMHEAT" import text text -o t 2>err || fail "$(cat err)"
}
idle()
{
	"$MEMHEAT" report cold t --format json >json
	python3 -c 'import json
print(max(b["idle_ns_min"] for b in json.load(open("json"))["buckets"] if b["bytes"]))'
}
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
tuned '' 0
short=$(idle)
tuned damon.sample_us 250000
[ "$(idle)" -gt $((short * 2)) ] || fail "idle for $(idle) ns, untuned $short"
by_sample=$(idle)
tuned damon.aggr_us 5000000
[ "$(idle)" -eq "$by_sample" ] || fail "$(idle) and $by_sample differ"
# Less than one interval is no idle time: the first edge is the longest one of the last.
status 0 "$MEMHEAT" report cold t --format csv
sed -n 2p out | grep -q '^0,5000000000,0,all,$' || fail "tuned edges: $(cat out)"
[ "$(awk -F , '$3 == 4096 && $4 == "all" { print $1 "-" $2 }' out)" = 60000000000-300000000000 ] ||
	fail "idle for a minute: $(cat out)"
# 12 intervals of 5 s are a minute.
"$MEMHEAT" report wss t --age 50s: --format json >out
shows '"n":1,'

# Both snapshots hold an age of 11: one is of 1.1 s, the other of 55 s.
status 0 "$MEMHEAT" dump t --kind region --age 50s:60s
[ "$(grep -c ^region out)" -eq 1 ] || fail "$(cat out)"
shows 'start_ns=200000000'
status 0 "$MEMHEAT" dump t --kind region --age 1s:2s
[ "$(grep -c ^region out)" -eq 1 ] || fail "$(cat out)"
lacks 'start_ns=200000000'
status 0 "$MEMHEAT" report regions --format json t
shows '"end_ns":0,"aggr_us":100000,'
shows '"end_ns":5100000000,"aggr_us":5000000,'
status 0 "$MEMHEAT" report regions --sort age t
[ "$(awk '$1 == 1000 { printf "%s %s %s ", $6, $7, $8 }' out)" = '1.1 s -110000000 55 s -5500000000 ' ] ||
	fail "$(cat out)"
# Idle for the age and the interval itself.
status 0 "$MEMHEAT" report regions --style recency t
[ "$(awk '$1 == 50 { printf "%s %s ", $2, $3 }' out)" = '1.2 s 60 s ' ] || fail "$(cat out)"
sed 's/age=/nr_accesses=20 &/' text >hot
"$MEMHEAT" import text hot -o u 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" report hot --format json u
shows '"age_ns":55000000000'
# A step back, and a source beside it that nobody tunes.
cat >text <<'EOF'
meta time=0 key=source.1.name value=damon:vaddr
meta time=0 key=source.1.sample_us value=5000
meta time=0 key=source.1.aggr_us value=100000
meta time=0 key=source.1.kdamond value=0
meta time=0 key=source.2.kdamond value=1
meta time=0 key=source.2.name value=damon:paddr
meta time=0 key=source.2.sample_us value=5000
meta time=0 key=source.2.aggr_us value=200000
stat time=300000000 source=1 name=damon.sample_us value=10000
stat time=700000000 source=1 name=damon.sample_us value=5000
region time=200000000 source=1 start_ns=100000000 pid=1 start=0x1000 end=0x2000 max_accesses=20 age=10
region time=500000000 source=1 start_ns=300000000 pid=1 start=0x2000 end=0x3000 max_accesses=20 age=10
region time=800000000 source=1 start_ns=700000000 pid=1 start=0x3000 end=0x4000 max_accesses=20 age=10
region time=800000000 source=2 start_ns=600000000 start=0x4000 end=0x5000 max_accesses=20 age=10
EOF
"$MEMHEAT" import text text -o t 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" dump t --kind region --age 2s:3s
[ "$(sed -n 's/.* start=\(0x[0-9]*\) .*/\1/p' out | tr '\n' ' ')" = '0x2000 0x4000 ' ] || fail "$(cat out)"
status 0 "$MEMHEAT" dump t --kind region --age 1s:1100ms
[ "$(sed -n 's/.* start=\(0x[0-9]*\) .*/\1/p' out | tr '\n' ' ')" = '0x1000 0x3000 ' ] || fail "$(cat out)"

# DAMO's record keeps them, and gives them back.
"$MEMHEAT" export damo t -o record 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" import damo record -o u
for age in 1s:1100ms 2s:3s; do
	status 0 "$MEMHEAT" dump t --kind region --age "$age"
	sed -n 's/.* start=\([^ ]* end=[^ ]*\) .*/\1/p' out | sort >want
	status 0 "$MEMHEAT" dump u --kind region --age "$age"
	sed -n 's/.* start=\([^ ]* end=[^ ]*\) .*/\1/p' out | sort | cmp - want || fail "$(cat out)"
done

# An age in microseconds is of the intervals that its snapshot had: 55 s are 11 of 5 s, and
# 550 of 100 ms.
snapshot()
{
	cat <<E
{"start_time": "$1", "end_time": "$2", "regions": [{"start": "4096", "end": "8192",
"nr_accesses": {"samples": "0", "percent": null}, "age": {"usec": "55 s", "aggr_intervals":
null}, "sz_filter_passed": "0 B"}], "total_bytes": null, "sample_interval_us": $3}
E
}
{
	echo '[{"kdamond_idx": null, "context_idx": null, "intervals": {"sample_us": "5 ms",
		"aggr_us": "100 ms", "ops_update_us": "1 s"}, "scheme_idx": null, "target_id": 0,
		"scheme_filters": [], "snapshots": ['
	snapshot 0 100000000 null
	echo ,
	snapshot 100000000 5100000000 '"250 ms"'
	echo ']}]'
} >record
status 0 "$MEMHEAT" import damo record -o t
status 0 "$MEMHEAT" dump t --kind region
[ "$(sed -n 's/^region .* age=//p' out | tr '\n' ' ')" = '550 11 ' ] || fail "$(cat out)"
status 0 "$MEMHEAT" dump t --kind region --age 54s:56s
[ "$(grep -c ^region out)" -eq 2 ] || fail "$(cat out)"
