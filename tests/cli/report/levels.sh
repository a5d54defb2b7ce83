#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Samples by level with their latencies, split and filtered, and code by what the hardware
# told: of samples whose answers are counted by hand.
set -eu
. "$TOP/tests/cli/lib.sh"

# perf's numbers: an L1 hit, an L3 hit without TLB, remote DRAM, HITM in L3, a locked L1
# hit, a store that hit L1.
l1=0x10268100142
l3=0x10650100842
far=0x13a68502042
hitm=0x10668800842
locked=0x1026a100142
store=0x1e05080144
{
	echo 'meta time=1000 key=trace.start_ns value=1000'
	echo 'meta time=1000 key=source.1.name value=mem'
	echo 'meta time=1000 key=source.1.period value=100'
	echo 'meta time=1000 key=host.node.0.cpus value=0-1'
	echo 'meta time=1000 key=host.node.1.cpus value=2,3'
	echo 'task time=1000 source=1 op=exec pid=7 tid=7 comm=prog'
	i=0
	while [ $i -lt 100 ]; do
		i=$((i + 1))
		t="time=$((1000 + i)) source=1 pid=7 period=100 flags=1"
		echo "sample $t tid=7 cpu=0 ip=0x1000 addr=0x5000 data_src=$l1 weight=$i"
	done
	t='time=2000 source=1 pid=7 tid=8 period=100 flags=1'
	echo "sample $t cpu=2 ip=0x2000 addr=0x5040 data_src=$l3 weight=400"
	echo "sample $t cpu=2 ip=0x2000 addr=0x5040 data_src=$far weight=900"
	echo "sample $t cpu=2 ip=0x2000 addr=0x5048 data_src=$hitm weight=300"
	echo "sample $t cpu=9 ip=0x2000 addr=0x5048 data_src=$locked weight=50"
	echo "sample $t cpu=9 ip=0x3000 addr=0x5048 data_src=$store"
	echo "sample $t cpu=9 ip=0x3000 addr=0x5048"
	echo 'lost time=2000 source=1 cause=nonmem start_ns=1000 count=1234'
} >events
"$MEMHEAT" import text events -o t 2>err || fail "$(cat err)"

status 0 "$MEMHEAT" report levels -i t
sed -n '3,9p' out >got
cat >wanted <<'END'
access  level       share  samples  cycles  p50  p90  p99  max  tlb miss  hitm  locked
load    l1            96%      101  50      50   91   99   100  0         0     1.0%
load    l3           1.9%        2  350     400  400  400  400  50%       50%   0
load    remote_ram   1.0%        1  900     900  900  900  900  0         0     0
store   l1           1.0%        1  -       -    -    -    -    -         0     0

1 more samples are of events that do not tell a level
END
cmp got wanted || fail "$(cat out)"
shows '1234 samples of no memory access'

status 0 "$MEMHEAT" report levels -i t --split node --format csv
grep -c '^node 0,load,l1,hit,100,' out >n && [ "$(cat n)" = 1 ] || fail "$(cat out)"
shows 'node 1,load,remote_ram,hit,1,'
shows 'node not known,store,l1,hit,1,0.5,0,,,,,,'
status 0 "$MEMHEAT" report levels -i t --split thread
shows 'prog 7/7, 100 samples'
shows 'prog 7/8, 5 samples'
status 0 "$MEMHEAT" report levels -i t --split cpu --level ram,remote_ram
shows 'cpu 2, 1 samples'
