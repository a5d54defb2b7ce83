#!/bin/sh
# SPDX-License-Identifier: MIT
# report diff A B: sizes of both, the larger growth first, and its wrong usage.
set -eu
. "$TOP/tests/cli/check/lib.sh"

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
