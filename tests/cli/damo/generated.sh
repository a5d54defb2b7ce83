#!/bin/sh
# SPDX-License-Identifier: MIT
# Reports on generated records give what a second implementation of the rules gives.
set -eu
. "$TOP/tests/cli/lib.sh"
command -v python3 >/dev/null || { echo "python3 is not here"; exit 77; }
"$MEMHEAT" help import | grep -q damo || fail "no importer for damo"

compare()
{
	"$TOOLS/gen_damo" "$@" >record
	"$MEMHEAT" import damo record -o trace 2>err || {
		grep -q 'without yajl' err && { cat err; exit 77; }
		fail "import: $(cat err)"
	}
	python3 "$TOP/tests/cli/damo/oracle.py" "$MEMHEAT" record trace || fail "gen_damo $*"
}
compare -s 1 -n 60 -r 40
compare -s 2 -n 45 -r 12 -a
compare -s 3 -n 50 -r 30 -t 3
compare -s 4 -n 1 -r 5
compare -s 5 -n 25 -r 1000
compare -s 6 -n 40 -r 20 -f json
