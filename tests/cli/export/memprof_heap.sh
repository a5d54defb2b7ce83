#!/bin/sh
# SPDX-License-Identifier: MIT
# export memprof-heap: clang gives the allocation that was not accessed the hint for cold
# memory, and the other one none of it.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need clang++-22 clang-22
need llvm-profdata-22 llvm-22
need_faults

flags='-O1 -gmlt -fdebug-info-for-profiling'
# shellcheck disable=SC2086
clang++-22 $flags "$here/alloc.cc" -o alloc
status 0 "$MEMHEAT" record -q -s faults --heap=64K -o real -- ./alloc
"$MEMHEAT" dump real >real.text
grep -q '^heap ' real.text || fail 'no log of allocations'
status 1 "$MEMHEAT" export memprof-heap -i real
says 'first touches'

python3 "$here/heap_samples.py" 5000 0 <real.text >t.text
"$MEMHEAT" import text t.text -o t 2>err || fail "$(cat err)"
"$MEMHEAT" export memprof-heap -i t --source mem -o t.yaml 2>err || fail "$(cat err)"
grep -q '^# trace: t$' t.yaml || fail 'it does not name its trace'
grep -q "Function: '_Z9make_coldl', LineOffset: 2" t.yaml || fail "$(cat t.yaml)"
llvm-profdata-22 merge --memprof-version=4 t.yaml -o t.memprofdata 2>err || fail "$(cat err)"
# Cold for clang is what lives for minutes; this program does not.
# shellcheck disable=SC2086
clang++-22 $flags -fmemory-profile-use=t.memprofdata -mllvm -optimize-hot-cold-new \
	-mllvm -memprof-ave-lifetime-cold-threshold=0 -S -emit-llvm "$here/alloc.cc" \
	-o t.ll 2>err || fail "$(cat err)"
in_function()
{
	awk -v name="@$1(" '/^define/ { on = index($0, name) } /^}/ { on = 0 } on' t.ll
}
in_function _Z9make_coldl | grep -q 'hot_cold_t.*i8.* 1)' ||
	fail "no hint for cold memory: $(in_function _Z9make_coldl)"
if in_function _Z8make_hotl | grep -q 'hot_cold_t.*i8.* 1)'; then
	fail "a hint for cold memory: $(in_function _Z8make_hotl)"
fi

grep -v '^heap ' t.text >none.text
"$MEMHEAT" import text none.text -o none 2>err || fail "$(cat err)"
status 1 "$MEMHEAT" export memprof-heap -i none --source mem
says 'record the command with --heap'
