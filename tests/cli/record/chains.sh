#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Call chains in the kernel's own order: the innermost frame of a sample is where the
# sample was taken, and callers lead to the outermost frame.
set -u
. "$TOP/tests/cli/lib.sh"
"$MEMHEAT" record -q -g -e page-faults -o t -- \
	"$WORKLOAD" first-touch --total 1M --think 0us 2>err ||
	{ echo "page faults cannot be sampled here: $(cat err)"; exit 77; }
"$MEMHEAT" dump t >events || fail 'dump failed'
awk '
function field(name,   i) {
	for (i = 1; i <= NF; i++)
		if (index($i, name "=") == 1)
			return substr($i, length(name) + 2)
	return 0
}
$1 == "stack" { ip[field("id")] = field("ip"); parent[field("id")] = field("parent") }
$1 == "sample" {
	n++
	id = field("stack")
	if (!id) { print "a sample has no chain: " $0; exit 1 }
	if (ip[id] != field("ip")) { print "chain begins at " ip[id] ": " $0; exit 1 }
	for (depth = 0; id; id = parent[id])
		if (!(id in ip) || ++depth > 200) { print "a caller is missing: " $0; exit 1 }
}
END { if (n < 200) { print n + 0 " samples only"; exit 1 } }
' events || exit 1
status 0 "$MEMHEAT" dump --kind stack t
"$MEMHEAT" dump t | "$MEMHEAT" import text - -o copy 2>err || fail "$(cat err)"
"$MEMHEAT" dump copy >again
grep -c '^stack' events >a
grep -c '^stack' again >b
cmp a b || fail 'frames were lost on the way through text'
