#!/bin/sh
# SPDX-License-Identifier: MIT
# repack: the same events again, or the wanted part with its names; over itself too.
set -eu
. "$TOP/tests/cli/lib.sh"

zigzag a.data
"$MEMHEAT" dump a.data | grep -v '^#' >a.events
status 0 "$MEMHEAT" repack a.data -o b.data
says "->"
"$MEMHEAT" dump b.data | grep -v '^#' >b.events
cmp -s a.events b.events || fail "$(diff a.events b.events)"

status 0 "$MEMHEAT" repack a.data -o half.data --time 0:500ms --at heap
status 0 "$MEMHEAT" dump half.data -k region
[ "$(grep -c ^region out)" -eq 10 ] || fail "not 10 regions: $(cat out)"
status 0 "$MEMHEAT" report regions half.data
shows "[heap]"

status 0 "$MEMHEAT" repack a.data -o a.data --policy fast
"$MEMHEAT" dump a.data | grep -v '^#' | cmp -s - a.events || fail "over itself"

# What was not whole does not become whole.
size=$(wc -c <a.data)
head -c $((size - 4)) a.data >cut.data
status 0 "$MEMHEAT" repack cut.data -o mended.data
status 0 "$MEMHEAT" info --format json mended.data
shows '"complete":false'

status 2 "$MEMHEAT" repack a.data
says "-o FILE"
status 1 "$MEMHEAT" repack missing -o c.data
[ ! -e c.data ] || fail "a failure left a trace"
[ -z "$(ls ./*.tmp.* 2>/dev/null)" ] || fail "left behind: $(ls)"
