#!/bin/sh
# SPDX-License-Identifier: MIT
# export prefetch and llvm-prefetch: the load that steps through memory is told from the one
# that jumps and the one that hits, and clang prefetches ahead of it.
set -eu
. "$TOP/tests/cli/export-lib.sh"

clang="clang-16"
command -v $clang >/dev/null || clang=clang
need $clang clang
need objdump binutils
need valgrind valgrind

flags='-O2 -fno-vectorize -fno-unroll-loops -gmlt -fdebug-info-for-profiling
	-mllvm -x86-discriminate-memops'
# shellcheck disable=SC2086
$clang $flags -no-pie -Wl,--build-id=sha1 "$here/strides.c" -o strides
lackey plain 3 ./strides 3000

# Without levels and latency nothing can be said.
status 1 "$MEMHEAT" export prefetch -i plain -o plain.csv
says 'neither latency nor the level'

# What hardware would have said: the large arrays are in the third level, the rest in L1.
range()
{
	nm -S strides | awk -v name="$1" '$4 == name { print $1, $2 }'
}
{ range far_away; range jumps; } >ranges
python3 - ranges plain.text >levels.text <<'END'
import re
import sys

far = [(int(a, 16), int(a, 16) + int(n, 16)) for a, n in map(str.split, open(sys.argv[1]))]
for line in open(sys.argv[2]):
    m = re.search(r"addr=0x([0-9a-f]+)", line)
    if m:
        inside = any(a <= int(m.group(1), 16) < b for a, b in far)
        line = line.rstrip() + (" data_src=0x10650100842 weight=60\n" if inside else
                                " data_src=0x142 weight=4\n")
    sys.stdout.write(line)
END
"$MEMHEAT" import text levels.text -o levels 2>err || fail "$(cat err)"
"$MEMHEAT" export prefetch -i levels -o t.csv 2>err || fail "$(cat err)"
python3 - t.csv <<'END'
import csv
import sys

lines = open(sys.argv[1]).read().splitlines()
assert any(line == "# trace: levels" for line in lines), lines
rows = {r["function"]: r for r in csv.DictReader(l for l in lines if l[0] != "#")}
assert set(rows) == {"walk", "jump"}, rows
walk, jump = rows["walk"], rows["jump"]
assert float(walk["miss_share"]) == 1 and 50 <= int(walk["latency_p50"]) <= 72, walk
# Every third access is a sample, in steps of 768: a multiple of the true 256.
assert int(walk["stride"]) % 256 == 0 and int(walk["stride"]) > 0, walk
assert float(walk["confidence"]) > 0.9, walk
assert jump["stride"] == "" and jump["confidence"] == "", jump
assert walk["file"].endswith("strides.c") and int(walk["line"]) > 0, walk
END

"$MEMHEAT" export llvm-prefetch -i levels -o hints 2>err || fail "$(cat err)"
grep -q '^walk:0:0$' hints || fail "$(cat hints)"
if grep -q '^jump' hints; then fail "a hint for what jumps: $(cat hints)"; fi
grep -q 'left out: 1 loads: no stride was seen' hints || fail "$(cat hints)"
# Ahead by some steps: 60 cycles at 10 to a step.
distance=$(sed -n 's/.*__prefetch_t0_0:\([0-9]*\)$/\1/p' hints)
[ $((distance % 256)) -eq 0 ] && [ "$distance" -ge 1024 ] || fail "distance $distance"
# shellcheck disable=SC2086
$clang $flags -no-pie -mllvm -prefetch-hints-file=hints "$here/strides.c" -o hinted 2>err || {
	grep -q 'Unknown command line argument' err || fail "$(cat err)"
	echo "$clang has no -prefetch-hints-file, the rest is skipped"
	exit 0
}
objdump -d --no-show-raw-insn hinted >code
in_function()
{
	awk -v name="<$1>:" '$2 == name { on = 1 } /^$/ { on = 0 } on' code
}
in_function walk | grep -q prefetcht0 || fail "no prefetch: $(in_function walk)"
if in_function jump | grep -q prefetch; then fail 'a prefetch where none was asked for'; fi
[ "$(./strides 3000)" = "$(./hinted 3000)" ] || fail 'it prints something else'
