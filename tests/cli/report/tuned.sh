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
# 12 intervals of 5 s are a minute.
"$MEMHEAT" report wss t --age 50s: --format json >out
shows '"n":1,'
