#!/bin/sh
# SPDX-License-Identifier: MIT
# report diff A B: sizes of both, the larger growth first, and its wrong usage.
set -eu
. "$TOP/tests/cli/check-lib.sh"

trace a 10000
trace b 11000
trace thp 10000 always
status 0 "$MEMHEAT" report diff a b
shows 'mean WSS 39.1 MiB -> 43.0 MiB, +3.91 MiB'
shows 'bench [heap]'
status 0 "$MEMHEAT" report diff b a
shows '-3.91 MiB'
status 0 "$MEMHEAT" report diff a b --format json
shows '"schema":"memheat.diff/1"'
shows '{"key":"bench [heap]","baseline":40960000,"value":45056000,"file":"","line":0}'
status 0 "$MEMHEAT" report diff a b --format csv
shows 'bench [heap],40960000,45056000,,0'
status 0 "$MEMHEAT" report diff a thp
shows "THP 'madvise' and 'always'"
status 2 "$MEMHEAT" report diff a
says 'two traces'
status 2 "$MEMHEAT" report diff a b thp
says 'two traces'

# As a map: the heap is touched more, by 10 % of what it was, in every column.
status 0 "$MEMHEAT" report diff a b --map --color never --width 100
shows 'change of % of bytes touched'
grep '\[heap\]' out | grep -q '+++\|###' || fail "no growth in: $(cat out)"
status 0 "$MEMHEAT" report diff b a --map --color never --width 100
grep '\[heap\]' out | grep -q -- '---\|===' || fail "no shrinking in: $(cat out)"
status 0 "$MEMHEAT" report diff a a --map --color never --width 100
if grep '\[heap\]' out | grep -q -- '[+#=-]'; then fail "a change in: $(cat out)"; fi
status 0 "$MEMHEAT" report diff a b -o d.png
status 0 "$MEMHEAT" report diff a b -o d.svg
grep -q '<svg' d.svg || fail 'no SVG'
head -c 4 d.png | grep -q PNG || fail 'no PNG'
status 2 "$MEMHEAT" report diff a b --map --format json
status 2 "$MEMHEAT" report heatmap --map a
