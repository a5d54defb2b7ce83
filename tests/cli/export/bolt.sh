#!/bin/sh
# SPDX-License-Identifier: MIT
# export bolt: llvm-bolt takes all of the memory events, puts the hot variables together,
# and the program does what it did.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
need llvm-bolt-19 bolt-19
need valgrind valgrind

cc -g -O1 -no-pie -Wl,--build-id=sha1 -Wl,--emit-relocs "$here/scattered.c" -o before
./before 100 all >before.out
lackey t 5 ./before 20
"$MEMHEAT" export bolt -i t -o t.fdata 2>err || fail "$(cat err)"
head -n 1 t.fdata | grep -q '^no_lbr .*trace:_t .* source:_mem' || fail 'its head lacks the source'
llvm-bolt-19 before -o after -data=t.fdata -reorder-data=.rodata,.data \
	-jump-tables=basic >log 2>&1 || fail "$(cat log)"
want=$(awk '$1 == 4 || $1 == 5 { n += $NF } END { print n }' t.fdata)
grep -q "Total memory events: $want\$" log || fail "not all of $want events: $(cat log)"
share=$(sed -n 's/.*reorder-data: [1-9][0-9]*\/[0-9]* (\([0-9]*\)\..*/\1/p' log)
[ "${share:-0}" -ge 95 ] || fail "few events were of use: $(cat log)"
./after 100 all >after.out
cmp -s before.out after.out || fail 'it prints something else'
nm -n after | awk '$3 ~ /^hot_/' >hot
# One may stay where it was: BOLT does not move what begins a section.
together=$(awk '{ page[substr($1, 1, length($1) - 3)]++ }
	END { for (p in page) if (page[p] > most) most = page[p]; print most }' hot)
[ "$together" -ge 63 ] || fail "only $together of 64 on one page: $(cat hot)"

# Samples that do not count executions give no counts of instructions.
sed -e '/loads and stores/d' -e 's/key=source.1.sampling .*/key=source.1.event.0 value="cpu\/mem-loads,ldlat=30\/P"/' \
	t.text >late.text
"$MEMHEAT" import text late.text -o late 2>err || fail "$(cat err)"
"$MEMHEAT" export bolt -i late -o late.fdata 2>err || fail "$(cat err)"
if grep -q '^1 ' late.fdata; then fail 'instruction counts from late loads'; fi
grep -q '^4 ' late.fdata || fail 'no memory events from late loads'
llvm-bolt-19 before -o after -data=late.fdata -reorder-data=.data -jump-tables=basic \
	>log 2>&1 || fail "$(cat log)"
./after 100 all >after.out
cmp -s before.out after.out || fail 'it prints something else'
