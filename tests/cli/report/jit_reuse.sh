#!/bin/sh
# SPDX-License-Identifier: MIT
# Two functions that a JIT compiler put at the same address, one after the other, are two
# rows where its jitdump file has times; a perf map, which has none, knows the last one.
set -eu
. "$TOP/tests/cli/lib.sh"

command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
python3 - "$PWD/jit-7.dump" <<'END'
import struct
import sys

with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IIIIIIQQ", 0x4A695444, 1, 40, 62, 0, 7, 1, 0))
    for time, index, name in ((2000, 1, b"early\0"), (5000, 2, b"late\0")):
        f.write(struct.pack("<IIQ", 0, 16 + 40 + len(name) + 64, time))
        f.write(struct.pack("<IIQQQQ", 7, 7, 0x1000, 0x1000, 64, index))
        f.write(name + bytes(64))
END
{
	echo 'meta time=1000 key=trace.start_ns value=1000'
	echo 'meta time=1000 key=source.1.name value=mem'
	echo 'task time=1000 op=exec pid=7 tid=7 comm=jit'
	echo 'map time=1000 op=add pid=7 start=0x1000 end=0x8000 prot=7 path=""'
	echo "map time=1000 op=add pid=7 start=0x10000 end=0x11000 prot=5 path=$PWD/jit-7.dump"
	for t in 3000 3100 3200 6000 1500; do
		echo "sample time=$t source=1 pid=7 tid=7 ip=0x1010 addr=0x7008 flags=1"
	done
} >events
status 0 "$MEMHEAT" import text events -o t
for threads in 1 4; do
	status 0 "$MEMHEAT" report code -i t --format csv --threads $threads
	grep -q '^3,.*early' out || fail "wanted 3 samples of early: $(cat out)"
	grep -q '^1,.*late' out || fail "wanted 1 sample of late: $(cat out)"
	[ "$(wc -l <out)" -eq 4 ] || fail "wanted 3 rows: $(cat out)"
done
status 0 "$MEMHEAT" export folded -i t -o folded
grep -q 'early.* 3$' folded || fail "wanted 3 of early: $(cat folded)"
grep -q 'late.* 1$' folded || fail "wanted 1 of late: $(cat folded)"
