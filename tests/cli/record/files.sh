#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The trace is private, the previous one is kept, and a command that does not start leaves
# both as they were.
set -eu

"$MEMHEAT" record -q -s refs -- true
[ "$(stat -c %a memheat.data)" = 600 ]
[ ! -e memheat.data.old ]
[ ! -e memheat.data.tail ]
cp memheat.data first

"$MEMHEAT" record -q -s refs -- true
cmp first memheat.data.old
cp memheat.data second

status=0
"$MEMHEAT" record -q -s refs -- ./not-there 2>/dev/null || status=$?
[ "$status" -eq 127 ]
cmp second memheat.data
cmp first memheat.data.old

# An interpreter that is not there is found out by exec alone.
printf '#!/no/such/interpreter\n' >script
chmod +x script
status=0
"$MEMHEAT" record -q -s refs -- ./script 2>/dev/null || status=$?
[ "$status" -eq 127 ]
cmp second memheat.data

# A device is written to, never renamed.
"$MEMHEAT" record -q -s refs -o /dev/null -- true
[ -c /dev/null ] && [ ! -e /dev/null.old ]
