#!/bin/sh
# SPDX-License-Identifier: MIT
# What a trace cannot give is refused with the reason and what to record instead, and
# nothing is written.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
need_faults
cc -g -O1 -ffunction-sections -fdata-sections "$here/scattered.c" -o program
"$MEMHEAT" record -q -s faults -o faults -- ./program 10 all >/dev/null 2>err || fail "$(cat err)"

cat >damon.text <<'END'
meta time=1 key=trace.start_ns value=1000000000
meta time=1 key=source.1.name value=damon:vaddr
meta time=1 key=source.1.sample_us value=5000
meta time=1 key=source.1.aggr_us value=100000
task time=1 op=exec pid=7 tid=7 comm=prog
map time=1 pid=7 op=add start=0x10000000 end=0x10100000 prot=3 path=[heap]
END
for i in 1 2; do
	now="time=1${i}00000000 start_ns=1$((i - 1))00000000 source=1 pid=7"
	echo "region $now start=0x10000000 end=0x10080000 nr_accesses=20 max_accesses=20"
	echo "region $now start=0x10080000 end=0x10100000 nr_accesses=0 max_accesses=20"
done >>damon.text
cat >no_code.text <<'END'
meta time=1 key=source.1.name value=mem
task time=1 op=exec pid=7 tid=7 comm=prog
map time=1 pid=7 op=add start=0x10000000 end=0x10100000 path=[heap]
sample time=5 source=1 pid=7 tid=7 addr=0x10000010 period=1 flags=1
END
for trace in damon no_code; do
	"$MEMHEAT" import text $trace.text -o $trace 2>err || fail "$(cat err)"
done
# refuses TRACE WORDS FORMAT...
refuses()
{
	trace=$1 words=$2
	shift 2
	for format; do
		rm -f written
		status 1 "$MEMHEAT" export "$format" -i "$trace" -o written
		says "$words"
		says record
		[ ! -e written ] || fail "export $format was refused and wrote a file"
	done
}
refuses damon 'record with -s mem or -s faults' folded csv json pprof callgrind speedscope \
	symbol-order section-order linker-script llvm-data-access bolt llvm-sample gcc-afdo \
	memprof-heap prefetch llvm-prefetch
refuses damon 'the trace has no samples' perf-data
refuses no_code 'have no code addresses' folded pprof callgrind speedscope bolt llvm-sample \
	gcc-afdo prefetch llvm-prefetch
refuses faults 'first touches, one per page, and count no executions' llvm-sample gcc-afdo
refuses faults 'neither latency nor the level' prefetch llvm-prefetch
refuses faults 'record the command with --heap' memprof-heap
refuses faults 'record with -s damon' damos madvise damo
cp program stripped
strip stripped
"$MEMHEAT" record -q -s faults -o stripped.t -- ./stripped 10 all >/dev/null 2>err || fail "$(cat err)"
refuses stripped.t 'stripped' symbol-order section-order linker-script llvm-data-access bolt

# Data without code is still data.
status 0 "$MEMHEAT" export csv -i no_code
shows '[heap]'
