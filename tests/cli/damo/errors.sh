#!/bin/sh
# SPDX-License-Identifier: MIT
# Records that are damaged, or none: a sentence that names the place, and no hang.
set -eu
. "$TOP/tests/cli/lib.sh"

"$TOOLS/gen_damo" -s 8 -n 20 -r 20 >record
"$MEMHEAT" import record -o whole.data 2>err || {
	grep -q 'without yajl' err && { cat err; exit 77; }
	fail "import: $(cat err)"
}
bad()
{
	printf '%s' "$2" >bad
	got=0
	"$MEMHEAT" import damo bad -o bad.data >out 2>err || got=$?
	[ "$got" -eq 1 ] || fail "exit $got for: $2"
	grep -qF -e "$1" err || fail "wanted '$1' in: $(cat err)"
}
snapshot='"snapshots": [{"start_time": "1", "end_time": "2", "regions": ['
bad "not the JSON of a DAMO record" '[{"target_id": 1,, '
bad "there is no snapshot" '[]'
bad "cannot be 'abc'" "[{$snapshot{\"start\": \"abc\"}]}]}]"
bad "ends at 4096" "[{$snapshot{\"start\": \"8192\", \"end\": \"4096\"}]}]}]"
bad "after its snapshots" "[{$snapshot]}], \"target_id\": 4}]"
bad "nested deeper" "$(printf '%0100d' 0 | tr 0 '[')"
bad "no line is of damon" "nothing of interest"
bad "not a line of a DAMON" "k 1 2.5: damon:damon_aggregated: target_id=x nr_regions=1"
bad "version 774778377" "damon_recfmt_ver$(printf "\011")..."

head -c 1000 record >cut.json
got=0
"$MEMHEAT" import cut.json -o cut.data 2>err || got=$?
[ "$got" -eq 1 ] || fail "exit $got for a cut record"
grep -q "cut short" err || fail "cut: $(cat err)"

status 1 "$MEMHEAT" import damo /dev/null -o none.data
"$MEMHEAT" import text "$TOP/tests/data/zigzag.text" -o refs.data 2>err
status 2 "$MEMHEAT" export nothing refs.data -o x
says "known: folded, csv, json"
[ ! -e x ] || fail "a failed export left a file"
[ -z "$(ls ./*.tmp.* 2>/dev/null)" ] || fail "left behind: $(ls)"
