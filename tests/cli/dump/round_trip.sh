#!/bin/sh
# SPDX-License-Identifier: MIT
# Text to trace to text to trace to text: nothing is lost on the way.
set -eu
. "$TOP/tests/cli/lib.sh"

zigzag a.data
status 0 "$MEMHEAT" dump a.data -o a.text
"$MEMHEAT" dump a.data | "$MEMHEAT" import text - -o b.data 2>err
status 0 "$MEMHEAT" dump b.data -o b.text
grep -v '^#' a.text >a.events
grep -v '^#' b.text >b.events
cmp -s a.events b.events || fail "$(diff a.events b.events)"
[ "$(wc -l <a.events)" -eq 73 ] || fail "$(wc -l <a.events) events, wanted 73"

count()
{
	want=$1
	shift
	"$MEMHEAT" dump a.data "$@" >out
	got=$(grep -vc '^#' out || true)
	[ "$got" -eq "$want" ] || fail "$got events, wanted $want: $*"
}
count 4 --kind map,task
count 1 --kind lost
count 10 -k region --at stack
count 20 -k region --min-rate 50%
count 0 -k sample
status 2 "$MEMHEAT" dump a.data --kind map,bogus
says "'bogus' is not one of"
