#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The ways of -g: the next word is its argument only where it can be one, and copies of
# stacks are as long as was asked for.
set -u
. "$TOP/tests/cli/lib.sh"
"$MEMHEAT" record -q -s faults -o t -- true 2>err ||
	{ echo "page faults cannot be sampled here: $(cat err)"; exit 77; }

want()
{
	way=$1
	shift
	"$MEMHEAT" record -q -s faults -o t "$@" 2>err || fail "$*: $(cat err)"
	"$MEMHEAT" info t >out
	if [ "$way" = none ]; then
		grep -q call_graph out && fail "$*: call chains"
	else
		grep -q "call_graph *$way" out || fail "$*: $(grep call_graph out)"
	fi
}

want none true
want fp -g true
want fp -g -- true
want fp -g fp true
want fp --call-graph=fp true
want dwarf -g dwarf true
want dwarf -gdwarf,1K true
"$MEMHEAT" dump t | awk '
$1 == "stack_copy" {
	n++
	for (i = 1; i <= NF; i++)
		if ($i ~ /^stack=/ && length($i) > 6 + 2 * 1024) { print "too long: " $0; exit 1 }
}
END { if (n < 10) { print n + 0 " stacks only"; exit 1 } }' || exit 1
want dwarf --call-graph dwarf,2K -- true
status 2 "$MEMHEAT" record -s faults -g dwarf,64K true
says "65528"
status 2 "$MEMHEAT" record -s faults -gstars true
says "is not one of: fp, dwarf"
