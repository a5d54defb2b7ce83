#!/bin/sh
# SPDX-License-Identifier: MIT
# Every export says which trace it is of, from which source, and in what units.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
need_faults
cc -g -O1 -ffunction-sections -fdata-sections "$here/scattered.c" -o program
"$MEMHEAT" record -q -s faults -o faults -- ./program 10 all >/dev/null 2>err || fail "$(cat err)"

# tells FORMAT TRACE [CMD...]: its head, as CMD decodes it
tells()
{
	format=$1 trace=$2
	shift 2
	status 0 "$MEMHEAT" export "$format" -i "$trace" -o written
	[ $# -gt 0 ] || set -- cat
	"$@" <written | tr ' ' _ >head.text
	for word in "export_$format" "trace:_$trace" source: units:; do
		grep -aqF -e "$word" head.text || fail "export $format does not tell '$word'"
	done
}
for format in folded csv json callgrind speedscope perfetto symbol-order section-order \
	linker-script llvm-data-access bolt perf-data; do
	tells $format faults
done
tells pprof faults gunzip

cat >damon.text <<'END'
meta time=1 key=trace.start_ns value=1000000000
meta time=1 key=source.1.name value=damon:vaddr
meta time=1 key=source.1.sample_us value=5000
meta time=1 key=source.1.aggr_us value=100000
task time=1 op=exec pid=7 tid=7 comm=prog
map time=1 pid=7 op=add start=0x10000000 end=0x10100000 prot=3 path=[heap]
END
for i in 1 2 3 4 5 6 7 8; do
	now="time=1${i}00000000 start_ns=1$((i - 1))00000000 source=1 pid=7"
	echo "region $now start=0x10000000 end=0x10080000 nr_accesses=20 max_accesses=20"
	echo "region $now start=0x10080000 end=0x10100000 nr_accesses=0 max_accesses=20"
done >>damon.text
"$MEMHEAT" import text damon.text -o damon 2>err || fail "$(cat err)"
tells damos damon
tells madvise damon
if command -v python3 >/dev/null; then
	tells damo damon python3 -c 'import sys, zlib
sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))'
fi
