#!/bin/sh
# SPDX-License-Identifier: MIT
# export symbol-order, section-order, linker-script: each linker puts the hot variables of
# a recorded program together, the program does what it did, and touches fewer pages.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
need nm binutils
need_faults

cc -g -O1 -ffunction-sections -fdata-sections -c "$here/scattered.c" -o s.o
cc s.o -o before
./before 100 all >before.out

# first_touches PROGRAM: pages of its data that a run of it touches; the trace is PROGRAM.t.
first_touches()
{
	"$MEMHEAT" record -q -s faults -o "$1.t" -- "./$1" >/dev/null 2>err || fail "$(cat err)"
	"$MEMHEAT" export csv -i "$1.t" 2>err | grep -c ',hot_' || true
}

# together PROGRAM: the hot variables that were seen, whatever is between them, span few
# bytes.
together()
{
	nm -n "$1" | awk 'NR == FNR { seen[$1]; next }
		$3 ~ /^hot_/ && $3 in seen { if (!first) first = $1; last = $1 }
		END { print first, last }' symbol-order - >span
	read -r first last <span
	span=$((0x$last - 0x$first))
	[ "$span" -lt 8192 ] || fail "$1: hot variables span $span bytes"
	"./$1" 100 all >"$1.out"
	cmp -s before.out "$1.out" || fail "$1 prints something else"
	pages=$(first_touches "$1")
	[ "$pages" -le 4 ] || fail "$1: $pages pages of hot data, $before before"
}

before=$(first_touches before)
[ "$before" -ge 62 ] || fail "only $before of 64 pages were seen"

for format in symbol-order section-order linker-script; do
	"$MEMHEAT" export $format -i before.t -o $format 2>err || fail "$(cat err)"
	grep -q 'program: .*/before' $format || fail "$format does not say its program"
	grep -q 'units: accesses are first touches' $format || fail "$format: no units"
done
cc s.o -Wl,-T,linker-script -o by_ld
together by_ld
readelf -SW by_ld | grep -q ' \.data\.hot ' || fail 'no section .data.hot'
if command -v ld.gold >/dev/null; then
	cc s.o -fuse-ld=gold -Wl,--section-ordering-file=section-order -o by_gold
	together by_gold
else
	echo 'no gold (binutils), its part is skipped'
fi
if command -v ld.lld >/dev/null; then
	cc s.o -fuse-ld=lld -Wl,--symbol-ordering-file=symbol-order -o by_lld
	together by_lld
	# Of those that are listed the order is kept, functions too.
	grep '^touch_' symbol-order >want
	nm -n by_lld | awk '$3 ~ /^touch_/ { print $3 }' | head -n "$(wc -l <want)" >got
	cmp -s want got || fail "$(diff want got)"
else
	echo 'no lld, its part is skipped'
fi

# Without symbols, or with a name that two have.
cp before stripped
strip stripped
"$MEMHEAT" record -q -s faults -o stripped.t -- ./stripped >/dev/null 2>err || fail "$(cat err)"
status 1 "$MEMHEAT" export symbol-order -i stripped.t
says 'stripped'
[ ! -s out ] || fail 'a refusal wrote something'
status 2 "$MEMHEAT" export symbol-order -i before.t --module no-such-file
says "no file with samples has 'no-such-file'"
cat >twice.c <<'END'
#define PAGES __attribute__((aligned(4096)))
long *other(void);
PAGES static long same[1024] = { 1 };
PAGES static long single[1024] = { 1 };
int main(void) { same[1] = 2; single[1] = 3; other()[1] = 4; return 0; }
END
cat >other.c <<'END'
static long same[1024] __attribute__((aligned(4096))) = { 2 };
long *other(void) { return same; }
END
cc -O0 twice.c other.c -o twice
"$MEMHEAT" record -q -s faults -o twice.t -- ./twice 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" export symbol-order -i twice.t
if grep -qx same out; then fail "a name that two variables have: $(cat out)"; fi
shows 'left out: 2 hot symbols: others have the same name'
shows single
