#!/bin/sh
# SPDX-License-Identifier: MIT
# export llvm-data-access: clang puts variables that an execution accessed into .data.hot,
# those that it did not into .data.unlikely, and the program touches fewer pages.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need clang-22 clang-22
need llvm-profdata-22 llvm-22
need valgrind valgrind

flags='-g -O1 -fdata-sections -ffunction-sections'
# shellcheck disable=SC2086
clang-22 $flags -no-pie -Wl,--build-id=sha1 "$here/scattered.c" -o before
./before 100 all >before.out
lackey t 5 ./before 20
"$MEMHEAT" export llvm-data-access -i t -o t.yaml 2>err || fail "$(cat err)"
head -n 1 t.yaml | grep -qx -e '---' || fail 'a reader knows it by its first line'
grep -q '^# trace: t$' t.yaml || fail 'it does not name its trace'
llvm-profdata-22 merge --memprof-version=4 t.yaml -o t.memprofdata 2>err || fail "$(cat err)"
llvm-profdata-22 merge t.yaml -o again 2>err || fail "$(cat err)"
# shellcheck disable=SC2086
clang-22 $flags -fmemory-profile-use=t.memprofdata -fpartition-static-data-sections \
	-c "$here/scattered.c" -o after.o 2>err || fail "$(cat err)"
readelf -SW after.o >sections
nr_hot=$(grep -c ' \.data\.hot\.hot_' sections || true)
nr_cold=$(grep -c ' \.data\.unlikely\.cold_' sections || true)
[ "$nr_hot" -eq 64 ] || fail "$nr_hot variables in .data.hot"
[ "$nr_cold" -eq 64 ] || fail "$nr_cold variables in .data.unlikely"
echo 'SECTIONS { .data.hot : { *(.data.hot .data.hot.*) } } INSERT BEFORE .data;' >hot.lds
clang-22 -no-pie after.o -Wl,-T,hot.lds -o after 2>err || fail "$(cat err)"
./after 100 all >after.out
cmp -s before.out after.out || fail 'it prints something else'

"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here, the rest is skipped'; exit 0; }
for program in before after; do
	"$MEMHEAT" record -q -s faults -o $program.t -- ./$program >/dev/null 2>err ||
		fail "$(cat err)"
	"$MEMHEAT" export csv -i $program.t -o $program.csv 2>err || fail "$(cat err)"
done
nr_before=$(grep -c ',hot_' before.csv || true)
nr_after=$(grep -c ',hot_' after.csv || true)
[ "$nr_before" -ge 62 ] || fail "only $nr_before of 64 pages were seen"
[ "$nr_after" -le 3 ] || fail "$nr_after pages of hot data, $nr_before before"

# First touches tell what was touched, not what was not.
"$MEMHEAT" export llvm-data-access -i before.t -o faults.yaml 2>err || fail "$(cat err)"
if grep -q KnownCold faults.yaml; then fail 'page faults do not tell what is cold'; fi
grep -q 'first touches do not tell that they are cold' faults.yaml || fail 'nor is it said'
llvm-profdata-22 merge --memprof-version=4 faults.yaml -o faults.memprofdata 2>err ||
	fail "$(cat err)"
