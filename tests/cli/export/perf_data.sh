#!/bin/sh
# SPDX-License-Identifier: MIT
# export perf-data: perf reads it and shows the samples that the trace has.
set -eu
. "$TOP/tests/cli/lib.sh"

cat >small.text <<'END'
meta time=1 key=trace.start_ns value=1000000000
meta time=1 key=source.1.name value=mem
meta time=1 key=source.1.clock value=monotonic
meta time=1 key=source.1.event.0 value=loads
meta time=1 key=source.1.event.0.type value=4
meta time=1 key=source.1.event.0.config value=0x1cd
meta time=1 key=source.2.name value=faults
meta time=1 key=source.2.event.0 value=page-faults
task time=0 source=1 op=exec pid=77 tid=77 comm=worker
map time=0 source=1 op=add pid=77 start=0x400000 end=0x408000 prot=5 path=/nowhere/worker
sample time=1000000123 source=1 pid=77 tid=78 cpu=3 ip=0x401234 addr=0x7f0000001008 phys=0x5008 data_src=0x10650100842 weight=31 ins_lat=7 period=1009 flags=5 page_shift=12
sample time=1000000100 source=1 pid=77 tid=77 ip=0xffffffff81000010 addr=0x7f0000001010 data_src=0x10468100442 weight=12 flags=3
sample time=1000000200 source=2 pid=77 tid=77 ip=0x401300 addr=0x7f0000002000 flags=5
lost time=1000000300 source=1 start_ns=1000000300 count=5 cause=ring
END
"$MEMHEAT" import text small.text -o small.data 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" export perf-data -i small.data -o small.perf

# Back again nothing of a sample is lost.
status 0 "$MEMHEAT" import small.perf -o again.data
samples()
{
	"$MEMHEAT" dump "$1" | sed -n 's/ source=[0-9]*//; s/ event=[0-9]*//; /^sample/p' | sort
}
samples small.data | sed 's/\(0x401300 addr=[^ ]*\)/\1 data_src=0x1e05080021/' >want
samples again.data >got
cmp -s want got || fail "$(diff want got)"

# Its header is written last.
# shellcheck disable=SC2016
status 0 sh -c '"$0" export perf-data -i small.data | cat >piped' "$MEMHEAT"
says "needs a file"
[ ! -s piped ] || fail "something was written to a pipe"
# shellcheck disable=SC2016
status 1 sh -c '"$0" export perf-data -i small.data >/dev/full' "$MEMHEAT"
says "cannot write the recording"
echo 'region time=2 source=1 start_ns=1 pid=1 start=0x1000 end=0x2000 max_accesses=1' >none.text
"$MEMHEAT" import text none.text -o none.data 2>err || fail "$(cat err)"
status 1 "$MEMHEAT" export perf-data -i none.data -o none.perf
says "the trace has no samples"
[ ! -e none.perf ] || fail "a failure left a file"

command -v perf >/dev/null || { echo "perf is not installed, the rest is skipped"; exit 0; }
perf report -i small.perf --header-only >out 2>/dev/null
shows 'export perf-data; trace: small.data; source: '
perf script -i small.perf --ns -F pid,tid,time,event,ip,addr 2>/dev/null |
	tr -s ' ' | sed 's/^ //; s/ *$//' >out
cat >want <<'END'
77/77 1.000000100: loads: 7f0000001010 ffffffff81000010
77/78 1.000000123: loads: 7f0000001008 401234
77/77 1.000000200: page-faults: 7f0000002000 401300
END
cut -d' ' -f 1-5 out | sed 's/ \[.*//; s/ *$//' >got
cmp -s want got || fail "perf script: $(diff want got)"

perf report --mem-mode -i small.perf --stdio >out 2>err || fail "$(cat err)"
shows "of event 'loads'"
shows "L3"
shows "L2"
