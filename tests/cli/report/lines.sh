#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Cache lines by what threads do to them: one word that two threads write, two words of
# one line, a line that is only read, one that a single thread has, and one that was found
# modified elsewhere.
set -eu
. "$TOP/tests/cli/lib.sh"

load=0x10268100142
store=0x1e05080144
hitm=0x10668800842
remote_hitm=0x13668808042
n=0
sample()
{
	n=$((n + 1))
	echo "sample time=$((1000 + n)) source=1 pid=7 tid=$1 ip=$2 addr=$3" \
		"data_src=$4 weight=${5:-0} flags=1"
}
{
	echo 'meta time=1000 key=trace.start_ns value=1000'
	echo 'meta time=1000 key=source.1.name value=mem'
	echo 'task time=1000 source=1 op=exec pid=7 tid=7 comm=prog'
	echo 'map time=1000 source=1 op=add pid=7 start=0x10000 end=0x20000 prot=3 path=[heap]'
	# true: both write the word at 8, which is 4 bytes apart in their eyes
	sample 7 0x1000 0x10008 $store
	sample 8 0x1000 0x1000c $store
	sample 8 0x1004 0x10008 $hitm 200
	sample 8 0x1004 0x10008 $hitm 300
	# false: 7 writes the first word, 8 reads another
	sample 7 0x2000 0x10040 $store
	sample 7 0x2000 0x10040 $store
	sample 8 0x2010 0x10078 $load 90
	# only read
	sample 7 0x3000 0x10080 $load 10
	sample 8 0x3000 0x10084 $load 10
	# one thread
	sample 7 0x4000 0x100c0 $store
	sample 7 0x4000 0x100c8 $load 5
	# modified by who was not sampled
	sample 9 0x5000 0x10100 $remote_hitm 700
} >events
"$MEMHEAT" import text events -o t 2>err || fail "$(cat err)"

status 0 "$MEMHEAT" report lines -i t
sed -n '3,$p' out | head -n 16 >got
cat >wanted <<'END'
1  10000 [heap]  pid 7  true sharing: 2 threads, 1 read, 2 write
offset  loads  stores  hitm  remote  threads  cycles  function  source
+8          0       1     0       0        1  -       ?         -
+8          2       0     2       0        1  250     ?         -
+12         0       1     0       0        1  -       ?         -

2  10100 [heap]  pid 7  modified elsewhere: 1 thread, 1 read, 0 write
offset  loads  stores  hitm  remote  threads  cycles  function  source
+0          1       0     0       1        1  700     ?         -

3  10040 [heap]  pid 7  false sharing: 2 threads, 1 read, 1 write
offset  loads  stores  hitm  remote  threads  cycles  function  source
+0          0       2     0       0        1  -       ?         -
+56         1       0     0       0        1  90      ?         -

3 of 5 lines are contended; 1 more are read by several threads
END
cmp got wanted || fail "$(cat out)"

status 0 "$MEMHEAT" report lines -i t --format csv
[ "$(wc -l <out)" -eq 7 ] || fail "$(cat out)"
shows '65600,7,false,2,1,1,[heap],,56,1,1,0,0,0,1,1,90,,,0'
# One thread or many make the same tables.
status 0 "$MEMHEAT" report lines -i t --format json --threads 1
cp out one
status 0 "$MEMHEAT" report lines -i t --format json --threads 3
cmp out one || fail 'threads change the lines'
shows '"schema":"memheat.lines/1"'
shows '"addr":65600,"pid":7,"sharing":"false"'
status 0 "$MEMHEAT" report lines -i t --tid 7
shows '0 of 4 lines are contended'
status 0 "$MEMHEAT" report lines -i t --snoop hitm
shows '2 of 2 lines are contended'
status 0 "$MEMHEAT" report lines -i t --addr 0x10040:0x10080
shows '1 of 1 lines are contended'
