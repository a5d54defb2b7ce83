#!/bin/sh
# SPDX-License-Identifier: MIT
# export llvm-sample: clang gives the branch of a real execution its true weights, keeps the
# inlined call's counts apart, and knows which function is hot; counts from late loads, or
# from first touches, are refused.
set -eu
. "$TOP/tests/cli/export-lib.sh"

clang=clang
profdata=llvm-profdata
need $clang clang
need $profdata llvm
need valgrind valgrind

flags='-O2 -gmlt -fdebug-info-for-profiling'
# shellcheck disable=SC2086
$clang $flags -no-pie -Wl,--build-id=sha1 "$here/branches.c" -o branches
lackey t 1 ./branches 400
"$MEMHEAT" export llvm-sample -i t -o t.prof 2>err || fail "$(cat err)"
grep -q '^# trace: t$' t.prof || fail 'it does not name its trace'
$profdata show --sample t.prof >shown 2>err || fail "$(cat err)"
grep -q 'inlined callee: mix' shown || fail "no inlined call: $(cat shown)"
grep -q '^step:' t.prof || fail "$(cat t.prof)"
if grep -q '^never' t.prof; then fail 'a count of what never ran'; fi
# There and back nothing is lost.
$profdata merge --sample --binary t.prof -o t.binary 2>err || fail "$(cat err)"
$profdata merge --sample --text t.binary -o back.prof 2>err || fail "$(cat err)"
grep -v '^#' t.prof | sort >want
sort back.prof >got
cmp -s want got || fail "$(diff want got)"

# shellcheck disable=SC2086
$clang $flags -fprofile-sample-use=t.prof -Rpass-analysis=sample-profile -S -emit-llvm \
	"$here/branches.c" -o t.ll 2>remarks || fail "$(cat remarks)"
grep -q 'Applied .* samples from profile' remarks || fail "$(cat remarks)"
python3 - t.ll <<'END'
import re
import sys

ll = open(sys.argv[1]).read()
step = re.search(r"define[^\n]*@step\(.*?\n}", ll, re.S).group(0)
branches = [re.search(r"!prof (!\d+)", line).group(1) for line in step.splitlines()
            if re.search(r"\bbr i1\b|\bselect\b", line) and "!prof" in line]
assert branches, step
weights = re.search(branches[0] + r' = !{!"branch_weights", i32 (\d+), i32 (\d+)}', ll)
a, b = sorted(int(w) for w in weights.groups())
assert 7 < b / a < 11, (a, b)
entry = re.search(r"define[^\n]*@step\([^\n]*!prof (!\d+)", ll).group(1)
count = int(re.search(entry + r' = !{!"function_entry_count", i64 (\d+)}', ll).group(1))
assert 390 <= count <= 410, count
END

refused()
{
	"$MEMHEAT" import text "$1.text" -o "$1" 2>err || fail "$(cat err)"
	status 1 "$MEMHEAT" export llvm-sample -i "$1" -o "$1.prof"
	says "$2"
	says 'record'
	[ ! -e "$1.prof" ] || fail 'a refusal left a file'
}
late='key=source.1.event.0 value="cpu\/mem-loads,ldlat=30\/P"'
sed -e '/loads and stores/d' -e "s/key=source.1.sampling .*/$late/" t.text >late.text
refused late 'latency (30 cycles or more)'
sed -e '/loads and stores/d' -e 's/key=source.1.sampling .*/key=source.1.event.0 value=mem_load_retired.l3_miss/' \
	t.text >miss.text
refused miss 'not known that mem_load_retired.l3_miss chooses its samples evenly'
sed 's/value="mem"/value="faults"/' t.text >faults.text
refused faults 'first touches'
sed -e '/loads and stores/d' -e 's/key=source.1.sampling .*/key=source.1.event.0 value=mem_inst_retired.all_loads/' \
	t.text >loads.text
"$MEMHEAT" import text loads.text -o loads 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" export llvm-sample -i loads -o loads.prof
$clang -O2 -no-pie -Wl,--build-id=sha1 "$here/branches.c" -o plain
lackey plain.t 5 ./plain 40
status 1 "$MEMHEAT" export llvm-sample -i plain.t -o plain.prof
says 'build it with -g1'
