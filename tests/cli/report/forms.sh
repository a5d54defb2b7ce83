#!/bin/sh
# SPDX-License-Identifier: MIT
# -o: the suffix says the form; a file appears whole or not at all.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

zigzag memheat.data
"$MEMHEAT" report heatmap -o a.png
"$MEMHEAT" report heatmap -o b.png
cmp -s a.png b.png || fail "two pictures of one trace differ"
head -c 8 a.png | od -An -c | grep -q 'P *N *G' || fail "a.png is no PNG"
"$MEMHEAT" report heatmap -o a.svg
grep -q '<svg' a.svg || fail "a.svg is no SVG"
"$MEMHEAT" report wss -o a.json
grep -q '"memheat.wss/1"' a.json || fail "a.json is no JSON of wss"
"$MEMHEAT" report mappings -o a.csv
"$MEMHEAT" report -o a.txt
grep -q 'typical 100 ms' a.txt || fail "a.txt is no summary"
"$MEMHEAT" report heatmap -o raw --format csv
grep -q '^start,end' raw || fail "--format does not help a name without suffix"
"$MEMHEAT" report wss -o - --format csv | grep -q '^p,bytes' || fail "-o -"

status 2 "$MEMHEAT" report wss -o a.png
says "'wss' has no picture"
status 2 "$MEMHEAT" report heatmap -o a.html
says "not built yet"
status 2 "$MEMHEAT" report heatmap -o a.gif
says "does not say its form"
status 2 "$MEMHEAT" report heatmap -o a.png --format json
says "does not fit"
status 2 "$MEMHEAT" report wss --cmap magma
says "--cmap is for: heatmap diff; not for wss"
status 2 "$MEMHEAT" report -o .
status 1 "$MEMHEAT" report -o no/such/folder.txt
says "cannot write no/such/folder.txt"

echo before >kept.txt
status 1 "$MEMHEAT" report -i missing.data -o kept.txt
grep -qx before kept.txt || fail "a failure destroyed the file"
[ -z "$(ls ./*.tmp.* 2>/dev/null)" ] || fail "left behind: $(ls)"
