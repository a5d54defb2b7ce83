#!/bin/sh
# SPDX-License-Identifier: MIT
# import text: a bad line is named by its number, and no trace appears.
set -eu
. "$TOP/tests/cli/lib.sh"

bad()
{
	printf '# remark\n\ntask time=1 op=exec pid=1\n%s\n' "$1" >bad.text
	status 1 "$MEMHEAT" import text bad.text -o bad.data
	says "bad.text:4: "
	[ ! -e bad.data ] || fail "a bad line left a trace"
}
bad "nonsense"
bad "region time=abc"
bad "region time=1 start=0x1000 end=0x2000 colour=blue"
bad "lost time=99999999999999999999"
bad 'meta time=1 key="open'
printf 'task time=1 op=exec pid=1\n\0\n' >bad.text
status 1 "$MEMHEAT" import text bad.text -o bad.data
says "bad.text:2: "
status 1 "$MEMHEAT" import text missing.text -o bad.data
says "missing.text"
status 2 "$MEMHEAT" import text . -o bad.data
says "is a directory"
status 2 "$MEMHEAT" import text -o bad.data
says "it needs one input"
status 2 "$MEMHEAT" import excel perf.data -o bad.data
says "known: damo, perf, text"
status 2 "$MEMHEAT" import bad.text
says "-o FILE"
[ -z "$(ls ./*.tmp.* 2>/dev/null)" ] || fail "left behind: $(ls)"

printf 'task time=1 op=exec pid=1 comm=no_line_feed' | "$MEMHEAT" import - -o last.data 2>err
"$MEMHEAT" dump last.data | grep -q 'comm=no_line_feed' || fail "the last line was lost"
